//! Calls of the Application Server that are kept for a look: a ring for each template, in memory
//! and, when the configuration says so, as JSON files in the state directory.
//!
//! Whoever answers a call only hands it over; redaction and the disk come after the answer.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::config::Config;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::capture::CAPTURE;
use crate::domain::provisioning::capture::Capture;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::Outcome;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::redact::RedactedBody;
use crate::domain::provisioning::redact::Redaction;
use crate::platform::files;
use crate::platform::tasks::Tasks;
use crate::telemetry::adapter::AdapterMetrics;

/// Captures that wait for the disk; more are lost to it, and stay in memory.
const QUEUE: usize = 256;

/// Below the state directory.
const DIRECTORY: &str = "captures";

/// Files read at a start: rings have up to a thousand, and there are few templates.
const MOST_FILES: usize = 100_000;

/// The handle; clones share it.
#[derive(Clone)]
pub struct Captures {
    inner: Arc<Inner>,
}

struct Inner {
    rings: Mutex<BTreeMap<TemplateKey, VecDeque<Arc<Capture>>>>,
    rules: Mutex<Rules>,
    files: mpsc::Sender<Job>,
    metrics: Arc<AdapterMetrics>,
}

#[derive(Clone)]
struct Rules {
    capture: config::Capture,
    directory: PathBuf,
}

/// What the disk is asked for.
enum Job {
    Keep(PathBuf, Arc<Capture>),
    Remove(PathBuf),
}

/// A call to be kept.
pub struct Taken<'a> {
    /// The name of the request.
    pub id: RequestId,
    /// When it came.
    pub at: Moment,
    /// The template that it came to.
    pub template: TemplateKey,
    /// The call.
    pub call: &'a Call,
    /// How each rule saw it.
    pub trace: Trace,
    /// What it was taken for.
    pub outcome: &'a Outcome,
    /// The status of the answer.
    pub status: u16,
}

impl Captures {
    /// Begins with what the state directory holds, when captures are kept there. Blocks on the
    /// disk: for the start.
    #[must_use]
    pub fn start(config: &Config, tasks: &Tasks, metrics: &Arc<AdapterMetrics>) -> Self {
        let (files, waiting) = mpsc::channel(QUEUE);
        let rules = Rules::of(config);
        let mut rings = BTreeMap::new();
        if rules.capture.keep {
            rings = read(&rules);
        }
        let work = write(waiting, tasks.clone(), Arc::clone(metrics), tasks.stop());
        tasks.worker("captures", work);
        Self {
            inner: Arc::new(Inner {
                rings: Mutex::new(rings),
                rules: Mutex::new(rules),
                files,
                metrics: Arc::clone(metrics),
            }),
        }
    }

    /// Takes other rules over: rings of templates that are gone, and what is too much, go.
    pub fn adopt(&self, config: &Config) {
        let rules = Rules::of(config);
        let before = std::mem::replace(&mut *lock(&self.inner.rules), rules.clone());
        let names: BTreeSet<&str> = config.templates.iter().map(|t| t.name.as_str()).collect();
        let mut gone = Vec::new();
        {
            let mut rings = lock(&self.inner.rings);
            rings.retain(|key, ring| {
                let kept = names.contains(key.as_str());
                let most = if kept { rules.capture.ring } else { 0 };
                while ring.len() > most {
                    gone.extend(ring.pop_front());
                }
                kept
            });
        }
        if before.capture.keep {
            for capture in gone {
                self.remove(&before, &capture);
            }
        }
    }

    /// Keeps a call; the oldest of its template makes room.
    pub fn keep(&self, taken: Taken<'_>) {
        let rules = lock(&self.inner.rules).clone();
        let hidden = if rules.capture.personal_data {
            Redaction::Secrets
        } else {
            Redaction::Personal
        };
        let Taken {
            id,
            at,
            template,
            call,
            trace,
            outcome,
            status,
        } = taken;
        let names = (id, at, template.clone());
        let mut capture = Capture::of(names, call, trace, (outcome, status), hidden);
        let bytes = call.body().len();
        if bytes > rules.capture.body_bytes {
            capture.request.body = RedactedBody::Cut(bytes);
        }
        let capture = Arc::new(capture);
        let mut gone = Vec::new();
        {
            let mut rings = lock(&self.inner.rings);
            let ring = rings.entry(template).or_default();
            ring.push_back(Arc::clone(&capture));
            while ring.len() > rules.capture.ring {
                gone.extend(ring.pop_front());
            }
        }
        if rules.capture.keep {
            let path = rules.path(&capture);
            self.ask(Job::Keep(path, capture));
            for capture in gone {
                self.remove(&rules, &capture);
            }
        }
    }

    /// All captures, of one template or of each, newest first.
    #[must_use]
    pub fn list(&self, template: Option<&TemplateKey>) -> Vec<Arc<Capture>> {
        let rings = lock(&self.inner.rings);
        let wanted = |key: &TemplateKey| template.is_none_or(|template| template == key);
        let rings = rings.iter().filter(|(key, _)| wanted(key));
        let mut all: Vec<_> = rings.flat_map(|(_, ring)| ring.iter().cloned()).collect();
        // Names of requests are in the order of time, where the clock is coarser.
        all.sort_by(|a, b| (b.at, b.id.as_str()).cmp(&(a.at, a.id.as_str())));
        all
    }

    /// One capture.
    #[must_use]
    pub fn show(&self, id: &RequestId) -> Option<Arc<Capture>> {
        let rings = lock(&self.inner.rings);
        let mut all = rings.values().flatten();
        all.find(|capture| capture.id == *id).cloned()
    }

    fn remove(&self, rules: &Rules, capture: &Capture) {
        self.ask(Job::Remove(rules.path(capture)));
    }

    fn ask(&self, job: Job) {
        if self.inner.files.try_send(job).is_err() {
            let error = io::Error::other("too many captures wait for the disk");
            self.inner.metrics.capture_lost(&error);
        }
    }
}

impl Rules {
    fn of(config: &Config) -> Self {
        Self {
            capture: config.provisioning.capture.clone(),
            directory: config.state_dir.join(DIRECTORY),
        }
    }

    /// Both names are safe in a path: one is a UUID, the other a name of the configuration.
    fn path(&self, capture: &Capture) -> PathBuf {
        let name = format!("{}.{}.json", capture.template, capture.id);
        self.directory.join(name)
    }
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what the disk is asked for, one after the other.
async fn write(
    mut waiting: mpsc::Receiver<Job>,
    tasks: Tasks,
    metrics: Arc<AdapterMetrics>,
    stop: CancellationToken,
) {
    loop {
        let job = tokio::select! {
            () = stop.cancelled() => return,
            job = waiting.recv() => job,
        };
        let Some(job) = job else { return };
        let done = tasks.blocking(move || carry_out(&job)).await;
        if let Some(Err(error)) = done {
            metrics.capture_lost(&error);
        }
    }
}

fn carry_out(job: &Job) -> io::Result<()> {
    match job {
        Job::Keep(path, capture) => {
            if let Some(directory) = path.parent() {
                files::create_private_dir(directory)?;
            }
            files::write_atomic(path, capture.to_json().as_bytes(), files::PRIVATE)
        }
        Job::Remove(path) => match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
    }
}

/// What was kept before. A file that cannot be read is left alone.
fn read(rules: &Rules) -> BTreeMap<TemplateKey, VecDeque<Arc<Capture>>> {
    let mut rings: BTreeMap<TemplateKey, VecDeque<Arc<Capture>>> = BTreeMap::new();
    let Ok(entries) = fs::read_dir(&rules.directory) else {
        return rings;
    };
    let paths = entries.take(MOST_FILES).flatten().map(|entry| entry.path());
    let captures = paths.filter_map(|path| one(&path));
    for capture in captures {
        let ring = rings.entry(capture.template.clone()).or_default();
        ring.push_back(Arc::new(capture));
    }
    for ring in rings.values_mut() {
        ring.make_contiguous()
            .sort_by(|a, b| (a.at, a.id.as_str()).cmp(&(b.at, b.id.as_str())));
        while ring.len() > rules.capture.ring {
            if let Some(gone) = ring.pop_front() {
                drop(carry_out(&Job::Remove(rules.path(&gone))));
            }
        }
    }
    rings
}

fn one(path: &Path) -> Option<Capture> {
    let name = path.file_name()?.to_str()?;
    let facts = fs::metadata(path).ok()?;
    let ours = !name.starts_with('.') && name.ends_with(".json");
    if !ours || !facts.is_file() || facts.len() > CAPTURE as u64 {
        return None;
    }
    Capture::from_json(&fs::read(path).ok()?).ok()
}

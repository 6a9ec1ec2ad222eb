//! Calls of the Application Server that are kept for a look: a ring for each template, in memory
//! and, when the configuration says so, as JSON files in the state directory.
//!
//! Whoever answers a call only hands it over; redaction and the disk come after the answer.
//!
//! Captures do not outlive what they were kept for: they go by age, and with the switch that let
//! them be kept, in memory and on the disk. `disk` has the files.

mod disk;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::config::CaptureWhat;
use crate::config::Config;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::capture::Capture;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::Outcome;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::redact::RedactedBody;
use crate::domain::provisioning::redact::Redaction;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::adapter::AdapterMetrics;
use crate::workers::captures::disk::Job;

/// Captures that wait for the disk; more are lost to it, and stay in memory.
const QUEUE: usize = 256;

/// Below the state directory.
const DIRECTORY: &str = "captures";

/// How often age is looked at, and whether the disk holds what memory does. Whoever asks for
/// captures is not shown older ones even before that.
const LOOK: Duration = Duration::from_secs(60);

/// The handle; clones share it.
#[derive(Clone)]
pub struct Captures {
    inner: Arc<Inner>,
}

struct Inner {
    rings: Mutex<Rings>,
    rules: Mutex<Rules>,
    files: mpsc::Sender<Job>,
    /// The disk is to be looked at.
    look: Notify,
    metrics: Arc<AdapterMetrics>,
}

type Rings = BTreeMap<TemplateKey, VecDeque<Arc<Capture>>>;

#[derive(Clone)]
struct Rules {
    capture: config::Capture,
    /// Templates of which anything is kept.
    on: BTreeSet<String>,
    directory: PathBuf,
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
        let mut rings = if rules.capture.keep {
            disk::read(&rules.directory)
        } else {
            Rings::new()
        };
        rules.thin_out(&mut rings, now());
        let inner = Arc::new(Inner {
            rings: Mutex::new(rings),
            rules: Mutex::new(rules),
            files,
            look: Notify::new(),
            metrics: Arc::clone(metrics),
        });
        // What is on the disk and may not be kept any more.
        inner.look.notify_one();
        let work = keep_house(Arc::clone(&inner), waiting, tasks.clone(), tasks.stop());
        tasks.worker("captures", work);
        Self { inner }
    }

    /// Takes other rules over: what they would not have kept goes.
    pub fn adopt(&self, config: &Config) {
        let rules = Rules::of(config);
        *lock(&self.inner.rules) = rules.clone();
        rules.thin_out(&mut lock(&self.inner.rings), now());
        self.inner.look.notify_one();
    }

    /// Keeps a call; the oldest of its template makes room.
    pub fn keep(&self, taken: Taken<'_>) {
        let rules = lock(&self.inner.rules).clone();
        // A call that was under way while its template was told to keep nothing.
        if !rules.on.contains(taken.template.as_str()) {
            return;
        }
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
        let gone = {
            let mut rings = lock(&self.inner.rings);
            let ring = rings.entry(template).or_default();
            ring.push_back(Arc::clone(&capture));
            let mut gone = Vec::new();
            while ring.len() > rules.capture.ring {
                gone.extend(ring.pop_front());
            }
            gone
        };
        if rules.capture.keep {
            self.ask(Job::Keep(capture));
            for capture in gone {
                self.ask(Job::Remove(capture));
            }
        }
    }

    /// All captures, of one template or of each, newest first.
    #[must_use]
    pub fn list(&self, template: Option<&TemplateKey>) -> Vec<Arc<Capture>> {
        let rings = self.inner.young();
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
        let rings = self.inner.young();
        let mut all = rings.values().flatten();
        all.find(|capture| capture.id == *id).cloned()
    }

    fn ask(&self, job: Job) {
        if self.inner.files.try_send(job).is_err() {
            let error = io::Error::other("too many captures wait for the disk");
            self.inner.metrics.capture_lost(&error);
        }
    }
}

impl Inner {
    /// What is young enough to be shown.
    fn young(&self) -> std::sync::MutexGuard<'_, Rings> {
        let rules = lock(&self.rules).clone();
        let mut rings = lock(&self.rings);
        rules.thin_out(&mut rings, now());
        rings
    }

    /// Whether a capture is still to be on the disk.
    fn is_kept(&self, capture: &Capture) -> bool {
        if !lock(&self.rules).capture.keep {
            return false;
        }
        let rings = lock(&self.rings);
        let mut ring = rings.get(&capture.template).into_iter().flatten();
        ring.any(|held| held.id == capture.id)
    }

    /// Where captures are, and the names of those that may be there.
    fn on_disk(&self) -> (PathBuf, BTreeSet<String>) {
        let rules = lock(&self.rules).clone();
        let mut names = BTreeSet::new();
        if rules.capture.keep {
            let rings = self.young();
            names.extend(rings.values().flatten().map(|capture| disk::name(capture)));
        }
        (rules.directory, names)
    }
}

impl Rules {
    fn of(config: &Config) -> Self {
        let templates = config.templates.iter();
        let on = templates.filter(|template| template.capture != CaptureWhat::Off);
        Self {
            capture: config.provisioning.capture.clone(),
            on: on.map(|template| template.name.clone()).collect(),
            directory: config.state_dir.join(DIRECTORY),
        }
    }

    /// Lets go of what may not be kept: of templates that keep nothing, with personal data where
    /// there may be none, too old or too much. Gives back what went.
    fn thin_out(&self, rings: &mut Rings, now: Moment) -> Vec<Arc<Capture>> {
        let mut gone = Vec::new();
        rings.retain(|key, ring| {
            let is_on = self.on.contains(key.as_str());
            let kept = std::mem::take(ring);
            for capture in kept {
                let hidden = match capture.request.hidden {
                    Redaction::Personal => true,
                    Redaction::Secrets => self.capture.personal_data,
                };
                let young = now.since(capture.at) < self.capture.max_age;
                if is_on && hidden && young {
                    ring.push_back(capture);
                } else {
                    gone.push(capture);
                }
            }
            while ring.len() > self.capture.ring {
                gone.extend(ring.pop_front());
            }
            !ring.is_empty()
        });
        gone
    }
}

fn now() -> Moment {
    Moment::of(clock::wall())
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what the disk is asked for, one after the other, and looks now and then whether it holds
/// nothing that memory does not.
async fn keep_house(
    inner: Arc<Inner>,
    mut waiting: mpsc::Receiver<Job>,
    tasks: Tasks,
    stop: CancellationToken,
) {
    // A flood of calls to keep must not put the look off for ever.
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let job = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = looks.tick() => None,
            () = inner.look.notified() => None,
            job = waiting.recv() => match job {
                Some(job) => Some(job),
                None => return,
            },
        };
        let done = match job {
            // It may have gone again while it waited.
            Some(Job::Keep(capture)) if !inner.is_kept(&capture) => continue,
            Some(job) => {
                let directory = lock(&inner.rules).directory.clone();
                tasks.blocking(move || job.carry_out(&directory)).await
            }
            None => {
                let (directory, names) = inner.on_disk();
                tasks
                    .blocking(move || disk::sweep(&directory, &names))
                    .await
            }
        };
        if let Some(Err(error)) = done {
            inner.metrics.capture_lost(&error);
        }
    }
}

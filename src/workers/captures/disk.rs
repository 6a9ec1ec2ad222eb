//! Captures as files: one each, named by template and request.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::domain::provisioning::capture::CAPTURE;
use crate::domain::provisioning::capture::Capture;
use crate::domain::provisioning::ids::RequestId;
use crate::platform::files;
use crate::workers::captures::Rings;

/// Files read at once: rings have up to a thousand, and there are few templates.
const MOST_FILES: usize = 100_000;

/// What the disk is asked for.
pub(super) enum Job {
    Keep(Arc<Capture>),
    Remove(Arc<Capture>),
}

impl Job {
    pub(super) fn carry_out(&self, directory: &Path) -> io::Result<()> {
        match self {
            Self::Keep(capture) => {
                files::create_private_dir(directory)?;
                let path = directory.join(name(capture));
                files::write_atomic(&path, capture.to_json().as_bytes(), files::PRIVATE)
            }
            Self::Remove(capture) => remove(&directory.join(name(capture))),
        }
    }
}

/// Both parts are safe in a path: one is a name of the configuration, the other a UUID.
pub(super) fn name(capture: &Capture) -> String {
    format!("{}.{}.json", capture.template, capture.id)
}

/// What was kept before, in the order of time. A file that cannot be read is no capture.
pub(super) fn read(directory: &Path) -> Rings {
    let mut rings = Rings::new();
    let Ok(entries) = fs::read_dir(directory) else {
        return rings;
    };
    let paths = entries.take(MOST_FILES).flatten().map(|entry| entry.path());
    for capture in paths.filter_map(|path| one(&path)) {
        let ring = rings.entry(capture.template.clone()).or_default();
        ring.push_back(Arc::new(capture));
    }
    for ring in rings.values_mut() {
        ring.make_contiguous()
            .sort_by(|a, b| (a.at, a.id.as_str()).cmp(&(b.at, b.id.as_str())));
    }
    rings
}

/// Removes every capture but those of these names, and what a crash left half written; files of
/// others are left alone.
pub(super) fn sweep(directory: &Path, names: &BTreeSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut first = Ok(());
    for entry in entries.take(MOST_FILES).flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if is_ours(&name) && !names.contains(&name) {
            let removed = remove(&entry.path());
            if first.is_ok() {
                first = removed;
            }
        }
    }
    first
}

/// `TEMPLATE.ID.json`, or that with a dot before it and something behind it: a file that was being
/// written.
fn is_ours(name: &str) -> bool {
    let whole = name.strip_prefix('.');
    let whole = match whole.and_then(|rest| Some((rest, rest.find(".json")?))) {
        Some((rest, at)) => rest.split_at(at).0,
        None => match name.strip_suffix(".json") {
            Some(stem) => stem,
            None => return false,
        },
    };
    let id = whole.rsplit_once('.').map(|(_, id)| id);
    id.is_some_and(|id| id.len() == UUID && RequestId::parse(id).is_ok())
}

/// Characters of a UUID.
const UUID: usize = 36;

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
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

//! Where files may change, and how the same pair of files is called where it is watched and where
//! it is renewed.

use std::path::PathBuf;

use crate::config::Config;
use crate::domain::alarms::Whose;
use crate::workers::cert_desk::place;
use crate::workers::cert_watch::entries;

/// Where files may change.
pub(super) fn places(config: &Config) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for entry in entries::entries(config) {
        match entry.source {
            entries::Source::Anchors(path) => places.push(path),
            entries::Source::Bundles { paths, .. } | entries::Source::Crls(paths) => {
                places.extend(paths);
            }
            entries::Source::Chain(files) => places.push(files.chain),
            entries::Source::TrustSet(set) => {
                places.extend(set.files);
                places.extend(set.directory);
            }
            // Beside the keys lies what changes all the time; they are not urgent.
            entries::Source::Declared { .. }
            | entries::Source::Keys(_)
            | entries::Source::Outside(_)
            | entries::Source::Probe(_)
            | entries::Source::Served { .. } => {}
        }
    }
    places
}

/// The place that is meant by the name of an object of the watch list, which is also the object of
/// its alarms: `listener public xsp.example.com` is `public/xsp.example.com`.
#[must_use]
pub fn place_of(config: &Config, object: &str) -> Option<String> {
    let is_it = |entry: &entries::Entry| {
        let ours = matches!(entry.shared.whose, Some(Whose::Ours | Whose::Automatic));
        ours && entry.shared.id.as_str() == object
    };
    let entry = entries::entries(config).into_iter().find(is_it)?;
    if let entries::Source::Chain(files) = &entry.source {
        let (places, _) = place::places(config);
        if let Some(found) = places.into_iter().find(|held| held.chain == files.chain) {
            return Some(found.name);
        }
    }
    // Its key lies elsewhere, or it has no files: that is for who looks for the place.
    match &entry.shared.listener {
        Some(listener) => {
            let host = entry.shared.hosts.first()?;
            Some(format!("{listener}/{host}"))
        }
        None => {
            let listener = object.strip_prefix("bridge client of ")?;
            Some(format!("{listener}/bridge"))
        }
    }
}

/// The name of the object that a place is in the watch list.
#[must_use]
pub fn object_of(config: &Config, asked: &str) -> Option<String> {
    let chain = place::find(config, asked).ok()?.chain;
    let is_it = |entry: &entries::Entry| matches!(&entry.source, entries::Source::Chain(files) if files.chain == chain);
    let found = entries::entries(config).into_iter().find(is_it)?;
    Some(found.shared.id.as_str().to_owned())
}

//! Where files may change.

use std::path::PathBuf;

use crate::config::Config;
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

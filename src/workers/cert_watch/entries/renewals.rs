//! When what renews itself is due. ACME knows better than the lifetime says: the CA may suggest a
//! window. Reads what is kept of it, so it blocks.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::certs::date;
use crate::domain::certs::inventory::ObjectId;
use crate::workers::acme::state::Folder;
use crate::workers::cert_desk::place;
use crate::workers::cert_watch::entries::Entry;
use crate::workers::cert_watch::entries::Source;
use crate::workers::cert_watch::entries::besides::host_of;

/// Notes the dates of automatic certificates, wherever they are seen.
pub(super) fn note(config: &Config, all: &mut [Entry]) {
    for acme in &config.acme {
        let Some(due) = due(config, acme) else {
            continue;
        };
        let chains: Vec<PathBuf> = acme
            .places
            .iter()
            .filter_map(|asked| Some(place::find(config, asked).ok()?.chain))
            .collect();
        let is_it = |entry: &Entry| match &entry.source {
            Source::Chain(files) => chains.contains(&files.chain),
            Source::Outside(target) => acme.names.contains(&host_of(target)),
            Source::Account { .. }
            | Source::Anchors(_)
            | Source::Bundles { .. }
            | Source::Crls(_)
            | Source::Declared { .. }
            | Source::Keys(_)
            | Source::Probe(_)
            | Source::Served { .. }
            | Source::TrustSet(_) => false,
        };
        // What a listener serves is the same object as its files.
        let objects: BTreeSet<ObjectId> = all
            .iter()
            .filter(|entry| is_it(entry))
            .map(|entry| entry.shared.id.clone())
            .collect();
        for entry in all.iter_mut() {
            if objects.contains(&entry.shared.id)
                && let Some(renewing) = &mut entry.shared.renewal
            {
                renewing.due = Some(due);
            }
        }
    }
}

/// When it is due; nothing before it is known, or when none is in use.
fn due(config: &Config, acme: &Acme) -> Option<SystemTime> {
    let folder = Folder::new(&config.state_dir, &acme.name);
    let due = folder.status().ok()?.due.filter(|due| *due > 0)?;
    date::from_unix(due)
}

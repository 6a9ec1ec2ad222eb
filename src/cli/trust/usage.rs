//! When the files of a trust directory last let a client in, as the daemon remembers it.

use std::path::Path;
use std::time::SystemTime;

use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::load_with;
use crate::domain::certs::date;
use crate::domain::certs::trust_usage::Generation;
use crate::domain::certs::trust_usage::LastUse;
use crate::domain::certs::trust_usage::TrustUsage;
use crate::workers::trust_usage;

/// What is remembered, and the trust sets that a directory is of: none without a configuration that
/// can be read, or when it names the directory nowhere.
pub(super) struct Usage(Option<(TrustUsage, Vec<String>)>);

impl Usage {
    /// Of a directory; nothing is known of single files.
    pub(super) fn of(directory: &Path, config: &Path) -> Self {
        if !directory.is_dir() {
            return Self(None);
        }
        let loaded = load_with(config, &Environment::process(), NamedFiles::Skip);
        let Ok(loaded) = loaded else {
            return Self(None);
        };
        let real = |path: &Path| path.canonicalize().ok();
        let sets = loaded.config.trust.values().filter(|set| {
            let held = set.directory.as_deref().and_then(real);
            held.is_some() && held == real(directory)
        });
        let sets: Vec<String> = sets.map(|set| set.name.clone()).collect();
        if sets.is_empty() {
            return Self(None);
        }
        Self(Some((trust_usage::read(&loaded.config.state_dir), sets)))
    }

    /// What is remembered of a file, by the set that used it last.
    pub(super) fn generation(&self, name: &str) -> Option<Generation> {
        let (usage, sets) = self.0.as_ref()?;
        let held = sets.iter().filter_map(|set| usage.of(set, name));
        held.max_by_key(|kept| kept.last_used)
    }

    /// What speaks for a file when somebody wants to take it away.
    pub(super) fn last_use(&self, name: &str, now: SystemTime) -> LastUse {
        match &self.0 {
            None => LastUse::Unknown,
            Some((usage, sets)) => {
                let held = sets.iter().map(|set| usage.last_use(set, name, now));
                held.max().unwrap_or(LastUse::Unknown)
            }
        }
    }

    /// When it last let a client in.
    pub(super) fn line(&self, name: &str, now: SystemTime) -> Option<String> {
        let kept = self.generation(name)?;
        Some(match kept.last_used {
            Some(at) => format!("Last let a client in: {}.", ago(at, now)),
            None => "Has let no client in yet.".to_owned(),
        })
    }
}

/// A moment, and how many days ago that was.
pub(super) fn ago(at: i64, now: SystemTime) -> String {
    date::from_unix(at).map_or_else(String::new, |at| {
        let days = date::days_between(at, now).max(0);
        format!("{} ({days} days ago)", date::text(at))
    })
}

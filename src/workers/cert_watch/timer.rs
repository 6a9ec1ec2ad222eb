//! When the next round over files and the next round of handshakes are, and how patient the watch is.

use std::time::Duration;
use std::time::Instant;

use crate::config::Config;
use crate::domain::certs::watchlist::Rules;
use crate::platform::clock;

/// After a changed file, the time that the reload takes before listeners are asked.
const AFTER_CHANGE: Duration = Duration::from_secs(1);

/// However often something changes, files are looked at and peers are asked no more often than this.
const FILES_REST: Duration = Duration::from_secs(10);
const PROBES_REST: Duration = Duration::from_secs(30);

/// After the start, the time that peers and listeners have before they are asked.
const FIRST_PROBES: Duration = Duration::from_secs(5);

/// When the next rounds are.
pub(super) struct Timer {
    pub(super) files_at: Instant,
    pub(super) probes_at: Instant,
    scanned: Instant,
    probed: Instant,
}

impl Timer {
    /// Files at once, peers soon.
    pub(super) fn new(config: &Config) -> Self {
        let now = clock::mono();
        Self {
            files_at: now,
            probes_at: now + FIRST_PROBES.min(config.certificates.probe_interval),
            scanned: now,
            probed: now,
        }
    }

    /// Something changed: files once they have settled, peers once the reload is through. When they
    /// have settled.
    pub(super) fn changed(&mut self, config: &Config) -> Instant {
        let (rules, debounce) = (&config.certificates, config.watch.debounce);
        let settled = clock::mono() + debounce;
        let rested = self.scanned + FILES_REST.min(rules.scan_interval);
        self.files_at = self.files_at.min(settled.max(rested));
        let reloaded = settled + debounce + AFTER_CHANGE;
        self.probes_at = self.probes_at.min(reloaded.max(self.probes_rested(config)));
        settled
    }

    /// When peers are asked next; before their time when somebody wants to know.
    pub(super) fn probes_at(&self, wanted: Option<Instant>, config: &Config) -> Instant {
        let wanted = wanted.map(|at| at.max(self.probes_rested(config)));
        wanted.map_or(self.probes_at, |at| at.min(self.probes_at))
    }

    fn probes_rested(&self, config: &Config) -> Instant {
        self.probed + PROBES_REST.min(config.certificates.probe_interval)
    }

    /// Another configuration: everything soon.
    pub(super) fn soon(&mut self) {
        let now = clock::mono();
        (self.files_at, self.probes_at) = (now, now + AFTER_CHANGE);
    }

    pub(super) fn scanned(&mut self, config: &Config) {
        self.scanned = clock::mono();
        self.files_at = self.scanned + config.certificates.scan_interval;
    }

    pub(super) fn probed(&mut self, config: &Config) {
        self.probed = clock::mono();
        self.probes_at = self.probed + config.certificates.probe_interval;
    }
}

/// How patient a configuration is.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let rules = &config.certificates;
    Rules {
        lost_after: rules.lost_after,
        deploy_grace: rules.deploy_grace,
        nodes_grace: rules.nodes_grace,
        clock_tolerance: rules.clock_tolerance,
    }
}

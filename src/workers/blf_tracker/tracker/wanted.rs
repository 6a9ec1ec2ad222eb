//! Watchers that are always tracked: by configuration and by directory.

use std::collections::HashSet;
use std::time::Duration;

use crate::config::BlfScope;
use crate::domain::blf::reading;
use crate::domain::events::ids::UserId;
use crate::outbound::broadworks::xsi::Directory;
use crate::platform::clock;
use crate::workers::blf_tracker::tracker::Tracker;

/// A directory that could not be read is tried again after this time, or the refresh of lists if
/// that is shorter.
const AGAIN: Duration = Duration::from_secs(60);

impl Tracker {
    /// The watchers that are always tracked are those of the configuration and of its directories,
    /// within the limit.
    pub(super) fn settle_watchers(&mut self) {
        let settings = self.settings.load_full();
        let most = settings.config.limits.watchers;
        let written = settings.config.watchers.iter().map(|id| UserId::new(id));
        let members = self.directories.iter().flatten().cloned();
        let mut seen = HashSet::new();
        let all: Vec<_> = written
            .chain(members)
            .filter(|watcher| seen.insert(watcher.clone()))
            .collect();
        if all.len() > most {
            self.metrics.limit_reached("watchers", most);
        }
        let kept = all.get(..most.min(all.len())).unwrap_or_default();
        let wishes = Self::wishes(&settings.config);
        for input in self.sessions.keep(kept, wishes) {
            self.tell_board(input);
        }
    }

    pub(super) fn read_directories(&mut self) {
        let settings = self.settings.load_full();
        let config = &settings.config;
        self.directories
            .resize(config.directories.len(), Vec::new());
        self.directories_due = None;
        let Some(client) = &settings.asking.client else {
            return;
        };
        for (place, directory) in config.directories.iter().enumerate() {
            let directory = Directory {
                user: directory.user_id.clone(),
                enterprise: directory.scope == BlfScope::Enterprise,
            };
            let most = config.limits.watchers;
            self.requests
                .members(client.clone(), place, directory, most);
            self.directories_due = Some(clock::mono() + config.list_refresh);
        }
    }

    pub(super) fn members_read(&mut self, place: usize, members: Option<Vec<UserId>>) {
        let Some(members) = members else {
            // Those of before are kept.
            let again = clock::mono() + AGAIN;
            self.directories_due = self.directories_due.map(|due| due.min(again));
            return;
        };
        if let Some(held) = self.directories.get_mut(place) {
            *held = members;
            self.settle_watchers();
        }
    }

    /// A reload changed something.
    pub(super) fn reloaded(&mut self) {
        let settings = self.settings.load_full();
        if let Some(client) = &settings.asking.client
            && self.active
        {
            self.other_upstreams(client.upstreams());
        }
        let now = clock::now();
        let refresh = settings.config.list_refresh;
        self.reading.take(reading::Input::Refresh(refresh), now);
        self.settle_watchers();
        self.read_directories();
    }
}

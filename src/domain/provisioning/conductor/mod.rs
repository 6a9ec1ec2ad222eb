//! Drives every user to the newest revision of what it is to be.
mod face;

use std::collections::VecDeque;
use std::time::Instant;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::JobRecord;

pub use face::Action;
pub use face::CallId;
pub use face::Change;
pub use face::EnterpriseEvent;
pub use face::Event;
pub use face::Input;
pub use face::SaveToken;
pub use face::Standing;

/// Records of one save; the steps that led to them come on top.
pub const MOST_CHANGES: usize = 128;

/// The machine.
pub struct Conductor {
    settings: Settings,
    actions: VecDeque<Action>,
    open: usize,
}

impl Conductor {
    /// Knows nothing yet; `seed` spreads retries.
    #[must_use]
    pub fn new(settings: Settings, _seed: u64, _now: Now) -> Self {
        Self {
            settings,
            actions: VecDeque::new(),
            open: 0,
        }
    }

    /// Takes in a customer, at start.
    pub fn load_enterprise(&mut self, _record: EnterpriseRecord) {}

    /// Takes in a user, at start, after all customers. Those whose job has come to its end at
    /// their newest revision need not be shown, and do no harm.
    pub fn load(&mut self, _desired: Desired, job: Option<JobRecord>, _now: Now) {
        self.open += usize::from(job.is_none_or(|job| !job.state.is_final()));
    }

    /// Jobs that have not come to an end.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    /// Calls that are not answered.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        0
    }

    /// Nothing new is asked of Webex any more; what is under way is taken in and saved.
    pub const fn drain(&mut self) {}

    /// Whether nothing is under way, neither call nor save.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        true
    }
}

impl Machine for Conductor {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, _now: Now) {
        if let Input::Settings(settings) = input {
            self.settings = *settings;
        }
    }

    fn handle_timeout(&mut self, _now: Now) {}

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }
}

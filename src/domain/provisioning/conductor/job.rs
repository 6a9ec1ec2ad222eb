//! One user in the machine's memory.

use std::time::Instant;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::customers::CustomerId;
use crate::domain::provisioning::conductor::lane::LaneId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::record::Actual;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Progress;
use crate::domain::provisioning::record::Step;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;

/// Where a job is kept.
pub(super) type Slot = usize;

/// Tracking ids kept of a job.
const MOST_TRACKING: usize = 20;

/// One user. Small while it waits for its turn: what only work needs is in [`Way`].
pub(super) struct Job {
    /// The newest revision.
    pub(super) desired: Desired,
    /// Present once work has begun, or something was known of the user.
    pub(super) way: Option<Box<Way>>,
    /// The customer, if it is known.
    pub(super) customer: Option<CustomerId>,
    /// Customers that it was of before, whose gate stays closed until Webex has shown what became
    /// of what it began there.
    pub(super) left: Vec<CustomerId>,
    /// When it goes on by itself.
    pub(super) due: Option<Instant>,
    /// Nothing is asked before.
    pub(super) not_before: Option<Instant>,
    /// Its place in the queue of its customer, behind the first user.
    pub(super) held: Option<u64>,
    /// A call is under way.
    pub(super) calling: bool,
    /// The store has been asked for its record.
    pub(super) recalling: bool,
    /// It stands in a queue of a lane.
    pub(super) queued: bool,
    /// The record differs from the one in the store.
    pub(super) dirty: bool,
    /// The record is on its way to the store.
    pub(super) saving: bool,
}

/// What work on a user has come to.
pub(super) struct Way {
    pub(super) record: JobRecord,
    /// Lines of the history that are not written.
    pub(super) steps: Vec<Step>,
    /// When the record's state was entered.
    pub(super) entered: Instant,
    /// What is known of the subscriber.
    pub(super) known: Known,
    /// What is known of the subscriber under the former user id; not looked for otherwise.
    pub(super) old: Known,
    /// The subscriber is to be read again before anything is decided.
    pub(super) refresh: bool,
    /// The customer has been asked for since the subscriber was read.
    pub(super) asked_customer: bool,
    /// The address that Webex would take in place of the subscriber's, and what it had to say.
    pub(super) checked: Option<(String, String)>,
    /// A create of a subscriber may have left, and Webex has not been asked since.
    pub(super) lost: bool,
    /// The create of a workspace has been written down and not left.
    pub(super) armed: bool,
    /// Where changes are listed for it.
    pub(super) listed: Option<(LaneId, SubscriberId)>,
}

/// What is known of a subscriber.
pub(super) enum Known {
    /// Nothing since the job began, or since a call that may have changed it.
    Unknown,
    /// There was none.
    Absent(Instant),
    /// It looked like this.
    Found(Box<Subscriber>),
}

/// What a call under way is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Consent,
    Delete,
    DeleteOld,
    DeletePerson,
    DeleteWorkspace,
    Find,
    FindCustomer,
    FindOld,
    Get,
    Precheck,
    PrecheckEmail,
    Provision,
    ProvisionWorkspace,
    Update,
    UpdateOld,
    UpdateWorkspace,
}

impl Asked {
    /// Whether it changes nothing.
    pub(super) const fn reads(self) -> bool {
        match self {
            Self::Find
            | Self::FindCustomer
            | Self::FindOld
            | Self::Get
            | Self::Precheck
            | Self::PrecheckEmail => true,
            Self::Consent
            | Self::Delete
            | Self::DeleteOld
            | Self::DeletePerson
            | Self::DeleteWorkspace
            | Self::Provision
            | Self::ProvisionWorkspace
            | Self::Update
            | Self::UpdateOld
            | Self::UpdateWorkspace => false,
        }
    }
}

impl Job {
    pub(super) const fn new(desired: Desired, customer: Option<CustomerId>) -> Self {
        Self {
            desired,
            way: None,
            customer,
            left: Vec::new(),
            due: None,
            not_before: None,
            held: None,
            calling: false,
            recalling: false,
            queued: false,
            dirty: false,
            saving: false,
        }
    }

    /// Whether the record of the newest revision has come to its end.
    pub(super) fn is_final(&self) -> bool {
        self.way.as_ref().is_some_and(|way| {
            way.record.revision == self.desired.revision && way.record.state.is_final()
        })
    }

    /// Whether work on the newest revision has begun.
    pub(super) fn has_begun(&self) -> bool {
        let way = self.way.as_ref();
        way.is_some_and(|way| way.record.revision == self.desired.revision)
    }

    pub(super) fn state(&self) -> JobState {
        self.way
            .as_ref()
            .filter(|way| way.record.revision == self.desired.revision)
            .map_or(JobState::Queued, |way| way.record.state)
    }

    pub(super) const fn leaves(&self) -> bool {
        matches!(self.desired.presence, Presence::Absent { .. })
    }

    /// Whether what the store holds is what we hold.
    pub(super) const fn is_clean(&self) -> bool {
        !self.dirty && !self.saving
    }
}

impl Way {
    /// A way that has not begun.
    pub(super) fn new(record: JobRecord, entered: Instant) -> Self {
        Self {
            record,
            steps: Vec::new(),
            entered,
            known: Known::Unknown,
            old: Known::Unknown,
            refresh: false,
            asked_customer: false,
            checked: None,
            lost: false,
            armed: false,
            listed: None,
        }
    }

    /// A way to a revision of which nothing was known.
    pub(super) fn fresh(desired: &Desired, now: Now) -> Self {
        let record = JobRecord {
            key: desired.key.clone(),
            request: desired.request.clone(),
            revision: desired.revision,
            state: JobState::Queued,
            since: Moment::of(now.wall),
            attempt: 0,
            next: None,
            fault: None,
            actual: Actual::default(),
            tracking: Vec::new(),
            progress: Progress::default(),
        };
        Self::new(record, now.mono)
    }

    /// Remembers the names of a call.
    pub(super) fn track(&mut self, tracking: Vec<TrackingId>) {
        for id in tracking {
            if !self.record.tracking.contains(&id) {
                self.record.tracking.push(id);
            }
        }
        let more = self.record.tracking.len().saturating_sub(MOST_TRACKING);
        self.record.tracking.drain(..more);
    }

    /// Remembers what Webex shows of the subscriber. Says whether anything is new but the time.
    pub(super) fn read(&mut self, subscriber: &Subscriber, now: Now) -> bool {
        let actual = &mut self.record.actual;
        let before = actual.clone();
        let known = actual.subscriber.as_ref() == Some(&subscriber.id);
        actual.unproven &= known && subscriber.status != SubscriberStatus::Provisioned;
        actual.subscriber = Some(subscriber.id.clone());
        actual.changed.clone_from(&subscriber.last_status_change);
        // Webex shows the person while provisioned only; a removal needs it later.
        if subscriber.person.is_some() {
            actual.person.clone_from(&subscriber.person);
        }
        actual.enterprise.clone_from(&subscriber.enterprise);
        actual.status = Some(subscriber.status.as_str().to_owned());
        actual.package.clone_from(&subscriber.package);
        actual.email.clone_from(&subscriber.email);
        actual.self_activated = subscriber.self_activated;
        actual.errors.clone_from(&subscriber.errors);
        let changed = *actual != before;
        actual.read_at = Some(Moment::of(now.wall));
        changed
    }

    /// Remembers that there is no subscriber. The person stays known.
    pub(super) fn read_none(&mut self, now: Now) -> bool {
        let actual = &mut self.record.actual;
        let changed = actual.subscriber.is_some() || actual.status.is_some();
        let person = actual.person.take();
        let workspace = actual.workspace.take();
        *actual = Actual {
            person,
            workspace,
            read_at: Some(Moment::of(now.wall)),
            ..Actual::default()
        };
        changed
    }

    pub(super) fn confirmed(&self, code: &str) -> bool {
        let mut all = self.record.progress.confirmed.iter();
        all.any(|confirmed| confirmed == code)
    }

    /// What was written at Webex has worked: failures are counted anew.
    pub(super) const fn wrote(&mut self) {
        self.record.attempt = 0;
        self.record.progress.failing_since = None;
        self.record.progress.write_failed = 0;
        self.record.progress.write_failing_since = None;
    }

    /// The create of a workspace that was written down will not leave.
    pub(super) const fn disarm(&mut self) {
        if self.armed {
            self.armed = false;
            self.record.progress.unsure = false;
        }
    }

    pub(super) fn fail(&mut self, fault: Fault) {
        self.record.fault = Some(fault);
    }
}

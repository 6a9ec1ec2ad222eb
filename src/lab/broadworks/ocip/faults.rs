//! Misbehaviour on demand, and counts of what was asked: for tests of whoever talks to the lab.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::lab::broadworks::ocip::requests::Kind;

/// Handle to the misbehaviour of all OCI-P listeners of a lab BroadWorks.
#[derive(Default)]
pub struct OcipFaults(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    delay: Duration,
    error_codes: bool,
    failing: Option<(u32, u32, String)>,
    misencoded: u32,
    refusing: bool,
    silent: u32,
    torn: u32,
    cut: CancellationToken,
    connections: u64,
    requests: BTreeMap<&'static str, u64>,
}

/// What happens to the answer to one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Treatment {
    pub(super) delay: Duration,
    pub(super) error_codes: bool,
    pub(super) misencode: bool,
    pub(super) end: End,
}

/// How much of an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All of it.
    Whole,
    /// Half of it, then the connection closes.
    Torn,
    /// Nothing; the connection stays.
    Silent,
}

impl OcipFaults {
    /// Answers come this much later; zero is the normal state.
    pub fn delay(&self, delay: Duration) {
        self.plan().delay = delay;
    }

    /// The next answers end in the middle, and the connection with them.
    pub fn tear_next(&self, answers: u32) {
        self.plan().torn = answers;
    }

    /// The next requests get no answer; the connection stays.
    pub fn ignore_next(&self, requests: u32) {
        self.plan().silent = requests;
    }

    /// The next commands are refused with `[Error code] text`, logins among them.
    pub fn fail_next(&self, commands: u32, code: u32, text: &str) {
        self.plan().failing = Some((commands, code, text.to_owned()));
    }

    /// The next answers are UTF-8 under the label of ISO-8859-1.
    pub fn misencode_next(&self, answers: u32) {
        self.plan().misencoded = answers;
    }

    /// Errors have an `errorCode` beside the number in their summary.
    pub fn write_error_codes(&self, write: bool) {
        self.plan().error_codes = write;
    }

    /// New connections are closed before a byte is read.
    pub fn refuse_connections(&self, refuse: bool) {
        self.plan().refusing = refuse;
    }

    /// Ends every connection that is open now.
    pub fn cut_connections(&self) {
        std::mem::take(&mut self.plan().cut).cancel();
    }

    /// Ends all misbehaviour; the counts stay.
    pub fn clear(&self) {
        let mut plan = self.plan();
        *plan = Plan {
            cut: plan.cut.clone(),
            connections: plan.connections,
            requests: std::mem::take(&mut plan.requests),
            ..Plan::default()
        };
    }

    /// Commands of one type since the start, refused ones among them; those that the lab does not
    /// know count as `unknown`.
    #[must_use]
    pub fn requests(&self, name: &str) -> u64 {
        self.plan().requests.get(name).copied().unwrap_or_default()
    }

    /// Connections accepted since the start, refused ones among them.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.plan().connections
    }

    /// A connection has come: the token that cuts it, or `None` when it is to be refused.
    pub(super) fn connected(&self) -> Option<CancellationToken> {
        let mut plan = self.plan();
        plan.connections += 1;
        (!plan.refusing).then(|| plan.cut.clone())
    }

    /// A command has come: the scripted refusal, if there is one.
    pub(super) fn asked(&self, kind: Option<Kind>) -> Option<(u32, String)> {
        let mut plan = self.plan();
        let name = kind.map_or("unknown", Kind::name);
        *plan.requests.entry(name).or_default() += 1;
        let (left, code, text) = plan.failing.as_mut()?;
        *left = left.checked_sub(1)?;
        Some((*code, text.clone()))
    }

    /// What happens to the next answer.
    pub(super) fn treatment(&self) -> Treatment {
        let mut plan = self.plan();
        let end = if take(&mut plan.silent) {
            End::Silent
        } else if take(&mut plan.torn) {
            End::Torn
        } else {
            End::Whole
        };
        Treatment {
            delay: plan.delay,
            error_codes: plan.error_codes,
            misencode: take(&mut plan.misencoded),
            end,
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one more is due.
fn take(left: &mut u32) -> bool {
    let due = *left > 0;
    *left = left.saturating_sub(1);
    due
}

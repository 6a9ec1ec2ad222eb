//! What a comparison came to.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::reconcile::ReconcilePolicy;
use crate::domain::provisioning::reconcile::Row;
use crate::domain::provisioning::reconcile::reconcile;
use crate::workers::reconciler::read::Read;

/// Rows of a report that are kept; a report with more is about something else than single users.
const ROWS: usize = 20_000;

/// What BroadWorks wants was learned from there, or from what it once sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The Application Server was asked.
    ApplicationServer,
    /// Only our own records were looked at.
    Records,
}

impl Source {
    /// As a report writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationServer => "the Application Server",
            Self::Records => "the records of this daemon",
        }
    }
}

/// One comparison.
#[derive(Debug, Clone)]
pub struct Report {
    /// Of which enterprise.
    pub key: EnterpriseKey,
    /// As Webex calls it.
    pub sent_as: SpEnterpriseId,
    /// Its template.
    pub template: TemplateKey,
    /// When it was begun: what was wished for later is newer than what it says.
    pub began: Moment,
    /// When it ended.
    pub at: Moment,
    /// What it was compared with.
    pub source: Source,
    /// Why BroadWorks was not asked, where that is how it is configured.
    pub note: Option<String>,
    /// Why it is not whole.
    pub problem: Option<String>,
    /// Users who are to be subscribers.
    pub broadworks_users: usize,
    /// Subscribers; `None` when Webex could not be read.
    pub webex_users: Option<usize>,
    /// What differs.
    pub rows: Vec<Row>,
    /// What the users of rows are to look like, by user id in lower case.
    pub profiles: BTreeMap<String, Profile>,
}

/// What both sides differ in.
pub(super) fn compared(
    key: EnterpriseKey,
    read: Read,
    stuck_after: Duration,
    (began, now): (Moment, Moment),
) -> Report {
    let Read {
        record,
        source,
        expected,
        expected_is_whole,
        recorded,
        subscribers,
        mut profiles,
        note,
        mut problems,
    } = read;
    let policy = ReconcilePolicy {
        now,
        stuck_after,
        // Only BroadWorks, asked for all, knows of those of whom there is no record.
        expected_is_whole,
    };
    let mut rows = match &subscribers {
        Some(subscribers) => reconcile(&expected, subscribers, policy, &recorded),
        None => Vec::new(),
    };
    if rows.len() > ROWS {
        rows.truncate(ROWS);
        problems.push(format!("more than {ROWS} rows differ; the first are kept"));
    }
    profiles.retain(|user, _| rows.iter().any(|row| row.user.to_lowercase() == *user));
    Report {
        key,
        sent_as: record.sent_as,
        template: record.template,
        began,
        at: now,
        source,
        note,
        problem: (!problems.is_empty()).then(|| problems.join("; ")),
        broadworks_users: expected.len(),
        webex_users: subscribers.map(|held| held.len()),
        rows,
        profiles,
    }
}

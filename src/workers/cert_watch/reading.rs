//! One round over files while it runs: a file system that does not answer must not stop the watch.

use std::future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Timekeeping;
use crate::domain::machine::Now;
use crate::workers::cert_watch::scan::Cache;

/// How long a round may take before that is told, and told again.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// Where a machine with systemd-timesyncd says that its clock is kept.
pub(super) const TIMESYNC: &str = "/run/systemd/timesync";

/// A server is asked every 34 minutes or more often; three of them in a row did not answer.
const STALE: Duration = Duration::from_secs(2 * 3_600);

/// What a round brings.
pub(super) type Read = (Scan, Cache, Timekeeping);

type Work = Pin<Box<dyn Future<Output = Option<Read>> + Send>>;

/// The round that runs, if one does.
#[derive(Default)]
pub(super) struct Reading {
    /// What runs, since when, and when it is told that it runs still.
    work: Option<(Work, SystemTime, Instant)>,
    is_late: bool,
    /// When the last one ended.
    ended: Option<SystemTime>,
}

impl Reading {
    /// A round begins.
    pub(super) fn begin(
        &mut self,
        work: impl Future<Output = Option<Read>> + Send + 'static,
        now: Now,
    ) {
        self.work = Some((Box::pin(work), now.wall, now.mono + PATIENCE));
    }

    /// Whether one runs: then no second one begins.
    pub(super) const fn is_running(&self) -> bool {
        self.work.is_some()
    }

    /// Whether it was told that it takes too long.
    pub(super) const fn is_late(&self) -> bool {
        self.is_late
    }

    /// When it is told that it takes too long.
    pub(super) fn late_at(&self) -> Option<Instant> {
        self.work.as_ref().map(|(_, _, at)| *at)
    }

    /// Waits for the end of what runs. Nothing is lost when nobody waits any more.
    pub(super) async fn done(&mut self) -> Option<Read> {
        let Some((work, ..)) = &mut self.work else {
            return future::pending().await;
        };
        let read = work.as_mut().await;
        self.work = None;
        read
    }

    /// It takes too long.
    pub(super) fn late(&mut self, now: Now) -> Option<Observation> {
        let (_, since, at) = self.work.as_mut()?;
        *at = now.mono + PATIENCE;
        self.is_late = true;
        let known = match self.ended {
            Some(ended) => format!("files were last looked at {}", date::text(ended)),
            None => "no file was looked at yet".to_owned(),
        };
        let text = format!(
            "Reading the files of certificates takes longer than {} min: it began {}; {known}. Look \
             for a file system that does not answer; it goes on by itself once that does.",
            PATIENCE.as_secs() / 60,
            date::text(*since)
        );
        Some(observation(Condition::Present(Present {
            // Whatever ends in a file is unseen.
            severity: Severity::High,
            step: "timeout".to_owned(),
            text,
            rule: format!("{} min for one look at all files", PATIENCE.as_secs() / 60),
            ends: None,
            details: Vec::new(),
        })))
    }

    /// It has ended: what takes back that it takes too long.
    pub(super) fn ended(&mut self, now: Now) -> Option<Observation> {
        self.ended = Some(now.wall);
        std::mem::take(&mut self.is_late).then(|| observation(Condition::Absent))
    }
}

fn observation(condition: Condition) -> Observation {
    Observation {
        key: AlarmKey::new(AlarmName::CertificateSourceLost, "all files"),
        condition,
    }
}

/// Whether systemd-timesyncd, where it runs, keeps the clock. It touches its file whenever a server
/// has answered and leaves it there, so its age counts. Of other services nothing is known here:
/// what the kernel knows no crate tells without code that is not safe.
pub(super) fn timekeeping(directory: &Path, now: SystemTime) -> Timekeeping {
    if !directory.is_dir() {
        return Timekeeping::Unknown;
    }
    let touched = std::fs::metadata(directory.join("synchronized"));
    let touched = touched.and_then(|metadata| metadata.modified());
    // One that lies ahead is from before the clock was set back.
    let age = touched.map(|touched| now.duration_since(touched).unwrap_or_default());
    match age {
        Ok(age) if age <= STALE => Timekeeping::Kept,
        Ok(_) | Err(_) => Timekeeping::Lost,
    }
}

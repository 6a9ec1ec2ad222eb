//! Whether the wall clock can be believed: it is compared with the one that never jumps.

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
use crate::domain::machine::Now;

/// A jump longer than this puts dates in doubt: time zones set wrong are off by hours.
const DOUBTFUL: Duration = Duration::from_secs(1_800);

/// How long a doubtful time must last before dates are judged by it. Who set the clock wrong by hand
/// has set it right again by then.
const DOUBT: Duration = Duration::from_secs(900);

/// How long nobody must have kept the clock before that is told: a time service that is restarted
/// needs a while.
const UNKEPT: Duration = Duration::from_secs(900);

/// How long a jump stays an alarm.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Whether somebody keeps the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timekeeping {
    /// It is synchronised.
    Kept,
    /// It was expected to be synchronised and is not.
    Lost,
    /// Nobody here knows.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Clock {
    /// The last moment at which both clocks were believed.
    believed: Now,
    /// The last look at both.
    looked: Now,
    doubt_since: Option<Instant>,
    /// The last jump: when, from what time to what time.
    jump: Option<(Instant, SystemTime, SystemTime)>,
    told: bool,
    first: bool,
    /// Since when nobody keeps it, and whether that was told.
    unkept: Option<(Instant, bool)>,
}

impl Clock {
    pub(super) const fn new(now: Now) -> Self {
        Self {
            believed: now,
            looked: now,
            doubt_since: None,
            jump: None,
            told: false,
            first: true,
            unkept: None,
        }
    }

    /// Compares both clocks.
    pub(super) fn tick(&mut self, now: Now, tolerance: Duration) -> Vec<Observation> {
        let expected = on(self.looked, now.mono);
        if apart(expected, now.wall) > tolerance {
            self.jump = Some((now.mono, expected, now.wall));
        }
        self.looked = now;
        let off = apart(on(self.believed, now.mono), now.wall);
        let lasted = self
            .doubt_since
            .is_some_and(|since| now.mono.saturating_duration_since(since) >= DOUBT);
        if off <= DOUBTFUL || lasted {
            self.believed = now;
            self.doubt_since = None;
        } else if self.doubt_since.is_none() {
            self.doubt_since = Some(now.mono);
        }
        if self.jump.is_some_and(|(at, ..)| {
            now.mono.saturating_duration_since(at) >= REMEMBERED && self.doubt_since.is_none()
        }) {
            self.jump = None;
        }
        self.tell()
    }

    fn tell(&mut self) -> Vec<Observation> {
        let key = AlarmKey::new(AlarmName::ClockSkew, "clock");
        let condition = match self.jump {
            Some((_, from, to)) => {
                let doubt = self.doubt_since.is_some();
                let severity = if doubt {
                    Severity::High
                } else {
                    Severity::Medium
                };
                let text = format!(
                    "The clock jumped from {} to {}{}.",
                    date::text(from),
                    date::text(to),
                    if doubt {
                        "; certificates are judged by the old time until the new one has lasted for \
                         15 minutes"
                    } else {
                        ""
                    }
                );
                Condition::Present(Present {
                    severity,
                    step: if doubt { "doubt" } else { "jump" }.to_owned(),
                    text,
                    rule: "certificates.clock-tolerance".to_owned(),
                    ends: None,
                    details: Vec::new(),
                })
            }
            None if self.told || self.first => Condition::Absent,
            None => return Vec::new(),
        };
        self.first = false;
        self.told = self.jump.is_some();
        vec![Observation { key, condition }]
    }

    /// The wall clock, or what it would be without a doubtful jump.
    pub(super) fn trusted(&self, now: Now) -> SystemTime {
        if self.doubt_since.is_some() {
            on(self.believed, now.mono)
        } else {
            now.wall
        }
    }

    /// How long until a doubt or a jump is over.
    pub(super) fn again(&self, now: Now) -> Duration {
        let left = |since: Instant, span: Duration| {
            span.saturating_sub(now.mono.saturating_duration_since(since))
        };
        let doubt = self.doubt_since.map(|since| left(since, DOUBT));
        let jump = self.jump.map(|(at, ..)| left(at, REMEMBERED));
        let soonest = doubt.into_iter().chain(jump).min().unwrap_or(REMEMBERED);
        soonest.max(Duration::from_secs(1))
    }

    pub(super) fn kept(&mut self, time: Timekeeping, now: Instant) -> Option<Observation> {
        let before = self.unkept.take();
        let condition = match time {
            Timekeeping::Lost => {
                let (since, told) = before.unwrap_or((now, false));
                let lasted = now.saturating_duration_since(since) >= UNKEPT;
                self.unkept = Some((since, told || lasted));
                if !lasted {
                    return None;
                }
                unkept()
            }
            Timekeeping::Kept => Condition::Absent,
            Timekeeping::Unknown if before.is_some_and(|(_, told)| told) => Condition::Absent,
            Timekeeping::Unknown => return None,
        };
        Some(Observation {
            key: AlarmKey::new(AlarmName::ClockSkew, "time synchronisation"),
            condition,
        })
    }
}

fn unkept() -> Condition {
    Condition::Present(Present {
        severity: Severity::Low,
        step: "unsynchronized".to_owned(),
        text: "Nobody keeps the clock of this machine: it is no longer synchronised.".to_owned(),
        rule: "/run/systemd/timesync/synchronized is missing, or was not touched for two hours"
            .to_owned(),
        ends: None,
        details: Vec::new(),
    })
}

/// What the wall clock should show at `mono`.
fn on(base: Now, mono: Instant) -> SystemTime {
    let passed = mono.saturating_duration_since(base.mono);
    base.wall.checked_add(passed).unwrap_or(base.wall)
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    match one.duration_since(other) {
        Ok(span) => span,
        Err(error) => error.duration(),
    }
}

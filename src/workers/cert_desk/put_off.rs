//! What was put off is activated at its time. What the disk or a file in the way refuses is tried
//! again, for a day; what is wrong with the certificate is told once and is over, and so is what nobody
//! was there to do at its time: a change window is no invitation for the rest of the week. Each is an
//! alarm until another certificate is in the files, or another time is set.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::SystemTime;

use tracing::error;
use tracing::info;

use crate::config::Config;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::ActivateError;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Missed;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Schedule;
use crate::workers::cert_desk::shelf::Shelf;

/// Seconds between two tries, when it is not the certificate that is refused.
const AGAIN: i64 = 60;

/// Seconds after its time in which it is tried: an operator has come back to it by then.
const LONGEST: i64 = 24 * 60 * 60;

/// Seconds after its time in which it is begun: a restart takes less, and a change window is hardly
/// shorter.
const LATE: i64 = 60 * 60;

/// What one look came to.
#[derive(Default)]
pub struct Done {
    /// Places whose certificate was activated, with the leaf that is to be served now.
    pub proofs: Vec<(Place, CertificateFacts)>,
    /// What changed about alarms.
    pub observations: Vec<Observation>,
    /// What cannot be read.
    pub trouble: Option<String>,
}

/// What one look remembers for the next.
#[derive(Default)]
pub struct PutOff {
    /// Tries that failed, by place.
    tried: BTreeMap<String, Tried>,
    /// What the alarms were told, by place.
    told: BTreeMap<String, Option<String>>,
}

struct Tried {
    due: Schedule,
    at: i64,
    problem: String,
}

/// Why it was not activated.
enum Not {
    /// It is over.
    Fit(String),
    /// It may work the next time.
    Now(String),
}

impl From<ActivateError> for Not {
    fn from(error: ActivateError) -> Self {
        let text = error.to_string();
        match error {
            ActivateError::Bad { .. }
            | ActivateError::Nothing { .. }
            | ActivateError::Refused { .. } => Self::Fit(text),
            ActivateError::Disk(_) | ActivateError::InTheWay(_) => Self::Now(text),
        }
    }
}

impl PutOff {
    /// Activates what is due at `now`. Blocks on the disk.
    #[must_use]
    pub fn act(&mut self, config: &Config, now: SystemTime) -> Done {
        self.act_on(
            &place::places(config).0,
            &Shelf::new(&config.state_dir),
            now,
        )
    }

    /// The same for these places.
    pub(super) fn act_on(&mut self, places: &[Place], shelf: &Shelf, now: SystemTime) -> Done {
        let mut done = Done::default();
        for place in places {
            match shelf.scheduled(place) {
                Ok(Some(due)) if due.at <= date::to_unix(now) => {
                    self.try_one(shelf, place, &due, now, &mut done);
                }
                Ok(_) => {
                    self.tried.remove(&place.name);
                }
                Err(problem) => {
                    done.trouble = Some(format!("What is put off cannot be read: {problem}"));
                }
            }
            let problem = self.problem(shelf, place);
            if self.told.get(&place.name) != Some(&problem) {
                done.observations
                    .push(observation(&place.name, problem.as_deref()));
                self.told.insert(place.name.clone(), problem);
            }
        }
        let names: BTreeSet<_> = places.iter().map(|place| &place.name).collect();
        for (gone, _) in self.told.extract_if(.., |name, _| !names.contains(name)) {
            done.observations.push(observation(&gone, None));
        }
        done
    }

    fn try_one(
        &mut self,
        shelf: &Shelf,
        place: &Place,
        due: &Schedule,
        now: SystemTime,
        done: &mut Done,
    ) {
        let at = date::to_unix(now);
        let before = self.tried.get(&place.name).filter(|held| held.due == *due);
        if before.is_some_and(|held| (0..AGAIN).contains(&(at - held.at))) {
            return;
        }
        // Held until all of it is noted.
        let lock = shelf.lock(place);
        let by = format!("daemon, as {} asked", due.by);
        let outcome = match &lock {
            Ok(_) => attempt(shelf, place, due, before.is_none(), &by, now),
            Err(problem) if problem.is_busy() => return,
            Err(problem) => Err(Not::Now(problem.to_string())),
        };
        let (problem, over) = match outcome {
            Ok(facts) => {
                info!(
                    place = place.name,
                    fingerprint = %facts.fingerprint,
                    "The staged certificate was activated at its time."
                );
                self.tried.remove(&place.name);
                if let Err(problem) = shelf.schedule(place, None) {
                    done.trouble = Some(problem.to_string());
                }
                done.proofs.push((place.clone(), facts));
                return;
            }
            Err(Not::Fit(problem)) => (problem, true),
            Err(Not::Now(problem)) => (problem, at - due.at >= LONGEST),
        };
        if over || before.is_none_or(|held| held.problem != problem) {
            error!(
                place = place.name,
                problem,
                over,
                "The staged certificate was not activated at its time; what was served stays."
            );
        }
        let tried = Tried {
            due: due.clone(),
            at,
            problem: problem.clone(),
        };
        self.tried.insert(place.name.clone(), tried);
        if over && shelf.miss(place, &missed(place, due, &problem)).is_ok() {
            self.tried.remove(&place.name);
            let line = Line {
                at,
                place: place.name.clone(),
                event: "refused".to_owned(),
                by,
                fingerprint: due.fingerprint.clone(),
                note: problem,
            };
            shelf.note(&line).ok();
        }
    }

    /// What stands against a place.
    fn problem(&self, shelf: &Shelf, place: &Place) -> Option<String> {
        if let Some(tried) = self.tried.get(&place.name) {
            let problem = &tried.problem;
            return Some(format!(
                "{problem}. It is tried again each minute for a day"
            ));
        }
        let missed = shelf.missed(place).ok().flatten()?;
        (missed.leaf == leaf(place)).then_some(missed.problem)
    }
}

fn missed(place: &Place, due: &Schedule, problem: &str) -> Missed {
    Missed {
        schedule: due.clone(),
        leaf: leaf(place),
        problem: problem.to_owned(),
    }
}

fn leaf(place: &Place) -> String {
    activate::before(place).leaf
}

fn attempt(
    shelf: &Shelf,
    place: &Place,
    due: &Schedule,
    first: bool,
    by: &str,
    now: SystemTime,
) -> Result<CertificateFacts, Not> {
    // A crash may have come between the files and the note that it is done.
    let there = || {
        let current = activate::current(place, now).map(|(_, facts)| facts);
        current.filter(|facts| facts.fingerprint.to_string() == due.fingerprint)
    };
    if let Some(facts) = there() {
        return Ok(facts);
    }
    if first && date::to_unix(now) - due.at > LATE {
        let at = date::from_unix(due.at).map_or_else(String::new, date::text);
        return Err(Not::Fit(format!(
            "its time, {at}, passed while the daemon was down, or its clock was set; activate it now, \
             or set another time"
        )));
    }
    let staged = shelf.about(place, Part::Staged);
    let staged = staged.map_err(|problem| Not::Now(problem.to_string()))?;
    if staged.is_some_and(|about| about.fingerprint != due.fingerprint) {
        return Err(Not::Fit(format!(
            "another certificate was staged since; what was meant is {}",
            due.fingerprint
        )));
    }
    match activate::activate(shelf, place, Way::Forward, by, now) {
        Ok(activated) => Ok(activated.new),
        Err(error) => there().ok_or_else(|| error.into()),
    }
}

fn observation(place: &str, problem: Option<&str>) -> Observation {
    let present = problem.map(|problem| Present {
        severity: Severity::Medium,
        step: String::new(),
        text: format!(
            "The certificate that is staged for {place} was not activated at the time that was set; \
             what was served stays: {problem}"
        ),
        rule: "a time that was set with `xspd certs activate --at`".to_owned(),
        ends: None,
        details: Vec::new(),
    });
    Observation {
        key: AlarmKey::new(AlarmName::CertificateRenewalFailed, place),
        condition: present.map_or(Condition::Absent, Condition::Present),
    }
}

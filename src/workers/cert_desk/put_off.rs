//! What was put off is activated at its time. What the disk or a file in the way refuses is tried
//! again, for a day, over a restart too; what is wrong with the certificate is told once and is over,
//! and so is what nobody was there to do at its time: a change window is no invitation for the rest of
//! the week. Each is an alarm until another certificate is in the files, or another time is set. When
//! is decided by [`put_off`].

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::SystemTime;

use tracing::error;
use tracing::info;

use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::put_off;
use crate::domain::certs::put_off::NotDone;
use crate::domain::certs::put_off::Turn;
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
use crate::workers::cert_desk::shelf::Tried;
use crate::workers::kept::KeptError;

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
    told: BTreeMap<String, Option<NotDone>>,
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
            let not_done = self.not_done(shelf, place);
            if self.told.get(&place.name) != Some(&not_done) {
                let seen = put_off::observation(&place.name, not_done.as_ref());
                done.observations.push(seen);
                self.told.insert(place.name.clone(), not_done);
            }
        }
        let names: BTreeSet<_> = places.iter().map(|place| &place.name).collect();
        for (gone, _) in self.told.extract_if(.., |name, _| !names.contains(name)) {
            done.observations.push(put_off::observation(&gone, None));
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
        if let Err(problem) = self.recall(shelf, place, due) {
            done.trouble = Some(format!("Whether it was tried cannot be read: {problem}"));
            return;
        }
        let before = self.tried.get(&place.name);
        let turn = put_off::turn(due.at, before.map(|held| held.at), date::to_unix(now));
        if turn == Turn::Wait {
            return;
        }
        let case = Case {
            shelf,
            place,
            due,
            turn,
            now,
        };
        // Held until all of it is noted.
        let lock = shelf.lock(place);
        let outcome = match &lock {
            // Somebody has set another time meanwhile.
            Ok(_) if shelf.scheduled(place).ok().flatten().as_ref() != Some(due) => return,
            Ok(_) => case.attempt(before),
            Err(problem) if problem.is_busy() => return,
            Err(problem) if turn == Turn::Try => Err(Not::Now(problem.to_string())),
            Err(problem) => {
                done.trouble = Some(problem.to_string());
                return;
            }
        };
        match outcome {
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
            }
            Err(not) => self.failed(&case, not, done),
        }
    }

    /// What was begun before a restart was begun.
    fn recall(&mut self, shelf: &Shelf, place: &Place, due: &Schedule) -> Result<(), KeptError> {
        let known = self.tried.get(&place.name);
        if known.is_some_and(|held| held.schedule == *due) {
            return Ok(());
        }
        self.tried.remove(&place.name);
        let kept = shelf.tried(place)?.filter(|held| held.schedule == *due);
        self.tried
            .extend(kept.map(|held| (place.name.clone(), held)));
        Ok(())
    }

    fn failed(&mut self, case: &Case<'_>, not: Not, done: &mut Done) {
        let Case {
            shelf, place, due, ..
        } = *case;
        let at = date::to_unix(case.now);
        let (problem, over) = match not {
            Not::Fit(problem) => (problem, true),
            Not::Now(problem) => (problem, put_off::is_last(due.at, at)),
        };
        let over = over.then(|| shelf.miss(place, &missed(place, due, &problem)));
        if case.turn != Turn::Try
            && let Some(Err(problem)) = &over
        {
            // It was not tried, and must not look as if it had been.
            done.trouble = Some(problem.to_string());
            return;
        }
        let before = self.tried.get(&place.name);
        let news = before.is_none_or(|held| held.problem != problem);
        if over.is_some() || news {
            error!(
                place = place.name,
                problem,
                over = over.is_some(),
                "The staged certificate was not activated at its time; what was served stays."
            );
        }
        if let Some(Ok(())) = over {
            self.tried.remove(&place.name);
            let line = Line {
                at,
                place: place.name.clone(),
                event: "refused".to_owned(),
                by: by(due),
                fingerprint: due.fingerprint.clone(),
                note: problem,
            };
            shelf.note(&line).ok();
            return;
        }
        let tried = Tried {
            schedule: due.clone(),
            at,
            problem,
        };
        if news {
            // A disk that takes nothing is what is told already.
            shelf.keep_tried(place, &tried).ok();
        }
        self.tried.insert(place.name.clone(), tried);
    }

    /// What stands against a place.
    fn not_done(&self, shelf: &Shelf, place: &Place) -> Option<NotDone> {
        let (problem, meant) = match self.tried.get(&place.name) {
            // The daemon ended while it was at it.
            Some(tried) if tried.problem.is_empty() => return None,
            Some(tried) => {
                let problem = &tried.problem;
                let again = format!("{problem}. It is tried again each minute for a day");
                (again, tried.schedule.fingerprint.clone())
            }
            None => {
                let missed = shelf.missed(place).ok().flatten()?;
                if missed.leaf != leaf(place) {
                    return None;
                }
                (missed.problem, missed.schedule.fingerprint)
            }
        };
        let staged = shelf.about(place, Part::Staged).ok().flatten();
        Some(NotDone {
            problem,
            staged: staged.is_some_and(|about| about.fingerprint == meant),
        })
    }
}

fn by(due: &Schedule) -> String {
    format!("daemon, as {} asked", due.by)
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

/// What is due.
struct Case<'a> {
    shelf: &'a Shelf,
    place: &'a Place,
    due: &'a Schedule,
    turn: Turn,
    now: SystemTime,
}

impl Case<'_> {
    /// Does what its turn is. The place must be locked.
    fn attempt(&self, before: Option<&Tried>) -> Result<CertificateFacts, Not> {
        let Self {
            shelf,
            place,
            due,
            turn,
            now,
        } = *self;
        // A crash may have come between the files and the note that it is done.
        let there = || {
            let current = activate::current(place, now).map(|(_, facts)| facts);
            current.filter(|facts| facts.fingerprint.to_string() == due.fingerprint)
        };
        if let Some(facts) = there() {
            return Ok(facts);
        }
        match turn {
            Turn::GivenUp => return Err(Not::Fit(given_up(before))),
            Turn::Missed => {
                let at = date::from_unix(due.at).map_or_else(String::new, date::text);
                return Err(Not::Fit(format!(
                    "its time, {at}, passed while the daemon was down, or its clock was set; \
                     activate it now, or set another time"
                )));
            }
            Turn::Try | Turn::Wait => {}
        }
        let staged = shelf.about(place, Part::Staged);
        let staged = staged.map_err(|problem| Not::Now(problem.to_string()))?;
        if staged.is_some_and(|about| about.fingerprint != due.fingerprint) {
            return Err(Not::Fit(format!(
                "another certificate was staged since; what was meant is {}",
                due.fingerprint
            )));
        }
        if before.is_none() {
            let begun = Tried {
                schedule: due.clone(),
                at: date::to_unix(now),
                problem: String::new(),
            };
            // Should this not be kept, a restart an hour later finds that nobody had begun.
            shelf.keep_tried(place, &begun).ok();
        }
        match activate::activate(shelf, place, Way::Forward, &by(due), now) {
            Ok(activated) => Ok(activated.new),
            Err(error) => there().ok_or_else(|| error.into()),
        }
    }
}

fn given_up(before: Option<&Tried>) -> String {
    let problem = before.map(|held| held.problem.as_str());
    let problem = problem.filter(|problem| !problem.is_empty());
    let problem = problem.unwrap_or("the daemon ended while it was at it");
    format!("{problem}; the day in which it is tried again has passed")
}

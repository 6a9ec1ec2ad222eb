//! What the alarms were told of one object: each alarm is on, or it is said to be over a few times.

use std::collections::BTreeMap;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::observation::Present;

/// How often it is repeated that nothing is wrong: more than alarms hold back before they end, so
/// that one word that goes lost leaves none on for ever.
const REPEATS: u8 = 3;

/// What was said of one alarm last.
#[derive(Debug)]
enum Said {
    /// It is on, and like this.
    On(Box<Present>),
    /// It is over, which is to be said so many times more.
    Over(u8),
}

/// What was said of the alarms of one object, in this life of the daemon or before it.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<AlarmName, Said>);

impl Told {
    /// It was on before the start, as far as nothing was said of it since.
    pub(super) fn restore(&mut self, name: AlarmName, present: Present) {
        let said = || Said::On(Box::new(present));
        self.0.entry(name).or_insert_with(said);
    }

    /// It is on.
    pub(super) fn on(&mut self, name: AlarmName, present: Present) -> Condition {
        let said = Said::On(Box::new(present.clone()));
        self.0.insert(name, said);
        Condition::Present(present)
    }

    /// It is over; `None` when that was said often enough.
    pub(super) fn over(&mut self, name: AlarmName) -> Option<Condition> {
        let said = self.0.entry(name).or_insert(Said::Over(REPEATS));
        if let Said::On(_) = said {
            *said = Said::Over(REPEATS);
        }
        said.repeat()
    }

    /// Nobody can see how it is, so it is as it was said last. `None` where nothing was.
    pub(super) fn again(&mut self, name: AlarmName) -> Option<Condition> {
        self.0.get_mut(&name)?.repeat()
    }

    /// Everything is over.
    pub(super) fn end_all(&mut self) {
        for said in self.0.values_mut() {
            if let Said::On(_) = said {
                *said = Said::Over(REPEATS);
            }
        }
    }

    /// Whether it is on.
    pub(super) fn is_on(&self, name: AlarmName) -> bool {
        matches!(self.0.get(&name), Some(Said::On(_)))
    }

    /// Whether anything is on.
    pub(super) fn is_any_on(&self) -> bool {
        self.0.values().any(|said| matches!(said, Said::On(_)))
    }

    /// Whether something was said of it.
    pub(super) fn knows(&self, name: AlarmName) -> bool {
        self.0.contains_key(&name)
    }

    /// Those of other alarms than these.
    pub(super) fn besides(&self, names: &[AlarmName]) -> Vec<AlarmName> {
        let all = self.0.keys().copied();
        all.filter(|name| !names.contains(name)).collect()
    }

    /// Everything once more; `true` when nothing is left to be said.
    pub(super) fn repeat_all(&mut self) -> (Vec<(AlarmName, Condition)>, bool) {
        let all = self.0.iter_mut();
        let said = all
            .filter_map(|(name, said)| Some((*name, said.repeat()?)))
            .collect();
        let is_done = |said: &Said| matches!(said, Said::Over(0));
        (said, self.0.values().all(is_done))
    }
}

impl Said {
    fn repeat(&mut self) -> Option<Condition> {
        match self {
            Self::On(present) => Some(Condition::Present(present.as_ref().clone())),
            Self::Over(0) => None,
            Self::Over(left) => {
                *left -= 1;
                Some(Condition::Absent)
            }
        }
    }
}

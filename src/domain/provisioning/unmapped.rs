//! Calls that no rule of a template's mapping knows, until a person has looked: for a day after the
//! last one, or until the mapping is another one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::TemplateKey;

/// As long as captures are kept: who has not looked by then finds nothing any more.
pub const QUIET: Duration = Duration::from_secs(24 * 3600);

/// Which mapping it is: SHA-256 of its text.
pub type Print = [u8; 32];

/// The calls, by template. There are as many entries as templates at most.
#[derive(Debug, Default)]
pub struct Unmapped {
    held: BTreeMap<TemplateKey, Unknown>,
}

/// What came to one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// When the first of them came.
    pub first: Moment,
    /// The last of them.
    pub last: Last,
    /// How many.
    pub calls: u64,
    mapping: Print,
}

/// The call that came last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// When.
    pub at: Moment,
    /// Its name.
    pub request: RequestId,
    /// Whether a capture of it is kept.
    pub captured: bool,
    /// Whether it was refused; else Webex's bridge was given it.
    pub refused: bool,
}

impl Unmapped {
    /// A call that this mapping does not know.
    pub fn came(&mut self, template: &TemplateKey, mapping: Print, last: Last) {
        let held = self.held.get_mut(template);
        match held.filter(|held| held.mapping == mapping && !is_over(held, last.at)) {
            Some(held) => {
                held.calls = held.calls.saturating_add(1);
                held.last = last;
            }
            None => {
                let unknown = Unknown {
                    first: last.at,
                    last,
                    calls: 1,
                    mapping,
                };
                self.held.insert(template.clone(), unknown);
            }
        }
    }

    /// These are the mappings from now on: what came under another one is settled.
    pub fn adopt(&mut self, mappings: &BTreeMap<TemplateKey, Print>) {
        self.held
            .retain(|template, held| mappings.get(template) == Some(&held.mapping));
    }

    /// Templates to which such calls come.
    pub fn standing(&mut self, now: Moment) -> Vec<(TemplateKey, Unknown)> {
        self.held.retain(|_, held| !is_over(held, now));
        let held = self.held.iter();
        held.map(|(template, held)| (template.clone(), held.clone()))
            .collect()
    }
}

fn is_over(held: &Unknown, now: Moment) -> bool {
    now.since(held.last.at) >= QUIET
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn key(name: &str) -> TemplateKey {
        TemplateKey::parse(name).unwrap()
    }

    fn last(hours: u64) -> Last {
        Last {
            at: Moment(hours * HOUR),
            request: RequestId::parse(&format!("r{hours}")).unwrap(),
            captured: true,
            refused: true,
        }
    }

    fn names(unmapped: &mut Unmapped, hours: u64) -> Vec<(String, u64)> {
        let standing = unmapped.standing(Moment(hours * HOUR)).into_iter();
        let told = standing.map(|(key, held)| (key.as_str().to_owned(), held.calls));
        told.collect()
    }

    #[test]
    fn a_template_stands_until_none_has_come_for_a_day() {
        let mut unmapped = Unmapped::default();
        assert_eq!(names(&mut unmapped, 0), []);
        for hours in [1, 2, 20] {
            unmapped.came(&key("acme"), [1; 32], last(hours));
        }
        unmapped.came(&key("other"), [1; 32], last(30));
        let both = [("acme".to_owned(), 3), ("other".to_owned(), 1)];
        assert_eq!(names(&mut unmapped, 43), both);
        let standing = unmapped.standing(Moment(43 * HOUR));
        assert_eq!(
            (&standing[0].1.first, &standing[0].1.last),
            (&Moment(HOUR), &last(20))
        );
        assert_eq!(names(&mut unmapped, 44), both[1..]);
        // The next one is the first again.
        unmapped.came(&key("acme"), [1; 32], last(50));
        assert_eq!(
            names(&mut unmapped, 50),
            [("acme".to_owned(), 1), both[1].clone()]
        );
    }

    #[test]
    fn another_mapping_settles_what_came_under_the_one_before() {
        let mut unmapped = Unmapped::default();
        unmapped.came(&key("acme"), [1; 32], last(1));
        unmapped.came(&key("gone"), [1; 32], last(1));
        let mut mappings = BTreeMap::from([(key("acme"), [1; 32])]);
        unmapped.adopt(&mappings);
        assert_eq!(names(&mut unmapped, 2), [("acme".to_owned(), 1)]);
        mappings.insert(key("acme"), [2; 32]);
        unmapped.adopt(&mappings);
        assert_eq!(names(&mut unmapped, 2), []);
        // The new mapping does not know it either.
        unmapped.came(&key("acme"), [2; 32], last(3));
        unmapped.came(&key("acme"), [2; 32], last(4));
        assert_eq!(names(&mut unmapped, 4), [("acme".to_owned(), 2)]);
    }
}

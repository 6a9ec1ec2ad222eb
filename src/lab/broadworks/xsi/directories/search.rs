//! Search patterns and filters (specification 3.5.17; field page 3.6).

use crate::lab::broadworks::directory::PhoneEntry;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::xsi::ask::Query;

/// A search value: `*` stands for anything, a suffix `/i` ignores case, `\/` is a slash.
#[derive(Debug)]
pub(super) struct Pattern {
    parts: Vec<String>,
    ignore_case: bool,
}

impl Pattern {
    pub(super) fn parse(value: &str) -> Self {
        let (value, ignore_case) = match value
            .strip_suffix("/i")
            .or_else(|| value.strip_suffix("/I"))
        {
            Some(rest) if !rest.ends_with('\\') => (rest, true),
            Some(_) | None => (value, false),
        };
        let mut value = value.replace("\\/", "/");
        if ignore_case {
            value = value.to_lowercase();
        }
        Self {
            parts: value.split('*').map(str::to_owned).collect(),
            ignore_case,
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        if self.ignore_case {
            self.matches_cased(&text.to_lowercase())
        } else {
            self.matches_cased(text)
        }
    }

    fn matches_cased(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|whole| whole == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in middle {
            match rest.split_once(part.as_str()) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }

    /// The pattern for numbers, of which only digits count.
    fn of_number(value: &str) -> Self {
        let kept = value.strip_prefix("tel:").unwrap_or(value);
        Self::parse(
            &kept
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '*')
                .collect::<String>(),
        )
    }
}

fn matches_number(value: &str, number: Option<&str>) -> bool {
    let pattern = Pattern::of_number(value);
    let digits = crate::lab::broadworks::directory::digits(number.unwrap_or_default());
    let national = digits.strip_prefix('1').filter(|_| digits.len() == 11);
    !digits.is_empty()
        && (pattern.matches(&digits) || national.is_some_and(|own| pattern.matches(own)))
}

/// The filters of the enterprise and group directories.
const PEOPLE: &[&str] = &[
    "firstName",
    "lastName",
    "name",
    "userId",
    "groupId",
    "number",
    "extension",
    "yahooId",
    "mobileNo",
    "department",
    "emailAddress",
    "impId",
    "locationDialingCode",
];

/// Whether a user is asked for: all filters, or with `searchCriteriaModeOr` any; `mpName` may be
/// repeated and always narrows.
pub(super) fn person(query: &Query, user: &User) -> bool {
    let full = user.full_name().to_lowercase();
    let named = query
        .all("mpName")
        .all(|part| full.contains(&part.to_lowercase()));
    named
        && combined(query, PEOPLE, |name, value| {
            person_matches(user, name, value)
        })
}

/// The filters of lists of available users: always all of them.
pub(in crate::lab::broadworks::xsi) fn available(query: &Query, user: &User) -> bool {
    ["firstName", "lastName", "groupId", "impId"]
        .iter()
        .all(|name| {
            query
                .first(name)
                .is_none_or(|value| person_matches(user, name, value))
        })
        && query
            .first("deptId")
            .is_none_or(|value| person_matches(user, "department", value))
}

/// Whether an entry of a phone list is asked for.
pub(super) fn entry(query: &Query, entry: &PhoneEntry) -> bool {
    let name = entry.name.to_lowercase();
    let named = query
        .all("mpName")
        .all(|part| name.contains(&part.to_lowercase()));
    named
        && combined(query, &["name", "number"], |filter, value| {
            if filter == "name" {
                Pattern::parse(value).matches(&entry.name)
            } else {
                matches_number(value, Some(&entry.number))
            }
        })
}

fn combined(query: &Query, names: &[&str], matches: impl Fn(&str, &str) -> bool) -> bool {
    let mut filters = names
        .iter()
        .filter_map(|name| Some((*name, query.first(name)?)))
        .peekable();
    if filters.peek().is_none() {
        return true;
    }
    if query.is_true("searchCriteriaModeOr") {
        filters.any(|(name, value)| matches(name, value))
    } else {
        filters.all(|(name, value)| matches(name, value))
    }
}

fn person_matches(user: &User, name: &str, value: &str) -> bool {
    let pattern = Pattern::parse(value);
    let text = |held: Option<&str>| held.is_some_and(|held| pattern.matches(held));
    match name {
        "firstName" => pattern.matches(&user.first_name),
        "lastName" => pattern.matches(&user.last_name),
        "name" => {
            let (first, last) = (&user.first_name, &user.last_name);
            [
                format!("{first} {last}"),
                format!("{last} {first}"),
                format!("{last}, {first}"),
            ]
            .iter()
            .any(|full| pattern.matches(full))
        }
        "userId" => pattern.matches(&user.id),
        // The one filter without wild cards.
        "groupId" => user.group == value,
        "number" => matches_number(value, user.number.as_deref()),
        "extension" => text(user.extension.as_deref()),
        "mobileNo" => matches_number(value, user.mobile.as_deref()),
        "department" => text(user.department.as_deref()),
        "emailAddress" => text(user.email.as_deref()),
        "impId" => text(user.imp_id.as_deref()),
        // yahooId, locationDialingCode: nobody here has one.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wild_cards_case_and_slashes_follow_the_specification() {
        for (pattern, text, expected) in [
            ("Boss", "Boss", true),
            ("boss", "Boss", false),
            ("boss/i", "Boss", true),
            ("MÜLLER/I", "Müller", true),
            ("b*/i", "Boss", true),
            ("B*", "Boss", true),
            ("*ss", "Boss", true),
            ("*o*", "Boss", true),
            ("B*o*s", "Boss", true),
            ("*", "", true),
            ("B*B", "B", false),
            ("*os*os*", "Boss", false),
            ("24\\/7", "24/7", true),
            ("a\\/i", "a/i", true),
            ("a\\/i", "A", false),
            ("a\\/b/i", "A/B", true),
            ("", "Boss", false),
        ] {
            assert_eq!(
                Pattern::parse(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn numbers_match_by_their_digits() {
        for (value, expected) in [
            ("+1-2405550101", true),
            ("2405550101", true),
            ("12405550101", true),
            ("tel:+12405550101", true),
            ("*0101", true),
            ("240*", true),
            ("0101", false),
        ] {
            assert_eq!(
                matches_number(value, Some("+1-2405550101")),
                expected,
                "{value}"
            );
        }
        assert!(!matches_number("*", None));
    }

    proptest! {
        #[test]
        fn a_text_contains_each_of_its_pieces(text in "\\PC{0,12}", from in 0..12usize, len in 0..12usize) {
            let piece: String = text.chars().skip(from).take(len).collect();
            prop_assume!(!piece.contains(['*', '\\', '/']));
            let (contains, begins) = (format!("*{}*", piece), format!("{}*", piece));
            prop_assert!(Pattern::parse(&contains).matches(&text));
            prop_assert_eq!(Pattern::parse(&begins).matches(&text), text.starts_with(&piece));
        }
    }
}

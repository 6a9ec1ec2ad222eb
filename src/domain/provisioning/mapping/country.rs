//! National numbers to E.164: calling codes and trunk prefixes (ITU-T E.164 and the national
//! plans it lists). A country that is missing here can be written by its numbers: `e164(+372)`,
//! `e164(+36,06)`.

use std::fmt;

/// Most digits of an international number (ITU-T E.164, section 6).
const MOST: usize = 15;

/// Fewest digits that are taken for one: a calling code and some.
const FEWEST: usize = 5;

/// How the numbers of a country are dialled within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Country {
    /// As the mapping wrote it.
    written: String,
    code: String,
    /// Dialled before national numbers, no part of the international one.
    trunk: String,
    /// Dialled before international numbers.
    international: String,
}

/// ISO 3166, calling code, trunk prefix, international prefix.
const COUNTRIES: [(&str, &str, &str, &str); 66] = [
    ("AE", "971", "0", "00"),
    ("AR", "54", "0", "00"),
    ("AT", "43", "0", "00"),
    ("AU", "61", "0", "0011"),
    ("BE", "32", "0", "00"),
    ("BG", "359", "0", "00"),
    ("BR", "55", "0", "00"),
    ("CA", "1", "1", "011"),
    ("CH", "41", "0", "00"),
    ("CL", "56", "", "00"),
    ("CN", "86", "0", "00"),
    ("CO", "57", "", "00"),
    ("CR", "506", "", "00"),
    ("CY", "357", "", "00"),
    ("CZ", "420", "", "00"),
    ("DE", "49", "0", "00"),
    ("DK", "45", "", "00"),
    ("DO", "1", "1", "011"),
    ("EC", "593", "0", "00"),
    ("EE", "372", "", "00"),
    ("EG", "20", "0", "00"),
    ("ES", "34", "", "00"),
    ("FI", "358", "0", "00"),
    ("FR", "33", "0", "00"),
    ("GB", "44", "0", "00"),
    ("GR", "30", "", "00"),
    ("HK", "852", "", "001"),
    ("HR", "385", "0", "00"),
    ("HU", "36", "06", "00"),
    ("ID", "62", "0", "00"),
    ("IE", "353", "0", "00"),
    ("IL", "972", "0", "00"),
    ("IN", "91", "0", "00"),
    ("IS", "354", "", "00"),
    ("IT", "39", "", "00"),
    ("JM", "1", "1", "011"),
    ("JP", "81", "0", "010"),
    ("KE", "254", "0", "000"),
    ("KR", "82", "0", "00"),
    ("LU", "352", "", "00"),
    ("LV", "371", "", "00"),
    ("MA", "212", "0", "00"),
    ("MT", "356", "", "00"),
    ("MX", "52", "", "00"),
    ("MY", "60", "0", "00"),
    ("NG", "234", "0", "009"),
    ("NL", "31", "0", "00"),
    ("NO", "47", "", "00"),
    ("NZ", "64", "0", "00"),
    ("PA", "507", "", "00"),
    ("PE", "51", "0", "00"),
    ("PH", "63", "0", "00"),
    ("PL", "48", "", "00"),
    ("PR", "1", "1", "011"),
    ("PT", "351", "", "00"),
    ("RO", "40", "0", "00"),
    ("RS", "381", "0", "00"),
    ("SA", "966", "0", "00"),
    ("SE", "46", "0", "00"),
    ("SG", "65", "", "000"),
    ("SI", "386", "0", "00"),
    ("SK", "421", "0", "00"),
    ("TR", "90", "0", "00"),
    ("TW", "886", "0", "002"),
    ("US", "1", "1", "011"),
    ("ZA", "27", "0", "00"),
];

impl Country {
    /// `US`, `+372`, `+36,06` or `+61,0,0011`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let written = text.trim().to_owned();
        if let Some(numbers) = written.strip_prefix('+') {
            let mut numbers = numbers.split(',').map(str::trim);
            let mut next = |otherwise: &str| numbers.next().unwrap_or(otherwise).to_owned();
            let (code, trunk, international) = (next(""), next(""), next("00"));
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            let fine = !code.is_empty()
                && code.len() <= 3
                && !code.starts_with('0')
                && [&code, &trunk, &international]
                    .iter()
                    .all(|text| digits(text))
                && trunk.len() <= 4
                && international.len() <= 5
                && numbers.next().is_none();
            return if fine {
                Ok(Self {
                    written,
                    code,
                    trunk,
                    international,
                })
            } else {
                Err(
                    "no +CODE, +CODE,TRUNK-PREFIX or +CODE,TRUNK-PREFIX,INTERNATIONAL-PREFIX"
                        .to_owned(),
                )
            };
        }
        let mut countries = COUNTRIES.iter();
        let found = countries.find(|(iso, ..)| iso.eq_ignore_ascii_case(&written));
        match found {
            Some((_, code, trunk, international)) => Ok(Self {
                written,
                code: (*code).to_owned(),
                trunk: (*trunk).to_owned(),
                international: (*international).to_owned(),
            }),
            None => Err(format!(
                "no country known here: write its calling code, e164(+372), or with its trunk \
                 prefix, e164(+36,06), instead of {written}"
            )),
        }
    }

    /// The number with `+` and digits only; `None` when it is none.
    pub(super) fn e164(&self, text: &str) -> Option<String> {
        let text = text.trim();
        let separator = |c: char| c.is_whitespace() || "-.()/".contains(c);
        let (plus, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let digits: String = rest.chars().filter(|c| !separator(*c)).collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let abroad = digits
            .strip_prefix(&self.international)
            .filter(|_| !self.international.is_empty());
        let number = match (plus, abroad) {
            (true, _) => digits.clone(),
            (false, Some(number)) => number.to_owned(),
            (false, None) => self.national(&digits)?,
        };
        let fine = (FEWEST..=MOST).contains(&number.len()) && !number.starts_with('0');
        fine.then(|| format!("+{number}"))
    }

    fn national(&self, digits: &str) -> Option<String> {
        let national = digits.strip_prefix(&self.trunk);
        if self.code != "1" {
            return Some(format!("{}{}", self.code, national.unwrap_or(digits)));
        }
        // North America: the calling code is what is dialled before national numbers, too, which
        // have ten digits and begin with none of 0 and 1.
        let national = match digits.len() {
            11 => national?,
            _ => digits,
        };
        let fine = national.len() == 10 && !national.starts_with(['0', '1']);
        fine.then(|| format!("1{national}"))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_international_by_the_rules_of_their_country() {
        for (country, text, number) in [
            ("US", "+1-2405551212", Some("+12405551212")),
            ("US", "(240) 555-1212", Some("+12405551212")),
            ("US", "12405551212", Some("+12405551212")),
            ("US", "1240555121", None),
            ("US", "1212", None),
            ("US", "011 44 20 7946 0000", Some("+442079460000")),
            ("us", "+44 20 7946 0000", Some("+442079460000")),
            ("DE", "0171 2345678", Some("+491712345678")),
            ("DE", "0049.171/2345678", Some("+491712345678")),
            ("IT", "06 6982", Some("+39066982")),
            ("HU", "06 1 234 5678", Some("+3612345678")),
            ("+372", "612 3456", Some("+3726123456")),
            ("+61,0,0011", "0011 1 240 555 1212", Some("+12405551212")),
            ("US", "", None),
            ("US", "+", None),
            ("US", "555-CALL", None),
            ("US", "+1-240555121212121212", None),
            ("US", "+0123456789", None),
            ("DE", "1", None),
            ("US", "sip:12405551212@h", None),
            ("US", "+1+2405551212", None),
        ] {
            let country = Country::parse(country).unwrap();
            assert_eq!(country.e164(text).as_deref(), number, "{country} {text}");
        }
    }

    #[test]
    fn what_is_no_country_is_told() {
        for text in ["XX", "", "+", "+0", "+1,x", "+1,1,2,3", "49", "+1234"] {
            assert!(Country::parse(text).is_err(), "{text}");
        }
        let mut names: Vec<_> = COUNTRIES.iter().map(|(iso, ..)| *iso).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COUNTRIES.len());
    }
}

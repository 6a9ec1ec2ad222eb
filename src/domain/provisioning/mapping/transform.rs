//! What is done to a value on its way from a source to a field.

use std::fmt;

use regex::Regex;
use regex::RegexBuilder;

use crate::domain::provisioning::call::percent_decoded;
use crate::domain::provisioning::mapping::Table;
use crate::domain::provisioning::mapping::country::Country;

/// Largest compiled pattern in bytes: names and numbers need some hundreds.
const PATTERN: usize = 256 * 1024;

/// Longest text that a mapping may add to a value.
const ADDED: usize = 256;

/// Longest value on its way, in bytes: four times the longest that any field may have.
pub(super) const VALUE: usize = 4_096;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Transform {
    /// `true` or `false` out of the usual words.
    Bool,
    /// This value where there is none.
    Default(String),
    /// Digits, and nothing else.
    Digits,
    /// `+` and digits.
    E164(Country),
    /// What holds anyway: sources that give nothing are passed over.
    FirstNonempty,
    /// Small letters.
    Lower,
    /// By a table of the mapping, names without case; what is not in it stays.
    Map(String, Table),
    /// What the steps before could not read counts as absent.
    OrNone,
    /// Escapes resolved once, in values that stood in the URL; others stay.
    PercentDecode,
    /// This before it, unless it is there.
    Prefix(String),
    /// Every match replaced.
    Regex(Box<Regex>, String),
    /// This behind it, unless it is there.
    Suffix(String),
    /// Without white space around it.
    Trim,
    /// Capital letters.
    Upper,
}

/// Why a step has no value for what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// Neither yes nor no.
    #[error("neither true nor false")]
    Bool,
    /// Escapes that are no UTF-8.
    #[error("escapes that are no UTF-8")]
    Escapes,
    /// It grew too long.
    #[error("more than {VALUE} bytes")]
    Long,
    /// No number that can be made international.
    #[error("no telephone number")]
    Number,
}

impl Transform {
    /// `trim`, `e164(US)`, `map(language)` …; `table` finds the mapping's tables.
    pub(super) fn parse(text: &str, table: impl Fn(&str) -> Option<Table>) -> Result<Self, String> {
        let text = text.trim();
        let (name, argument) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let rest = rest.strip_suffix(')');
                let rest = rest.ok_or_else(|| format!("{text:?} has no ) at its end"))?;
                (name.trim(), Some(rest))
            }
        };
        let short = |argument: &str| {
            if argument.len() <= ADDED {
                Ok(argument.to_owned())
            } else {
                Err(format!("{name} has more than {ADDED} bytes"))
            }
        };
        match (name, argument) {
            ("bool", None) => Ok(Self::Bool),
            ("default", Some(value)) => short(value).map(Self::Default),
            ("digits", None) => Ok(Self::Digits),
            ("e164", Some(country)) => Country::parse(country).map(Self::E164),
            ("first_nonempty", None) => Ok(Self::FirstNonempty),
            ("lower", None) => Ok(Self::Lower),
            ("map", Some(name)) => match table(name.trim()) {
                Some(table) => Ok(Self::Map(name.trim().to_owned(), table)),
                None => Err(format!("there is no [table.{}]", name.trim())),
            },
            ("or_none", None) => Ok(Self::OrNone),
            ("percent_decode", None) => Ok(Self::PercentDecode),
            ("prefix", Some(text)) => short(text).map(Self::Prefix),
            ("regex", Some(argument)) => {
                let (pattern, replacement) = argument
                    .rsplit_once(',')
                    .ok_or("regex(PATTERN,REPLACEMENT) has a comma")?;
                let replacement = short(replacement)?;
                let pattern = pattern_of(pattern)?;
                Ok(Self::Regex(Box::new(pattern), replacement))
            }
            ("suffix", Some(text)) => short(text).map(Self::Suffix),
            ("trim", None) => Ok(Self::Trim),
            ("upper", None) => Ok(Self::Upper),
            ("default" | "e164" | "map" | "prefix" | "regex" | "suffix", None) => {
                Err(format!("{name} needs something in brackets behind it"))
            }
            (
                "bool" | "digits" | "first_nonempty" | "lower" | "or_none" | "percent_decode"
                | "trim" | "upper",
                Some(_),
            ) => Err(format!("{name} takes nothing in brackets")),
            _ => Err(format!(
                "{name:?} is no transform; there are bool, default, digits, e164, \
                 first_nonempty, lower, map, or_none, percent_decode, prefix, regex, suffix, \
                 trim, upper"
            )),
        }
    }

    /// The value after the step; `None` is none.
    pub(super) fn apply(
        &self,
        value: Option<&str>,
        from_url: bool,
    ) -> Result<Option<String>, Unfit> {
        let Some(value) = value else {
            return Ok(match self {
                Self::Default(value) => Some(value.clone()),
                Self::Bool
                | Self::Digits
                | Self::E164(_)
                | Self::FirstNonempty
                | Self::Lower
                | Self::Map(..)
                | Self::OrNone
                | Self::PercentDecode
                | Self::Prefix(_)
                | Self::Regex(..)
                | Self::Suffix(_)
                | Self::Trim
                | Self::Upper => None,
            });
        };
        let value = match self {
            Self::Bool => bool_of(value).ok_or(Unfit::Bool)?.to_string(),
            Self::Default(_) | Self::FirstNonempty | Self::OrNone => value.to_owned(),
            Self::Digits => value.chars().filter(char::is_ascii_digit).collect(),
            Self::E164(country) => country.e164(value).ok_or(Unfit::Number)?,
            Self::Lower => value.to_lowercase(),
            Self::Map(_, table) => {
                let found = table.get(&value.to_lowercase());
                found.cloned().unwrap_or_else(|| value.to_owned())
            }
            Self::PercentDecode if from_url => percent_decoded(value).ok_or(Unfit::Escapes)?,
            Self::PercentDecode => value.to_owned(),
            Self::Prefix(text) if value.starts_with(text.as_str()) => value.to_owned(),
            Self::Prefix(text) => format!("{text}{value}"),
            // At most VALUE matches, and a replacement that repeats groups some hundred times.
            Self::Regex(pattern, replacement) => {
                let replaced = pattern.replace_all(value, replacement.as_str());
                replaced.into_owned()
            }
            Self::Suffix(text) if value.ends_with(text.as_str()) => value.to_owned(),
            Self::Suffix(text) => format!("{value}{text}"),
            Self::Trim => value.trim().to_owned(),
            Self::Upper => value.to_uppercase(),
        };
        if value.len() > VALUE {
            return Err(Unfit::Long);
        }
        Ok(Some(value).filter(|value| !value.is_empty()))
    }
}

/// A pattern of bounded size.
pub(super) fn pattern_of(text: &str) -> Result<Regex, String> {
    if text.len() > ADDED * 4 {
        return Err(format!("a pattern of more than {} bytes", ADDED * 4));
    }
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(PATTERN).dfa_size_limit(PATTERN);
    builder.build().map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!("not a pattern: {}", last.trim_start_matches("error: "))
    })
}

fn bool_of(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "1", "yes", "on"]) {
        Some(true)
    } else if is(&["false", "0", "no", "off"]) {
        Some(false)
    } else {
        None
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Default(value) => write!(f, "default({value})"),
            Self::Digits => f.write_str("digits"),
            Self::E164(country) => write!(f, "e164({country})"),
            Self::FirstNonempty => f.write_str("first_nonempty"),
            Self::Lower => f.write_str("lower"),
            Self::Map(name, _) => write!(f, "map({name})"),
            Self::OrNone => f.write_str("or_none"),
            Self::PercentDecode => f.write_str("percent_decode"),
            Self::Prefix(text) => write!(f, "prefix({text})"),
            Self::Regex(pattern, replacement) => write!(f, "regex({pattern},{replacement})"),
            Self::Suffix(text) => write!(f, "suffix({text})"),
            Self::Trim => f.write_str("trim"),
            Self::Upper => f.write_str("upper"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    fn parse(text: &str) -> Result<Transform, String> {
        let table = BTreeMap::from([("english".to_owned(), "en_US".to_owned())]);
        let table = Arc::new(table);
        Transform::parse(text, |name| {
            (name == "language").then(|| Arc::clone(&table))
        })
    }

    #[test]
    fn steps_do_what_their_names_say() {
        for (step, value, result) in [
            ("bool", Some("YES"), Ok(Some("true"))),
            ("bool", Some("0"), Ok(Some("false"))),
            ("bool", Some("maybe"), Err(Unfit::Bool)),
            ("bool", None, Ok(None)),
            ("default(false)", None, Ok(Some("false"))),
            ("default(false)", Some("true"), Ok(Some("true"))),
            ("digits", Some("x 12-12"), Ok(Some("1212"))),
            ("digits", Some("none"), Ok(None)),
            ("e164(US)", Some("2405551212"), Ok(Some("+12405551212"))),
            ("e164(US)", Some("x"), Err(Unfit::Number)),
            ("lower", Some("ÄB"), Ok(Some("äb"))),
            ("upper", Some("äb"), Ok(Some("ÄB"))),
            ("map(language)", Some("ENGLISH"), Ok(Some("en_US"))),
            ("map(language)", Some("de_DE"), Ok(Some("de_DE"))),
            ("percent_decode", Some("a%40b"), Ok(Some("a@b"))),
            ("percent_decode", Some("%ff"), Err(Unfit::Escapes)),
            ("prefix(+)", Some("12"), Ok(Some("+12"))),
            ("prefix(+)", Some("+12"), Ok(Some("+12"))),
            ("suffix(@h)", Some("u"), Ok(Some("u@h"))),
            ("regex(^(a),(b)$,$2)", Some("a,b"), Ok(Some("b"))),
            (r"regex(^(\w+)@.*$,$1)", Some("u@h"), Ok(Some("u"))),
            ("trim", Some(" "), Ok(None)),
            ("first_nonempty", Some("a"), Ok(Some("a"))),
        ] {
            let done = parse(step).unwrap().apply(value, true);
            assert_eq!(
                done.as_ref().map(Option::as_deref),
                result.as_ref().copied(),
                "{step}"
            );
        }
        let decoded = parse("percent_decode").unwrap().apply(Some("a%40b"), false);
        assert_eq!(decoded, Ok(Some("a%40b".to_owned())), "not from a URL");
    }

    #[test]
    fn what_is_no_step_says_why() {
        for (text, why) in [
            ("shout", "is no transform"),
            ("trim(x)", "takes nothing"),
            ("e164", "needs something"),
            ("e164(XX)", "calling code"),
            ("map(colour)", "there is no [table.colour]"),
            ("regex(a)", "has a comma"),
            ("regex((,x)", "not a pattern"),
            ("regex(\\w{9999}{9999},x)", "not a pattern"),
            ("default(x", "has no )"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_value_cannot_be_grown_without_end() {
        let grow = parse(&format!("regex(,{})", "x".repeat(200))).unwrap();
        assert_eq!(grow.apply(Some(&"y".repeat(1000)), false), Err(Unfit::Long));
        let suffix = parse("suffix(z)").unwrap();
        assert_eq!(
            suffix.apply(Some(&"y".repeat(VALUE)), false),
            Err(Unfit::Long)
        );
    }
}

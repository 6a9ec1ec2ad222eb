//! Requests, read strictly: a member that is not known is refused, so that a client's misspelling
//! is found here and not at Webex.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header;
use serde_json::Map;
use serde_json::Value;

use crate::lab::webex::api::world::Package;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::identity::form;

/// Longest BroadWorks user id (OCI data type UserId).
pub(super) const USER: usize = 161;

/// Longest name of a person (FirstName, LastName).
pub(super) const NAME: usize = 30;

/// Longest e-mail address (EmailAddress).
pub(super) const EMAIL: usize = 80;

/// Longest number (DN).
pub(super) const PHONE: usize = 23;

/// Longest mobile number (OutgoingDN).
pub(super) const MOBILE: usize = 30;

/// Longest extension (Extension17).
pub(super) const EXTENSION: usize = 20;

/// Longest of anything else.
pub(super) const OTHER: usize = 256;

/// The members of a JSON object, taken one by one.
#[derive(Debug)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// From a request with a JSON body.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refusal {
                status: 415,
                ..Refusal::bad("Content type must be application/json.")
            });
        }
        Self::read(body)
    }

    /// From JSON, whatever it is called.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) | Err(_) => Err(Refusal::bad("The body is not a JSON object.")),
        }
    }

    /// Text that must be there, of 1 to `most` characters.
    pub(super) fn required(&mut self, name: &str, most: usize) -> Result<String, Refusal> {
        let found = self.optional(name, most)?;
        found.ok_or_else(|| Refusal::missing(name))
    }

    /// Text of 1 to `most` characters, if it is there.
    pub(super) fn optional(&mut self, name: &str, most: usize) -> Result<Option<String>, Refusal> {
        match self.erasable(name, most)? {
            Some(text) if text.is_empty() => Err(Refusal::size(name)),
            found => Ok(found),
        }
    }

    /// The same, which may be empty.
    pub(super) fn erasable(&mut self, name: &str, most: usize) -> Result<Option<String>, Refusal> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text)),
            Some(Value::String(_)) => Err(Refusal::size(name)),
            Some(_) => Err(Refusal::bad(format!("{name} must be a string."))),
        }
    }

    /// An e-mail address, if it is there.
    pub(super) fn email(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let email = self.optional(name, EMAIL)?;
        if email.as_deref().is_some_and(|email| !is_email(email)) {
            return Err(Refusal::bad(format!("{name} is not a valid email.")));
        }
        Ok(email)
    }

    /// A package, if it is there.
    pub(super) fn package(&mut self) -> Result<Option<Package>, Refusal> {
        let Some(word) = self.optional("package", OTHER)? else {
            return Ok(None);
        };
        let package = Package::parse(&word);
        let wrong = || Refusal::bad(format!("Invalid package: {word}"));
        package.map(Some).ok_or_else(wrong)
    }

    /// A truth value that must be there.
    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.0.remove(name) {
            Some(Value::Bool(value)) => Ok(value),
            Some(_) => Err(Refusal::bad(format!("{name} must be true or false."))),
            None => Err(Refusal::missing(name)),
        }
    }

    /// A truth value, false if it is not there.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        if self.0.contains_key(name) {
            return self.boolean(name);
        }
        Ok(false)
    }

    /// A number, if it is there.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(Refusal::bad(format!("{name} must be a whole number."))),
            },
        }
    }

    /// A list of texts, if it is there.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let wrong = || Refusal::bad(format!("{name} must be a list of strings."));
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// An object in it, if it is there.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(_) => Err(Refusal::bad(format!("{name} must be an object."))),
        }
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.into_iter().next() {
            Some((name, _)) => Err(Refusal::bad(format!("Unknown parameter: {name}"))),
            None => Ok(()),
        }
    }
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(' ')
    })
}

/// The parameters of a query, taken one by one.
#[derive(Debug)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// No name may come twice.
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let pairs = form::pairs(query).ok_or_else(|| Refusal::bad("The query is not UTF-8."))?;
        let mut found = BTreeMap::new();
        for (name, value) in pairs {
            if found.insert(name.clone(), value).is_some() {
                return Err(Refusal::bad(format!("{name} is given twice.")));
            }
        }
        Ok(Self(found))
    }

    /// A parameter, if it is there.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// A number of items, from 1 up to `most`.
    pub(super) fn max(&mut self, default: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.0.remove("max") else {
            return Ok(default);
        };
        let number = text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Refusal::bad(format!("max must be 1 to {most}.")))
    }

    /// Where the page begins, from the link to it.
    pub(super) fn cursor(&mut self) -> Result<u64, Refusal> {
        let text = self.0.remove("cursor").unwrap_or_else(|| "0".to_owned());
        text.parse()
            .map_err(|_| Refusal::bad("The link to a page is to be used as it was given."))
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.into_iter().next() {
            Some((name, _)) => Err(Refusal::bad(format!("Unknown query parameter: {name}"))),
            None => Ok(()),
        }
    }
}

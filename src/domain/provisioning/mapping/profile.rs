//! From the values of a rule to a profile, by the limits of the OCI schema and the policy of the
//! template.

use std::collections::BTreeMap;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::ids::is_hidden;
use crate::domain::provisioning::mapping::EarlyValidation;
use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::mapping::Wish;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::refusal::Refusal;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::domain::provisioning::refusal::shown_user;

/// Values of a user's fields, from a rule of a mapping or from a line of a file.
#[derive(Debug, Clone)]
pub struct Values {
    /// `rule upsert`, `line 7`: where they are from.
    place: String,
    held: BTreeMap<FieldName, String>,
}

impl Values {
    /// None yet; `place` says where they are from.
    #[must_use]
    pub fn of(place: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            held: BTreeMap::new(),
        }
    }

    /// Sets one, or leaves it out.
    pub fn set(&mut self, field: FieldName, value: Option<String>) {
        if let Some(value) = value {
            self.held.insert(field, value);
        }
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, field: FieldName) -> Option<&str> {
        self.held.get(&field).map(String::as_str)
    }

    /// The user alone.
    ///
    /// # Errors
    /// There is none, or it is none.
    pub fn into_user(self) -> Result<BwUserId, Refusal> {
        self.user()
    }

    /// A user to be. `remarks` tells what was left out.
    ///
    /// # Errors
    /// What is missing or wrong first.
    pub fn into_wish(
        mut self,
        template: &TemplateValues,
        remarks: &mut Vec<String>,
    ) -> Result<Wish, Refusal> {
        self.texts()?;
        let user = self.user()?;
        let sp = self.name(FieldName::Sp, SpId::parse)?;
        let group = match self.get(FieldName::Group) {
            Some(_) => Some(self.name(FieldName::Group, GroupId::parse)?),
            None => None,
        };
        let is_place = self.get(FieldName::IsPlace) == Some("true");
        let judge = template.early_validation;
        if judge == EarlyValidation::Business && group.is_none() && !template.enterprise_mode {
            return Err(self.missing(FieldName::Group));
        }
        if template.trusted_email && judge != EarlyValidation::Off {
            self.email(judge, is_place)?;
        }
        self.number(FieldName::Phone)?;
        self.number(FieldName::Mobile)?;
        self.extension()?;
        let numbers = [FieldName::Phone, FieldName::Extension];
        if judge == EarlyValidation::Business && numbers.iter().all(|f| self.get(*f).is_none()) {
            return Err(self.refusal(
                RefusalReason::NumberMissing,
                "neither phone nor extension has a value",
            ));
        }
        self.drop_unless(FieldName::Language, is_language, remarks);
        self.drop_unless(FieldName::Timezone, is_timezone, remarks);
        let mut take = |field: FieldName| self.held.remove(&field);
        let profile = Profile {
            user,
            sp,
            group,
            first_name: take(FieldName::FirstName).unwrap_or_default(),
            last_name: take(FieldName::LastName).unwrap_or_default(),
            email: take(FieldName::Email),
            phone: take(FieldName::Phone),
            mobile: take(FieldName::Mobile),
            extension: take(FieldName::Extension),
            language: take(FieldName::Language),
            timezone: take(FieldName::Timezone),
            is_place,
        };
        let imp_id = take(FieldName::ImpId);
        Ok(Wish { profile, imp_id })
    }

    /// The user id. One with a character that nobody sees would be told as another user's, and could
    /// not be typed.
    fn user(&self) -> Result<BwUserId, Refusal> {
        let user = self.name(FieldName::UserId, BwUserId::parse)?;
        match user.as_str().chars().find(|c| is_hidden(*c)) {
            Some(hidden) => {
                let code = u32::from(hidden);
                let what = format!("U+{code:04X} in it cannot be seen or turns the text around it");
                Err(self.invalid(FieldName::UserId, &what))
            }
            None => Ok(user),
        }
    }

    /// Nothing is longer than its limit or holds a character that no field may have.
    fn texts(&self) -> Result<(), Refusal> {
        for (field, value) in &self.held {
            if field.length(value) > field.limit() {
                let what = format!("more than {} {}", field.limit(), field.unit());
                return Err(self.invalid(*field, &what));
            }
            if value.chars().any(char::is_control) {
                return Err(self.invalid(*field, "control characters"));
            }
        }
        Ok(())
    }

    fn email(&self, judge: EarlyValidation, is_place: bool) -> Result<(), Refusal> {
        match self.get(FieldName::Email) {
            Some(email) if is_email(email) => Ok(()),
            Some(_) => {
                Err(self.refusal(RefusalReason::EmailInvalid, "field email: no mail address"))
            }
            None if is_place || judge != EarlyValidation::Business => Ok(()),
            None => Err(self.refusal(
                RefusalReason::EmailMissing,
                "field email: no value, and the template trusts mail addresses",
            )),
        }
    }

    fn number(&self, field: FieldName) -> Result<(), Refusal> {
        let fine = self.get(field).is_none_or(|number| {
            let digits = number.strip_prefix('+');
            digits.is_some_and(|digits| !digits.is_empty() && all_digits(digits))
        });
        if fine {
            Ok(())
        } else {
            let what = "no + and digits; a step e164(COUNTRY) makes them";
            Err(self.invalid(field, what))
        }
    }

    fn extension(&self) -> Result<(), Refusal> {
        let field = FieldName::Extension;
        match self.get(field) {
            Some(extension) if extension.len() < 2 || !all_digits(extension) => {
                Err(self.invalid(field, "no 2 to 20 digits"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What Webex has a default for is left out rather than refused.
    fn drop_unless(&mut self, field: FieldName, good: fn(&str) -> bool, remarks: &mut Vec<String>) {
        if self.get(field).is_some_and(|value| !good(value)) {
            self.held.remove(&field);
            remarks.push(format!(
                "{} has a form that Webex does not know, and is left out",
                field.as_str()
            ));
        }
    }

    fn name<N, E: std::fmt::Display>(
        &self,
        field: FieldName,
        parse: fn(&str) -> Result<N, E>,
    ) -> Result<N, Refusal> {
        match self.get(field) {
            Some(text) => parse(text).map_err(|error| self.invalid(field, &error.to_string())),
            None => Err(self.missing(field)),
        }
    }

    fn missing(&self, field: FieldName) -> Refusal {
        let user = shown_user(self.get(FieldName::UserId));
        Refusal {
            reason: RefusalReason::FieldMissing,
            sentence: format!(
                "{user} has no {}: fill it in, then assign IM&P again.",
                field.title()
            ),
            detail: format!("{}, field {}: no value", self.place, field.as_str()),
        }
    }

    fn invalid(&self, field: FieldName, what: &str) -> Refusal {
        let user = shown_user(self.get(FieldName::UserId));
        Refusal {
            reason: RefusalReason::FieldInvalid,
            sentence: format!(
                "The {} of {user} is not valid: correct it, then assign IM&P again.",
                field.title()
            ),
            detail: format!("{}, field {}: {what}", self.place, field.as_str()),
        }
    }

    fn refusal(&self, reason: RefusalReason, what: &str) -> Refusal {
        let detail = format!("{}: {what}", self.place);
        Refusal::new(reason, self.get(FieldName::UserId), detail)
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text can be a mail address that Webex knows a user by.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let local_fine = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"@()<>[],;:\\\"".contains(&b));
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    local_fine && domain.contains('.') && domain.split('.').all(label)
}

/// ISO 639-1, or with `_` and an ISO 3166 country.
fn is_language(text: &str) -> bool {
    let (language, country) = match text.split_once('_') {
        Some((language, country)) => (language, Some(country)),
        None => (text, None),
    };
    let two =
        |text: &str, good: fn(&u8) -> bool| text.len() == 2 && text.as_bytes().iter().all(good);
    two(language, u8::is_ascii_lowercase)
        && country.is_none_or(|country| two(country, u8::is_ascii_uppercase))
}

/// `Area/Place`, `UTC`, `Etc/GMT+5`.
fn is_timezone(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"/_+-".contains(&b);
    text.bytes().all(good) && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for (text, good) in [
            ("john.andersen@acme.example", true),
            ("a+b@c.de", true),
            ("a@b", false),
            ("a b@c.de", false),
            ("@c.de", false),
            ("a@@c.de", false),
            ("a..b@c.de", false),
            ("a@-c.de", false),
            ("a@c..de", false),
            ("ä@c.de", false),
            ("a", false),
        ] {
            assert_eq!(is_email(text), good, "{text}");
        }
        assert!(is_language("en_US") && is_language("de") && !is_language("English"));
        assert!(!is_language("en_us") && !is_language("e"));
        assert!(is_timezone("America/New_York") && is_timezone("Etc/GMT+5"));
        assert!(!is_timezone("(GMT-05:00) Eastern"));
    }
}

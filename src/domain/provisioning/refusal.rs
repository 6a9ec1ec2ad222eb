//! Why the adapter refuses a request, with the code and status that the AS gets and the sentence
//! that a BroadWorks administrator may read behind `[Error 18215]`.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::is_hidden;

/// Longest sentence in characters: CommPilot shows one line.
pub const SENTENCE: usize = 120;

/// Most characters of a user id that a sentence repeats.
const USER_SHOWN: usize = 32;

/// Why a request at the adapter is refused. The codes are this product's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    /// The peer's address is not allowed, or the Host is not the template's.
    AddressOrHost,
    /// Webex's bridge, which the request is for, gives no answer.
    BridgeUnreachable,
    /// The mail address is no address.
    EmailInvalid,
    /// The template trusts mail addresses, and there is none.
    EmailMissing,
    /// Another user of the store has the mail address.
    EmailTaken,
    /// The enterprise belongs to another template.
    EnterpriseBound,
    /// A value is too long or is none of its kind.
    FieldInvalid,
    /// A value that must be there is not.
    FieldMissing,
    /// The job changed since the operator looked at it.
    JobChanged,
    /// A request that only Cisco's bridge could answer, and there is none behind the template.
    NoBridge,
    /// Neither a phone number nor an extension.
    NumberMissing,
    /// More requests than the template may send.
    RateLimited,
    /// The store cannot write, or the daemon drains.
    StoreUnavailable,
    /// No template has this URL.
    TemplateUnknown,
    /// No rule of the mapping knows what the request wants.
    Unmapped,
    /// The body is none that can be read.
    Unreadable,
    /// Nothing is known of the user.
    UserUnknown,
    /// An operator's word that does not fit what the job is at, or who provisions the user.
    WordUnfit,
    /// Wrong provisioning user or password.
    WrongCredentials,
}

impl RefusalReason {
    /// All, in the order of their words.
    pub const ALL: [Self; 19] = [
        Self::AddressOrHost,
        Self::BridgeUnreachable,
        Self::EmailInvalid,
        Self::EmailMissing,
        Self::EmailTaken,
        Self::EnterpriseBound,
        Self::FieldInvalid,
        Self::FieldMissing,
        Self::JobChanged,
        Self::NoBridge,
        Self::NumberMissing,
        Self::RateLimited,
        Self::StoreUnavailable,
        Self::TemplateUnknown,
        Self::Unmapped,
        Self::Unreadable,
        Self::UserUnknown,
        Self::WordUnfit,
        Self::WrongCredentials,
    ];

    /// As logs and metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressOrHost => "address-or-host",
            Self::BridgeUnreachable => "bridge-unreachable",
            Self::EmailInvalid => "email-invalid",
            Self::EmailMissing => "email-missing",
            Self::EmailTaken => "email-taken",
            Self::EnterpriseBound => "enterprise-bound",
            Self::FieldInvalid => "field-invalid",
            Self::FieldMissing => "field-missing",
            Self::JobChanged => "job-changed",
            Self::NoBridge => "no-bridge",
            Self::NumberMissing => "number-missing",
            Self::RateLimited => "rate-limited",
            Self::StoreUnavailable => "store-unavailable",
            Self::TemplateUnknown => "template-unknown",
            Self::Unmapped => "unmapped",
            Self::Unreadable => "unreadable",
            Self::UserUnknown => "user-unknown",
            Self::WordUnfit => "word-unfit",
            Self::WrongCredentials => "wrong-credentials",
        }
    }

    /// The code in the answer.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "A1001",
            Self::FieldMissing => "A1002",
            Self::NumberMissing => "A1003",
            Self::EmailMissing => "A1004",
            Self::EmailInvalid => "A1005",
            Self::FieldInvalid => "A1007",
            Self::Unmapped => "A1008",
            Self::NoBridge => "A1009",
            Self::WrongCredentials => "A1010",
            Self::AddressOrHost => "A1011",
            Self::TemplateUnknown => "A1012",
            Self::EmailTaken => "A1101",
            Self::EnterpriseBound => "A1102",
            Self::UserUnknown => "A1104",
            Self::WordUnfit => "A1105",
            Self::JobChanged => "A1106",
            Self::StoreUnavailable => "A1201",
            Self::RateLimited => "A1202",
            Self::BridgeUnreachable => "A1203",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::EmailInvalid
            | Self::EmailMissing
            | Self::FieldInvalid
            | Self::FieldMissing
            | Self::NumberMissing
            | Self::Unmapped
            | Self::Unreadable => 400,
            Self::WrongCredentials => 401,
            Self::AddressOrHost => 403,
            Self::NoBridge | Self::TemplateUnknown | Self::UserUnknown => 404,
            Self::EmailTaken | Self::EnterpriseBound | Self::JobChanged | Self::WordUnfit => 409,
            Self::RateLimited => 429,
            Self::BridgeUnreachable => 502,
            Self::StoreUnavailable => 503,
        }
    }

    /// The sentence for reasons that need to name no field. `user` is shown cut.
    #[must_use]
    pub fn sentence(self, user: Option<&str>) -> String {
        let user = shown_user(user);
        match self {
            Self::AddressOrHost => "This server may not provision here: check the provisioning \
                 URL (host name, no address) and the allow list."
                .to_owned(),
            Self::BridgeUnreachable => "Webex's provisioning bridge gives no answer: assign IM&P \
                 again in some minutes."
                .to_owned(),
            Self::EmailInvalid => {
                format!(
                    "The e-mail of {user} is no e-mail address: correct it, then assign IM&P again."
                )
            }
            Self::EmailMissing => {
                format!("{user} has no e-mail address: fill it in, then assign IM&P again.")
            }
            Self::EmailTaken => format!(
                "Another user has the e-mail address of {user}: correct one of them, then assign \
                 IM&P again."
            ),
            Self::EnterpriseBound => "This enterprise is provisioned through another template: \
                 use that template's provisioning URL."
                .to_owned(),
            Self::FieldInvalid => {
                format!(
                    "A value of {user} is not valid: correct the profile, then assign IM&P again."
                )
            }
            Self::FieldMissing => {
                format!(
                    "A value of {user} is missing: complete the profile, then assign IM&P again."
                )
            }
            Self::JobChanged => {
                "The job has changed meanwhile; look at it again before you decide.".to_owned()
            }
            Self::NoBridge => "This kind of request is not served by this provisioning URL: ask \
                 the provider's engineers."
                .to_owned(),
            Self::NumberMissing => format!(
                "{user} has neither phone number nor extension: assign one, then assign IM&P again."
            ),
            Self::RateLimited => {
                "Too many requests at once: wait a minute, then assign IM&P again.".to_owned()
            }
            Self::StoreUnavailable => "The provisioning adapter cannot take requests right now: \
                 assign IM&P again in some minutes."
                .to_owned(),
            Self::TemplateUnknown => "No template has this provisioning URL: copy the URL from \
                 the template again."
                .to_owned(),
            Self::Unmapped => "This kind of request is not known here: ask the provider's \
                 engineers to look at the captured request."
                .to_owned(),
            // What cannot be read as a request is not captured either.
            Self::Unreadable => "The request could not be read: ask the provider's engineers to \
                 look into the log of xspd."
                .to_owned(),
            Self::UserUnknown => format!("Nothing is known of {user}."),
            Self::WordUnfit => "The job does not wait for this.".to_owned(),
            Self::WrongCredentials => "Wrong provisioning user or password: make the messaging \
                 settings and the template agree."
                .to_owned(),
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user id as a sentence shows it.
#[must_use]
pub fn shown_user(user: Option<&str>) -> String {
    let user = user.map(str::trim).filter(|user| !user.is_empty());
    let Some(user) = user else {
        return "the user".to_owned();
    };
    let plain = |c: char| if is_hidden(c) { '?' } else { c };
    let mut shown: String = user.chars().take(USER_SHOWN).map(plain).collect();
    if user.chars().nth(USER_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// For the BroadWorks administrator, up to [`SENTENCE`] characters.
    pub sentence: String,
    /// For the operator of this daemon: rule, field and the sources tried; no values.
    pub detail: String,
}

impl Refusal {
    /// With the reason's own sentence.
    #[must_use]
    pub fn new(reason: RefusalReason, user: Option<&str>, detail: impl Into<String>) -> Self {
        Self {
            reason,
            sentence: reason.sentence(user),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.reason.code(), self.reason, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_a_word_and_a_short_sentence_of_its_own() {
        let codes: BTreeSet<_> = RefusalReason::ALL.map(RefusalReason::code).into();
        let words: BTreeSet<_> = RefusalReason::ALL.map(RefusalReason::as_str).into();
        assert_eq!((codes.len(), words.len()), (19, 19));
        let long = "w".repeat(161);
        for reason in RefusalReason::ALL {
            let sentence = reason.sentence(Some(&long));
            let length = sentence.chars().count();
            assert!(length < SENTENCE, "{length}: {sentence}");
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }

    #[test]
    fn a_sentence_names_the_user_and_no_control_character() {
        let sentence = RefusalReason::EmailMissing.sentence(Some(" a\u{7}b@c "));
        assert!(sentence.starts_with("a?b@c has no e-mail"), "{sentence}");
        let sentence = RefusalReason::EmailMissing.sentence(None);
        assert!(sentence.starts_with("the user has"), "{sentence}");
    }
}

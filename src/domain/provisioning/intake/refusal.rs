//! Wishes that are not taken: a code of ours, a status, and a sentence that may be shown to a
//! BroadWorks administrator.

use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::NoEnterprise;
use crate::domain::provisioning::refusal::RefusalReason;

/// Why a wish is not taken: some of the reasons of the adapter, and those of operators' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Another user of the cluster has the e-mail address.
    EmailHeld,
    /// The address has no form that Webex takes.
    EmailMalformed,
    /// The template trusts addresses, and the user has none.
    EmailMissing,
    /// The customer was begun with another template.
    EnterpriseBound,
    /// Something mandatory is missing or has no possible form.
    FieldMissing,
    /// The job changed since the operator looked at it.
    JobChanged,
    /// Neither number nor extension.
    NumberMissing,
    /// No such template.
    TemplateUnknown,
    /// Nothing is known of the user.
    UserUnknown,
    /// The word does not fit the job, or who provisions the user.
    WordUnfit,
}

impl Code {
    /// All, in the order of their names.
    pub const ALL: &'static [Self] = &[
        Self::EmailHeld,
        Self::EmailMalformed,
        Self::EmailMissing,
        Self::EnterpriseBound,
        Self::FieldMissing,
        Self::JobChanged,
        Self::NumberMissing,
        Self::TemplateUnknown,
        Self::UserUnknown,
        Self::WordUnfit,
    ];

    /// The reason, whose code and status it has.
    #[must_use]
    pub const fn reason(self) -> RefusalReason {
        match self {
            Self::EmailHeld => RefusalReason::EmailTaken,
            Self::EmailMalformed => RefusalReason::EmailInvalid,
            Self::EmailMissing => RefusalReason::EmailMissing,
            Self::EnterpriseBound => RefusalReason::EnterpriseBound,
            Self::FieldMissing => RefusalReason::FieldMissing,
            Self::JobChanged => RefusalReason::JobChanged,
            Self::NumberMissing => RefusalReason::NumberMissing,
            Self::TemplateUnknown => RefusalReason::TemplateUnknown,
            Self::UserUnknown => RefusalReason::UserUnknown,
            Self::WordUnfit => RefusalReason::WordUnfit,
        }
    }

    /// `A1002`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.reason().code()
    }

    /// The status that tells it.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.reason().status()
    }

    /// What to do, in one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::EmailHeld => {
                "Another BroadWorks user has this e-mail address; correct one of the two, then \
                 assign again."
            }
            Self::EmailMalformed => {
                "Webex cannot use the user's e-mail address; correct it, then assign again."
            }
            Self::EmailMissing => "Give the user an e-mail address, then assign the service again.",
            Self::EnterpriseBound => "This customer was begun with another template; use its URL.",
            Self::FieldMissing => {
                "Something mandatory is missing; complete the user, then assign again."
            }
            Self::JobChanged => {
                "The job has changed meanwhile; look at it again before you decide."
            }
            Self::NumberMissing => {
                "Assign a phone number or an extension to the user, then assign the service again."
            }
            Self::TemplateUnknown => "There is no such template; copy the provisioning URL again.",
            Self::UserUnknown => "Nothing is known of this user.",
            Self::WordUnfit => "The job does not wait for this.",
        }
    }
}

/// A wish that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// The status that tells it.
    pub status: u16,
    /// What to do, in one sentence of at most 120 characters or so.
    pub sentence: String,
    /// Who has the e-mail address. For operators: the sentence may be read by an administrator
    /// whom another customer's users are none of the business of.
    pub holder: Option<UserKey>,
}

impl Refusal {
    /// With the sentence of the code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self::saying(code, code.sentence().to_owned())
    }

    /// With a sentence of its own.
    #[must_use]
    pub const fn saying(code: Code, sentence: String) -> Self {
        Self {
            code,
            status: code.status(),
            sentence,
            holder: None,
        }
    }
}

pub(super) fn no_template(known: bool) -> Refusal {
    if known {
        let sentence = "The user's template is not in the configuration any more; bring it back.";
        Refusal::saying(Code::TemplateUnknown, sentence.to_owned())
    } else {
        Refusal::new(Code::UserUnknown)
    }
}

pub(super) fn no_enterprise(why: NoEnterprise) -> Refusal {
    let sentence = match why {
        NoEnterprise::NoGroup => {
            "The request names no group, but the template needs one to name the customer."
        }
        NoEnterprise::NotAName(_) => "Service provider and group give no name that Webex can use.",
    };
    Refusal::saying(Code::FieldMissing, sentence.to_owned())
}

pub(super) fn email_held(holder: &UserKey) -> Refusal {
    Refusal {
        holder: Some(holder.clone()),
        ..Refusal::new(Code::EmailHeld)
    }
}

pub(super) fn bound(template: &TemplateKey) -> Refusal {
    let sentence = format!("This customer was begun with the template {template}; use its URL.");
    Refusal::saying(Code::EnterpriseBound, sentence)
}

pub(super) fn provisioned_elsewhere(template: &TemplateKey) -> Refusal {
    let sentence = format!(
        "This user was provisioned by the URL of template {template}; unassign by that URL, or \
         remove it in Partner Hub."
    );
    Refusal::saying(Code::WordUnfit, sentence)
}

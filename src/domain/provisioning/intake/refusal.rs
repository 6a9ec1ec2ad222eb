//! Wishes that are not taken: a code of ours, a status, and a sentence that may be shown to a
//! BroadWorks administrator.

use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::policy::NoEnterprise;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident, $code:literal, $status:literal, $sentence:literal;)+) => {
        /// Why a wish is not taken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// `A1002`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The status that tells it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// What to do, in one sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

codes! {
    /// Another user of the cluster has the e-mail address.
    EmailHeld, "A1101", 409, "Another BroadWorks user has this e-mail address; correct one of the two, then assign again.";
    /// The address has no form that Webex takes.
    EmailMalformed, "A1005", 400, "Webex cannot use the user's e-mail address; correct it, then assign again.";
    /// The template trusts addresses, and the user has none.
    EmailMissing, "A1004", 400, "Give the user an e-mail address, then assign the service again.";
    /// The customer was begun with another template.
    EnterpriseBound, "A1102", 409, "This customer was begun with another template; use its URL.";
    /// Something mandatory is missing or has no possible form.
    FieldMissing, "A1002", 400, "Something mandatory is missing; complete the user, then assign again.";
    /// The job changed since the operator looked at it.
    JobChanged, "A1106", 409, "The job has changed meanwhile; look at it again before you decide.";
    /// Neither number nor extension.
    NumberMissing, "A1003", 400, "Assign a phone number or an extension to the user, then assign the service again.";
    /// No such template.
    TemplateUnknown, "A1012", 404, "There is no such template; copy the provisioning URL again.";
    /// Nothing is known of the user.
    UserUnknown, "A1104", 404, "Nothing is known of this user.";
    /// The word does not fit the job.
    WordUnfit, "A1105", 409, "The job does not wait for this.";
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

pub(super) fn bound(template: &TemplateKey) -> Refusal {
    let sentence = format!("This customer was begun with the template {template}; use its URL.");
    Refusal::saying(Code::EnterpriseBound, sentence)
}

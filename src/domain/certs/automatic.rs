//! What is told of certificates that a CA issues by ACME: renewals that fail, accounts that the CA
//! refuses, and what was renewed and is not served.

use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::observation::Condition;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::remedy;
use crate::domain::shell::quoted;

const NAME: AlarmName = AlarmName::CertificateRenewalFailed;

/// A certificate that is ordered by itself.
#[derive(Debug, Clone, Copy)]
pub struct Ordered<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The names in it.
    pub names: &'a [String],
    /// The directory of its CA.
    pub directory: &'a str,
}

/// An account at a CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The certificate that it is for.
    pub name: String,
    /// Its name at the CA.
    pub url: String,
    /// The directory of the CA.
    pub directory: String,
    /// Since when its key is in use, where that is known.
    pub since: Option<SystemTime>,
    /// Why the CA does not take it any more.
    pub refused: Option<String>,
}

impl Account {
    /// What it is called where it is watched, and in alarms.
    #[must_use]
    pub fn object(name: &str) -> String {
        format!("acme account {name}")
    }

    /// What is wrong with it.
    #[must_use]
    pub fn refusal(&self) -> Option<Present> {
        let (name, problem) = (&self.name, self.refused.as_ref()?);
        let mut present = Present {
            rule: "daily look at the account".to_owned(),
            details: vec![
                ("account".to_owned(), self.url.clone()),
                ("directory".to_owned(), self.directory.clone()),
            ],
            ..Present::new(
                Severity::Medium,
                format!(
                    "The CA refuses the account of the certificate \"{name}\", so it will not be \
                     renewed: {problem}. When it cannot be mended at the CA, `xspd acme \
                     new-account {name}` makes another one."
                ),
            )
        };
        let command = format!("xspd acme new-account {}", quoted(name));
        remedy::paste(&mut present, command);
        Some(present)
    }

    /// For the alarms.
    #[must_use]
    pub fn observation(&self) -> Observation {
        let condition = self.refusal();
        Observation {
            key: AlarmKey::new(NAME, &Self::object(&self.name)),
            condition: condition.map_or(Condition::Absent, Condition::Present),
        }
    }

    /// The same when there is none: nothing is wrong with it.
    #[must_use]
    pub fn none(name: &str) -> Observation {
        Observation::absent(NAME, &Self::object(name))
    }
}

fn object(name: &str) -> String {
    format!("acme {name}")
}

/// A renewal fails; what is in use ends then.
#[must_use]
pub fn failing(
    ordered: Ordered<'_>,
    failures: u32,
    ends: Option<SystemTime>,
    problem: &str,
) -> Observation {
    let name = ordered.name;
    let until = ends.map_or_else(
        || "no certificate of it is in use".to_owned(),
        |ends| format!("the one in use ends on {}", date::text(ends)),
    );
    let times = match failures {
        1 => "once".to_owned(),
        more => format!("{more} times in a row"),
    };
    let mut present = Present {
        rule: "three failed tries, or one with little time left".to_owned(),
        ends,
        details: vec![
            ("names".to_owned(), ordered.names.join(", ")),
            ("directory".to_owned(), ordered.directory.to_owned()),
        ],
        ..Present::new(
            Severity::Medium,
            format!(
                "The certificate \"{name}\" could not be renewed {times}; {until}. The last time: \
                 {problem}"
            ),
        )
    };
    remedy::paste(&mut present, format!("xspd certs renew {}", quoted(name)));
    Observation {
        key: AlarmKey::new(NAME, &object(name)),
        condition: Condition::Present(present),
    }
}

/// It works again.
#[must_use]
pub fn renewed(name: &str) -> Observation {
    Observation::absent(NAME, &object(name))
}

/// A renewed certificate is not served in this place.
#[must_use]
pub fn not_deployed(place: &str, leaf: &str, wrong: &str) -> Observation {
    let mut present = Present {
        rule: "handshake after activation".to_owned(),
        ..Present::new(
            Severity::High,
            format!(
                "{place} was renewed, but the new certificate (SHA-256 {leaf}) is not served: {wrong}"
            ),
        )
    };
    remedy::paste(&mut present, format!("xspd certs show {}", quoted(place)));
    Observation {
        key: AlarmKey::new(AlarmName::CertificateNotDeployed, place),
        condition: Condition::Present(present),
    }
}

/// What the files hold is served there.
#[must_use]
pub fn deployed(place: &str) -> Observation {
    Observation::absent(AlarmName::CertificateNotDeployed, place)
}

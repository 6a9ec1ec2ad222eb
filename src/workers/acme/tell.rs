//! What is told to the alarms: renewals that fail, accounts that a CA refuses, and certificates that
//! were renewed and are not served. What is told is taken back, whatever became of it meanwhile.

use std::collections::BTreeSet;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::workers::acme::Observe;
use crate::workers::acme::state::Folder;
use crate::workers::acme::state::Status;

fn renewal_key(name: &str) -> AlarmKey {
    let object = format!("acme {name}");
    AlarmKey::new(AlarmName::CertificateRenewalFailed, &object)
}

fn account_key(name: &str) -> AlarmKey {
    let object = format!("acme account {name}");
    AlarmKey::new(AlarmName::CertificateRenewalFailed, &object)
}

const fn absent(key: AlarmKey) -> Observation {
    Observation {
        key,
        condition: Condition::Absent,
    }
}

/// A renewal fails.
pub(super) fn failing(
    acme: &Acme,
    failures: u32,
    seen: Option<&CertificateFacts>,
    problem: &str,
) -> Observation {
    let ends = seen.map(|facts| facts.not_after);
    let until = ends.map_or_else(
        || "no certificate of it is in use".to_owned(),
        |ends| format!("the one in use ends on {}", date::text(ends)),
    );
    let times = match failures {
        1 => "once".to_owned(),
        more => format!("{more} times in a row"),
    };
    Observation {
        key: renewal_key(&acme.name),
        condition: Condition::Present(Present {
            severity: Severity::Medium,
            step: String::new(),
            text: format!(
                "The certificate \"{}\" could not be renewed {times}; {until}. The last time: \
                 {problem}",
                acme.name
            ),
            rule: "three failed tries, or one with little time left".to_owned(),
            ends,
            details: vec![
                ("names".to_owned(), acme.names.join(", ")),
                ("directory".to_owned(), acme.directory.clone()),
            ],
        }),
    }
}

/// It works again.
pub(super) fn renewed(name: &str) -> Observation {
    absent(renewal_key(name))
}

/// The CA does not want the account any more.
pub(super) fn account_refused(acme: &Acme, account: &str, problem: &str) -> Observation {
    let name = &acme.name;
    Observation {
        key: account_key(name),
        condition: Condition::Present(Present {
            severity: Severity::Medium,
            step: String::new(),
            text: format!(
                "The CA refuses the account of the certificate \"{name}\", so it will not be \
                 renewed: {problem}. When it cannot be mended at the CA, `xspd acme new-account \
                 {name}` makes another one."
            ),
            rule: "daily look at the account".to_owned(),
            ends: None,
            details: vec![
                ("account".to_owned(), account.to_owned()),
                ("directory".to_owned(), acme.directory.clone()),
            ],
        }),
    }
}

/// The account works.
pub(super) fn account_works(name: &str) -> Observation {
    absent(account_key(name))
}

/// A renewed certificate is not served in this place.
pub(super) fn not_deployed(place: &str, leaf: &str, wrong: &str) -> Observation {
    Observation {
        key: AlarmKey::new(AlarmName::CertificateNotDeployed, place),
        condition: Condition::Present(Present {
            severity: Severity::High,
            step: String::new(),
            text: format!(
                "{place} was renewed, but the new certificate (SHA-256 {leaf}) is not served: {wrong}"
            ),
            rule: "handshake after activation".to_owned(),
            ends: None,
            details: Vec::new(),
        }),
    }
}

/// What the files hold is served there.
pub(super) fn deployed(place: &str) -> Observation {
    absent(AlarmKey::new(AlarmName::CertificateNotDeployed, place))
}

/// Takes everything back that was told of a certificate that is no longer configured.
pub(super) fn take_back(observe: &Observe, name: &str, status: &Status) {
    observe(renewed(name));
    observe(account_works(name));
    for place in &status.unserved {
        observe(deployed(place));
    }
}

/// The same for what went while nobody was there. Blocks.
pub(super) fn take_back_gone(observe: &Observe, config: &Config) {
    let names: BTreeSet<_> = config.acme.iter().map(|acme| acme.name.as_str()).collect();
    for name in Folder::kept(&config.state_dir) {
        if !names.contains(name.as_str()) {
            let folder = Folder::new(&config.state_dir, &name);
            take_back(observe, &name, &folder.status().unwrap_or_default());
        }
    }
}

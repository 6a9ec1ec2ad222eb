//! What is told to the alarms, in the words of [`automatic`]: renewals that fail, accounts that a CA
//! refuses, and certificates that were renewed and are not served. What is told is taken back, whatever
//! became of it meanwhile.

use std::collections::BTreeSet;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::alarms::Observation;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::automatic;
use crate::domain::certs::automatic::Account;
use crate::domain::certs::automatic::Ordered;
use crate::workers::acme::Observe;
use crate::workers::acme::state::Folder;
use crate::workers::acme::state::Status;

/// A renewal fails.
pub(super) fn failing(
    acme: &Acme,
    failures: u32,
    seen: Option<&CertificateFacts>,
    problem: &str,
) -> Observation {
    let ordered = Ordered {
        name: &acme.name,
        names: &acme.names,
        directory: &acme.directory,
    };
    let ends = seen.map(|facts| facts.not_after);
    automatic::failing(ordered, failures, ends, problem)
}

/// How the account stands. Nobody else says it: the list of certificates shows the same and leaves the
/// alarm to us.
pub(super) fn account(acme: &Acme, status: &Status) -> Observation {
    let account = status.account_at(&acme.name, &acme.directory);
    account.map_or_else(
        || Account::none(&acme.name),
        |account| account.observation(),
    )
}

/// Takes everything back that was told of a certificate that is no longer configured.
pub(super) fn take_back(observe: &Observe, name: &str, status: &Status) {
    observe(automatic::renewed(name));
    observe(Account::none(name));
    for place in &status.unserved {
        observe(automatic::deployed(place));
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

//! Alarms of objects that are not held. What was on before the start may stand still: it stays on
//! until every round has looked, and for as long as something cannot be read where the object may
//! be. What was let go, or was found by no round, is said to be over a few times.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::said::Told;

#[derive(Debug, Default)]
pub(super) struct Unheld {
    told: BTreeMap<ObjectId, Told>,
    /// The rounds that looked since the start, and since the configuration changed.
    ran: BTreeSet<Round>,
    /// Where something cannot be read, by the names that objects there begin or end with.
    dark: BTreeSet<ObjectId>,
}

impl Unheld {
    /// An alarm that was on before the start.
    pub(super) fn restore(&mut self, id: ObjectId, name: AlarmName, present: Present) {
        self.told.entry(id).or_default().restore(name, present);
    }

    /// What is known of an object that is held from now on.
    pub(super) fn take(&mut self, id: &ObjectId) -> Told {
        self.told.remove(id).unwrap_or_default()
    }

    /// An object is held no longer, and all that was said of it is over.
    pub(super) fn let_go(&mut self, id: ObjectId, mut told: Told) {
        told.end_all();
        self.told.insert(id, told);
    }

    /// A round has looked.
    pub(super) fn looked(&mut self, round: Round) {
        self.ran.insert(round);
    }

    /// Another configuration holds: every round is to look again.
    pub(super) fn reconfigured(&mut self) {
        self.ran.clear();
    }

    /// Whether what cannot be read matters.
    pub(super) fn is_any_on(&self) -> bool {
        self.told.values().any(Told::is_any_on)
    }

    /// Notes where something cannot be read.
    pub(super) fn darken(&mut self, dark: BTreeSet<ObjectId>) {
        self.dark = dark;
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.told.keys()
    }

    /// What is to be said of an object now.
    pub(super) fn judge(&mut self, id: &ObjectId) -> Vec<Observation> {
        let rounds = [Round::Files, Round::Probes];
        let is_gone = rounds.iter().all(|round| self.ran.contains(round)) && !self.is_dark(id);
        let Some(told) = self.told.get_mut(id) else {
            return Vec::new();
        };
        if is_gone {
            told.end_all();
        }
        let (said, is_done) = told.repeat_all();
        if is_done {
            self.told.remove(id);
        }
        let observation = |(name, condition): (AlarmName, Condition)| Observation {
            key: AlarmKey::new(name, id.as_str()),
            condition,
        };
        said.into_iter().map(observation).collect()
    }

    /// Whether it may be among what cannot be read: objects begin with the name of their place, and
    /// anchors end with it.
    fn is_dark(&self, id: &ObjectId) -> bool {
        let text = id.as_str();
        let is = |place: &str| self.dark.contains(&ObjectId::new(place, ""));
        let ends = text.match_indices(' ').map(|(at, _)| at);
        let begins = text.match_indices(" of ").map(|(at, of)| at + of.len());
        !self.dark.is_empty()
            && (is(text)
                || ends.filter_map(|at| text.get(..at)).any(is)
                || begins.filter_map(|at| text.get(at..)).any(is))
    }
}

/// Whether an alarm from before the start can only be of this watch. Others tell of renewals, of
/// what was renewed and is not served, and of tokens, too; their objects are `acme …`, `partner …`
/// and places, `listener/host`.
pub(super) fn is_ours(key: &AlarmKey) -> bool {
    let object = key.object.as_str();
    let is_of_others = || {
        let begins = ["acme ", "partner "];
        object.contains('/') || begins.iter().any(|begin| object.starts_with(begin))
    };
    match key.name {
        AlarmName::CertificateChainInvalid
        | AlarmName::CertificateEkuChanged
        | AlarmName::CertificateExpired
        | AlarmName::CertificateExpiring
        | AlarmName::CertificateNodesDiffer
        | AlarmName::CertificateNotYetValid
        | AlarmName::CertificateRevoked
        | AlarmName::CertificateSourceLost
        | AlarmName::CertificateUnsuitable
        | AlarmName::CrlStale
        | AlarmName::KeyAging
        | AlarmName::TrustAnchorExpired
        | AlarmName::TrustAnchorExpiring => true,
        AlarmName::CertificateNotDeployed
        | AlarmName::CertificateRenewalFailed
        | AlarmName::OauthTokenExpiring => !is_of_others(),
        AlarmName::AdapterCallsUnmapped
        | AlarmName::AlarmSinkFailing
        | AlarmName::AlarmsDiscarded
        | AlarmName::AsUnreachable
        | AlarmName::BlfSubscriptionLost
        | AlarmName::ClockSkew
        | AlarmName::ConfigReloadFailed
        | AlarmName::CtiSessionsMissing
        | AlarmName::EventChannelLost
        | AlarmName::InternalCaGenerationUnused
        | AlarmName::InternalCaRenewalFailed
        | AlarmName::InternalCaRotationDue
        | AlarmName::MtlsClientRejected
        | AlarmName::ProvisioningBacklog
        | AlarmName::ProvisioningFailed
        | AlarmName::ProvisioningStuck
        | AlarmName::ServiceTokenFailing
        | AlarmName::SpoolFilling
        | AlarmName::TrustGenerationUnused
        | AlarmName::WebexApiUnreachable
        | AlarmName::WebexTrustChainNewVersion
        | AlarmName::XspUnreachable => false,
    }
}

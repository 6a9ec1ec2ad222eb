//! The object identifiers of XSPD-MIB. Numbers are for ever: receivers have rules for them.

use async_snmp::Oid;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;

/// `xspdNotifications`.
const NOTIFICATIONS: u32 = 0;

/// `xspdFaultFields`, below `xspdObjects`.
const FIELDS: [u32; 2] = [1, 1];

/// What is added to the number of an alarm for its clear.
pub const CLEAR: u32 = 1_000;

/// `xspdTest`.
pub const TEST: u32 = 999;

/// The tree below one base.
pub(super) struct Tree {
    base: Oid,
}

/// A field of a notification; its number is that in the MIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Running number.
    Identifier = 1,
    /// When it happened.
    TimeStamp,
    /// The name.
    AlarmName,
    /// The node.
    SystemName,
    /// How bad.
    Severity,
    /// Off or on; not sent, its number is that of BroadWorks.
    AlarmState,
    /// Which product.
    Component,
    /// Which part of it.
    Subcomponent,
    /// One sentence.
    ProblemText,
    /// What to do.
    RecommendedActionsText,
    /// The thing that it is about.
    Object,
    /// What happened to the alarm.
    NoticeKind,
    /// How often it was seen.
    Count,
    /// When the alarm was raised.
    Since,
    /// SHA-256 of the certificate.
    CertFingerprint,
    /// When the thing ends.
    CertNotAfter,
    /// The listener that serves it.
    Listener,
}

impl Tree {
    pub(super) fn below(base: &[u32]) -> Self {
        Self {
            base: Oid::from_slice(base),
        }
    }

    /// The instance of a field; all are scalars.
    pub(super) fn field(&self, field: Field) -> Oid {
        let [objects, fields] = FIELDS;
        // Casting an enum to its own number loses nothing.
        let number = field as u32;
        self.base
            .child(objects)
            .child(fields)
            .child(number)
            .child(0)
    }

    /// `snmpTrapOID.0` of a notice.
    pub(super) fn notification(&self, notice: &Notice) -> Oid {
        let number = number(notice.key.name);
        let number = match notice.kind {
            NoticeKind::Raised
            | NoticeKind::Stepped
            | NoticeKind::Reminded
            | NoticeKind::Acknowledged => number,
            NoticeKind::Cleared => CLEAR + number,
            NoticeKind::Test => TEST,
        };
        self.base.child(NOTIFICATIONS).child(number)
    }
}

/// The number of an alarm.
#[must_use]
pub const fn number(name: AlarmName) -> u32 {
    match name {
        AlarmName::CertificateExpiring => 1,
        AlarmName::CertificateExpired => 2,
        AlarmName::CertificateNotYetValid => 3,
        AlarmName::CertificateRenewalFailed => 4,
        AlarmName::CertificateNotDeployed => 5,
        AlarmName::CertificateChainInvalid => 6,
        AlarmName::CertificateUnsuitable => 7,
        AlarmName::CertificateEkuChanged => 8,
        AlarmName::CertificateRevoked => 9,
        AlarmName::CertificateSourceLost => 10,
        AlarmName::CertificateNodesDiffer => 11,
        AlarmName::CrlStale => 12,
        AlarmName::TrustAnchorExpiring => 13,
        AlarmName::TrustAnchorExpired => 14,
        AlarmName::WebexTrustChainNewVersion => 15,
        AlarmName::TrustGenerationUnused => 16,
        AlarmName::KeyAging => 17,
        AlarmName::OauthTokenExpiring => 18,
        AlarmName::ServiceTokenFailing => 19,
        AlarmName::MtlsClientRejected => 20,
        AlarmName::CtiSessionsMissing => 21,
        AlarmName::XspUnreachable => 22,
        AlarmName::AsUnreachable => 23,
        AlarmName::WebexApiUnreachable => 24,
        AlarmName::EventChannelLost => 25,
        AlarmName::BlfSubscriptionLost => 26,
        AlarmName::ProvisioningFailed => 27,
        AlarmName::ProvisioningBacklog => 28,
        AlarmName::ProvisioningStuck => 29,
        AlarmName::SpoolFilling => 30,
        AlarmName::ClockSkew => 31,
        AlarmName::ConfigReloadFailed => 32,
        AlarmName::AlarmSinkFailing => 33,
        AlarmName::AlarmsDiscarded => 34,
        AlarmName::InternalCaRenewalFailed => 41,
        AlarmName::InternalCaRotationDue => 42,
        AlarmName::InternalCaGenerationUnused => 43,
        AlarmName::AdapterCallsUnmapped => 44,
    }
}

/// The name of an alarm's notification in the MIB, of its clear with `Clear` behind it.
#[must_use]
pub fn mib_name(name: AlarmName) -> String {
    let word = name.word();
    let (first, rest) = word.split_at(1);
    format!("xspd{}{rest}", first.to_ascii_uppercase())
}

/// The part of the daemon that an alarm is about, as `xspdSubcomponent` numbers them.
#[must_use]
pub(super) const fn subcomponent(name: AlarmName) -> i32 {
    match name {
        AlarmName::CertificateExpiring
        | AlarmName::CertificateExpired
        | AlarmName::CertificateNotYetValid
        | AlarmName::CertificateRenewalFailed
        | AlarmName::CertificateNotDeployed
        | AlarmName::CertificateChainInvalid
        | AlarmName::CertificateUnsuitable
        | AlarmName::CertificateEkuChanged
        | AlarmName::CertificateRevoked
        | AlarmName::CertificateSourceLost
        | AlarmName::CertificateNodesDiffer
        | AlarmName::InternalCaRenewalFailed
        | AlarmName::InternalCaRotationDue
        | AlarmName::InternalCaGenerationUnused => 1,
        AlarmName::CrlStale
        | AlarmName::TrustAnchorExpiring
        | AlarmName::TrustAnchorExpired
        | AlarmName::WebexTrustChainNewVersion
        | AlarmName::TrustGenerationUnused => 2,
        AlarmName::KeyAging | AlarmName::OauthTokenExpiring | AlarmName::ServiceTokenFailing => 3,
        AlarmName::MtlsClientRejected | AlarmName::CtiSessionsMissing => 4,
        AlarmName::XspUnreachable | AlarmName::AsUnreachable | AlarmName::WebexApiUnreachable => 5,
        AlarmName::EventChannelLost | AlarmName::BlfSubscriptionLost => 6,
        AlarmName::AdapterCallsUnmapped
        | AlarmName::ProvisioningFailed
        | AlarmName::ProvisioningBacklog
        | AlarmName::ProvisioningStuck => 7,
        AlarmName::SpoolFilling | AlarmName::ClockSkew | AlarmName::ConfigReloadFailed => 8,
        AlarmName::AlarmSinkFailing | AlarmName::AlarmsDiscarded => 9,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_alarms_share_a_number_and_none_is_that_of_the_test() {
        let numbers: BTreeSet<u32> = AlarmName::ALL.iter().map(|name| number(*name)).collect();
        assert_eq!(numbers.len(), AlarmName::ALL.len());
        assert!(numbers.iter().all(|number| *number < TEST));
    }
}

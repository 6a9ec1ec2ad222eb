//! The names of all alarms: what a NOC greps, routes and documents.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

macro_rules! names {
    ($($name:ident, $word:literal, $meaning:literal;)*) => {
        /// What is wrong, in the style of BroadWorks' alarm names.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(rename_all = "camelCase")]
        pub enum AlarmName {
            $(#[doc = $meaning] $name,)*
        }

        impl AlarmName {
            /// All, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in traps, messages, labels and JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What is wrong, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }
        }
    };
}

names! {
    CertificateExpiring, "certificateExpiring", "A certificate ends soon, or its renewal is late.";
    CertificateExpired, "certificateExpired", "A certificate has ended.";
    CertificateNotYetValid, "certificateNotYetValid", "A certificate is in use before its time.";
    CertificateRenewalFailed, "certificateRenewalFailed", "A renewal, or an activation that was put off, failed again and again.";
    CertificateNotDeployed, "certificateNotDeployed", "What is served is not what the file holds.";
    CertificateChainInvalid, "certificateChainInvalid", "A chain is incomplete, disordered or unverifiable.";
    CertificateUnsuitable, "certificateUnsuitable", "A certificate does not fit its role: key, names, purpose, strength, issuer.";
    CertificateEkuChanged, "certificateEkuChanged", "A new certificate lacks a purpose that the old one had.";
    CertificateRevoked, "certificateRevoked", "The issuer has revoked a certificate.";
    CertificateSourceLost, "certificateSourceLost", "A watched file or endpoint can no longer be read.";
    CertificateNodesDiffer, "certificateNodesDiffer", "Nodes of one farm serve different certificates for one name.";
    CrlStale, "crlStale", "A revocation list is past its next update.";
    TrustAnchorExpiring, "trustAnchorExpiring", "A trust anchor ends soon; somebody must fetch its successor.";
    TrustAnchorExpired, "trustAnchorExpired", "A trust anchor has ended.";
    WebexTrustChainNewVersion, "webexTrustChainNewVersion", "A new Webex chain is there.";
    TrustGenerationUnused, "trustGenerationUnused", "An old Webex chain is no longer used and can be removed.";
    InternalCaRenewalFailed, "internalCaRenewalFailed", "A certificate of the internal CA could not be renewed.";
    InternalCaRotationDue, "internalCaRotationDue", "The internal CA ends soon; its successor must be made and installed.";
    InternalCaGenerationUnused, "internalCaGenerationUnused", "The internal CA before this one is no longer used and can be removed.";
    KeyAging, "keyAging", "A signing or encryption key is older than it should become.";
    OauthTokenExpiring, "oauthTokenExpiring", "A refresh token will lapse for want of use.";
    ServiceTokenFailing, "serviceTokenFailing", "The service token of CI validation is not renewed.";
    MtlsClientRejected, "mtlsClientRejected", "Clients of Webex are refused at the handshake.";
    CtiSessionsMissing, "ctiSessionsMissing", "No CTI session of Webex is open.";
    XspUnreachable, "xspUnreachable", "XSPs do not answer.";
    AsUnreachable, "asUnreachable", "The Application Server does not answer.";
    WebexApiUnreachable, "webexApiUnreachable", "The Webex APIs do not answer.";
    EventChannelLost, "eventChannelLost", "An event channel of our own is lost.";
    BlfSubscriptionLost, "blfSubscriptionLost", "A busy-lamp-field subscription of our own is lost.";
    ProvisioningFailed, "provisioningFailed", "Users could not be provisioned and wait for a person.";
    ProvisioningBacklog, "provisioningBacklog", "Provisioning cannot keep up.";
    ProvisioningStuck, "provisioningStuck", "Users wait longer than anybody should.";
    AdapterCallsUnmapped, "adapterCallsUnmapped", "Calls of the Application Server match no rule of a mapping.";
    SpoolFilling, "spoolFilling", "The disk under the state directory fills up.";
    ClockSkew, "clockSkew", "The clock jumped, or nobody keeps it.";
    ConfigReloadFailed, "configReloadFailed", "A changed configuration was refused; the old one is in force.";
    AlarmSinkFailing, "alarmSinkFailing", "A sink of notices does not take them.";
    AlarmsDiscarded, "alarmsDiscarded", "There were more alarms than are kept.";
}

impl AlarmName {
    /// The alarm of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.word() == word)
    }

    /// The names that somebody may have meant who wrote this, the nearest first: a few at most.
    #[must_use]
    pub fn nearest(word: &str) -> Vec<Self> {
        let word: String = word.chars().take(2 * LONGEST).collect();
        let most = word.chars().count() / 4 + 1;
        let near = Self::ALL
            .iter()
            .map(|name| (edits(&word, name.word()), *name));
        let mut near: Vec<_> = near.filter(|(edits, _)| *edits <= most).collect();
        near.sort_by_key(|(edits, _)| *edits);
        near.into_iter()
            .take(NEAREST)
            .map(|(_, name)| name)
            .collect()
    }
}

/// Names that are offered for one that is not known.
const NEAREST: usize = 3;

/// About as long as the longest name; what is much longer is near to none.
const LONGEST: usize = 32;

/// Characters to change, add or leave out until one is the other; in any case of letters.
fn edits(one: &str, other: &str) -> usize {
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    let (one, other) = (lower(one), lower(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (nth, from) in one.iter().enumerate() {
        let mut left = nth + 1;
        let mut next = vec![left];
        for (pair, to) in row.windows(2).zip(&other) {
            if let [diagonal, above] = pair {
                let kept = diagonal + usize::from(from != to);
                left = kept.min(above + 1).min(left + 1);
                next.push(left);
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

impl fmt::Display for AlarmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_word_in_json_too_and_leads_back() {
        for name in AlarmName::ALL {
            let json = serde_json::to_string(name).unwrap();
            assert_eq!(json, format!("\"{}\"", name.word()));
            assert_eq!(AlarmName::from_word(name.word()), Some(*name));
        }
        assert_eq!(AlarmName::from_word("certificate"), None);
    }

    #[test]
    fn the_names_that_were_meant_come_nearest_first() {
        for (written, meant) in [
            ("certificateExpirng", AlarmName::CertificateExpiring),
            ("certificateexpired", AlarmName::CertificateExpired),
            ("xspUnreachabel", AlarmName::XspUnreachable),
            ("clockSkew", AlarmName::ClockSkew),
        ] {
            assert_eq!(
                AlarmName::nearest(written).first(),
                Some(&meant),
                "{written}"
            );
        }
        assert!(AlarmName::nearest("certificateExpirng").len() <= NEAREST);
        for nothing in ["", "q", "somethingElseAltogether", &"x".repeat(10_000)] {
            assert_eq!(AlarmName::nearest(nothing), [], "{nothing:.20}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "ab"), 2);
    }
}

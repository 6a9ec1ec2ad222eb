//! Whose a certificate is that an alarm is about: who has to act, and where, is another matter for
//! one of our own than for one that an XSP presents.

use crate::domain::alarms::catalogue;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::name::AlarmName as A;

/// The name of the detail that says it.
pub const WHOSE: &str = "whose";

/// The name of the detail with a line to paste.
pub const COMMAND: &str = "command";

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Whose {
    /// It renews itself here.
    Automatic,
    /// It is presented or kept by somebody else; xspd only watches it.
    Elsewhere,
    /// Files of the configuration that no verb replaces.
    File,
    /// The CA of our own.
    InternalCa,
    /// An anchor by which others than Webex are believed.
    OtherCa,
    /// A place of our own, which people renew.
    Ours,
    /// An anchor by which Webex is believed.
    Webex,
}

impl Whose {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Automatic,
        Self::Elsewhere,
        Self::File,
        Self::InternalCa,
        Self::OtherCa,
        Self::Ours,
        Self::Webex,
    ];

    /// The word in details and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Elsewhere => "elsewhere",
            Self::File => "file",
            Self::InternalCa => "internal-ca",
            Self::OtherCa => "other-ca",
            Self::Ours => "ours",
            Self::Webex => "webex",
        }
    }

    /// As the details of an alarm say it.
    #[must_use]
    pub fn of(details: &[(String, String)]) -> Option<Self> {
        let (_, word) = details.iter().find(|(name, _)| name == WHOSE)?;
        Self::ALL.into_iter().find(|whose| whose.word() == word)
    }
}

/// What to do about an alarm at a step of it: as the catalogue says, unless that is for another kind
/// of thing.
#[must_use]
pub fn action(name: AlarmName, step: &str, whose: Option<Whose>) -> &'static str {
    let special = whose.and_then(|whose| special(name, whose));
    special.unwrap_or_else(|| catalogue::entry(name).action_at(step))
}

/// What to do where the catalogue speaks of another kind of thing.
#[must_use]
pub fn special(name: AlarmName, whose: Whose) -> Option<&'static str> {
    let found = SPECIAL
        .iter()
        .find(|(names, whom, _)| whom.contains(&whose) && names.contains(&name));
    found.map(|(_, _, action)| *action)
}

/// Alarms, whose they are, what to do.
type Special = (&'static [AlarmName], &'static [Whose], &'static str);

const SPECIAL: [Special; 14] = [
    (
        &[A::CertificateExpiring, A::CertificateExpired],
        &[Whose::Automatic],
        "It renews itself, and has not: `xspd certs show OBJECT` and the log tell why. Mend that \
         (port 80, DNS, account, rate limit, CA) and try at once: `xspd certs renew OBJECT`.",
    ),
    (
        &[A::CertificateRevoked],
        &[Whose::Automatic],
        "Find out why from the issuer, then have another issued: `xspd certs renew OBJECT`.",
    ),
    (
        &[A::CertificateExpiring],
        &[Whose::Elsewhere],
        "xspd only watches it: have it renewed where it is installed (`xspd certs show OBJECT` \
         tells where it was seen, and who looks after it).",
    ),
    (
        &[A::CertificateExpired],
        &[Whose::Elsewhere],
        "xspd only watches it: have a valid one installed there now (`xspd certs show OBJECT` \
         tells where it was seen, and who looks after it).",
    ),
    (
        &[A::CertificateNotYetValid],
        &[Whose::Elsewhere],
        "Compare the clock of this host (`timedatectl`) with that of the server that presents it; \
         have the certificate before it put back there.",
    ),
    (
        &[A::CertificateRenewalFailed],
        &[Whose::Elsewhere],
        "xspd only watches it: read the reason where it is renewed.",
    ),
    (
        &[A::CertificateChainInvalid],
        &[Whose::Elsewhere],
        "`xspd certs show OBJECT` tells which certificate of the chain is missing or out of order; \
         have the server that presents it send the whole chain.",
    ),
    (
        &[
            A::CertificateUnsuitable,
            A::CertificateEkuChanged,
            A::CertificateRevoked,
        ],
        &[Whose::Elsewhere],
        "The text says what is wrong with it. xspd only watches it: have another one installed \
         where it is (`xspd certs show OBJECT`).",
    ),
    (
        &[
            A::CertificateExpiring,
            A::CertificateExpired,
            A::CertificateUnsuitable,
            A::CertificateEkuChanged,
            A::CertificateRevoked,
        ],
        &[Whose::File],
        "No verb replaces it: order another one, put its chain and key into the files that `xspd \
         certs show OBJECT` names, then `systemctl reload xspd`.",
    ),
    (
        &[A::CertificateNotYetValid, A::CertificateChainInvalid],
        &[Whose::File],
        "Compare the text with the files that `xspd certs show OBJECT` names (chain, order, first \
         day) and with the clock of this host (`timedatectl`); mend them, then `systemctl reload \
         xspd`.",
    ),
    (
        &[
            A::CertificateExpiring,
            A::CertificateExpired,
            A::CertificateRevoked,
        ],
        &[Whose::InternalCa],
        "Make the next CA, `xspd certs rotate-internal-ca prepare`, install both anchors on every \
         XSP as it says, then `xspd certs rotate-internal-ca activate`.",
    ),
    (
        &[A::TrustAnchorExpiring],
        &[Whose::OtherCa],
        "Get the successor from whoever runs this CA, put it beside the old one into the file that \
         `xspd certs show OBJECT` names, then `systemctl reload xspd`.",
    ),
    (
        &[A::TrustAnchorExpired],
        &[Whose::OtherCa],
        "Peers below it are refused: get the successor from whoever runs this CA, put it into the \
         file that `xspd certs show OBJECT` names, then `systemctl reload xspd`.",
    ),
    (
        &[
            A::CertificateNotYetValid,
            A::CertificateUnsuitable,
            A::CertificateRevoked,
        ],
        &[Whose::OtherCa, Whose::Webex],
        "Others are believed by it: the text says what is wrong. Take it out of the file that \
         `xspd certs show OBJECT` names, or replace it there, then `systemctl reload xspd`.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_it_is_is_kept_as_a_word_among_the_details() {
        for whose in Whose::ALL {
            let details = vec![
                ("subject".to_owned(), "CN=a".to_owned()),
                (WHOSE.to_owned(), whose.word().to_owned()),
            ];
            assert_eq!(Whose::of(&details), Some(whose));
        }
        assert_eq!(Whose::of(&[]), None);
        assert_eq!(Whose::of(&[(WHOSE.to_owned(), "x".to_owned())]), None);
    }

    #[test]
    fn every_special_action_fits_a_trap_and_ends() {
        for name in AlarmName::ALL {
            for whose in Whose::ALL {
                let action = action(*name, "", Some(whose));
                assert!(action.ends_with('.'), "{name} {whose:?}");
                assert!(action.len() <= 255, "{name} {whose:?}: {}", action.len());
            }
            assert_eq!(action(*name, "", None), catalogue::entry(*name).action);
        }
    }

    #[test]
    fn nobody_is_sent_to_import_what_is_not_ours_or_to_partner_hub_for_another_ca() {
        let presented = [
            A::CertificateExpiring,
            A::CertificateExpired,
            A::CertificateNotYetValid,
            A::CertificateNotDeployed,
            A::CertificateChainInvalid,
            A::CertificateUnsuitable,
            A::CertificateEkuChanged,
            A::CertificateRevoked,
        ];
        let anchors = [
            A::TrustAnchorExpiring,
            A::TrustAnchorExpired,
            A::CertificateNotYetValid,
            A::CertificateUnsuitable,
            A::CertificateRevoked,
        ];
        for (whose, names) in [
            (Whose::Elsewhere, &presented[..]),
            (Whose::File, &presented),
            (Whose::OtherCa, &anchors),
        ] {
            for name in names {
                let action = action(*name, "", Some(whose));
                for words in [
                    "certs import",
                    "certs activate",
                    "Partner Hub",
                    "trust import",
                ] {
                    assert!(!action.contains(words), "{name} {whose:?}: {action}");
                }
            }
        }
    }
}

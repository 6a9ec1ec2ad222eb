//! The identity of a client: the name in its certificate that listeners keep lists of.

use crate::domain::certs::facts::CertificateFacts;

/// Longest identity, in bytes: the length of a host name, RFC 1035 section 2.3.4.
pub const LONGEST: usize = 253;

/// Why a certificate names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// Neither a SAN dNSName nor a common name.
    #[error("the certificate has neither a SAN dNSName nor a common name")]
    Absent,
    /// Several common names and no SAN dNSName: which one counts is anybody's guess.
    #[error("the certificate has several common names and no SAN dNSName")]
    Ambiguous,
    /// The name is there and empty.
    #[error("the name in the certificate is empty")]
    Empty,
    /// A character outside of printable ASCII; it could not be logged or sent in a header.
    #[error("the name in the certificate holds characters that cannot be printed")]
    NotPrintable,
    /// Longer than [`LONGEST`].
    #[error("the name in the certificate is longer than {LONGEST} bytes")]
    TooLong,
}

/// The identity of a client certificate: its first SAN dNSName, else its common name, in lower
/// case.
///
/// # Errors
///
/// When the name that counts cannot be used; another name never steps in for it.
pub fn identity(facts: &CertificateFacts) -> Result<String, BadIdentity> {
    let name = match (facts.dns_names.as_slice(), facts.common_names.as_slice()) {
        ([first, ..], _) => first,
        ([], [only]) => only,
        ([], []) => return Err(BadIdentity::Absent),
        ([], [_, _, ..]) => return Err(BadIdentity::Ambiguous),
    };
    if name.trim().is_empty() {
        Err(BadIdentity::Empty)
    } else if name.len() > LONGEST {
        Err(BadIdentity::TooLong)
    } else if !name.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) || name.trim() != name {
        Err(BadIdentity::NotPrintable)
    } else {
        Ok(name.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::CertificateParams;
    use rcgen::DnType;
    use rcgen::ExtendedKeyUsagePurpose;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    fn of(params: CertificateParams) -> Result<String, BadIdentity> {
        identity(&CertificateFacts::parse(&Minted::root(params).der).unwrap())
    }

    #[test]
    fn the_first_host_name_counts_before_the_common_name() {
        let mut params = mint::leaf("BWctiClient.webex.com", ExtendedKeyUsagePurpose::ClientAuth);
        params
            .subject_alt_names
            .push(rcgen::SanType::DnsName("b".try_into().unwrap()));
        params.distinguished_name.push(DnType::CommonName, "other");
        assert_eq!(of(params).as_deref(), Ok("bwcticlient.webex.com"));
        assert_eq!(
            of(mint::named("BWctiClient.webex.com")).as_deref(),
            Ok("bwcticlient.webex.com")
        );
    }

    #[test]
    fn names_that_cannot_be_listed_are_refused() {
        let mut nameless = mint::named("x");
        nameless.distinguished_name = rcgen::DistinguishedName::new();
        assert_eq!(of(nameless), Err(BadIdentity::Absent));
        let cases = [
            ("", BadIdentity::Empty),
            ("  ", BadIdentity::Empty),
            ("a\nb", BadIdentity::NotPrintable),
            ("a\u{0}", BadIdentity::NotPrintable),
            ("bwcticl\u{456}ent.webex.com", BadIdentity::NotPrintable),
            ("a ", BadIdentity::NotPrintable),
        ];
        for (name, bad) in cases {
            assert_eq!(of(mint::named(name)), Err(bad), "{name:?}");
        }
        assert_eq!(of(mint::named(&"a".repeat(254))), Err(BadIdentity::TooLong));
        assert!(of(mint::named(&"a".repeat(253))).is_ok());
    }

    #[test]
    fn several_common_names_leave_no_identity() {
        let mut facts = CertificateFacts::parse(&Minted::root(mint::named("a")).der).unwrap();
        facts.common_names.push("b".to_owned());
        assert_eq!(identity(&facts), Err(BadIdentity::Ambiguous));
    }

    #[test]
    fn an_unusable_host_name_is_not_replaced_by_the_common_name() {
        let mut facts = CertificateFacts::parse(&Minted::root(mint::named("good")).der).unwrap();
        facts.dns_names = vec![String::new()];
        assert_eq!(identity(&facts), Err(BadIdentity::Empty));
    }

    proptest! {
        #[test]
        fn an_identity_is_always_fit_for_a_log_and_a_header(name in ".{0,300}") {
            let mut facts =
                CertificateFacts::parse(&Minted::root(mint::named("a")).der).unwrap();
            facts.common_names = vec![name];
            if let Ok(identity) = identity(&facts) {
                prop_assert!((1..=LONGEST).contains(&identity.len()));
                prop_assert!(identity.bytes().all(|byte| matches!(byte, 0x20..=0x7e)));
                prop_assert!(!identity.bytes().any(|byte| byte.is_ascii_uppercase()));
            }
        }
    }
}

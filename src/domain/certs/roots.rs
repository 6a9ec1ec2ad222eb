//! Roots that clients have themselves, known by name and key: whatever a certificate with both says
//! of its dates, or who else signed it, clients go by their own copy. Nobody is believed by them
//! here.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::domain::certs::facts::CertificateFacts;
use crate::domain::ids::Fingerprint;

/// A set of roots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots(BTreeSet<(Vec<u8>, [u8; 32])>);

/// Those of browsers and operating systems.
static PUBLIC: LazyLock<Roots> = LazyLock::new(|| {
    let anchors = webpki_roots::TLS_SERVER_ROOTS.iter();
    let known = anchors.map(|anchor| {
        let key = sequence(anchor.subject_public_key_info.as_ref());
        let name = sequence(anchor.subject.as_ref());
        (name, *Fingerprint::of(&key).as_bytes())
    });
    Roots(known.collect())
});

impl Roots {
    /// Those that the public has.
    #[must_use]
    pub fn public() -> &'static Self {
        &PUBLIC
    }

    /// Those that these certificates stand for.
    pub fn of<'a>(certificates: impl IntoIterator<Item = &'a CertificateFacts>) -> Self {
        let known = certificates.into_iter();
        Self(known.map(key).collect())
    }

    /// Whether a certificate is one of them, or a copy that somebody else signed.
    #[must_use]
    pub fn hold(&self, facts: &CertificateFacts) -> bool {
        self.0.contains(&key(facts))
    }

    /// Whether one of them has the name of the issuer of a certificate.
    #[must_use]
    pub fn name_issuer_of(&self, facts: &CertificateFacts) -> bool {
        self.0.iter().any(|(name, _)| *name == facts.issuer_der)
    }
}

fn key(facts: &CertificateFacts) -> (Vec<u8>, [u8; 32]) {
    (facts.subject_der.clone(), facts.spki_sha256)
}

/// An anchor of webpki has the content alone, without what says that it is a sequence.
fn sequence(content: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    let [_, _, _, _, _, _, high, low] = content.len().to_be_bytes();
    let mut whole = match (high, low) {
        (0, ..=0x7f) => vec![SEQUENCE, low],
        (0, _) => vec![SEQUENCE, 0x81, low],
        (_, _) => vec![SEQUENCE, 0x82, high, low],
    };
    whole.extend(content);
    whole
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    /// ISRG Root X2, signed by itself, as everybody has it.
    const PUBLIC_ROOT: &str = "MIICGzCCAaGgAwIBAgIQQdKd0XLq7qeAwSxs6S+HUjAKBggqhkjOPQQDAzBPMQswCQYDVQQGEwJVUzEpMCcGA1UECh\
     MgSW50ZXJuZXQgU2VjdXJpdHkgUmVzZWFyY2ggR3JvdXAxFTATBgNVBAMTDElTUkcgUm9vdCBYMjAeFw0yMDA5MDQw\
     MDAwMDBaFw00MDA5MTcxNjAwMDBaME8xCzAJBgNVBAYTAlVTMSkwJwYDVQQKEyBJbnRlcm5ldCBTZWN1cml0eSBSZX\
     NlYXJjaCBHcm91cDEVMBMGA1UEAxMMSVNSRyBSb290IFgyMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzZvVn4CDCuwJ\
     SvMWSj5cz3es3mcFDR0HttwW+1qLFNvicWDEukWVEYmO6gbf9yoWHKS5xcUy4APgHoIYOIvXRdgKam7mAHf7AlF9It\
     gKbppbd9/w+kHsOdx1ymgHDB/qo0IwQDAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQU\
     fEKWrt5LSDv6kviejM9ti6lyN5UwCgYIKoZIzj0EAwMDaAAwZQIwe3lORlCEwkSHRhtFcP9Ymd70/aTSVaYgLXTWNL\
     xBo1BfASdWtL4ndQavEi51mI38AjEAi/V3bNTIZargCyzuFJ0nN6T5U6VR5CmD1/iQMVtCnwr1/q4AaOeMSQ+2b1tb\
     FfLn";

    #[test]
    fn public_roots_are_known_by_name_and_key() {
        assert!(Roots::public().0.len() > 50);
        let der = STANDARD.decode(PUBLIC_ROOT).unwrap();
        let root = CertificateFacts::parse(&der).unwrap();
        assert!(Roots::public().hold(&root));
        // Its name alone is anybody's.
        let mut other = CertificateFacts::parse(&Minted::root(mint::ca("Root")).der).unwrap();
        assert!(!Roots::public().hold(&other));
        other.subject_der.clone_from(&root.subject_der);
        assert!(!Roots::public().hold(&other));
        assert!(Roots::of([&other]).hold(&other));
    }

    #[test]
    fn a_length_is_written_as_der_wants_it() {
        assert_eq!(sequence(&[]), [0x30, 0]);
        assert_eq!(sequence(&[0; 127])[..3], [0x30, 127, 0]);
        assert_eq!(sequence(&[0; 128])[..4], [0x30, 0x81, 128, 0]);
        assert_eq!(sequence(&[0; 0x126])[..5], [0x30, 0x82, 1, 0x26, 0]);
    }
}

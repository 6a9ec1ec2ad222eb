//! The certificates in the bytes of a file, whatever its format: PEM with anything around the
//! blocks, one DER certificate, PKCS#12.

use crate::domain::certs::bundle;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::facts;
use crate::domain::certs::pem;
use crate::domain::certs::pkcs12;
use crate::domain::certs::pkcs12::Pkcs12Problem;
use crate::domain::certs::source::SourceFault;

/// Most blocks of one PEM file: a bundle of all public roots has about 150.
pub const MOST_BLOCKS: usize = 1_024;

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One certificate.
    Der,
    /// Blocks of text.
    Pem,
    /// Certificates and keys under a password.
    Pkcs12,
}

/// What bytes look like; `None` when like nothing that we read.
#[must_use]
pub fn format(bytes: &[u8]) -> Option<Format> {
    if memchr::memmem::find(bytes, b"-----BEGIN ").is_some() {
        Some(Format::Pem)
    } else if bytes.first() == Some(&0x30) {
        // Both are a SEQUENCE: of a version number in PKCS#12 (RFC 7292, section 4), of another
        // SEQUENCE in a certificate.
        match inside(bytes) {
            [0x02, 0x01, 0x03, ..] => Some(Format::Pkcs12),
            _ => Some(Format::Der),
        }
    } else {
        None
    }
}

/// What follows the header of the outermost element.
fn inside(bytes: &[u8]) -> &[u8] {
    let header = match bytes.get(1) {
        Some(length @ 0x80..=0x84) => 2 + usize::from(length - 0x80),
        _ => 2,
    };
    bytes.get(header..).unwrap_or_default()
}

/// The certificates of a file: of PEM and DER in their order, of PKCS#12 those of its key first, as
/// they would be presented. `password` opens PKCS#12; without one the empty one is tried.
///
/// # Errors
///
/// When there is none, or one is damaged, or the password is wrong. What stands around the blocks,
/// and other kinds of blocks, are passed over.
pub fn certificates(bytes: &[u8], password: Option<&str>) -> Result<Vec<Vec<u8>>, SourceFault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(SourceFault::Empty);
    }
    match format(bytes) {
        Some(Format::Pem) => from_pem(bytes),
        Some(Format::Der) if bytes.len() > facts::LARGEST => Err(SourceFault::BadCertificate(
            1,
            facts::BadCertificate::TooLarge,
        )),
        Some(Format::Der) => Ok(vec![bytes.to_vec()]),
        Some(Format::Pkcs12) => from_pkcs12(bytes, password),
        None => Err(SourceFault::UnknownFormat),
    }
}

fn from_pkcs12(bytes: &[u8], password: Option<&str>) -> Result<Vec<Vec<u8>>, SourceFault> {
    let contents = pkcs12::read(bytes, password.unwrap_or_default());
    let contents = contents.map_err(|problem| match problem {
        Pkcs12Problem::WrongPassword => SourceFault::Locked(password.is_some()),
        Pkcs12Problem::Malformed
        | Pkcs12Problem::OldEncryption
        | Pkcs12Problem::PublicKeyMode
        | Pkcs12Problem::TooManyRounds
        | Pkcs12Problem::TooMuch
        | Pkcs12Problem::Unsupported(_) => SourceFault::Unsupported(problem),
    })?;
    if contents.certificates.is_empty() {
        return Err(SourceFault::NoCertificate);
    }
    // The order in the file means nothing; the keys tell whose file it is. One without a key is a
    // store of anchors.
    let keys: Vec<[u8; 32]> = contents
        .keys
        .iter()
        .filter_map(|key| Key::of_der(key))
        .map(|key| key.spki_sha256())
        .collect();
    match bundle::assemble(&contents.certificates, &keys) {
        Ok(assembled) if !keys.is_empty() => Ok(assembled.chain),
        Ok(_) | Err(_) => Ok(contents.certificates),
    }
}

fn from_pem(bytes: &[u8]) -> Result<Vec<Vec<u8>>, SourceFault> {
    let blocks = pem::blocks(bytes, MOST_BLOCKS + 1);
    if blocks.len() > MOST_BLOCKS {
        return Err(SourceFault::TooManyCertificates(MOST_BLOCKS));
    }
    let mut found = Vec::new();
    for (nth, block) in (1..).zip(blocks) {
        match (block.label.as_str(), block.content) {
            ("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE", Ok(der)) => {
                found.push(der);
            }
            ("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE", Err(_)) => {
                return Err(SourceFault::BadPem(nth));
            }
            // Keys, parameters, requests.
            _ => {}
        }
    }
    if found.is_empty() {
        Err(SourceFault::NoCertificate)
    } else {
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::certs::facts::BadCertificate;
    use crate::domain::certs::facts::CertificateFacts;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    #[test]
    fn pem_with_junk_around_it_and_der_are_read() {
        let one = Minted::root(mint::ca("a"));
        let two = Minted::root(mint::ca("b"));
        let text = format!(
            "Bag Attributes\r\n friendlyName: x\n{}junk\u{0}\n{}trailing",
            one.pem(),
            two.pem().replace('\n', "\r\n")
        );
        assert_eq!(
            certificates(text.as_bytes(), None).unwrap(),
            [one.der.clone(), two.der]
        );
        let with_key = format!("{}{}", one.key_pem(), one.pem());
        assert_eq!(
            certificates(with_key.as_bytes(), None).unwrap(),
            std::slice::from_ref(&one.der)
        );
        assert_eq!(
            certificates(&one.der, None).unwrap(),
            std::slice::from_ref(&one.der)
        );
    }

    #[test]
    fn every_refusal_has_its_word() {
        let one = Minted::root(mint::ca("a"));
        let word = |bytes: &[u8]| certificates(bytes, None).unwrap_err().word();
        assert_eq!(word(b""), "empty");
        assert_eq!(word(b" \n"), "empty");
        assert_eq!(word(b"hello"), "unknown-format");
        assert_eq!(word(&[0xfe; 100]), "unknown-format");
        assert_eq!(word(one.key_pem().as_bytes()), "no-certificate");
        let cut = one.pem().replace("-----END", "-----CUT");
        assert_eq!(word(cut.as_bytes()), "bad-pem");
        assert_eq!(
            word(&one.pem().repeat(1_025).into_bytes()),
            "too-many-certificates"
        );
        assert_eq!(
            word(&[0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30]),
            "unsupported"
        );
        let mut long = vec![0x30];
        long.resize(70_000, 0);
        assert_eq!(word(&long), "bad-certificate");
    }

    #[test]
    fn pkcs12_is_opened_with_its_password_and_with_no_other() {
        const FILE: &[u8] = include_bytes!("../../../tests/fixtures/wire/certificates/aes256.p12");
        const OLD: &[u8] = include_bytes!("../../../tests/fixtures/wire/certificates/rc2-3des.p12");
        let ders = certificates(FILE, Some("smörgås")).unwrap();
        let facts: Vec<_> = ders
            .iter()
            .map(|der| CertificateFacts::parse(der).unwrap())
            .collect();
        // As it would be presented: the leaf first, each followed by its issuer.
        assert!(!facts[0].is_ca(), "{}", facts[0].subject);
        for pair in facts.windows(2) {
            assert_eq!(pair[0].issuer_der, pair[1].subject_der);
        }
        let wrong = certificates(FILE, Some("smorgas")).unwrap_err();
        assert_eq!(wrong.word(), "locked");
        assert!(wrong.to_string().contains("does not open it"), "{wrong}");
        let none = certificates(FILE, None).unwrap_err();
        assert_eq!(none.word(), "locked");
        assert!(none.to_string().contains("needs a password"), "{none}");
        let old = certificates(OLD, Some("secret")).unwrap_err();
        assert_eq!(old.word(), "unsupported");
        assert!(old.to_string().contains("openssl pkcs12 -legacy"), "{old}");
    }

    #[test]
    fn a_truncated_certificate_is_no_certificate() {
        let one = Minted::root(mint::ca("a"));
        for length in [1, 2, 50, one.der.len() - 1] {
            let ders = certificates(&one.der[..length], None).unwrap();
            let bad = CertificateFacts::parse(&ders[0]).unwrap_err();
            assert_eq!(bad, BadCertificate::NotX509, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(ders) = certificates(&bytes, None) {
                prop_assert!(!ders.is_empty());
            }
        }
    }
}

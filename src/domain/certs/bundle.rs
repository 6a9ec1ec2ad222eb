//! What a CA or a colleague delivers: certificates in any form and order, maybe with the key. Taken
//! apart by what the bytes are, never by the file's name; then put together as a listener presents
//! it: leaf first, each followed by its issuer, without the root.

use zeroize::Zeroizing;

use crate::domain::certs::ber::Element;
use crate::domain::certs::ber::INTEGER;
use crate::domain::certs::ber::OID;
use crate::domain::certs::ber::SEQUENCE;
use crate::domain::certs::chain;
use crate::domain::certs::facts;
use crate::domain::certs::facts::BadCertificate;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::pem;
use crate::domain::certs::pem::Block;
use crate::domain::certs::pem::Damage;
use crate::domain::certs::pkcs7;
use crate::domain::certs::pkcs7::Pkcs7Problem;
use crate::domain::certs::pkcs12;
use crate::domain::certs::pkcs12::Pkcs12Problem;
use crate::domain::certs::signature::Signed;
use crate::domain::ids::Fingerprint;

pub use crate::domain::certs::bundle_key::Key;

/// Largest file read, in bytes. A chain of ten certificates with key has some 40 KiB.
pub const LARGEST: usize = 1024 * 1024;

/// Most certificates of one file; CAs send a handful.
pub const MOST_CERTIFICATES: usize = 64;

/// Most keys of one file.
const MOST_KEYS: usize = 8;

/// Blocks of a PEM file that are looked at.
const MOST_BLOCKS: usize = 128;

/// How a file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One certificate or key in DER.
    Der,
    /// Text.
    Pem,
    /// PKCS#12.
    Pkcs12,
    /// PKCS#7.
    Pkcs7,
}

impl Form {
    /// The name for people and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Der => "DER",
            Self::Pem => "PEM",
            Self::Pkcs12 => "PKCS#12",
            Self::Pkcs7 => "PKCS#7",
        }
    }
}

/// What was in a file.
pub struct Bundle {
    /// How it was written.
    pub form: Form,
    /// Certificates in DER, in the order of the file, each once.
    pub certificates: Vec<Vec<u8>>,
    /// Keys.
    pub keys: Vec<Key>,
    /// Whether a key was there that cannot be used.
    pub unusable_key: bool,
}

/// Why nothing can be taken from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleProblem {
    /// Several certificates could be the leaf.
    #[error("more than one certificate in it could be the server's own: {0}; bring one at a time")]
    Ambiguous(String),
    /// A damaged PEM block.
    #[error("block {0} of it cannot be read: {1}")]
    BadBlock(usize, Damage),
    /// A certificate that cannot be read.
    #[error("certificate {0} of it cannot be read: {1}")]
    BadCertificate(usize, BadCertificate),
    /// A certificate request: what is sent to a CA, not what comes back.
    #[error("it is a certificate request, not a certificate: that is what goes to the CA")]
    IsRequest,
    /// A password is needed.
    #[error("it is encrypted; name a file with its password (--password-file), or type it")]
    NeedsPassword,
    /// No certificate in it.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// None of the certificates belongs to a leaf.
    #[error("every certificate in it is a CA's; the server's own is missing")]
    NoLeaf,
    /// A key is there, or is at hand, and no certificate belongs to it.
    #[error(
        "no certificate in it belongs to a key that is at hand. Bring the key in the same file, or \
         import where its request was made (xspd certs csr)"
    )]
    NoPair,
    /// PKCS#12 that cannot be read.
    #[error("{0}")]
    Pkcs12(#[from] Pkcs12Problem),
    /// PKCS#7 that cannot be read.
    #[error("{0}")]
    Pkcs7(#[from] Pkcs7Problem),
    /// More than [`LARGEST`] bytes.
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    /// More than [`MOST_CERTIFICATES`].
    #[error("it holds more than {MOST_CERTIFICATES} certificates or {MOST_KEYS} keys")]
    TooMany,
    /// The key that was brought cannot be used, and none of those at hand fits.
    #[error(
        "the key in it cannot be used: it is damaged, or of a kind or size that is not used here. RSA \
         needs 2048 to 8192 bits, and elliptic curves are P-256, P-384, P-521 and Ed25519"
    )]
    UnusableKey,
    /// None of the forms that are read.
    #[error("it is neither PEM, DER, PKCS#7 nor PKCS#12")]
    Unknown,
}

impl BundleProblem {
    /// The word for JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ambiguous(_) => "ambiguous",
            Self::BadBlock(..) => "bad-block",
            Self::BadCertificate(..) => "bad-certificate",
            Self::IsRequest => "is-request",
            Self::NeedsPassword => "needs-password",
            Self::NoCertificate => "no-certificate",
            Self::NoLeaf => "no-leaf",
            Self::NoPair => "no-pair",
            Self::Pkcs12(problem) => problem.as_str(),
            Self::Pkcs7(_) => "bad-pkcs7",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::Unknown => "unknown-form",
            Self::UnusableKey => "unusable-key",
        }
    }
}

/// Takes a file apart.
///
/// # Errors
/// When it is none of the forms, damaged, too large, or encrypted and the password is missing or
/// wrong.
pub fn read(bytes: &[u8], password: Option<&str>) -> Result<Bundle, BundleProblem> {
    if bytes.len() > LARGEST {
        return Err(BundleProblem::TooLarge);
    }
    let mut taken = Taken {
        password,
        bundle: Bundle {
            form: Form::Pem,
            certificates: Vec::new(),
            keys: Vec::new(),
            unusable_key: false,
        },
    };
    let blocks = pem::blocks(bytes, MOST_BLOCKS);
    if blocks.is_empty() {
        taken.der(bytes)?;
    } else {
        let mut requests = 0;
        for (place, block) in (1..).zip(blocks) {
            requests += usize::from(block.label.ends_with("CERTIFICATE REQUEST"));
            taken.block(place, block)?;
        }
        if taken.bundle.certificates.is_empty() && requests > 0 {
            return Err(BundleProblem::IsRequest);
        }
    }
    let mut bundle = taken.bundle;
    let mut seen = std::collections::BTreeSet::new();
    bundle
        .certificates
        .retain(|der| seen.insert(*Fingerprint::of(der).as_bytes()));
    if bundle.certificates.len() > MOST_CERTIFICATES || bundle.keys.len() > MOST_KEYS {
        return Err(BundleProblem::TooMany);
    }
    Ok(bundle)
}

struct Taken<'a> {
    password: Option<&'a str>,
    bundle: Bundle,
}

impl Taken<'_> {
    fn block(&mut self, place: usize, block: Block) -> Result<(), BundleProblem> {
        let content = block
            .content
            .map_err(|damage| BundleProblem::BadBlock(place, damage))?;
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => self.bundle.certificates.push(content),
            "PKCS7" | "CMS" => {
                let found = pkcs7::certificates(&content)?;
                self.bundle.certificates.extend(found);
            }
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                self.key(&Zeroizing::new(content));
            }
            "ENCRYPTED PRIVATE KEY" => {
                let password = self.password.ok_or(BundleProblem::NeedsPassword)?;
                let key = pkcs12::open_key(&content, password)?;
                self.key(&key);
            }
            // Parameters of curves, requests, text of other tools.
            _ => {}
        }
        Ok(())
    }

    /// Tells the forms apart by how they begin.
    fn der(&mut self, bytes: &[u8]) -> Result<(), BundleProblem> {
        let whole = Element::only(bytes).map_err(|_| BundleProblem::Unknown)?;
        let parts = whole
            .parts_of(SEQUENCE, 16)
            .map_err(|_| BundleProblem::Unknown)?;
        match parts.first().map(|first| first.tag) {
            Some(INTEGER) if pkcs12::is_pkcs12(bytes) => {
                self.bundle.form = Form::Pkcs12;
                let contents = match self.password {
                    Some(password) => pkcs12::read(bytes, password)?,
                    None => pkcs12::read(bytes, "").map_err(|problem| {
                        if problem == Pkcs12Problem::WrongPassword {
                            BundleProblem::NeedsPassword
                        } else {
                            problem.into()
                        }
                    })?,
                };
                self.bundle.certificates = contents.certificates;
                for key in contents.keys {
                    self.key(&key);
                }
            }
            Some(INTEGER) => {
                self.bundle.form = Form::Der;
                self.key(bytes);
            }
            Some(OID) => {
                self.bundle.form = Form::Pkcs7;
                self.bundle.certificates = pkcs7::certificates(bytes)?;
            }
            Some(SEQUENCE) => {
                self.bundle.form = Form::Der;
                if parts.len() == 2 {
                    let password = self.password.ok_or(BundleProblem::NeedsPassword)?;
                    let key = pkcs12::open_key(bytes, password)?;
                    self.key(&key);
                } else {
                    self.bundle.certificates.push(bytes.to_vec());
                }
            }
            Some(_) | None => return Err(BundleProblem::Unknown),
        }
        Ok(())
    }

    fn key(&mut self, der: &[u8]) {
        match Key::of_der(der) {
            Some(key) => self.bundle.keys.push(key),
            None => self.bundle.unusable_key = true,
        }
    }
}

/// A chain as it is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// DER, leaf first, without the root.
    pub chain: Vec<Vec<u8>>,
    /// What the leaf says.
    pub leaf: CertificateFacts,
    /// Subject of the root that was left out, when it was there.
    pub root: Option<String>,
    /// Subjects of certificates that do not belong to the chain.
    pub unused: Vec<String>,
}

impl Assembled {
    /// As PEM, leaf first.
    #[must_use]
    pub fn pem(&self) -> String {
        self.chain.iter().map(|der| pem::certificate(der)).collect()
    }
}

struct Held<'a> {
    der: &'a [u8],
    facts: CertificateFacts,
}

impl Held<'_> {
    fn is_root(&self) -> bool {
        self.facts.self_issued && self.facts.self_signed != Signed::No
    }

    fn issued(&self, other: &Held<'_>) -> bool {
        other.facts.issuer_der == self.facts.subject_der
            && facts::signed_by(other.der, self.der) != Signed::No
    }
}

/// Puts a chain together from certificates in any order. `keys` are the SHA-256 of the public
/// keys whose private halves are at hand: the leaf is the certificate of one of them.
///
/// # Errors
/// When there is no leaf, none for the keys, or more than one; or a certificate cannot be read.
pub fn assemble(certificates: &[Vec<u8>], keys: &[[u8; 32]]) -> Result<Assembled, BundleProblem> {
    if certificates.is_empty() {
        return Err(BundleProblem::NoCertificate);
    }
    let mut held = Vec::new();
    for (place, der) in (1..).zip(certificates) {
        let facts = CertificateFacts::parse(der)
            .map_err(|bad| BundleProblem::BadCertificate(place, bad))?;
        held.push(Held { der, facts });
    }
    let leaf = find_leaf(&held, keys)?;
    let mut chain = vec![leaf];
    let mut root = None;
    while chain.len() < chain::LONGEST
        && let Some(last) = chain.last()
        && !last.is_root()
    {
        let known = |next: &&Held<'_>| chain.iter().all(|before| before.der != next.der);
        let issuers = held.iter().filter(|next| next.issued(last)).filter(known);
        // A root ends the chain; of several intermediates for one key, the one that lasts longest.
        let Some(next) = issuers.max_by_key(|next| (next.is_root(), next.facts.not_after)) else {
            break;
        };
        if next.is_root() {
            root = Some(next.facts.subject.clone());
            break;
        }
        chain.push(next);
    }
    let belongs = |one: &&Held<'_>| {
        chain.iter().any(|link| link.der == one.der)
            || (one.is_root() && chain.last().is_some_and(|last| one.issued(last)))
    };
    let unused = held.iter().filter(|one| !belongs(one));
    Ok(Assembled {
        unused: unused.map(|one| one.facts.subject.clone()).collect(),
        chain: chain.iter().map(|link| link.der.to_vec()).collect(),
        leaf: leaf.facts.clone(),
        root,
    })
}

fn find_leaf<'a, 'b>(
    held: &'a [Held<'b>],
    keys: &[[u8; 32]],
) -> Result<&'a Held<'b>, BundleProblem> {
    let leaves: Vec<_> = held.iter().filter(|one| !one.facts.is_ca()).collect();
    if leaves.is_empty() {
        return Err(BundleProblem::NoLeaf);
    }
    let ours = leaves
        .iter()
        .filter(|one| keys.contains(&one.facts.spki_sha256));
    let ours: Vec<_> = ours.copied().collect();
    match ours.as_slice() {
        [] => Err(BundleProblem::NoPair),
        [leaf] => Ok(leaf),
        several => {
            // The same key certified again: the one that lasts longest is meant.
            let spki = several.first().map(|one| one.facts.spki_sha256);
            let same = |one: &&&Held<'_>| Some(one.facts.spki_sha256) == spki;
            if several.iter().filter(same).count() == several.len() {
                let last = several.iter().max_by_key(|one| one.facts.not_after);
                return last.copied().ok_or(BundleProblem::NoLeaf);
            }
            let names = several.iter().map(|one| one.facts.subject.as_str());
            Err(BundleProblem::Ambiguous(
                names.take(8).collect::<Vec<_>>().join("; "),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::ExtendedKeyUsagePurpose;

    use super::*;

    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    struct Pki {
        root: Minted,
        issuing: Minted,
        leaf: Minted,
    }

    fn pki() -> Pki {
        let root = Minted::root(mint::ca("Root"));
        let issuing = root.issue(mint::ca("Issuing"));
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        let leaf = issuing.issue(mint::leaf("xsp1.example.net", purpose));
        Pki {
            root,
            issuing,
            leaf,
        }
    }

    fn spki(der: &[u8]) -> [u8; 32] {
        CertificateFacts::parse(der).unwrap().spki_sha256
    }

    #[test]
    fn a_chain_is_built_from_any_order_without_the_root() {
        let Pki {
            root,
            issuing,
            leaf,
        } = pki();
        let stranger = Minted::root(mint::ca("Stranger"));
        let text = [&root, &stranger, &leaf, &issuing, &leaf]
            .map(Minted::pem)
            .join("some words\r\n");
        let bundle = read(text.as_bytes(), None).unwrap();
        assert_eq!(bundle.certificates.len(), 4);
        let chain = assemble(&bundle.certificates, &[spki(&leaf.der)]).unwrap();
        assert_eq!(chain.chain, [leaf.der, issuing.der]);
        assert_eq!(chain.root.as_deref(), Some("CN=Root"));
        assert_eq!(chain.unused, ["CN=Stranger"]);
    }

    #[test]
    fn the_leaf_is_the_certificate_of_a_key_at_hand() {
        let Pki { issuing, leaf, .. } = pki();
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        let other = issuing.issue(mint::leaf("xsp2.example.net", purpose));
        let all = [other.der.clone(), leaf.der.clone(), issuing.der.clone()];
        let chain = assemble(&all, &[spki(&leaf.der)]).unwrap();
        assert_eq!(chain.leaf.dns_names, ["xsp1.example.net"]);
        let both = [spki(&leaf.der), spki(&other.der)];
        let refused = assemble(&all, &both).err().unwrap();
        assert_eq!(refused.as_str(), "ambiguous");
        assert_eq!(assemble(&all, &[]), Err(BundleProblem::NoPair));
        let cas = [issuing.der.clone()];
        assert_eq!(assemble(&cas, &both), Err(BundleProblem::NoLeaf));
        assert_eq!(assemble(&[], &both), Err(BundleProblem::NoCertificate));
    }

    #[test]
    fn every_form_is_known_by_its_bytes() {
        let pem = include_bytes!("../../../tests/fixtures/wire/certificates/chain-pem.p7b");
        let der = include_bytes!("../../../tests/fixtures/wire/certificates/chain.p7b");
        let p12 = include_bytes!("../../../tests/fixtures/wire/certificates/aes256.p12");
        let locked = include_bytes!("../../../tests/fixtures/wire/certificates/encrypted-key.pem");
        for (bytes, password, form, keys) in [
            (&pem[..], None, Form::Pem, 0),
            (&der[..], None, Form::Pkcs7, 0),
            (&p12[..], Some("smörgås"), Form::Pkcs12, 1),
            (&locked[..], Some("secret"), Form::Pem, 1),
        ] {
            let bundle = read(bytes, password).unwrap();
            assert_eq!((bundle.form, bundle.keys.len()), (form, keys));
            assert_eq!(bundle.certificates.len(), 3);
            for key in &bundle.keys {
                assemble(&bundle.certificates, &[key.spki_sha256()]).unwrap();
            }
        }
        for bytes in [&p12[..], &locked[..]] {
            let refused = read(bytes, None).err().unwrap();
            assert_eq!(refused, BundleProblem::NeedsPassword);
        }
        let leaf = pki().leaf;
        assert_eq!(read(&leaf.der, None).unwrap().form, Form::Der);
    }

    #[test]
    fn what_is_no_bundle_is_refused_by_name() {
        for (bytes, word) in [
            (&b""[..], "unknown-form"),
            (b"\x30\x00", "unknown-form"),
            (b"hello", "unknown-form"),
            (
                b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
                "is-request",
            ),
            (b"-----BEGIN CERTIFICATE-----\nMIIB", "bad-block"),
        ] {
            assert_eq!(read(bytes, None).err().unwrap().as_str(), word);
        }
        let large = vec![b'x'; LARGEST + 1];
        assert_eq!(read(&large, None).err(), Some(BundleProblem::TooLarge));
        // Seventy certificates that differ in one byte each.
        let text: String = (0..70_u8)
            .map(|n| pem::certificate(&[0x30, 1, n]))
            .collect();
        assert_eq!(
            read(text.as_bytes(), None).err(),
            Some(BundleProblem::TooMany)
        );
    }
}

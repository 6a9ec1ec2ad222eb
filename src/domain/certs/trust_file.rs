//! A file of trust anchors as Partner Hub gives it: `CombinedCertChain<year>.txt`, PEM text with
//! roots and issuing certificates in any order (Solution Guide, "Configure CTI interface and trust
//! the Webex client certificate").
//!
//! Blocks are told apart by what is in them. Every problem of a file is reported at once.

use std::time::SystemTime;

use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::trust_draft::Draft;
use crate::domain::certs::trust_draft::link;
use crate::domain::certs::trust_problem::TrustProblem;
use crate::domain::certs::trust_problem::TrustReason;
use crate::domain::certs::trust_remark::TrustNote;
use crate::domain::ids::Fingerprint;

/// Largest file read, in bytes. Webex's own has about 4 kB; a whole CA bundle has 250 kB.
pub const LARGEST: usize = 1024 * 1024;

/// Most blocks of one file. Webex's has two or four; past this it is a CA bundle, and trusting
/// one of those for client certificates is a mistake.
pub const MOST_BLOCKS: usize = 64;

/// What happens to an anchor outside of its dates. rustls itself would go on accepting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfDate {
    /// An expired one is kept and noted; one that is not yet valid refuses the file.
    Keep,
    /// It is left out and noted; the file is refused only when no anchor remains. For the running
    /// daemon: a date must not take the other anchors with it.
    LeaveOut,
    /// It refuses the file. For what an engineer installs.
    Refuse,
}

/// How strictly a file is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustRules {
    /// Anchors outside of their dates.
    pub out_of_date: OutOfDate,
}

impl TrustRules {
    /// For a file that is to be installed.
    pub const STRICT: Self = Self {
        out_of_date: OutOfDate::Refuse,
    };

    /// For the running daemon, by the trust set's `refuse-expired`.
    #[must_use]
    pub const fn live(refuse_expired: bool) -> Self {
        Self {
            out_of_date: if refuse_expired {
                OutOfDate::LeaveOut
            } else {
                OutOfDate::Keep
            },
        }
    }
}

/// What a CA certificate is within a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Signed by another CA of the file or the set.
    Issuing,
    /// Signed by itself.
    Root,
}

impl Role {
    /// The word for tables, JSON and file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issuing => "issuing",
            Self::Root => "root",
        }
    }
}

/// One certificate that clients' chains may end at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The certificate.
    pub der: Vec<u8>,
    /// What it says.
    pub facts: CertificateFacts,
    /// Root or issuing.
    pub role: Role,
    /// The CA that signed it; a root's own fingerprint.
    pub issued_by: Fingerprint,
}

/// A file that was judged good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFile {
    /// The anchors to use, in the order of the file, each once.
    pub anchors: Vec<Anchor>,
    /// Anchors left out because of their dates; see [`OutOfDate::LeaveOut`].
    pub left_out: Vec<Anchor>,
    /// What is worth knowing about it.
    pub notes: Vec<TrustNote>,
}

/// Judges one file on its own.
///
/// # Errors
///
/// Every problem of the file, in the order of its blocks.
pub fn parse(
    bytes: &[u8],
    now: SystemTime,
    rules: TrustRules,
) -> Result<TrustFile, Vec<TrustProblem>> {
    let mut judged = judge_all(&[bytes], now, rules);
    let file = match judged.pop() {
        Some(judgement) => judgement.verdict?,
        None => return Err(vec![TrustProblem::whole(TrustReason::EmptyFile)]),
    };
    if file.anchors.is_empty() {
        return Err(vec![TrustProblem::whole(TrustReason::NoneInDate)]);
    }
    Ok(file)
}

/// What was read out of a file, and the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Every certificate that could be read, good or bad, for showing.
    pub certificates: Vec<Listed>,
    /// The file, or everything that is wrong with it.
    pub verdict: Result<TrustFile, Vec<TrustProblem>>,
}

/// One readable certificate of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Number of its block, the first one 1.
    pub block: usize,
    /// Root or issuing; `None` for a certificate that is no CA, or none that could be placed.
    pub role: Option<Role>,
    /// What it says.
    pub facts: CertificateFacts,
}

/// Judges files that make up one set: an issuing certificate may have its root in another file.
///
/// A good file may have no anchor left under [`OutOfDate::LeaveOut`].
#[must_use]
pub fn judge_all(files: &[&[u8]], now: SystemTime, rules: TrustRules) -> Vec<Judgement> {
    let mut drafts: Vec<Draft> = files
        .iter()
        .map(|bytes| Draft::read(bytes, now, rules))
        .collect();
    link(&mut drafts);
    drafts
        .into_iter()
        .map(|draft| draft.judge(now, rules))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rcgen::CustomExtension;
    use rcgen::DnType;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::GeneralSubtree;
    use rcgen::IsCa;
    use rcgen::KeyUsagePurpose;
    use rcgen::NameConstraints;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;
    use crate::domain::certs::mint::Webex;
    use crate::domain::certs::pem;
    use crate::domain::certs::trust_problem::NoCertificate;
    use crate::domain::certs::trust_remark::Remark;

    const KEEP: TrustRules = TrustRules::live(false);
    const LEAVE_OUT: TrustRules = TrustRules::live(true);

    fn strict(text: impl AsRef<[u8]>) -> Result<TrustFile, Vec<TrustProblem>> {
        parse(text.as_ref(), mint::now(), TrustRules::STRICT)
    }

    fn fingerprints(file: &TrustFile) -> Vec<Fingerprint> {
        file.anchors
            .iter()
            .map(|anchor| anchor.facts.fingerprint)
            .collect()
    }

    /// Block and word of every problem.
    fn problems(text: impl AsRef<[u8]>, rules: TrustRules) -> Vec<(Option<usize>, &'static str)> {
        let found = parse(text.as_ref(), mint::now(), rules).unwrap_err();
        found
            .iter()
            .map(|problem| {
                assert!(problem.to_string().ends_with(['.', 'm']), "{problem}");
                let block = problem.place.as_ref().map(|place| place.block);
                (block, problem.reason.as_str())
            })
            .collect()
    }

    fn notes(file: &TrustFile) -> Vec<(usize, &'static str)> {
        let words = |note: &TrustNote| (note.place.block, note.remark.as_str());
        file.notes.iter().map(words).collect()
    }

    #[test]
    fn the_file_of_partner_hub_gives_a_root_and_an_issuing_anchor() {
        let webex = Webex::of(2023);
        let file = strict(webex.pem()).unwrap();
        let roles: Vec<_> = file.anchors.iter().map(|anchor| anchor.role).collect();
        assert_eq!(roles, [Role::Root, Role::Issuing]);
        let issuers: Vec<_> = file.anchors.iter().map(|anchor| anchor.issued_by).collect();
        assert_eq!(issuers, [webex.root.fingerprint(); 2]);
        assert_eq!(file.notes, []);
    }

    #[test]
    fn order_line_endings_and_text_between_do_not_matter() {
        let webex = Webex::of(2023);
        let (root, issuing) = (webex.root.pem(), webex.issuing.pem());
        let text = webex.pem();
        let cases = [
            ("reversed", format!("{issuing}{root}")),
            ("CRLF", text.replace('\n', "\r\n")),
            ("BOM", format!("\u{feff}{text}")),
            (
                "text between",
                format!("Root:\r\n{root}\r\nIssuing:\r\n{issuing}end"),
            ),
            ("no last newline", text.trim_end().to_owned()),
            ("glued together", format!("{}{issuing}", root.trim_end())),
        ];
        let mut expected = vec![webex.root.fingerprint(), webex.issuing.fingerprint()];
        expected.sort_unstable();
        for (name, text) in cases {
            let mut found = fingerprints(&strict(text).unwrap());
            found.sort_unstable();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn two_generations_with_equal_names_are_kept_apart_by_fingerprint() {
        let (old, new) = (Webex::of(2021), Webex::of(2026));
        let file = strict(format!("{}{}", old.pem(), new.pem())).unwrap();
        let issuers: Vec<_> = file.anchors.iter().map(|anchor| anchor.issued_by).collect();
        let (first, second) = (old.root.fingerprint(), new.root.fingerprint());
        assert_eq!(issuers, [first, first, second, second]);
        assert_eq!(
            notes(&file),
            [(3, "same-name-other-key"), (4, "same-name-other-key")]
        );
    }

    #[test]
    fn an_issuing_certificate_may_stand_two_steps_below_its_root() {
        let webex = Webex::of(2023);
        let deeper = webex.issuing.issue(mint::ca("Deeper"));
        let file = strict(format!("{}{}", deeper.pem(), webex.pem())).unwrap();
        assert_eq!(file.anchors[0].issued_by, webex.issuing.fingerprint());
    }

    #[test]
    fn a_block_that_comes_twice_counts_once() {
        let webex = Webex::of(2023);
        let file = strict(format!("{}{}", webex.pem(), webex.root.pem())).unwrap();
        assert_eq!(file.anchors.len(), 2);
        assert_eq!(file.notes[0].remark, Remark::Duplicate(1));
        assert_eq!(notes(&file), [(3, "duplicate")]);
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_block() {
        let webex = Webex::of(2023);
        let client = mint::leaf("bwcticlient.webex.com", ExtendedKeyUsagePurpose::ClientAuth);
        let leaf = webex.issuing.issue(client);
        let text = [
            leaf.pem(),
            webex.root.key_pem(),
            webex.issuing.pem(),
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n".into(),
            pem::certificate(b"not DER"),
            "-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n".into(),
        ]
        .concat();
        assert_eq!(
            problems(text, TrustRules::STRICT),
            [
                (Some(1), "leaf-as-anchor"),
                (Some(2), "private-key"),
                (Some(3), "root-missing"),
                (Some(4), "not-a-certificate"),
                (Some(5), "not-a-certificate"),
                (Some(6), "damaged-block"),
            ]
        );
    }

    #[test]
    fn a_key_is_found_even_where_its_block_is_broken() {
        let webex = Webex::of(2023);
        let text = format!("{}-----BEGIN RSA\nPRIVATE KEY-----\nAAAA", webex.pem());
        assert_eq!(problems(text, TrustRules::STRICT), [(None, "private-key")]);
    }

    #[test]
    fn files_that_hold_no_chain_are_told_apart() {
        let webex = Webex::of(2023);
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(webex.pem().encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let cases: [(&str, &[u8], TrustReason); 6] = [
            ("empty", b"", TrustReason::EmptyFile),
            ("blank", b"\xef\xbb\xbf \r\n", TrustReason::EmptyFile),
            (
                "DER",
                &webex.root.der,
                TrustReason::NoCertificate(NoCertificate::Der),
            ),
            (
                "page",
                b"\n<!DOCTYPE html>",
                TrustReason::NoCertificate(NoCertificate::Html),
            ),
            (
                "UTF-16",
                &utf16,
                TrustReason::NoCertificate(NoCertificate::Utf16),
            ),
            (
                "prose",
                b"hello",
                TrustReason::NoCertificate(NoCertificate::NoBlock),
            ),
        ];
        for (name, bytes, reason) in cases {
            assert_eq!(
                strict(bytes),
                Err(vec![TrustProblem::whole(reason)]),
                "{name}"
            );
        }
        assert_eq!(
            problems(vec![b' '; LARGEST + 1], KEEP),
            [(None, "too-large")]
        );
    }

    #[test]
    fn sixty_four_blocks_are_taken_and_not_one_more() {
        let pem = Minted::root(mint::ca("x")).pem();
        assert_eq!(
            fingerprints(&strict(pem.repeat(MOST_BLOCKS)).unwrap()).len(),
            1
        );
        let more = pem.repeat(MOST_BLOCKS + 1);
        assert_eq!(problems(more, KEEP), [(None, "too-many-blocks")]);
    }

    #[test]
    fn what_happens_outside_of_the_dates_follows_the_rules() {
        let (over, current, early) = (Webex::of(2010), Webex::of(2023), Webex::of(2030));
        let old = format!("{}{}", over.pem(), current.pem());
        assert_eq!(
            problems(&old, TrustRules::STRICT),
            [(Some(1), "expired"), (Some(2), "expired")]
        );
        let kept = parse(old.as_bytes(), mint::now(), KEEP).unwrap();
        assert_eq!((kept.anchors.len(), kept.left_out.len()), (4, 0));
        assert_eq!(
            notes(&kept)[..2],
            [(1, "expired-but-kept"), (2, "expired-but-kept")]
        );
        let without = parse(old.as_bytes(), mint::now(), LEAVE_OUT).unwrap();
        assert_eq!((without.anchors.len(), without.left_out.len()), (2, 2));
        assert_eq!(
            notes(&without)[..2],
            [(1, "expired-left-out"), (2, "expired-left-out")]
        );
        assert_eq!(problems(over.pem(), LEAVE_OUT), [(None, "none-in-date")]);

        let soon = format!("{}{}", early.pem(), current.pem());
        for rules in [TrustRules::STRICT, KEEP] {
            let expected = [(Some(1), "not-yet-valid"), (Some(2), "not-yet-valid")];
            assert_eq!(problems(&soon, rules), expected);
        }
        let later = parse(soon.as_bytes(), mint::now(), LEAVE_OUT).unwrap();
        assert_eq!(later.left_out.len(), 2);
    }

    #[test]
    fn an_anchor_counts_to_its_very_last_second() {
        let webex = Webex::of(2023);
        let end = strict(webex.pem()).unwrap().anchors[0].facts.not_after;
        let text = webex.pem();
        assert!(parse(text.as_bytes(), end, TrustRules::STRICT).is_ok());
        let after = end + Duration::from_secs(1);
        assert!(parse(text.as_bytes(), after, TrustRules::STRICT).is_err());
    }

    #[test]
    fn a_root_that_comes_from_another_generation_is_told_from_a_missing_one() {
        let (old, new) = (Webex::of(2021), Webex::of(2026));
        let mixed = format!("{}{}", old.root.pem(), new.issuing.pem());
        assert_eq!(
            problems(mixed, TrustRules::STRICT),
            [(Some(2), "issuer-key-differs")]
        );
        let alone = problems(new.issuing.pem(), TrustRules::STRICT);
        assert_eq!(alone, [(Some(1), "root-missing")]);
    }

    #[test]
    fn a_changed_root_is_refused() {
        let mut der = Minted::root(mint::ca("Internal Private Root")).der;
        let at = memchr::memmem::rfind(&der, b"Private").unwrap();
        let other = memchr::memmem::find(&der, b"Private").unwrap();
        der[at] = b'Q';
        der[other] = b'Q';
        let found = problems(pem::certificate(&der), TrustRules::STRICT);
        assert_eq!(found, [(Some(1), "bad-self-signature")]);
    }

    #[test]
    fn a_signature_with_stray_bits_does_not_give_a_certificate_a_second_fingerprint() {
        let mut der = mint::sha1_root();
        // The BIT STRING of an RSA 2048 signature: 256 bytes after the count of unused bits.
        let unused = der.len() - 257;
        assert_eq!(der[unused], 0);
        der[unused] = 6;
        let found = problems(pem::certificate(&der), TrustRules::STRICT);
        assert_eq!(found, [(Some(1), "not-a-certificate")]);
    }

    #[test]
    fn weak_keys_and_signatures_are_refused_but_for_a_roots_own() {
        let file = strict(pem::certificate(&mint::sha1_root())).unwrap();
        assert_eq!(notes(&file), [(1, "weak-self-signature")]);
        let cases = [
            (mint::md5_root(), "weak-signature"),
            (mint::short_root(), "weak-key"),
            (mint::dsa_root(), "weak-key"),
        ];
        for (der, word) in cases {
            let found = problems(pem::certificate(&der), TrustRules::STRICT);
            assert_eq!(found, [(Some(1), word)]);
        }
    }

    #[test]
    fn an_issuing_certificate_signed_with_sha1_is_refused() {
        // Nothing here signs with SHA-1; only the two names of the algorithm are changed, which
        // is what the judgement goes by.
        let key =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
        let root = Minted::root_with(mint::ca("R"), key.unwrap());
        let mut der = root.issue(mint::ca("I")).der;
        let sha256 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
        while let Some(at) = memchr::memmem::find(&der, &sha256) {
            der[at + 8] = 0x05;
        }
        let text = format!("{}{}", root.pem(), pem::certificate(&der));
        let found = problems(text, TrustRules::STRICT);
        assert!(found.contains(&(Some(2), "weak-signature")), "{found:?}");
    }

    #[test]
    fn a_ca_must_say_that_it_is_one() {
        let with = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
            let mut params = mint::ca("x");
            change(&mut params);
            problems(Minted::root(params).pem(), TrustRules::STRICT)
        };
        let sign = with(&|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
        assert_eq!(sign, [(Some(1), "no-cert-sign")]);
        assert_eq!(
            with(&|params| params.is_ca = IsCa::NoCa),
            [(Some(1), "no-basic-constraints")]
        );
        let server = with(&|params| {
            *params = mint::leaf("xsp.example.com", ExtendedKeyUsagePurpose::ServerAuth);
        });
        assert_eq!(server, [(Some(1), "leaf-as-anchor")]);
        let no = with(&|params| params.is_ca = IsCa::ExplicitNoCa);
        assert_eq!(no, [(Some(1), "leaf-as-anchor")]);
        let unknown = with(&|params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
        });
        assert_eq!(unknown, [(Some(1), "unknown-critical-extension")]);
    }

    fn constrained(subtree: GeneralSubtree) -> Minted {
        let mut params = mint::ca("Constrained");
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![subtree],
            excluded_subtrees: Vec::new(),
        });
        Minted::root(params)
    }

    /// Whether webpki lets a client with a plain host name in below this root.
    fn webpki_accepts(root: &Minted) -> bool {
        let leaf = root.issue(mint::leaf(
            "a.example.com",
            ExtendedKeyUsagePurpose::ClientAuth,
        ));
        let root = rustls_pki_types::CertificateDer::from(root.der.clone());
        let leaf = rustls_pki_types::CertificateDer::from(leaf.der);
        let now = mint::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
        let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &[],
            rustls_pki_types::UnixTime::since_unix_epoch(now),
            webpki::KeyUsage::client_auth(),
            None,
            None,
        )
        .is_ok()
    }

    #[test]
    fn name_constraints_are_judged_as_webpki_treats_them() {
        let mut name = rcgen::DistinguishedName::new();
        name.push(DnType::CommonName, "a.example.com");
        let directory = constrained(GeneralSubtree::DirectoryName(name));
        assert!(!webpki_accepts(&directory));
        let found = problems(directory.pem(), TrustRules::STRICT);
        assert_eq!(found, [(Some(1), "unsupported-name-constraints")]);

        let email = constrained(GeneralSubtree::Rfc822Name("example.com".to_owned()));
        assert!(webpki_accepts(&email));
        let file = strict(email.pem()).unwrap();
        assert_eq!(notes(&file), [(1, "limited-name-constraints")]);

        let host = constrained(GeneralSubtree::DnsName("example.com".to_owned()));
        assert!(webpki_accepts(&host));
        assert_eq!(notes(&strict(host.pem()).unwrap()), []);
    }

    #[test]
    fn sentences_name_block_subject_and_remedy() {
        let webex = Webex::of(2023);
        let found = strict(webex.issuing.pem()).unwrap_err();
        assert_eq!(
            found[0].to_string(),
            "Block 1 (CN=Internal Private TLS SubCA): the certificate that issued it is missing: \
             CN=Internal Private Root. Put it into the same file or beside it; the file from \
             Partner Hub holds both."
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..512),
        ) {
            prop_assert!(strict(bytes).is_err());
        }

        #[test]
        fn a_changed_file_never_gains_an_anchor(
            changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4),
        ) {
            let text = pem::certificate(&mint::sha1_root());
            let mut bytes = text.clone().into_bytes();
            for (at, value) in changes {
                let at = usize::from(at) % bytes.len();
                bytes[at] = value;
            }
            if let Ok(file) = strict(&bytes) {
                // A lost letter in the marks or a changed blank changes nothing that counts.
                prop_assert_eq!(fingerprints(&file), [Fingerprint::of(&mint::sha1_root())]);
            }
        }
    }
}

//! What is wrong with a certificate in the place where it is used, apart from its dates.

use std::time::SystemTime;

use crate::domain::certs::chain;
use crate::domain::certs::chain::ChainVerdict;
use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::matter::Matter;
use crate::domain::certs::roots::Roots;
use crate::domain::certs::signature::Signed;
use crate::domain::ids::Fingerprint;

pub use crate::domain::certs::finding::Finding;

/// What BroadWorks gives to an interface when it is first secured: self-signed, for one year.
const BROADWORKS_DEFAULT_DAYS: std::ops::RangeInclusive<i64> = 364..=367;

/// A leaf with more names is suspicious; public CAs allow 100 to 250.
const MOST_NAMES: usize = 1_000;

/// Certificates of a chain that are compared: no more are recorded of a peer.
pub const MOST_PRESENTED: usize = 16;

/// Later years are only written by mistake, or to say "never".
const LAST_SENSIBLE_YEAR: i32 = 2200;

/// A chain that was seen somewhere, judged once for the place where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainSeen {
    /// The readable certificates, the leaf first; never empty.
    certificates: Vec<CertificateFacts>,
    /// Of all that was there, in its order.
    presented: Fingerprint,
    /// The way from the leaf to its root, as places among them.
    path: Vec<usize>,
    /// What is wrong, whatever the time.
    findings: Vec<Finding>,
}

impl ChainSeen {
    /// Judges a chain for an object. `None` when the first certificate cannot be read; the caller
    /// knows why from [`CertificateFacts::parse`].
    #[must_use]
    pub fn judge<D: AsRef<[u8]>>(chain: &[D], watched: &Watched, now: SystemTime) -> Option<Self> {
        if watched.kind.is_presented() {
            presented(chain, watched, now)
        } else {
            let facts = CertificateFacts::parse(chain.first()?.as_ref()).ok()?;
            let mut findings = alone(&facts);
            let issues = match watched.duty {
                Duty::Ca | Duty::TrustAnchor => true,
                Duty::AcmeAccount
                | Duty::Client
                | Duty::Crl
                | Duty::Key
                | Duty::Server
                | Duty::Token => false,
            };
            if issues && !facts.is_ca() {
                findings.push(Finding::NotACa);
            }
            findings.extend(of_any(&facts));
            Some(Self {
                presented: presented_as(chain),
                certificates: vec![facts],
                path: vec![0],
                findings,
            })
        }
    }

    /// With one more finding, of somebody who knows more than the chain shows.
    #[must_use]
    pub fn with(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    /// The certificate that counts.
    #[must_use]
    pub fn leaf(&self) -> Option<&CertificateFacts> {
        self.certificates.first()
    }

    /// All, the leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateFacts] {
        &self.certificates
    }

    /// What tells this chain from another with the same leaf: of every certificate, in the order in
    /// which they are sent.
    #[must_use]
    pub const fn presented(&self) -> Fingerprint {
        self.presented
    }

    /// What is wrong, whatever the time.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The certificate that ends first on the way from the leaf to its root: a chain is no better
    /// than that. Roots do not count, whoever signed them, since clients use their own copy.
    #[must_use]
    pub fn first_to_end(&self) -> Option<&CertificateFacts> {
        self.path().min_by_key(|facts| facts.not_after)
    }

    /// The certificate that has not begun yet.
    #[must_use]
    pub fn not_begun(&self, now: SystemTime) -> Option<&CertificateFacts> {
        self.path().find(|facts| {
            facts.validity_at(now) == Validity::NotYet && facts.not_before <= facts.not_after
        })
    }

    /// What lies beside the way from the leaf and is over.
    pub fn stray_and_over(&self, now: SystemTime) -> impl Iterator<Item = &CertificateFacts> {
        let beside = self.certificates.iter().enumerate();
        let beside = beside.filter(|(nth, _)| !self.path.contains(nth));
        beside
            .map(|(_, facts)| facts)
            .filter(move |facts| !facts.self_issued && facts.validity_at(now) == Validity::Over)
    }

    /// The leaf and each issuer above it.
    fn path(&self) -> impl Iterator<Item = &CertificateFacts> {
        let places = self.path.iter();
        places.filter_map(|nth| self.certificates.get(*nth))
    }
}

/// Of a chain as it is sent, or as a file holds it.
#[must_use]
pub fn presented_as<D: AsRef<[u8]>>(chain: &[D]) -> Fingerprint {
    let mut bytes = Vec::new();
    for der in chain.iter().take(MOST_PRESENTED) {
        // Each says how long it is, so that none runs into the next.
        bytes.extend_from_slice(der.as_ref());
    }
    Fingerprint::of(&bytes)
}

fn presented<D: AsRef<[u8]>>(chain: &[D], watched: &Watched, now: SystemTime) -> Option<ChainSeen> {
    let believed = watched.believed.as_deref();
    let public: &Roots = Roots::public();
    let roots = believed.unwrap_or(public);
    let verdict = chain::judge_for(chain, &watched.hosts, roots, now);
    let leads = believed.map(|roots| leads_to(&verdict, roots));
    let leaf = verdict.certificates.first()?;
    // A chain whose first certificate is not the leaf that was parsed first is told by its own
    // problem; an unreadable first one is a fault of the source.
    CertificateFacts::parse(chain.first()?.as_ref()).ok()?;
    let mut findings: Vec<Finding> = Vec::new();
    let is_server = watched.duty == Duty::Server;
    for problem in verdict.problems {
        let is_self_signed = matches!(problem, ChainProblem::SelfSigned(_));
        let is_of_the_end = matches!(
            problem,
            ChainProblem::CrossSignedRoot(_)
                | ChainProblem::IntermediatesMissing { .. }
                | ChainProblem::SelfSigned(_)
        );
        // Where the CAs are known that it is believed by, it leads to them or it does not.
        let said_otherwise =
            (is_self_signed && is_server && watched.public) || (is_of_the_end && leads.is_some());
        let counts = match problem.matter() {
            // The schedule tells of dates.
            Matter::End(_) | Matter::Start(_) => false,
            Matter::Form => true,
            Matter::Server => is_server,
        };
        if counts && !said_otherwise {
            findings.push(chain_finding(problem, watched));
        }
    }
    if is_server && watched.public && leaf.self_issued && leaf.self_signed != Signed::No {
        findings.push(Finding::SelfSigned {
            broadworks_default: is_broadworks_default(leaf),
        });
    }
    if leads == Some(false) {
        let top = verdict.path.last();
        let top = top.and_then(|nth| verdict.certificates.get(*nth));
        findings.push(Finding::NotBelieved(top.unwrap_or(leaf).issuer.clone()));
    }
    if watched.duty == Duty::Client
        && let Some(purposes) = &leaf.extended_key_usage
        && !purposes.client_auth
    {
        let names = purposes.names();
        let named = if names.is_empty() {
            "none".to_owned()
        } else {
            names.into_iter().take(8).collect::<Vec<_>>().join(", ")
        };
        findings.push(Finding::ClientPurposeMissing(named));
    }
    findings.extend(of_any(leaf));
    Some(ChainSeen {
        presented: presented_as(chain),
        certificates: verdict.certificates,
        path: verdict.path,
        findings,
    })
}

/// Whether a chain ends at one of these CAs, or right below one.
fn leads_to(verdict: &ChainVerdict, roots: &Roots) -> bool {
    let places = verdict.path.iter();
    let mut way = places.filter_map(|nth| verdict.certificates.get(*nth));
    way.any(|facts| roots.hold(facts) || roots.name_issuer_of(facts))
}

fn chain_finding(problem: ChainProblem, watched: &Watched) -> Finding {
    // A private root may issue servers itself, and its clients hold it.
    if !watched.public && matches!(problem, ChainProblem::IntermediatesMissing { .. }) {
        Finding::Noted(problem)
    } else {
        Finding::Chain(problem)
    }
}

fn is_broadworks_default(leaf: &CertificateFacts) -> bool {
    BROADWORKS_DEFAULT_DAYS.contains(&date::days_between(leaf.not_before, leaf.not_after))
}

/// What is wrong with a certificate that stands alone.
fn alone(facts: &CertificateFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !facts.key.is_strong() {
        findings.push(Finding::WeakKey(facts.key.clone()));
    }
    // Nobody checks what a root says of itself.
    if facts.signature.weak() && !facts.self_issued {
        findings.push(Finding::WeakSignature(facts.signature.clone()));
    }
    findings
}

/// What is wrong with any certificate.
fn of_any(facts: &CertificateFacts) -> impl Iterator<Item = Finding> {
    let reversed = facts.not_before > facts.not_after;
    let never = date::year(facts.not_after).is_none_or(|year| year > LAST_SENSIBLE_YEAR);
    let names = facts.dns_names.len();
    let garbled = [&facts.subject, &facts.issuer]
        .iter()
        .any(|name| name.contains(char::REPLACEMENT_CHARACTER));
    [
        garbled.then_some(Finding::NameGarbled),
        reversed.then_some(Finding::DatesReversed),
        never.then_some(Finding::NeverEnds(facts.not_after)),
        facts.serial_negative.then_some(Finding::SerialNegative),
        (names > MOST_NAMES).then_some(Finding::TooManyNames(names)),
    ]
    .into_iter()
    .flatten()
}

/// A purpose that `new` lacks and `old` had.
#[must_use]
pub fn purpose_lost(old: &CertificateFacts, new: &CertificateFacts, duty: Duty) -> Option<Finding> {
    let lost = |of: fn(&CertificateFacts) -> Option<bool>| {
        of(old).unwrap_or(true) && !of(new).unwrap_or(true)
    };
    let (client, server) = (
        lost(CertificateFacts::client_auth),
        lost(CertificateFacts::server_auth),
    );
    let finding = |purpose, needed| Some(Finding::PurposeLost { purpose, needed });
    match (client, server) {
        (_, true) if duty == Duty::Server => finding("serverAuth", true),
        (true, _) => finding("clientAuth", duty == Duty::Client),
        (false, true) => finding("serverAuth", false),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::CertificateParams;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::date_time_ymd;

    use super::*;
    use crate::domain::alarms::AlarmName;
    use crate::domain::alarms::Severity;
    use crate::domain::certs::facts::BadCertificate;
    use crate::domain::certs::inventory::Kind;
    use crate::domain::certs::inventory::ObjectId;
    use crate::domain::certs::key::KeyKind;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    const HOST: &str = "xsp.example.com";

    fn watched(kind: Kind, duty: Duty) -> Watched {
        let entry: Arc<str> = "listener.a".into();
        let mut watched = Watched::new(ObjectId::new("listener a", HOST), &entry, kind, duty);
        if duty == Duty::Server {
            watched.hosts = vec![HOST.to_owned()];
            watched.public = true;
        }
        watched
    }

    fn words(chain: &[&[u8]], watched: &Watched) -> Vec<&'static str> {
        let seen = ChainSeen::judge(chain, watched, mint::now()).unwrap();
        seen.findings().iter().map(Finding::word).collect()
    }

    fn server(change: impl FnOnce(&mut CertificateParams)) -> Vec<Vec<u8>> {
        let root = Minted::root(mint::ca("Root"));
        let issuing = root.issue(mint::ca("Issuing"));
        let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        change(&mut params);
        vec![issuing.issue(params).der, issuing.der]
    }

    fn server_words(change: impl FnOnce(&mut CertificateParams)) -> Vec<&'static str> {
        let chain = server(change);
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        words(&chain, &watched(Kind::ManualLeaf, Duty::Server))
    }

    #[test]
    fn a_good_server_has_no_finding_and_dates_are_left_to_the_schedule() {
        assert_eq!(server_words(|_| ()), [""; 0]);
        assert_eq!(
            server_words(|params| *params = mint::since(params.clone(), 2010)),
            [""; 0]
        );
    }

    #[test]
    fn the_year_that_broadworks_gives_is_known() {
        let of_days = |year: i32, to: (i32, u8, u8)| {
            let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
            params.not_before = date_time_ymd(year, 1, 1);
            params.not_after = date_time_ymd(to.0, to.1, to.2);
            let leaf = Minted::root(params);
            let watched = watched(Kind::ManualLeaf, Duty::Server);
            let seen = ChainSeen::judge(&[leaf.der], &watched, mint::now()).unwrap();
            seen.findings().to_vec()
        };
        let default = |broadworks_default| Finding::SelfSigned { broadworks_default };
        assert!(of_days(2026, (2027, 1, 1)).contains(&default(true)));
        assert!(of_days(2026, (2028, 1, 1)).contains(&default(false)));
        let text = default(true).to_string();
        assert!(text.contains("BroadWorks makes"), "{text}");
    }

    #[test]
    fn each_bad_certificate_has_its_named_reason() {
        assert_eq!(
            server_words(|params| {
                params.not_before = date_time_ymd(2030, 1, 1);
                params.not_after = date_time_ymd(2025, 1, 1);
            }),
            ["dates-reversed"]
        );
        assert_eq!(
            server_words(|params| params.not_after = date_time_ymd(9999, 12, 31)),
            ["never-ends"]
        );
        let names: Vec<String> = (0..10_000).map(|n| format!("{n:x}")).collect();
        let many = |params: &mut CertificateParams| {
            let names = names.iter().map(|name| name.as_str().try_into().unwrap());
            params
                .subject_alt_names
                .extend(names.map(rcgen::SanType::DnsName));
        };
        // It fits into what is read at all, so it is only remarked upon.
        let chain = server(many);
        assert!(chain[0].len() > 50_000, "{}", chain[0].len());
        match CertificateFacts::parse(&chain[0]) {
            Ok(facts) => assert_eq!(facts.dns_names.len(), 10_001),
            Err(bad) => assert_eq!(bad, BadCertificate::TooLarge),
        }
        assert_eq!(
            words(
                &[&mint::short_root()],
                &watched(Kind::TrustAnchor, Duty::TrustAnchor)
            ),
            ["weak-key"]
        );
        assert_eq!(
            words(
                &[&mint::short_root()],
                &watched(Kind::ManualLeaf, Duty::Server)
            ),
            [
                "no-digital-signature",
                "host-not-covered",
                "weak-key",
                "self-signed"
            ]
        );
    }

    #[test]
    fn ten_thousand_short_names_are_only_remarked_upon() {
        let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        let names = (0..10_000).map(|n| format!("{}{}", char::from(b'a' + (n % 26) as u8), n / 26));
        params
            .subject_alt_names
            .extend(names.map(|name| rcgen::SanType::DnsName(name.as_str().try_into().unwrap())));
        let leaf = Minted::root(params);
        assert!(leaf.der.len() < crate::domain::certs::facts::LARGEST);
        let found = words(&[&leaf.der], &watched(Kind::ManualLeaf, Duty::Server));
        assert!(found.contains(&"too-many-names"), "{found:?}");
    }

    /// The same certificate with some bytes replaced.
    fn patched(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = memchr::memmem::find(der, from).unwrap();
        let mut der = der.to_vec();
        der[at..at + to.len()].copy_from_slice(to);
        der
    }

    #[test]
    fn negative_serials_foreign_curves_and_texts_that_are_none_are_named() {
        let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x71, 0x72, 0x73, 0x74]));
        let leaf = Minted::root(params);
        let anchor = watched(Kind::Declared, Duty::Server);
        let negative = patched(&leaf.der, &[0x71, 0x72, 0x73, 0x74], &[0xf1]);
        assert_eq!(words(&[&negative], &anchor), ["serial-negative"]);
        let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let unknown = patched(
            &leaf.der,
            &p256,
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x77],
        );
        assert_eq!(words(&[&unknown], &anchor), ["weak-key"]);
        let root = Minted::root(mint::named("xspAAAA"));
        let garbled = patched(&root.der, b"AAAA", &[0xff, 0xfe, 0x00, 0x80]);
        // The subject is shown escaped; it never reaches a terminal as it is.
        let facts = CertificateFacts::parse(&garbled).unwrap();
        assert!(!facts.subject.contains('\0'), "{}", facts.subject);
        let found = words(&[&garbled], &watched(Kind::Declared, Duty::Server));
        assert!(found.contains(&"name-garbled"), "{found:?}");
    }

    #[test]
    fn clients_are_asked_for_their_purpose_and_not_for_hosts() {
        let ca = Minted::root(mint::ca("Internal CA"));
        let client = watched(Kind::Client, Duty::Client);
        let good = ca.issue(mint::leaf("bridge", ExtendedKeyUsagePurpose::ClientAuth));
        assert_eq!(words(&[&good.der], &client), [""; 0]);
        let bad = ca.issue(mint::leaf("bridge", ExtendedKeyUsagePurpose::ServerAuth));
        assert_eq!(words(&[&bad.der], &client), ["client-purpose-missing"]);
    }

    #[test]
    fn only_the_way_from_the_leaf_counts_for_its_end() {
        let root = Minted::root(mint::ca("Root"));
        let until = |name: &str, year| {
            let mut params = mint::ca(name);
            params.not_before = date_time_ymd(2010, 1, 1);
            params.not_after = date_time_ymd(year, 1, 1);
            root.issue(params)
        };
        let (stray, issuing) = (until("Stray", 2020), until("Issuing", 2027));
        // The same issuer as it was before: its name and its key.
        let mut old = mint::ca("Issuing");
        old.not_before = date_time_ymd(2010, 1, 1);
        old.not_after = date_time_ymd(2021, 1, 1);
        let key = issuing.issuer().key();
        let old = old.signed_by(key, root.issuer()).unwrap().der().to_vec();
        let leaf = issuing.issue(mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth));
        let watched = watched(Kind::ManualLeaf, Duty::Server);
        let seen = |chain: &[&[u8]]| ChainSeen::judge(chain, &watched, mint::now()).unwrap();
        let end = |seen: &ChainSeen| date::year(seen.first_to_end().unwrap().not_after);
        let long = seen(&[&leaf.der, &issuing.der, &stray.der, &old]);
        assert_eq!(end(&long), Some(2027));
        let over: Vec<_> = long.stray_and_over(mint::now()).collect();
        assert_eq!(over.len(), 2, "{over:?}");
        // None of that is worth an alarm.
        let alarms: Vec<_> = long.findings().iter().filter_map(Finding::alarm).collect();
        assert!(alarms.is_empty(), "{alarms:?}");
        // The issuer itself counts, wherever it stands.
        let ended = seen(&[&leaf.der, &stray.der, &old]);
        assert_eq!(end(&ended), Some(2021));
    }

    #[test]
    fn a_leaf_alone_is_wrong_for_the_public_and_a_note_below_a_private_root() {
        let root = Minted::root(mint::ca("Private Root"));
        let leaf = root.issue(mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth));
        let alarm = |public| {
            let mut watched = watched(Kind::ManualLeaf, Duty::Server);
            watched.public = public;
            assert_eq!(words(&[&leaf.der], &watched), ["intermediates-missing"]);
            let seen = ChainSeen::judge(&[&leaf.der], &watched, mint::now()).unwrap();
            seen.findings()[0].alarm()
        };
        let wrong = (AlarmName::CertificateChainInvalid, Severity::Medium);
        assert_eq!(alarm(true), Some(wrong));
        assert_eq!(alarm(false), None);
    }

    #[test]
    fn a_peer_is_judged_by_the_cas_that_are_configured_for_it() {
        let root = Minted::root(mint::ca("Internal Root"));
        let issuing = root.issue(mint::ca("Internal Issuing"));
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        let leaf = issuing.issue(mint::leaf(HOST, purpose.clone()));
        let alone = Minted::root(mint::leaf(HOST, purpose));
        let found = |ca: &Minted, chain: &[&[u8]]| {
            let mut watched = watched(Kind::ManualLeaf, Duty::Server);
            watched.public = false;
            let ca = CertificateFacts::parse(&ca.der).unwrap();
            watched.believed = Some(Arc::new(Roots::of([&ca])));
            words(chain, &watched)
        };
        // Believed by the root, by what is below it, or by itself.
        assert_eq!(found(&root, &[&leaf.der, &issuing.der]), [""; 0]);
        assert_eq!(found(&issuing, &[&leaf.der]), [""; 0]);
        assert_eq!(found(&issuing, &[&leaf.der, &issuing.der]), [""; 0]);
        assert_eq!(found(&alone, &[&alone.der]), [""; 0]);
        // What lies between is missing, or another CA issued it.
        assert_eq!(found(&root, &[&leaf.der]), ["not-believed"]);
        let other = Minted::root(mint::ca("Other Root"));
        assert_eq!(found(&other, &[&leaf.der, &issuing.der]), ["not-believed"]);
        assert_eq!(found(&other, &[&alone.der]), ["not-believed"]);
    }

    #[test]
    fn a_purpose_that_is_lost_counts_by_the_role() {
        let ca = Minted::root(mint::ca("CA"));
        let of = |purposes: &[ExtendedKeyUsagePurpose]| {
            let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
            params.extended_key_usages = purposes.to_vec();
            CertificateFacts::parse(&ca.issue(params).der).unwrap()
        };
        let (server, client) = (
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        );
        let both = of(&[server.clone(), client]);
        let one = of(&[server]);
        let lost =
            |old, new, duty| purpose_lost(old, new, duty).and_then(|finding| finding.alarm());
        let name = AlarmName::CertificateEkuChanged;
        assert_eq!(lost(&both, &one, Duty::Server), Some((name, Severity::Low)));
        assert_eq!(
            lost(&both, &one, Duty::Client),
            Some((name, Severity::High))
        );
        assert_eq!(lost(&one, &both, Duty::Server), None);
        assert_eq!(lost(&both, &of(&[]), Duty::Server), None);
    }

    #[test]
    fn every_finding_has_a_word_and_a_sentence() {
        let all = [
            Finding::ClientPurposeMissing("none".to_owned()),
            Finding::DatesReversed,
            Finding::KeyMismatch,
            Finding::NameGarbled,
            Finding::NeverEnds(mint::now()),
            Finding::NotACa,
            Finding::NotBelieved("CN=CA".to_owned()),
            Finding::PurposeLost {
                purpose: "clientAuth",
                needed: true,
            },
            Finding::Revoked(None),
            Finding::Revoked(Some(mint::now())),
            Finding::SelfSigned {
                broadworks_default: false,
            },
            Finding::SerialNegative,
            Finding::TooManyNames(3),
            Finding::WeakKey(KeyKind::Rsa(1024)),
        ];
        for finding in all {
            assert!(!finding.word().is_empty());
            assert!(finding.to_string().ends_with('.'), "{finding}");
        }
    }
}

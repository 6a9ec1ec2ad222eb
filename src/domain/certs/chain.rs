//! Judges the chain that a listener is to present: leaf first, then intermediates, without the
//! root (Solution Guide, "Certificates"; webpki's and browsers' rules where the guides are silent).
//! Whether the private key fits is checked where keys are, in `tls`.

use std::time::SystemTime;

use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::chain_problem::Link;
use crate::domain::certs::chain_problem::Severity;
use crate::domain::certs::facts;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::name::escape;
use crate::domain::certs::path;
use crate::domain::certs::path::End;
use crate::domain::certs::path::Way;
use crate::domain::certs::roots::Roots;
use crate::domain::certs::signature::Signed;

/// Most certificates of one chain. Public chains have two to four; common clients follow ten.
pub const LONGEST: usize = 10;

/// Most host names of a leaf listed in a sentence.
const LISTED: usize = 8;

/// What was found in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainVerdict {
    /// The readable certificates in their order.
    pub certificates: Vec<CertificateFacts>,
    /// The way from the leaf to its root, which is left out, as places in that list.
    pub path: Vec<usize>,
    /// Everything that is wrong, leaf first.
    pub problems: Vec<ChainProblem>,
}

impl ChainVerdict {
    /// Whether peers would refuse the chain.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity() == Severity::Refuse)
    }
}

/// Judges a chain in DER, leaf first, for the given host names in lower case. A host `*` stands for
/// "everything else" and asks for no name.
pub fn judge<D: AsRef<[u8]>, H: AsRef<str>>(
    chain: &[D],
    hosts: &[H],
    now: SystemTime,
) -> ChainVerdict {
    judge_for(chain, hosts, Roots::public(), now)
}

/// The same for clients that have certain roots.
pub fn judge_for<D: AsRef<[u8]>, H: AsRef<str>>(
    chain: &[D],
    hosts: &[H],
    roots: &Roots,
    now: SystemTime,
) -> ChainVerdict {
    let mut problems = Vec::new();
    if chain.is_empty() {
        problems.push(ChainProblem::Empty);
    }
    if chain.len() > LONGEST {
        problems.push(ChainProblem::TooMany(LONGEST));
    }
    let links = read(chain, &mut problems);
    if let Some(leaf) = links.first() {
        judge_leaf(leaf, &links, hosts, &mut problems);
    }
    let way = path::find(&links, roots);
    let is_whole = is_whole(&links, &way, &mut problems);
    let misplaced = misplaced(&problems);
    for (nth, held) in links.iter().enumerate() {
        let is_known = way.end == End::Root(nth) || roots.hold(&held.facts);
        if way.links.contains(&nth) {
            judge_one(nth, held, now, &mut problems);
        } else if held.is_root() && (is_known || misplaced) {
            judge_root(held, &mut problems);
        } else if is_known {
            problems.push(ChainProblem::CrossSignedRoot(held.link()));
        } else if is_whole {
            problems.push(ChainProblem::Unneeded(held.link()));
        }
    }
    judge_order(&links, &way, &mut problems);
    ChainVerdict {
        certificates: links.into_iter().map(|held| held.facts).collect(),
        path: way.links,
        problems,
    }
}

/// One certificate of the chain.
pub(super) struct Held<'a> {
    position: usize,
    der: &'a [u8],
    pub(super) facts: CertificateFacts,
}

impl Held<'_> {
    fn link(&self) -> Link {
        Link {
            position: self.position,
            subject: self.facts.subject.clone(),
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.facts.self_issued && self.facts.self_signed != Signed::No
    }
}

fn read<'a, D: AsRef<[u8]>>(chain: &'a [D], problems: &mut Vec<ChainProblem>) -> Vec<Held<'a>> {
    let mut links: Vec<Held<'a>> = Vec::new();
    for (position, der) in (1..).zip(chain).take(LONGEST) {
        let der = der.as_ref();
        match CertificateFacts::parse(der) {
            Ok(facts) => {
                let held = Held {
                    position,
                    der,
                    facts,
                };
                if links.iter().any(|before| before.der == der) {
                    problems.push(ChainProblem::Duplicate(held.link()));
                } else {
                    links.push(held);
                }
            }
            Err(bad) => problems.push(ChainProblem::NotACertificate(position, bad)),
        }
    }
    links
}

fn judge_leaf<H: AsRef<str>>(
    leaf: &Held<'_>,
    links: &[Held<'_>],
    hosts: &[H],
    problems: &mut Vec<ChainProblem>,
) {
    if leaf.facts.is_ca() && !leaf.is_root() {
        let real = links.iter().find(|held| !held.facts.is_ca());
        problems.push(match real {
            Some(real) => ChainProblem::LeafNotFirst {
                first: leaf.link(),
                leaf: real.link(),
            },
            None => ChainProblem::LeafIsCa(leaf.link()),
        });
        // Whatever else is said of it would be said of the wrong certificate.
        return;
    }
    if leaf.is_root() {
        problems.push(ChainProblem::SelfSigned(leaf.link()));
    } else if links.len() == 1 {
        problems.push(ChainProblem::IntermediatesMissing {
            leaf: leaf.link(),
            issuer: leaf.facts.issuer.clone(),
        });
    }
    if leaf
        .facts
        .key_usage
        .is_some_and(|usage| !usage.digital_signature())
    {
        problems.push(ChainProblem::NoDigitalSignature(leaf.link()));
    }
    for host in hosts {
        judge_host(leaf, host.as_ref(), problems);
    }
}

fn judge_host(leaf: &Held<'_>, host: &str, problems: &mut Vec<ChainProblem>) {
    if host == "*" {
        return;
    }
    let link = leaf.link();
    let named = host.to_owned();
    let facts = &leaf.facts;
    match coverage(&facts.dns_names, host) {
        Coverage::Exact => {}
        Coverage::Wildcard => problems.push(ChainProblem::Wildcard {
            leaf: link,
            host: named,
        }),
        Coverage::None => {
            let in_cn =
                facts.dns_names.is_empty() && coverage(&facts.common_names, host) != Coverage::None;
            problems.push(if in_cn {
                ChainProblem::CommonNameOnly {
                    leaf: link,
                    host: named,
                }
            } else {
                ChainProblem::HostNotCovered {
                    leaf: link,
                    host: named,
                    covered: listed(&facts.dns_names),
                }
            });
        }
    }
}

/// How a host is covered by a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Exact,
    None,
    Wildcard,
}

fn coverage(names: &[String], host: &str) -> Coverage {
    if names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        Coverage::Exact
    } else if names.iter().any(|name| wildcard_covers(name, host)) {
        Coverage::Wildcard
    } else {
        Coverage::None
    }
}

/// A wildcard is the whole first label and stands for exactly one label, RFC 9525 section 6.3.
fn wildcard_covers(name: &str, host: &str) -> bool {
    let (Some(parent), Some((label, rest))) = (name.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    // `*.com` is no certificate for anybody's host.
    !label.is_empty() && label != "*" && parent.contains('.') && parent.eq_ignore_ascii_case(rest)
}

fn listed(names: &[String]) -> String {
    let mut words: Vec<String> = names.iter().take(LISTED).map(|name| escape(name)).collect();
    if names.len() > LISTED {
        words.push(format!("{} more", names.len() - LISTED));
    }
    if words.is_empty() {
        "no host at all".to_owned()
    } else {
        words.join(", ")
    }
}

/// Whether clients find a way from the leaf to what they have; what is missing is told.
fn is_whole(links: &[Held<'_>], way: &Way, problems: &mut Vec<ChainProblem>) -> bool {
    let top = way.links.last().and_then(|nth| links.get(*nth));
    let (Some(top), End::Open) = (top, way.end) else {
        return true;
    };
    if misplaced(problems) || links.len() == 1 {
        return true;
    }
    // Another key of the issuer's name: a way was meant here, and it does not hold.
    let mut beside = links
        .iter()
        .enumerate()
        .filter(|(nth, _)| !way.links.contains(nth));
    let meant =
        |held: &Held<'_>| !held.facts.self_issued && held.facts.subject_der == top.facts.issuer_der;
    let is_alone = way.links.len() == 1;
    if is_alone || beside.any(|(_, held)| meant(held)) {
        problems.push(ChainProblem::NotIssuedByNext {
            link: top.link(),
            issuer: top.facts.issuer.clone(),
        });
        return false;
    }
    true
}

fn misplaced(problems: &[ChainProblem]) -> bool {
    let mut found = problems.iter();
    found.any(|problem| {
        matches!(
            problem,
            ChainProblem::LeafIsCa(_) | ChainProblem::LeafNotFirst { .. }
        )
    })
}

/// A root after the leaf is not used by clients: they judge their own copy.
fn judge_root(held: &Held<'_>, problems: &mut Vec<ChainProblem>) {
    problems.push(ChainProblem::RootIncluded(held.link()));
    if !held.facts.key.is_strong() {
        let key = held.facts.key.clone();
        problems.push(ChainProblem::WeakRootKey(held.link(), key));
    }
}

/// What can be said by itself of a certificate that clients need, in its place.
fn judge_one(nth: usize, held: &Held<'_>, now: SystemTime, problems: &mut Vec<ChainProblem>) {
    let facts = &held.facts;
    match facts.validity_at(now) {
        Validity::Now => {}
        Validity::NotYet => {
            problems.push(ChainProblem::NotYetValid(held.link(), facts.not_before));
        }
        Validity::Over => problems.push(ChainProblem::Expired(held.link(), facts.not_after)),
    }
    if !facts.key.is_strong() {
        problems.push(ChainProblem::WeakKey(held.link(), facts.key.clone()));
    }
    if facts.signature.weak() {
        problems.push(ChainProblem::WeakSignature(
            held.link(),
            facts.signature.clone(),
        ));
    }
    // Java and OpenSSL take "any" for a server, and Webex's callers are such.
    let purposes = facts.extended_key_usage.as_ref();
    if let Some(purposes) = purposes.filter(|purposes| !purposes.server_auth && !purposes.any) {
        problems.push(ChainProblem::WrongRole {
            link: held.link(),
            purposes: listed_purposes(&purposes.names()),
        });
    }
    for oid in &facts.unknown_critical {
        problems.push(ChainProblem::UnknownCriticalExtension(
            held.link(),
            oid.clone(),
        ));
    }
    if nth > 0 && !facts.is_ca() && !misplaced(problems) {
        problems.push(ChainProblem::NotACa(held.link()));
    }
}

fn listed_purposes(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        let words: Vec<&str> = names.iter().copied().take(LISTED).collect();
        words.join(", ")
    }
}

/// Whether the way stands in its order, and each certificate on it can be checked with the next.
fn judge_order(links: &[Held<'_>], way: &Way, problems: &mut Vec<ChainProblem>) {
    if misplaced(problems) {
        return;
    }
    let whole: Vec<usize> = way.whole().collect();
    let mut sorted = whole.clone();
    sorted.sort_unstable();
    let steps = whole.iter().zip(whole.iter().skip(1)).enumerate();
    // One is enough: with it in its place the next may be right.
    let mut in_order = true;
    for (below, (held, next)) in steps {
        let stands = sorted.get(below + 1) == Some(next);
        let (Some(held), Some(issuer)) = (links.get(*held), links.get(*next)) else {
            continue;
        };
        judge_signature(held, issuer, problems);
        // `below` counts the CAs between the issuer and the leaf.
        let limit = issuer.facts.path_length.map(usize::try_from);
        if let Some(Ok(limit)) = limit.filter(|_| way.end != End::Root(*next))
            && below > limit
        {
            problems.push(ChainProblem::PathTooLong(issuer.link()));
        }
        if in_order && !stands {
            in_order = false;
            problems.push(ChainProblem::WrongOrder {
                link: held.link(),
                issuer: issuer.link(),
            });
        }
    }
}

fn judge_signature(held: &Held<'_>, issuer: &Held<'_>, problems: &mut Vec<ChainProblem>) {
    match issued_by(held, issuer) {
        Signed::Yes | Signed::No => {}
        // Told already, of this one or of the issuer.
        Signed::CannotTell if held.facts.signature.weak() => {}
        Signed::CannotTell if !issuer.facts.key.is_strong() => {}
        Signed::CannotTell => problems.push(ChainProblem::UnsupportedSignature(
            held.link(),
            held.facts.signature.clone(),
        )),
    }
}

pub(super) fn issued_by(held: &Held<'_>, issuer: &Held<'_>) -> Signed {
    if held.facts.issuer_der == issuer.facts.subject_der {
        facts::signed_by(held.der, issuer.der)
    } else {
        Signed::No
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::BasicConstraints;
    use rcgen::CertificateParams;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::IsCa;
    use rcgen::KeyPair;
    use rcgen::KeyUsagePurpose;
    use rcgen::PKCS_ED25519;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    const HOST: &str = "xsp.example.com";

    /// A public CA's root and intermediate.
    struct Public {
        root: Minted,
        intermediate: Minted,
    }

    impl Public {
        fn new() -> Self {
            let root = Minted::root(mint::ca("Public Root"));
            let intermediate = root.issue(mint::ca("Public Issuing CA"));
            Self { root, intermediate }
        }

        fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
            let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
            change(&mut params);
            self.intermediate.issue(params).der
        }
    }

    fn words(chain: &[&[u8]], hosts: &[&str]) -> Vec<&'static str> {
        let verdict = judge(chain, hosts, mint::now());
        for problem in &verdict.problems {
            assert!(problem.to_string().ends_with('.'), "{problem}");
        }
        let refused = |problem: &ChainProblem| problem.severity() == Severity::Refuse;
        assert_eq!(verdict.is_refused(), verdict.problems.iter().any(refused));
        verdict.problems.iter().map(ChainProblem::as_str).collect()
    }

    #[test]
    fn leaf_and_intermediate_without_root_is_the_right_chain() {
        let public = Public::new();
        let leaf = public.leaf(|_| ());
        assert_eq!(
            words(&[&leaf, &public.intermediate.der], &[HOST, "*"]),
            [""; 0]
        );
        let with_root: [&[u8]; 3] = [&leaf, &public.intermediate.der, &public.root.der];
        assert_eq!(words(&with_root, &[HOST]), ["root-included"]);
        assert_eq!(words(&[&leaf], &[HOST]), ["intermediates-missing"]);
    }

    #[test]
    fn order_is_judged_by_signature() {
        let public = Public::new();
        let leaf = public.leaf(|_| ());
        let (middle, root) = (&public.intermediate.der, &public.root.der);
        let other = Public::new().intermediate.der;
        let cases: [(&[&[u8]], &[&str]); 7] = [
            (&[middle, &leaf], &["leaf-not-first"]),
            (&[middle], &["leaf-is-ca"]),
            (&[&leaf, &other], &["not-issued-by-next"]),
            (&[&leaf, root, middle], &["root-included", "wrong-order"]),
            (&[&leaf, middle, middle], &["duplicate"]),
            (&[&leaf, middle, &other], &["unneeded"]),
            // Between two of the way it does no harm either.
            (&[&leaf, &other, middle], &["unneeded"]),
        ];
        for (chain, expected) in cases {
            assert_eq!(words(chain, &[HOST]), expected);
        }
        assert_eq!(words(&[], &[HOST]), ["empty"]);
        let garbage: &[u8] = b"no certificate";
        assert_eq!(words(&[garbage], &[HOST]), ["not-a-certificate"]);
        assert_eq!(words(&[root.as_slice(); 11], &["*"])[0], "too-many");
    }

    #[test]
    fn what_lies_beside_the_way_is_remarked_upon_and_never_refused() {
        let public = Public::new();
        let leaf = public.leaf(|_| ());
        let middle = &public.intermediate.der;
        let other_leaf = public.leaf(|_| ());
        let ended = Minted::root(mint::since(mint::ca("Other Root"), 2010));
        let ended = ended.issue(mint::since(mint::ca("Stray"), 2010)).der;
        for stray in [&other_leaf, &ended, &mint::short_root(), &mint::sha1_root()] {
            for chain in [[&leaf, middle, stray], [&leaf, stray, middle]] {
                let chain = chain.map(Vec::as_slice);
                assert_eq!(words(&chain, &[HOST]), ["unneeded"]);
                assert_eq!(judge(&chain, &[HOST], mint::now()).path.len(), 2);
            }
        }
    }

    #[test]
    fn a_way_that_does_not_hold_is_refused() {
        let public = Public::new();
        let leaf = public.leaf(|_| ());
        let outer = Minted::root(mint::ca("Root")).issue(mint::ca("Outer"));
        let inner = outer.issue(mint::ca("Inner"));
        let below = inner.issue(mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth));
        // One of the right name with another key, and one of the wrong name.
        let namesake = Minted::root(mint::ca("Root")).issue(mint::ca("Outer"));
        let broken: [&[u8]; 3] = [&below.der, &inner.der, &namesake.der];
        assert_eq!(words(&broken, &[HOST]), ["not-issued-by-next"]);
        assert_eq!(words(&[&leaf, &outer.der], &[HOST]), ["not-issued-by-next"]);
        let turned: [&[u8]; 3] = [&below.der, &outer.der, &inner.der];
        assert_eq!(words(&turned, &[HOST]), ["wrong-order"]);
    }

    #[test]
    fn the_way_ends_at_a_root_that_clients_have_whoever_signed_the_copy() {
        let public = Public::new();
        let leaf = public.leaf(|_| ());
        let old = Minted::root(mint::since(mint::ca("Old Root"), 2010));
        let ended = mint::since(mint::ca("Public Root"), 2010);
        let key = public.root.issuer().key();
        let cross = ended.signed_by(key, old.issuer()).unwrap().der().to_vec();
        let chain: [&[u8]; 3] = [&leaf, &public.intermediate.der, &cross];
        let root = CertificateFacts::parse(&public.root.der).unwrap();
        let found = |roots: &Roots| {
            let verdict = judge_for(&chain, &[HOST], roots, mint::now());
            let problems = verdict.problems.iter().map(ChainProblem::as_str);
            (verdict.path.clone(), problems.collect::<Vec<_>>())
        };
        let known = found(&Roots::of([&root]));
        assert_eq!(known, (vec![0, 1], vec!["cross-signed-root"]));
        // For who does not have it, it is an issuer as others are.
        let unknown = found(&Roots::default());
        assert_eq!(unknown, (vec![0, 1, 2], vec!["expired"]));
        // The root itself beside it is where the way ends, too.
        let both: [&[u8]; 4] = [&leaf, &public.intermediate.der, &cross, &public.root.der];
        assert_eq!(words(&both, &[HOST]), ["unneeded", "root-included"]);
    }

    #[test]
    fn hosts_are_covered_by_san_alone() {
        let public = Public::new();
        let found = |names: &[&str], host: &str| {
            let leaf = public.leaf(|params| {
                params.subject_alt_names = names
                    .iter()
                    .map(|name| rcgen::SanType::DnsName((*name).try_into().unwrap()))
                    .collect();
            });
            words(&[&leaf, &public.intermediate.der], &[host])
        };
        assert_eq!(found(&["XSP.Example.COM"], HOST), [""; 0]);
        assert_eq!(found(&["*.example.com"], HOST), ["wildcard"]);
        assert_eq!(found(&["*.example.com"], "*.example.com"), [""; 0]);
        assert_eq!(
            found(&["*.example.com"], "a.xsp.example.com"),
            ["host-not-covered"]
        );
        assert_eq!(
            found(&["*.example.com"], "example.com"),
            ["host-not-covered"]
        );
        assert_eq!(found(&["*.com"], "example.com"), ["host-not-covered"]);
        assert_eq!(found(&["x*.example.com"], HOST), ["host-not-covered"]);
        assert_eq!(found(&[HOST], "*.example.com"), ["host-not-covered"]);
        assert_eq!(found(&[], HOST), ["common-name-only"]);
        assert_eq!(found(&[], "other.example.com"), ["host-not-covered"]);
    }

    #[test]
    fn role_dates_and_usage_of_the_leaf_are_judged() {
        let public = Public::new();
        let found = |change: &dyn Fn(&mut CertificateParams)| {
            let leaf = public.leaf(change);
            words(&[&leaf, &public.intermediate.der], &[HOST])
        };
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        assert_eq!(
            found(&|params| params.extended_key_usages = vec![client.clone()]),
            ["wrong-role"]
        );
        assert_eq!(
            found(&|params| params.extended_key_usages = Vec::new()),
            [""; 0]
        );
        assert_eq!(
            found(&|params| *params = mint::since(params.clone(), 2010)),
            ["expired"]
        );
        assert_eq!(
            found(&|params| *params = mint::since(params.clone(), 2030)),
            ["not-yet-valid"]
        );
        let usage = vec![KeyUsagePurpose::KeyEncipherment];
        let strict = found(&|params| params.key_usages.clone_from(&usage));
        assert_eq!(strict, ["no-digital-signature"]);
        let mut critical = rcgen::CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
        critical.set_criticality(true);
        let unknown = found(&|params| params.custom_extensions = vec![critical.clone()]);
        assert_eq!(unknown, ["unknown-critical-extension"]);
    }

    #[test]
    fn a_self_signed_certificate_is_a_warning_that_names_broadworks() {
        let params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        let leaf = Minted::root(params.clone());
        let verdict = judge(&[&leaf.der], &[HOST], mint::now());
        assert!(!verdict.is_refused());
        assert_eq!(verdict.problems.len(), 1);
        assert!(verdict.problems[0].to_string().contains("BroadWorks"));
        let mut as_ca = params;
        as_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        assert_eq!(words(&[&Minted::root(as_ca).der], &[HOST]), ["self-signed"]);
        assert_eq!(
            words(&[&mint::short_root()], &["*"]),
            ["self-signed", "no-digital-signature", "weak-key"]
        );
    }

    #[test]
    fn path_length_is_counted_below_each_ca() {
        let root = Minted::root(mint::ca("Root"));
        let mut params = mint::ca("Outer");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let outer = root.issue(params);
        let inner = outer.issue(mint::ca("Inner"));
        let leaf = inner.issue(mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth));
        assert_eq!(
            words(&[&leaf.der, &inner.der, &outer.der], &[HOST]),
            ["path-too-long"]
        );
        let direct = outer.issue(mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth));
        assert_eq!(words(&[&direct.der, &outer.der], &[HOST]), [""; 0]);
    }

    #[test]
    fn an_ed25519_chain_is_good() {
        let root = Minted::root_with(
            mint::ca("Root"),
            KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        );
        let leaf = root.issue(mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth));
        assert_eq!(words(&[&leaf.der, &root.der], &[HOST]), ["root-included"]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_place_are_judged_without_panic(
            chain in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4),
            changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..4),
        ) {
            let mut changed = mint::sha1_root();
            for (at, value) in changes {
                let at = usize::from(at) % changed.len();
                changed[at] = value;
            }
            let mut all = chain;
            all.push(changed);
            let verdict = judge(&all, &[HOST], mint::now());
            prop_assert!(verdict.is_refused());
        }
    }
}

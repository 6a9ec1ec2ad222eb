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
    for (nth, held) in links.iter().enumerate() {
        judge_one(nth, held, now, &mut problems);
    }
    judge_order(&links, &mut problems);
    ChainVerdict {
        certificates: links.into_iter().map(|held| held.facts).collect(),
        problems,
    }
}

/// One certificate of the chain.
struct Held<'a> {
    position: usize,
    der: &'a [u8],
    facts: CertificateFacts,
}

impl Held<'_> {
    fn link(&self) -> Link {
        Link {
            position: self.position,
            subject: self.facts.subject.clone(),
        }
    }

    fn is_root(&self) -> bool {
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

/// What can be said of a certificate by itself, in its place.
fn judge_one(nth: usize, held: &Held<'_>, now: SystemTime, problems: &mut Vec<ChainProblem>) {
    let facts = &held.facts;
    // A root after the leaf is not used by clients: they judge their own copy.
    if nth > 0 && held.is_root() {
        problems.push(ChainProblem::RootIncluded(held.link()));
        if !facts.key.is_strong() {
            problems.push(ChainProblem::WeakRootKey(held.link(), facts.key.clone()));
        }
        return;
    }
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
    let misplaced = |problem: &ChainProblem| matches!(problem, ChainProblem::LeafNotFirst { .. });
    if nth > 0 && !facts.is_ca() && !problems.iter().any(misplaced) {
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

/// Whether each certificate was issued by the next one.
fn judge_order(links: &[Held<'_>], problems: &mut Vec<ChainProblem>) {
    if problems
        .iter()
        .any(|problem| matches!(problem, ChainProblem::LeafNotFirst { .. }))
    {
        return;
    }
    for (below, (held, next)) in links.iter().zip(links.iter().skip(1)).enumerate() {
        if held.is_root() {
            let rest = links.iter().skip(below + 1);
            problems.extend(rest.map(|unneeded| ChainProblem::Unneeded(unneeded.link())));
            return;
        }
        match issued_by(held, next) {
            Signed::Yes => {
                // `below` counts the CAs between `next` and the leaf.
                let limit = next.facts.path_length.map(usize::try_from);
                if let Some(Ok(limit)) = limit.filter(|_| !next.is_root())
                    && below > limit
                {
                    problems.push(ChainProblem::PathTooLong(next.link()));
                }
            }
            // Told already, of this one or of the next.
            Signed::CannotTell if held.facts.signature.weak() => {}
            Signed::CannotTell if !next.facts.key.is_strong() => {}
            Signed::CannotTell => problems.push(ChainProblem::UnsupportedSignature(
                held.link(),
                held.facts.signature.clone(),
            )),
            Signed::No => {
                let elsewhere = links
                    .iter()
                    .find(|other| issued_by(held, other) == Signed::Yes);
                problems.push(match elsewhere {
                    Some(issuer) => ChainProblem::WrongOrder {
                        link: held.link(),
                        issuer: issuer.link(),
                    },
                    None => ChainProblem::NotIssuedByNext {
                        link: held.link(),
                        issuer: held.facts.issuer.clone(),
                    },
                });
            }
        }
    }
}

fn issued_by(held: &Held<'_>, issuer: &Held<'_>) -> Signed {
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
        let cases: [(&[&[u8]], &[&str]); 6] = [
            (&[middle, &leaf], &["leaf-not-first"]),
            (&[middle], &["leaf-is-ca"]),
            (&[&leaf, &other], &["not-issued-by-next"]),
            (
                &[&leaf, root, middle],
                &["root-included", "wrong-order", "unneeded"],
            ),
            (&[&leaf, middle, middle], &["duplicate"]),
            (&[&leaf, middle, &other], &["not-issued-by-next"]),
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
    fn two_leaves_in_one_file_are_refused() {
        let public = Public::new();
        let (one, two) = (public.leaf(|_| ()), public.leaf(|_| ()));
        let found = words(&[&one, &public.intermediate.der, &two], &[HOST]);
        assert_eq!(found, ["not-a-ca", "not-issued-by-next"]);
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

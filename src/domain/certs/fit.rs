//! Whether a new certificate fits the place that it is for, and what is lost against the one that
//! it replaces. Every finding has a word, and says whether it stops us.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use crate::domain::certs::bundle::Assembled;
use crate::domain::certs::chain;
use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::chain_problem::Severity;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::name::escape;
use crate::domain::certs::signature::SignatureAlgorithm;

/// Lost names that are listed in one sentence.
const LISTED: usize = 8;

/// Below this share, in percent, of the old one's lifetime, a new lifetime is called shorter.
const SHORTER: u64 = 90;

/// What a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// We show it to servers that we call.
    Client,
    /// A listener presents it for these hosts, in lower case; `*` asks for no name.
    Server(Vec<String>),
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The chain by itself.
    Chain(ChainProblem),
    /// The purpose of a client is gone, which the old one had.
    ClientPurposeLost,
    /// A client's certificate without the purpose.
    ClientPurposeMissing,
    /// It ends before the old one does.
    EndsSooner(SystemTime),
    /// A client's certificate that has ended.
    Expired(SystemTime),
    /// Another CA issued it.
    IssuerChanged {
        /// Who issued the old one.
        old: String,
        /// Who issued the new one.
        new: String,
    },
    /// The key is that of the old one.
    KeyReused,
    /// Names of the old one that the new one lacks, safe to print.
    NamesLost(String),
    /// A client's certificate that has not begun.
    NotYetValid(SystemTime),
    /// It is the one that is there.
    Same,
    /// The purpose of a server is gone, which the old one had.
    ServerPurposeLost,
    /// It is good for a shorter time than the old one was.
    ShorterLife {
        /// Days of the old one.
        old: u64,
        /// Days of the new one.
        new: u64,
    },
    /// A client's key that is too short or unknown.
    WeakKey(KeyKind),
    /// A client's certificate signed with MD5 or SHA-1.
    WeakSignature(SignatureAlgorithm),
}

impl Finding {
    /// Whether the certificate may be taken with it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Chain(problem) => problem.severity(),
            Self::ClientPurposeMissing
            | Self::Expired(_)
            | Self::NotYetValid(_)
            | Self::WeakKey(_)
            | Self::WeakSignature(_) => Severity::Refuse,
            Self::ClientPurposeLost
            | Self::EndsSooner(_)
            | Self::IssuerChanged { .. }
            | Self::KeyReused
            | Self::NamesLost(_)
            | Self::Same
            | Self::ServerPurposeLost
            | Self::ShorterLife { .. } => Severity::Warn,
        }
    }

    /// The word for JSON and journals.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Chain(problem) => problem.as_str(),
            Self::ClientPurposeLost => "client-purpose-lost",
            Self::ClientPurposeMissing => "client-purpose-missing",
            Self::EndsSooner(_) => "ends-sooner",
            Self::Expired(_) => "expired",
            Self::IssuerChanged { .. } => "issuer-changed",
            Self::KeyReused => "key-reused",
            Self::NamesLost(_) => "names-lost",
            Self::NotYetValid(_) => "not-yet-valid",
            Self::Same => "same-certificate",
            Self::ServerPurposeLost => "server-purpose-lost",
            Self::ShorterLife { .. } => "shorter-life",
            Self::WeakKey(_) => "weak-key",
            Self::WeakSignature(_) => "weak-signature",
        }
    }

    /// What it says of a time to come, at which it was judged. Nothing is wrong now, neither with the
    /// certificate nor with a clock.
    #[must_use]
    pub fn of_later(&self) -> String {
        if let Self::Chain(ChainProblem::Expired(link, end)) = self {
            format!("{link}: it ends before that, on {}.", date::text(*end))
        } else if let Self::Chain(ChainProblem::NotYetValid(link, start)) = self {
            format!(
                "{link}: it starts only after that, on {}.",
                date::text(*start)
            )
        } else if let Self::Expired(end) = self {
            format!("It ends before that, on {}.", date::text(*end))
        } else if let Self::NotYetValid(start) = self {
            format!("It starts only after that, on {}.", date::text(*start))
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(problem) => problem.fmt(f),
            Self::ClientPurposeLost => f.write_str(
                "The old certificate was for TLS clients too (clientAuth), this one is not. Public \
                 CAs no longer issue that. Nothing is lost unless the same certificate is shown to \
                 servers somewhere: to an XSP, an Application Server, another node.",
            ),
            Self::ClientPurposeMissing => f.write_str(
                "It is not for TLS clients (clientAuth is missing), so servers would refuse it.",
            ),
            Self::EndsSooner(old) => write!(
                f,
                "It ends before the one that it replaces, which is good until {}.",
                date::text(*old)
            ),
            Self::Expired(end) => write!(f, "It ended on {}.", date::text(*end)),
            Self::IssuerChanged { old, new } => write!(
                f,
                "Another CA issued it: {new} instead of {old}. Clients that pin or know only the old \
                 CA will refuse it."
            ),
            Self::KeyReused => f.write_str(
                "It has the key of the old one. That works; a new key with each certificate limits \
                 what a stolen one is worth.",
            ),
            Self::NamesLost(names) => {
                write!(
                    f,
                    "The old certificate covered names that this one does not: {names}."
                )
            }
            Self::NotYetValid(start) => write!(f, "It begins only on {}.", date::text(*start)),
            Self::Same => f.write_str("It is the certificate that is there already."),
            Self::ServerPurposeLost => f.write_str(
                "The old certificate was for TLS servers (serverAuth), this one is not.",
            ),
            Self::ShorterLife { old, new } => {
                write!(f, "It is good for {new} days; the old one was for {old}.")
            }
            Self::WeakKey(key) => write!(f, "Its key ({key}) is too weak or unknown."),
            Self::WeakSignature(algorithm) => {
                write!(
                    f,
                    "It is signed with {algorithm}, which proves nothing any more."
                )
            }
        }
    }
}

/// Judges a new chain for its role, and against the leaf that it replaces.
#[must_use]
pub fn judge(
    new: &Assembled,
    role: &Role,
    old: Option<&CertificateFacts>,
    now: SystemTime,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = match role {
        Role::Server(hosts) => {
            let verdict = chain::judge(&new.chain, hosts, now);
            verdict.problems.into_iter().map(Finding::Chain).collect()
        }
        Role::Client => judge_client(&new.leaf, now),
    };
    if let Some(old) = old {
        compare(&new.leaf, old, role, &mut found);
    }
    found
}

fn judge_client(leaf: &CertificateFacts, now: SystemTime) -> Vec<Finding> {
    let mut found = Vec::new();
    match leaf.validity_at(now) {
        Validity::Now => {}
        Validity::NotYet => found.push(Finding::NotYetValid(leaf.not_before)),
        Validity::Over => found.push(Finding::Expired(leaf.not_after)),
    }
    if leaf.client_auth() == Some(false) {
        found.push(Finding::ClientPurposeMissing);
    }
    if !leaf.key.is_strong() {
        found.push(Finding::WeakKey(leaf.key.clone()));
    }
    if leaf.signature.weak() {
        found.push(Finding::WeakSignature(leaf.signature.clone()));
    }
    found
}

fn compare(new: &CertificateFacts, old: &CertificateFacts, role: &Role, found: &mut Vec<Finding>) {
    if new.fingerprint == old.fingerprint {
        found.push(Finding::Same);
        return;
    }
    let lost = |had: Option<bool>, has: Option<bool>| had == Some(true) && has == Some(false);
    // Of a client that is a refusal already.
    if *role != Role::Client && lost(old.client_auth(), new.client_auth()) {
        found.push(Finding::ClientPurposeLost);
    }
    if *role == Role::Client && lost(old.server_auth(), new.server_auth()) {
        found.push(Finding::ServerPurposeLost);
    }
    let missing = old.dns_names.iter().filter(|name| {
        let same = |held: &String| held.eq_ignore_ascii_case(name);
        !new.dns_names.iter().any(same)
    });
    let missing: Vec<_> = missing.collect();
    if !missing.is_empty() {
        let mut words: Vec<_> = missing.iter().take(LISTED).map(|n| escape(n)).collect();
        if missing.len() > LISTED {
            words.push(format!("{} more", missing.len() - LISTED));
        }
        found.push(Finding::NamesLost(words.join(", ")));
    }
    if new.issuer_der != old.issuer_der {
        found.push(Finding::IssuerChanged {
            old: old.issuer.clone(),
            new: new.issuer.clone(),
        });
    }
    if new.spki_sha256 == old.spki_sha256 {
        found.push(Finding::KeyReused);
    }
    let (old_days, new_days) = (days(old), days(new));
    if new_days.saturating_mul(100) < old_days.saturating_mul(SHORTER) {
        found.push(Finding::ShorterLife {
            old: old_days,
            new: new_days,
        });
    }
    if new.not_after < old.not_after {
        found.push(Finding::EndsSooner(old.not_after));
    }
}

/// Whole days of a lifetime.
fn days(facts: &CertificateFacts) -> u64 {
    const DAY: u64 = 86_400;
    let life = facts.not_after.duration_since(facts.not_before);
    (life.unwrap_or(Duration::ZERO).as_secs() + DAY / 2) / DAY
}

/// Whether any finding stops us.
#[must_use]
pub fn is_refused(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity() == Severity::Refuse)
}

#[cfg(test)]
mod tests {
    use rcgen::CertificateParams;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::date_time_ymd;

    use super::*;

    use crate::domain::certs::bundle;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    fn new(issuer: &Minted, params: CertificateParams) -> Assembled {
        let leaf = issuer.issue(params);
        let spki = CertificateFacts::parse(&leaf.der).unwrap().spki_sha256;
        bundle::assemble(&[leaf.der, issuer.der.clone()], &[spki]).unwrap()
    }

    fn both_purposes() -> CertificateParams {
        let mut params = mint::leaf("xsp1.example.net", ExtendedKeyUsagePurpose::ServerAuth);
        params
            .extended_key_usages
            .push(ExtendedKeyUsagePurpose::ClientAuth);
        params.subject_alt_names.push(rcgen::SanType::DnsName(
            "old.example.net".try_into().unwrap(),
        ));
        params
    }

    fn words(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(Finding::as_str).collect()
    }

    #[test]
    fn what_is_lost_against_the_old_certificate_is_named() {
        let issuer = Minted::root(mint::ca("Root")).issue(mint::ca("Issuing"));
        let old = new(&issuer, both_purposes()).leaf;
        let other = Minted::root(mint::ca("Other Root")).issue(mint::ca("Other"));
        let mut params = mint::leaf("xsp1.example.net", ExtendedKeyUsagePurpose::ServerAuth);
        params.not_before = date_time_ymd(2027, 1, 1);
        params.not_after = date_time_ymd(2027, 7, 20);
        let chain = new(&other, params);
        let role = Role::Server(vec!["xsp1.example.net".to_owned()]);
        let found = judge(&chain, &role, Some(&old), mint::now());
        assert_eq!(
            words(&found),
            [
                "client-purpose-lost",
                "names-lost",
                "issuer-changed",
                "shorter-life",
                "ends-sooner"
            ]
        );
        assert!(!is_refused(&found));
        assert!(found[3].to_string().contains("200 days"), "{}", found[3]);
    }

    #[test]
    fn a_host_that_is_not_covered_stops_a_servers_certificate() {
        let issuer = Minted::root(mint::ca("Root")).issue(mint::ca("Issuing"));
        let chain = new(&issuer, both_purposes());
        let role = Role::Server(vec!["xsp9.example.net".to_owned()]);
        let found = judge(&chain, &role, None, mint::now());
        assert_eq!(words(&found), ["host-not-covered"]);
        assert!(is_refused(&found));
        let same = judge(&chain, &Role::Client, Some(&chain.leaf), mint::now());
        assert_eq!(words(&same), ["same-certificate"]);
    }

    #[test]
    fn a_client_needs_the_purpose_of_a_client() {
        let issuer = Minted::root(mint::ca("Root")).issue(mint::ca("Issuing"));
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        let chain = new(&issuer, mint::leaf("bridge.example.net", purpose));
        let old = new(&issuer, both_purposes()).leaf;
        let found = judge(&chain, &Role::Client, Some(&old), mint::now());
        assert_eq!(words(&found)[0], "client-purpose-missing");
        assert!(is_refused(&found));
        let later = mint::now() + Duration::from_secs(20 * 365 * 86_400);
        let found = judge(&chain, &Role::Client, None, later);
        assert!(words(&found).contains(&"expired"));
    }
}

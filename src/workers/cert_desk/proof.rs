//! Whether a certificate that was activated is served: a handshake over loopback tells.

use std::fmt;
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::judgement::presented_as;
use crate::domain::ids::Fingerprint;
use crate::platform::clock;
use crate::tls::pem;
use crate::tls::probe;
use crate::tls::probe::ProbeError;
use crate::tls::probe::Proven;
use crate::workers::cert_desk::place::Place;

/// For one step of one handshake.
const STEP: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What was seen.
#[derive(Debug)]
pub enum Proof {
    /// The new certificate with its chain, on every address.
    Served,
    /// Something else.
    Other(Box<Other>),
    /// Nobody, or nothing.
    Silent(Option<ProbeError>),
    /// There is nothing to shake hands with: the certificate is shown to others, not by a
    /// listener.
    NotAListener,
}

/// What is served instead.
#[derive(Debug)]
pub struct Other {
    /// The certificate.
    pub leaf: CertificateFacts,
    /// When that is the new one, but not what is sent with it: how many certificates come, and how
    /// many should.
    pub chain: Option<(usize, usize)>,
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (leaf, until) = (&self.leaf, date::text(self.leaf.not_after));
        match self.chain {
            None => write!(
                f,
                "still served: {}, good until {until}, SHA-256 {}",
                leaf.subject, leaf.fingerprint
            ),
            Some((sent, stored)) => write!(
                f,
                "still served: {} with another chain: {sent} certificates are sent, the file holds \
                 {stored}",
                leaf.subject
            ),
        }
    }
}

impl Proof {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        match self {
            Self::Served | Self::NotAListener => true,
            Self::Other(_) | Self::Silent(_) => false,
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Served => f.write_str("the new certificate is served"),
            Self::Other(other) => other.fmt(f),
            Self::Silent(Some(error)) => error.fmt(f),
            Self::Silent(None) => {
                f.write_str("the listener has no address that is known before it runs")
            }
            Self::NotAListener => f.write_str("no listener presents it"),
        }
    }
}

/// Looks until every address of the place presents `wanted`, as long as a reload may take: the
/// watch's quiet time, its longest wait, and some seconds to read the files. Blocks.
#[must_use]
pub fn prove(config: &Config, place: &Place, wanted: &CertificateFacts) -> Proof {
    if place.uses.iter().all(|used| used.hosts.is_empty()) {
        return Proof::NotAListener;
    }
    let wanted = Wanted::new(place, wanted);
    let end = clock::mono() + config.watch.debounce * 10 + Duration::from_secs(10);
    loop {
        let proof = look(place, &wanted);
        match proof {
            Proof::Served | Proof::NotAListener => return proof,
            // A daemon that does not run will not begin to within seconds.
            Proof::Silent(Some(ProbeError::Unreachable { .. }) | None) => return proof,
            Proof::Other(_) | Proof::Silent(Some(ProbeError::Nothing { .. })) => {
                if clock::mono() >= end {
                    return proof;
                }
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Looks once. Blocks.
#[must_use]
pub fn glance(place: &Place, wanted: &CertificateFacts) -> Proof {
    if place.uses.iter().all(|used| used.hosts.is_empty()) {
        return Proof::NotAListener;
    }
    look(place, &Wanted::new(place, wanted))
}

/// What should be served.
struct Wanted<'a> {
    leaf: &'a CertificateFacts,
    /// The chain of that leaf, as it is in the configured file. `None` where it is not there any
    /// more: then the leaf tells.
    chain: Option<Vec<CertificateDer<'static>>>,
}

impl<'a> Wanted<'a> {
    fn new(place: &Place, leaf: &'a CertificateFacts) -> Self {
        let is_it = |chain: &Vec<CertificateDer<'_>>| {
            let first = chain.first();
            first.is_some_and(|first| Fingerprint::of(first) == leaf.fingerprint)
        };
        let chain = pem::load_chain(&place.chain).ok().filter(is_it);
        Self { leaf, chain }
    }

    /// What came instead, if it is not that.
    fn differs(&self, came: Proven) -> Option<Other> {
        let Proven { leaf, chain } = came;
        if leaf.fingerprint != self.leaf.fingerprint {
            return Some(Other { leaf, chain: None });
        }
        let wanted = self.chain.as_ref()?;
        let is_other = presented_as(&chain) != presented_as(wanted);
        is_other.then_some(Other {
            leaf,
            chain: Some((chain.len(), wanted.len())),
        })
    }
}

fn look(place: &Place, wanted: &Wanted<'_>) -> Proof {
    for used in place.uses.iter().filter(|used| !used.hosts.is_empty()) {
        if used.addresses.is_empty() {
            return Proof::Silent(None);
        }
        let name = used.server_name();
        for address in &used.addresses {
            match probe::proven(*address, name.as_deref(), Some(&wanted.leaf.key), STEP) {
                Ok(came) => {
                    if let Some(other) = wanted.differs(came) {
                        return Proof::Other(Box::new(other));
                    }
                }
                Err(error) => return Proof::Silent(Some(error)),
            }
        }
    }
    Proof::Served
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::ExtendedKeyUsagePurpose;

    use super::*;
    use crate::domain::certs::fit::Role;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    #[test]
    fn the_leaf_alone_is_no_proof_of_its_chain() {
        let folder = tempfile::tempdir().unwrap();
        let root = Minted::root(mint::ca("Root"));
        let leaf = mint::leaf("xsp1.example.net", ExtendedKeyUsagePurpose::ServerAuth);
        let (leaf, other) = (root.issue(leaf.clone()), root.issue(leaf));
        let place = Place {
            name: "edge".to_owned(),
            role: Role::Server(Vec::new()),
            chain: folder.path().join("edge.pem"),
            key: folder.path().join("edge.key"),
            uses: Vec::new(),
        };
        fs::write(&place.chain, leaf.pem() + &root.pem()).unwrap();
        let facts = CertificateFacts::parse(&leaf.der).unwrap();
        let differs = |ders: &[&Minted]| {
            let came = Proven {
                leaf: CertificateFacts::parse(&ders[0].der).unwrap(),
                chain: ders.iter().map(|minted| minted.der.clone()).collect(),
            };
            let wanted = Wanted::new(&place, &facts);
            wanted.differs(came).map(|other| other.to_string())
        };
        assert_eq!(differs(&[&leaf, &root]), None);
        let alone = differs(&[&leaf]).unwrap();
        assert!(
            alone.contains("another chain: 1 certificates are sent, the file holds 2"),
            "{alone}"
        );
        let other = differs(&[&other, &root]).unwrap();
        assert!(!other.contains("chain"), "{other}");
        // Somebody else has written another certificate there since.
        fs::write(&place.chain, root.pem()).unwrap();
        assert_eq!(differs(&[&leaf]), None);
    }
}

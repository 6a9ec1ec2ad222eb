//! Whether a certificate that was activated is served: a handshake over loopback tells.

use std::fmt;
use std::time::Duration;

use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::platform::clock;
use crate::tls::probe;
use crate::tls::probe::ProbeError;
use crate::workers::cert_desk::place::Place;

/// For one step of one handshake.
const STEP: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What was seen.
#[derive(Debug)]
pub enum Proof {
    /// The new certificate, on every address.
    Served,
    /// Another one.
    Other(Box<CertificateFacts>),
    /// Nobody, or nothing.
    Silent(Option<ProbeError>),
    /// There is nothing to shake hands with: the certificate is shown to others, not by a
    /// listener.
    NotAListener,
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
            Self::Other(facts) => write!(
                f,
                "still served: {}, good until {}, SHA-256 {}",
                facts.subject,
                date::text(facts.not_after),
                facts.fingerprint
            ),
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
    let end = clock::mono() + config.watch.debounce * 10 + Duration::from_secs(10);
    loop {
        let proof = look(place, wanted);
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
    look(place, wanted)
}

fn look(place: &Place, wanted: &CertificateFacts) -> Proof {
    for used in place.uses.iter().filter(|used| !used.hosts.is_empty()) {
        if used.addresses.is_empty() {
            return Proof::Silent(None);
        }
        let name = used.server_name();
        for address in &used.addresses {
            match probe::proven(*address, name.as_deref(), Some(&wanted.key), STEP) {
                Ok(facts) if facts.fingerprint == wanted.fingerprint => {}
                Ok(facts) => return Proof::Other(Box::new(facts)),
                Err(error) => return Proof::Silent(Some(error)),
            }
        }
    }
    Proof::Served
}

//! A bridge gets a new client certificate: issued like the one before it, staged, shown to every XSP
//! of the bridge, and only then put into the configured files. The daemon does it when it is time,
//! the verbs when somebody asks.

use std::time::Duration;
use std::time::SystemTime;

use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::facts;
use crate::domain::certs::signature::Signed;
use crate::domain::edge::session::BridgeFault;
use crate::outbound::OutboundError;
use crate::outbound::bridge::Bridge;
use crate::tls::TlsError;
use crate::tls::authority::AuthorityError;
use crate::tls::authority::InternalCa;
use crate::tls::authority::Likeness;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::ActivateError;
use crate::workers::cert_desk::activate::Activated;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;
use crate::workers::kept::KeptError;

/// Who staged what is issued here; what anybody else staged is left alone.
const BY: &str = "internal-ca";

/// What one XSP made of a new certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It takes it.
    Accepted,
    /// It refuses it.
    Refused(String),
    /// It could not be asked.
    Unreachable(String),
}

impl Verdict {
    /// The word in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

/// One XSP and its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// `host:port`.
    pub upstream: String,
    /// What it made of it.
    pub verdict: Verdict,
}

/// How sure it must be that the XSPs take a new certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Every XSP has taken it.
    All,
    /// None has refused it, and one at least has taken it.
    One,
    /// None has refused it; what is in use ends so soon that waiting for an XSP does more harm.
    NoRefusal,
    /// Nobody is asked.
    Unasked,
}

/// Why a bridge has no new certificate. What it had stays.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// It could not be put into the files.
    #[error("{0}")]
    Activate(#[from] ActivateError),
    /// It could not be issued.
    #[error("{0}")]
    Ca(#[from] AuthorityError),
    /// The bridge's TLS cannot be made with it.
    #[error("{0}")]
    Bridge(#[from] OutboundError),
    /// The disk.
    #[error("{0}")]
    Disk(#[from] KeptError),
    /// What is in use was not made by this CA.
    #[error(
        "what is in {} was not issued by the internal CA, or says what it does not issue; issue the \
         first one by hand: xspd certs issue-bridge-client",
        .0
    )]
    NotOurs(String),
    /// XSPs did not take it.
    #[error("{}", unproven(.0))]
    Unproven(Vec<Trial>),
    /// Something else is staged.
    #[error(
        "another certificate is staged for {0}, by {1}; activate it (xspd certs activate {0}), or \
         see xspd certs staged"
    )]
    Staged(String, String),
    /// What is in use cannot be read.
    #[error("{0}")]
    Unreadable(#[from] TlsError),
}

fn unproven(trials: &[Trial]) -> String {
    let of = |trial: &Trial| match &trial.verdict {
        Verdict::Accepted => None,
        Verdict::Refused(detail) => Some(format!("{} refuses it ({detail})", trial.upstream)),
        Verdict::Unreachable(detail) => {
            Some(format!("{} could not be asked ({detail})", trial.upstream))
        }
    };
    let all: Vec<String> = trials.iter().filter_map(of).collect();
    let refused = |trial: &Trial| matches!(trial.verdict, Verdict::Refused(_));
    let remedy = if trials.iter().any(refused) {
        "; install the CA's anchor there"
    } else {
        ""
    };
    format!(
        "the new certificate is not used, because {}{remedy}",
        all.join("; ")
    )
}

/// The places that the internal CA may issue for: what bridges show, and nothing else does.
#[must_use]
pub fn bridges(config: &Config) -> Vec<Place> {
    let all = place::places(config).0.into_iter();
    all.filter(|place| place.uses.iter().all(|used| used.hosts.is_empty()))
        .collect()
}

/// The leaf in the files of a place; `None` when there is no file.
///
/// # Errors
/// When it is there and cannot be read.
pub fn in_use(place: &Place) -> Result<Option<Vec<u8>>, TlsError> {
    match activate::configured_leaf(place) {
        Ok(leaf) => Ok(leaf.map(|leaf| leaf.to_vec())),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a CA issued a leaf, both in DER.
#[must_use]
pub fn issued_by(leaf: &[u8], ca: &[u8]) -> bool {
    let (Ok(own), Ok(issuer)) = (CertificateFacts::parse(leaf), CertificateFacts::parse(ca)) else {
        return false;
    };
    own.issuer_der == issuer.subject_der && facts::signed_by(leaf, ca) == Signed::Yes
}

/// A certificate that waits to be shown to the XSPs.
pub struct Fresh {
    place: Place,
    new: CertificateFacts,
    bridges: Vec<Bridge>,
    _lock: std::fs::File,
}

/// Issues one for a place and stages it. Blocks on the disk. `authority` is the CA that issues;
/// `before` are the CAs, in DER, of which the leaf in use may be.
///
/// # Errors
/// When there is none to be like, or the disk refuses.
pub fn prepare(
    config: &Config,
    place: &Place,
    authority: &InternalCa,
    before: &[Vec<u8>],
    lifetime: Duration,
    now: SystemTime,
) -> Result<Fresh, IssueError> {
    let shelf = Shelf::new(&config.state_dir);
    let lock = shelf.lock(place)?;
    if let Some(about) = shelf.about(place, Part::Staged)?
        && about.by != BY
    {
        return Err(IssueError::Staged(place.name.clone(), about.by));
    }
    let not_ours = || IssueError::NotOurs(place.chain.display().to_string());
    let leaf = in_use(place)?.ok_or_else(not_ours)?;
    if !before.iter().any(|ca| issued_by(&leaf, ca)) {
        return Err(not_ours());
    }
    let like = CertificateFacts::parse(&leaf)
        .ok()
        .and_then(|facts| Likeness::of(&facts));
    let issued = authority.issue_like(&like.ok_or_else(not_ours)?, lifetime, now)?;
    let pair = Pair {
        chain: issued.certificate,
        key: issued.key,
        about: activate::about(place, &issued.facts, BY, now),
    };
    shelf.put(place, Part::Staged, &pair)?;
    let mut fresh = Fresh {
        place: place.clone(),
        new: issued.facts,
        bridges: Vec::new(),
        _lock: lock,
    };
    match fresh.doors(config, &shelf) {
        Ok(doors) => fresh.bridges = doors,
        Err(error) => {
            shelf.drop_part(place, Part::Staged)?;
            return Err(error.into());
        }
    }
    Ok(fresh)
}

impl Fresh {
    /// The bridges that would show it.
    fn doors(&self, config: &Config, shelf: &Shelf) -> Result<Vec<Bridge>, OutboundError> {
        let files = shelf.files(&self.place, Part::Staged);
        let mut doors = Vec::new();
        for listener in &config.listeners {
            let uses = |used: &place::Use| used.listener == listener.name;
            let Some(bridge) = &listener.bridge else {
                continue;
            };
            if !self.place.uses.iter().any(uses) {
                continue;
            }
            let mut bridge = bridge.clone();
            if let Some(tls) = &mut bridge.tls {
                tls.client_certificate = Some(files.clone());
            }
            doors.push(Bridge::build(&listener.name, &bridge)?);
        }
        Ok(doors)
    }

    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.new
    }

    /// Shows it to every XSP.
    pub async fn trials(&self) -> Vec<Trial> {
        let mut trials = Vec::new();
        for bridge in &self.bridges {
            for (place, name) in bridge.upstreams().iter().enumerate() {
                let verdict = match bridge.try_certificate(place).await {
                    Ok(()) => Verdict::Accepted,
                    Err(not) => match not.fault {
                        BridgeFault::CertificateRefused => Verdict::Refused(not.detail),
                        BridgeFault::ConnectFailed
                        | BridgeFault::ConnectTimeout
                        | BridgeFault::TlsFailed
                        | BridgeFault::Untrusted => Verdict::Unreachable(not.detail),
                    },
                };
                let upstream = name.to_string();
                trials.push(Trial { upstream, verdict });
            }
        }
        trials
    }

    /// Puts it into the files, if the XSPs have taken it. Blocks on the disk.
    ///
    /// # Errors
    /// When they have not, or the disk refuses. It is then forgotten; what was in use stays.
    pub fn activate(
        self,
        config: &Config,
        trials: &[Trial],
        proof: Proof,
        by: &str,
        now: SystemTime,
    ) -> Result<Activated, IssueError> {
        let shelf = Shelf::new(&config.state_dir);
        if !is_proven(trials, proof) {
            shelf.drop_part(&self.place, Part::Staged)?;
            return Err(IssueError::Unproven(trials.to_vec()));
        }
        let done = activate::activate(&shelf, &self.place, Way::Forward, by, now);
        if done.is_err() {
            shelf.drop_part(&self.place, Part::Staged)?;
        }
        Ok(done?)
    }

    /// Forgets it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(self, config: &Config) -> Result<(), IssueError> {
        let shelf = Shelf::new(&config.state_dir);
        Ok(shelf.drop_part(&self.place, Part::Staged)?)
    }
}

/// Whether what XSPs said is proof enough.
#[must_use]
pub fn is_proven(trials: &[Trial], proof: Proof) -> bool {
    let accepted = |trial: &Trial| trial.verdict == Verdict::Accepted;
    let refused = |trial: &Trial| matches!(trial.verdict, Verdict::Refused(_));
    match proof {
        Proof::All => trials.iter().all(accepted),
        Proof::One => trials.iter().any(accepted) && !trials.iter().any(refused),
        Proof::NoRefusal => !trials.iter().any(refused),
        Proof::Unasked => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_sure_it_must_be_depends_on_what_is_at_stake() {
        let trial = |verdict: Verdict| Trial {
            upstream: "xsp:8012".to_owned(),
            verdict,
        };
        let yes = || trial(Verdict::Accepted);
        let no = || trial(Verdict::Refused("unknown CA".to_owned()));
        let away = || trial(Verdict::Unreachable("refused".to_owned()));
        let table = [
            (vec![yes(), yes()], [true, true, true]),
            (vec![yes(), away()], [false, true, true]),
            (vec![away(), away()], [false, false, true]),
            (vec![yes(), no()], [false, false, false]),
        ];
        for (trials, expected) in table {
            let found = [Proof::All, Proof::One, Proof::NoRefusal];
            let found = found.map(|proof| is_proven(&trials, proof));
            assert_eq!(found, expected, "{trials:?}");
            assert!(is_proven(&trials, Proof::Unasked));
        }
        let text = IssueError::Unproven(vec![yes(), no(), away()]).to_string();
        assert!(text.contains("xsp:8012 refuses it (unknown CA)"), "{text}");
        assert!(text.contains("install the CA's anchor"), "{text}");
    }
}

//! A trust set as the verifier needs it: anchors, their fingerprints and their generations.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::DistinguishedName;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::TrustAnchor;
use webpki::anchor_from_trusted_cert;

use crate::domain::ids::Fingerprint;

/// The anchors of one trust set.
#[derive(Debug)]
pub struct TrustAnchors {
    name: Arc<str>,
    anchors: Vec<TrustAnchor<'static>>,
    facts: Vec<AnchorFacts>,
    hints: Vec<DistinguishedName>,
}

/// What is remembered of one anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorFacts {
    /// The anchor's certificate.
    pub fingerprint: Fingerprint,
    /// The file it came from, newest first where several hold it.
    pub generation: Arc<str>,
    /// From when on it lets nobody in; `None` when expired anchors are to be accepted. webpki
    /// itself never looks at an anchor's dates.
    pub ends: Option<SystemTime>,
}

/// One certificate to become an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// File name of its generation.
    pub generation: Arc<str>,
    /// See [`AnchorFacts::ends`].
    pub ends: Option<SystemTime>,
}

impl TrustAnchors {
    /// Builds a set. An anchor that webpki cannot use is left out: `domain::certs` has already
    /// refused it by name.
    #[must_use]
    pub fn new(name: &str, members: Vec<Member>) -> Self {
        let mut set = Self {
            name: name.into(),
            anchors: Vec::new(),
            facts: Vec::new(),
            hints: Vec::new(),
        };
        for Member {
            der,
            generation,
            ends,
        } in members
        {
            let Ok(anchor) = anchor_from_trusted_cert(&der) else {
                continue;
            };
            // Webex chooses its client certificate by these hints; they are never cleared.
            set.hints
                .push(DistinguishedName::in_sequence(anchor.subject.as_ref()));
            set.anchors.push(anchor.to_owned());
            set.facts.push(AnchorFacts {
                fingerprint: Fingerprint::of(&der),
                generation,
                ends,
            });
        }
        set
    }

    /// Name of the set.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The anchors.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// Subjects sent to the client.
    #[must_use]
    pub fn hints(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// Facts of every anchor.
    #[must_use]
    pub fn facts(&self) -> &[AnchorFacts] {
        &self.facts
    }

    /// Whether any of its anchors lets clients in at `now`.
    #[must_use]
    pub fn lets_in(&self, now: SystemTime) -> bool {
        let mut held = self.facts.iter();
        held.any(|anchor| anchor.ends.is_none_or(|end| end > now))
    }

    /// Whether the anchor is still in the set.
    #[must_use]
    pub fn contains(&self, anchor: Fingerprint) -> bool {
        self.facts.iter().any(|held| held.fingerprint == anchor)
    }

    /// The facts of the anchor at which a chain ended.
    #[must_use]
    pub fn find(&self, ended_at: &TrustAnchor<'_>) -> Option<&AnchorFacts> {
        let at = self.anchors.iter().position(|held| {
            held.subject == ended_at.subject
                && held.subject_public_key_info == ended_at.subject_public_key_info
        })?;
        self.facts.get(at)
    }
}

//! What is watched: an object has an identity that stays when its file is replaced, a kind that
//! decides when its end becomes news, and people who look after it.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::SystemTime;

use serde::Serialize;

use crate::domain::alarms::Whose;
use crate::domain::certs::roots::Roots;
use crate::domain::certs::schedule::Bands;

/// Most objects that are watched; more would be a glob that means something else.
pub const MOST_OBJECTS: usize = 100_000;

/// What ends, which decides when that becomes news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An account at an ACME server; it has no end.
    AcmeAccount,
    /// A CA that issues for us.
    Ca,
    /// A client's certificate that people renew.
    Client,
    /// A revocation list.
    Crl,
    /// Known by its dates alone.
    Declared,
    /// A key that gets old.
    KeyAge,
    /// A certificate that renews itself.
    ManagedLeaf,
    /// A server's certificate that people renew.
    ManualLeaf,
    /// A refresh token that lapses when nobody uses it.
    OauthToken,
    /// A certificate that others are believed by.
    TrustAnchor,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::AcmeAccount,
        Self::Ca,
        Self::Client,
        Self::Crl,
        Self::Declared,
        Self::KeyAge,
        Self::ManagedLeaf,
        Self::ManualLeaf,
        Self::OauthToken,
        Self::TrustAnchor,
    ];

    /// The word in tables, labels and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AcmeAccount => "acme-account",
            Self::Ca => "ca",
            Self::Client => "client",
            Self::Crl => "crl",
            Self::Declared => "declared",
            Self::KeyAge => "key-age",
            Self::ManagedLeaf => "managed-leaf",
            Self::ManualLeaf => "manual-leaf",
            Self::OauthToken => "oauth-token",
            Self::TrustAnchor => "trust-anchor",
        }
    }

    /// The key of `[certificates]` that its bands stand under.
    #[must_use]
    pub const fn bands_key(self) -> &'static str {
        match self {
            Self::AcmeAccount | Self::Client | Self::Declared | Self::ManualLeaf => "manual",
            Self::Ca | Self::TrustAnchor => "trust-anchor",
            Self::Crl => "crl",
            Self::KeyAge => "key-age",
            Self::ManagedLeaf => "managed",
            Self::OauthToken => "oauth-token",
        }
    }

    /// Its bands when nothing is configured.
    #[must_use]
    pub fn bands(self) -> Bands {
        match self {
            Self::AcmeAccount | Self::Client | Self::Declared | Self::ManualLeaf => MANUAL.clone(),
            Self::Ca | Self::TrustAnchor => TRUST_ANCHOR.clone(),
            Self::Crl => CRL.clone(),
            Self::KeyAge => KEY_AGE.clone(),
            Self::ManagedLeaf => MANAGED.clone(),
            Self::OauthToken => OAUTH_TOKEN.clone(),
        }
    }

    /// Whether it is a certificate that somebody presents, with a chain below it.
    #[must_use]
    pub const fn is_presented(self) -> bool {
        match self {
            Self::Client | Self::ManagedLeaf | Self::ManualLeaf => true,
            Self::AcmeAccount
            | Self::Ca
            | Self::Crl
            | Self::Declared
            | Self::KeyAge
            | Self::OauthToken
            | Self::TrustAnchor => false,
        }
    }
}

/// A person has to order, or at least to install.
pub const MANUAL_WORDS: [&str; 6] = [
    "low 30d 33%",
    "medium 14d 15%",
    "high 7d 8%",
    "high 3d 4%",
    "critical 1d 2%",
    "critical ended",
];

/// The renewal that is late comes on top.
pub const MANAGED_WORDS: [&str; 4] = [
    "medium 20%",
    "high 3d 10%",
    "critical 1d 5%",
    "critical ended",
];

/// Somebody has to fetch a file from somebody else.
pub const TRUST_ANCHOR_WORDS: [&str; 6] = [
    "low 90d 33%",
    "low 60d 22%",
    "medium 30d 11%",
    "high 14d 6%",
    "critical 7d 3%",
    "critical ended",
];

/// One use makes it young again.
pub const OAUTH_TOKEN_WORDS: [&str; 5] = [
    "low 20d 33%",
    "medium 10d 17%",
    "high 5d 9%",
    "critical 1d 2%",
    "critical ended",
];

/// An old key works; it should not become much older.
pub const KEY_AGE_WORDS: [&str; 2] = ["informational 30d 10%", "low ended"];

/// A list is replaced shortly before its end, so nothing is said before.
pub const CRL_WORDS: [&str; 1] = ["low ended"];

#[expect(
    clippy::expect_used,
    reason = "the words are those above, and a test reads all of them"
)]
fn built_in(words: &[&str]) -> Bands {
    Bands::parse(words).expect("built-in bands can be read")
}

static MANUAL: LazyLock<Bands> = LazyLock::new(|| built_in(&MANUAL_WORDS));
static MANAGED: LazyLock<Bands> = LazyLock::new(|| built_in(&MANAGED_WORDS));
static TRUST_ANCHOR: LazyLock<Bands> = LazyLock::new(|| built_in(&TRUST_ANCHOR_WORDS));
static CRL: LazyLock<Bands> = LazyLock::new(|| built_in(&CRL_WORDS));
static OAUTH_TOKEN: LazyLock<Bands> = LazyLock::new(|| built_in(&OAUTH_TOKEN_WORDS));
static KEY_AGE: LazyLock<Bands> = LazyLock::new(|| built_in(&KEY_AGE_WORDS));

/// What a certificate is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// An account at an ACME server.
    AcmeAccount,
    /// Issues others.
    Ca,
    /// Shown to servers.
    Client,
    /// Says who is revoked.
    Crl,
    /// Signs or encrypts tokens.
    Key,
    /// Shown to clients.
    Server,
    /// Gets other tokens.
    Token,
    /// Others are believed by it.
    TrustAnchor,
}

impl Duty {
    /// The label value, as other exporters write theirs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AcmeAccount => "acme_account",
            Self::Ca => "ca",
            Self::Client => "client",
            Self::Crl => "crl",
            Self::Key => "key",
            Self::Server => "server",
            Self::Token => "token",
            Self::TrustAnchor => "trust_anchor",
        }
    }
}

/// Which object: where it is used, and which one it is there. Never the file, so that an alarm
/// outlives a replaced file and ends when a newer certificate is served.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(Arc<str>);

impl ObjectId {
    /// Of a place and a name in it: `listener webex-mtls` and `xsp.example.com`.
    #[must_use]
    pub fn new(place: &str, name: &str) -> Self {
        let text = if name.is_empty() {
            place.to_owned()
        } else {
            format!("{place} {name}")
        };
        // The same bound and the same cleaning as the object of an alarm.
        let object = crate::domain::alarms::Object::new(&text);
        Self(object.as_str().into())
    }

    /// The text, which is also the object of its alarms.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who looks after it, and what is written about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Care {
    /// Whom to call.
    pub owner: Option<String>,
    /// What they should know.
    pub notes: Option<String>,
    /// Where it is written how to renew it.
    pub runbook_url: Option<String>,
    /// Whose maintenance windows it is renewed in.
    pub region: Option<String>,
}

/// One object and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Which one.
    pub id: ObjectId,
    /// The place that it is found in, by the name that all objects there share: with it they begin,
    /// and anchors end. It tells what may be in a file that cannot be read.
    pub home: ObjectId,
    /// The part of the configuration that it comes from: `listener.webex-mtls`, `trust.webex`.
    pub entry: Arc<str>,
    /// What ends.
    pub kind: Kind,
    /// What it is used as.
    pub duty: Duty,
    /// The listener that presents it.
    pub listener: Option<String>,
    /// Hosts that it must cover.
    pub hosts: Vec<String>,
    /// Whether clients want it from a public CA.
    pub public: bool,
    /// The CAs that it is believed by, where we are the client and they are configured.
    pub believed: Option<Arc<Roots>>,
    /// When its end is how bad.
    pub bands: Bands,
    /// The configuration that the bands come from.
    pub bands_key: String,
    /// Who looks after it.
    pub care: Care,
    /// How its renewal goes, when it renews itself.
    pub renewal: Option<Renewing>,
    /// A newer one stands beside it, so that its end takes nothing away.
    pub superseded: bool,
    /// Whose it is, where somebody has to act on it; what is not said otherwise is only watched.
    pub whose: Option<Whose>,
}

impl Watched {
    /// With what a kind has by itself. `id` is its home, too: who finds several objects there gives
    /// each a name of its own afterwards.
    #[must_use]
    pub fn new(id: ObjectId, entry: &Arc<str>, kind: Kind, duty: Duty) -> Self {
        Self {
            home: id.clone(),
            id,
            entry: Arc::clone(entry),
            kind,
            duty,
            listener: None,
            hosts: Vec::new(),
            public: false,
            believed: None,
            bands: kind.bands(),
            bands_key: format!("certificates.{}", kind.bands_key()),
            care: Care::default(),
            renewal: None,
            superseded: false,
            whose: match duty {
                Duty::Ca | Duty::Client | Duty::Server => Some(Whose::Elsewhere),
                Duty::TrustAnchor => Some(Whose::OtherCa),
                Duty::AcmeAccount | Duty::Crl | Duty::Key | Duty::Token => None,
            },
        }
    }
}

/// What the renewal says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Renewing {
    /// When the issuer wants it renewed; else by the lifetime.
    pub due: Option<SystemTime>,
    /// Tries that failed one after the other.
    pub failures: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_bands_a_word_and_a_key() {
        for kind in Kind::ALL {
            assert!(!kind.bands().words().is_empty());
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.word()));
        }
    }

    #[test]
    fn an_identity_is_one_bounded_line() {
        let id = ObjectId::new("listener a", &"x\n".repeat(300));
        assert!(id.as_str().starts_with("listener a x x"));
        assert!(id.as_str().chars().count() <= 200);
        assert_eq!(ObjectId::new("internal-ca", "").as_str(), "internal-ca");
    }
}

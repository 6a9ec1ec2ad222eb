//! The watch over certificates.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use crate::config::CertificateRole;
use crate::config::secret::SecretRef;
use crate::domain::certs::maintenance::Calendar;
use crate::domain::certs::maintenance::Region;
use crate::domain::certs::schedule::Bands;

/// How everything that ends is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// Time between two looks at files.
    pub scan_interval: Duration,
    /// Time between two handshakes with one place.
    pub probe_interval: Duration,
    /// Longest time of one handshake.
    pub probe_timeout: Duration,
    /// Handshakes at once.
    pub probe_concurrency: usize,
    /// Whether our own listeners are asked.
    pub probe_listeners: bool,
    /// Whether the XSPs are asked.
    pub probe_upstreams: bool,
    /// Largest file that is read, in bytes.
    pub largest_file: u64,
    /// Most files that the patterns of one certificate may fit.
    pub most_files: usize,
    /// Failed looks in a row that make a place lost.
    pub lost_after: u32,
    /// How long a listener may serve what is no longer in its file.
    pub deploy_grace: Duration,
    /// How long nodes of a farm may serve different certificates.
    pub nodes_grace: Duration,
    /// A jump of the clock that is told.
    pub clock_tolerance: Duration,
    /// How old a key of the AuthService should become.
    pub key_lifetime: Duration,
    /// When a refresh token lapses that nobody uses.
    pub oauth_lifetime: Duration,
    /// Bands of what people renew.
    pub manual: Bands,
    /// Bands of what renews itself.
    pub managed: Bands,
    /// Bands of trust anchors and CAs.
    pub trust_anchor: Bands,
    /// Bands of refresh tokens.
    pub oauth_token: Bands,
    /// Bands of keys that get old.
    pub key_age: Bands,
    /// Bands of revocation lists.
    pub crl: Bands,
    /// Revocation lists, files and patterns.
    pub crl_files: Vec<PathBuf>,
    /// A prober outside that is asked what our public URLs show there.
    pub prober: Option<Prober>,
}

/// A prober outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prober {
    /// Its URL, without the query.
    pub url: String,
    /// Its module.
    pub module: String,
    /// What it is to look at; at least one.
    pub targets: Vec<String>,
}

/// The CA of our own below which the bridges' client certificates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalCa {
    /// Directory of its files.
    pub directory: PathBuf,
    /// Whether the daemon renews what the CA issued.
    pub renew: bool,
    /// How long a renewed certificate is good.
    pub client_lifetime: Duration,
    /// Whether a new certificate is shown to the XSPs before it is used.
    pub try_first: bool,
}

/// One more certificate to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Name used in alarms, lists and metrics.
    pub name: String,
    /// What it is used as.
    pub role: CertificateRole,
    /// Whether it renews itself, or others renew it.
    pub managed: bool,
    /// Whether its clients want it from a public CA.
    pub public: bool,
    /// Files and patterns.
    pub files: Vec<PathBuf>,
    /// The password of PKCS#12 files.
    pub password: Option<SecretRef>,
    /// Nodes to ask, host and port.
    pub probe: Vec<(String, u16)>,
    /// Name to ask them for.
    pub server_name: Option<String>,
    /// Hosts that it must cover.
    pub hosts: Vec<String>,
    /// Its first moment, when nothing else tells it.
    pub not_before: Option<SystemTime>,
    /// Its last moment, when nothing else tells it.
    pub not_after: Option<SystemTime>,
    /// Whom to call.
    pub owner: Option<String>,
    /// What they should know.
    pub notes: Option<String>,
    /// Where it is written how to renew it.
    pub runbook_url: Option<String>,
    /// Whose maintenance windows it is renewed in.
    pub region: Option<String>,
    /// Bands of its own.
    pub bands: Option<Bands>,
}

/// When renewals may be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Maintenance {
    /// The region of what names none.
    pub default_region: String,
    /// Business days between a notice and its window.
    pub notice_business_days: u32,
    /// What renews itself is renewed at least so many days before its end.
    pub managed_least_days: u32,
    /// And at most so many.
    pub managed_most_days: u32,
    /// Days that are no business days, as they were written.
    pub holidays: Vec<String>,
    /// Regions by name.
    pub regions: BTreeMap<String, MaintenanceRegion>,
}

/// The windows of one region, and the words they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceRegion {
    /// Its time zone.
    pub zone: String,
    /// When windows open.
    pub opens: String,
    /// When they close.
    pub closes: String,
    /// Weekdays on which they open.
    pub days: Vec<String>,
    /// What they mean.
    pub region: Region,
}

impl Maintenance {
    /// The rules of all regions.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        let regions = self.regions.iter();
        Calendar {
            regions: regions
                .map(|(name, held)| (name.clone(), held.region.clone()))
                .collect(),
            default_region: self.default_region.clone(),
            notice: self.notice_business_days,
            holidays: self
                .holidays
                .iter()
                .filter_map(|day| crate::domain::certs::maintenance::calendar_date(day))
                .collect(),
            managed: (self.managed_least_days, self.managed_most_days),
        }
    }
}

//! The places of certificates: each pair of files that the configuration names, by a name that an
//! operator types.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::secret::SecretRef;
use crate::domain::alarms::Whose;
use crate::domain::certs::fit::Role;
use crate::domain::shell::quoted;

/// What the last part of a place's name is for the certificate of a CTI listener's bridge.
const BRIDGE: &str = "bridge";

/// One pair of files, wherever the configuration names it: hosts and listeners may share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `listener/host`, `listener/bridge`, or with `#2` for the second pair of a host. Of a pair
    /// that is named more than once: where it is named first.
    pub name: String,
    /// What the certificate is for: every host that presents it.
    pub role: Role,
    /// PEM file of the chain.
    pub chain: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
    /// Everywhere that it is named.
    pub uses: Vec<Use>,
}

/// One host, or one bridge, that a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The listener.
    pub listener: String,
    /// Names of the host; empty for a bridge.
    pub hosts: Vec<String>,
    /// Where the listener is reached from this machine; empty for a bridge, and for ports that only
    /// the kernel knows.
    pub addresses: Vec<SocketAddr>,
}

impl Use {
    /// The server name that a client sends to get there.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        let host = self.hosts.iter().find(|host| *host != "*")?;
        Some(host.strip_prefix("*.").map_or_else(
            || host.clone(),
            // Any label will do for a wildcard.
            |parent| format!("xspd-probe.{parent}"),
        ))
    }
}

/// Why there is no place of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceProblem {
    /// Several fit.
    #[error("\"{asked}\" has more than one certificate; name one of: {}", .places.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// What fits.
        places: Vec<String>,
    },
    /// The key lies where nothing can be written.
    #[error(
        "the key of {place} is {key}, which cannot be written from here; set it to a file in the \
         configuration (key = \"file:/etc/xspd/certs/…\"), reload, and try again"
    )]
    KeyElsewhere {
        /// The place.
        place: String,
        /// The reference.
        key: String,
    },
    /// It is looked at, and nobody renews it here.
    #[error(
        "\"{asked}\" is only watched{}, and is no certificate that is renewed here; xspd certs show {} \
         tells where it lies. Renewed by hand can be: {}", of_whom(*.whose), quoted(.asked), listed(.places)
    )]
    OnlyWatched {
        /// What was asked for.
        asked: String,
        /// Whose it is.
        whose: Option<Whose>,
        /// What there is.
        places: Vec<String>,
    },
    /// A listener without configured certificates.
    #[error(
        "listener \"{0}\" has no certificate of its own, only a generated one; name files in its \
         [[listener.host]] first: certificates = [{{ chain = \"/etc/xspd/certs/{0}-chain.pem\", \
         key = \"file:/etc/xspd/certs/{0}-key.pem\" }}], and put the generated pair there (it is in \
         the state directory, below self-signed)"
    )]
    SelfSigned(String),
    /// No such listener.
    #[error("there is no certificate \"{asked}\" in the configuration; there are: {}", listed(.places))]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        places: Vec<String>,
    },
}

fn of_whom(whose: Option<Whose>) -> String {
    whose.map_or_else(String::new, |whose| format!(" (whose: {})", whose.word()))
}

fn listed(places: &[String]) -> String {
    if places.is_empty() {
        "none".to_owned()
    } else {
        places.join(", ")
    }
}

impl Place {
    /// A name for its directory: what is no letter, digit, dot or hyphen becomes `_`.
    #[must_use]
    pub fn slug(&self) -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "-.".contains(c) {
                c
            } else {
                '_'
            }
        };
        self.name.chars().map(plain).collect()
    }

    /// The listeners that present it, each once.
    #[must_use]
    pub fn listeners(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .uses
            .iter()
            .map(|held| held.listener.as_str())
            .collect();
        names.dedup();
        names
    }

    /// Whether both halves lie in one file.
    #[must_use]
    pub fn is_one_file(&self) -> bool {
        self.chain == self.key
    }

    /// The configured files.
    #[must_use]
    pub fn files(&self) -> CertificateFiles {
        CertificateFiles {
            chain: self.chain.clone(),
            key: SecretRef::File(self.key.clone()),
        }
    }
}

/// Every pair that the configuration names in files, and those whose key lies elsewhere.
#[must_use]
pub fn places(config: &Config) -> (Vec<Place>, Vec<PlaceProblem>) {
    let (mut found, mut elsewhere) = (Vec::<Place>::new(), Vec::new());
    let mut add = |name: String, files: &CertificateFiles, used: Use| {
        let SecretRef::File(key) = &files.key else {
            elsewhere.push(PlaceProblem::KeyElsewhere {
                place: name,
                key: files.key.to_string(),
            });
            return;
        };
        let same = |place: &&mut Place| place.chain == files.chain && place.key == *key;
        if let Some(place) = found.iter_mut().find(same) {
            // What a client shows and a server presents too is judged as a server's.
            if !used.hosts.is_empty() {
                let mut hosts = match &place.role {
                    Role::Server(hosts) => hosts.clone(),
                    Role::Client => Vec::new(),
                };
                hosts.extend(used.hosts.iter().cloned());
                place.role = Role::Server(hosts);
            }
            place.uses.push(used);
            return;
        }
        found.push(Place {
            name,
            role: if used.hosts.is_empty() {
                Role::Client
            } else {
                Role::Server(used.hosts.clone())
            },
            chain: files.chain.clone(),
            key: key.clone(),
            uses: vec![used],
        });
    };
    for listener in &config.listeners {
        for host in &listener.hosts {
            let first = host.names.first().map_or("*", String::as_str);
            for (number, files) in (1..).zip(&host.certificates) {
                let name = match number {
                    1 => format!("{}/{first}", listener.name),
                    more => format!("{}/{first}#{more}", listener.name),
                };
                let used = Use {
                    listener: listener.name.clone(),
                    hosts: host.names.clone(),
                    addresses: reachable(&listener.addresses),
                };
                add(name, files, used);
            }
        }
        let tls = listener.bridge.as_ref().and_then(|held| held.tls.as_ref());
        if let Some(files) = tls.and_then(|tls| tls.client_certificate.as_ref()) {
            let used = Use {
                listener: listener.name.clone(),
                hosts: Vec::new(),
                addresses: Vec::new(),
            };
            add(format!("{}/{BRIDGE}", listener.name), files, used);
        }
    }
    (found, elsewhere)
}

/// The one place of that name: its whole name, a listener with one certificate, or `listener/host`
/// by any name of the host.
///
/// # Errors
/// When there is none, or more than one.
pub fn find(config: &Config, asked: &str) -> Result<Place, PlaceProblem> {
    let (all, elsewhere) = places(config);
    if let Some(place) = all.iter().find(|place| place.name == asked) {
        return Ok(place.clone());
    }
    let (listener, host) = match asked.split_once('/') {
        Some((listener, host)) => (listener, Some(host.to_ascii_lowercase())),
        None => (asked, None),
    };
    let fits = |place: &&Place| {
        place.uses.iter().any(|used| {
            used.listener == listener
                && match &host {
                    // A bridge's certificate is asked for by its whole name.
                    None => !used.hosts.is_empty(),
                    Some(host) => used.hosts.contains(host),
                }
        })
    };
    let fitting: Vec<_> = all.iter().filter(fits).collect();
    match fitting.as_slice() {
        [place] => Ok((*place).clone()),
        [] => Err(nothing(config, asked, listener, &all, elsewhere)),
        several => Err(PlaceProblem::Ambiguous {
            asked: asked.to_owned(),
            places: several.iter().map(|place| place.name.clone()).collect(),
        }),
    }
}

fn nothing(
    config: &Config,
    asked: &str,
    listener: &str,
    all: &[Place],
    elsewhere: Vec<PlaceProblem>,
) -> PlaceProblem {
    let prefix = format!("{listener}/");
    let of_it = |problem: &PlaceProblem| matches!(problem, PlaceProblem::KeyElsewhere { place, .. } if place.starts_with(&prefix));
    if let Some(problem) = elsewhere.into_iter().find(of_it) {
        return problem;
    }
    let mut listeners = config.listeners.iter();
    let bare = listeners.any(|held| held.name == listener && held.terminates_tls());
    let has_one = |place: &Place| place.uses.iter().any(|used| used.listener == listener);
    if bare && !all.iter().any(has_one) {
        return PlaceProblem::SelfSigned(listener.to_owned());
    }
    PlaceProblem::Unknown {
        asked: asked.to_owned(),
        places: all.iter().map(|place| place.name.clone()).collect(),
    }
}

/// A listener on all addresses is reached on loopback; a port that the kernel chose is not known.
fn reachable(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let known = addresses.iter().filter(|address| address.port() != 0);
    let here = known.map(|address| {
        let ip = match address.ip() {
            IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            other => other,
        };
        SocketAddr::new(ip, address.port())
    });
    here.collect()
}

/// Whether something stands in the way of replacing a file: a link belongs to another tool. Whether the
/// directory can be written is found out by writing.
///
/// # Errors
/// With the sentence for the operator.
pub fn may_replace(path: &Path) -> Result<(), String> {
    match std::fs::symlink_metadata(path) {
        Ok(held) if held.file_type().is_symlink() => Err(format!(
            "{} is a link, so another tool looks after it (certbot?); let that tool renew it, or name \
             a plain file in the configuration",
            path.display()
        )),
        Ok(held) if !held.is_file() => Err(format!("{} is not a regular file", path.display())),
        Ok(_) | Err(_) => Ok(()),
    }
}

//! How a verb asks the running daemon something: through its admin listener, whose address and
//! operator token stand in the configuration.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Exit;
use crate::config::Config;
use crate::config::DEFAULT_PATH;
use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::load_with;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::percent;

/// For each step of an exchange: the daemon answers within 10 s; a little more for the way.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Where the daemon is found.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Door {
    /// The daemon's main configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// The daemon's admin listener, instead of the configured address.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

impl Door {
    /// With what was given of it.
    pub(super) fn at(config: Option<&Path>, admin: Option<SocketAddr>) -> Self {
        let config = config.unwrap_or_else(|| Path::new(DEFAULT_PATH));
        Self {
            config: config.to_owned(),
            admin,
        }
    }

    /// The configuration; the files that it names are left alone. The error is a text.
    pub(super) fn config(&self) -> Result<Config, String> {
        let loaded = load_with(&self.config, &Environment::process(), NamedFiles::Skip);
        loaded.map(|loaded| loaded.config).map_err(|problems| {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            texts.join("\n")
        })
    }

    /// The address to ask.
    pub(super) fn address(&self, config: &Config) -> SocketAddr {
        self.admin
            .unwrap_or_else(|| reachable(config.admin.address))
    }
}

/// Why the operator token cannot be shown to the daemon.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {error}{}", remedy(error))]
pub(super) struct NoToken {
    /// Where the configuration names it.
    key: &'static str,
    error: SecretError,
}

fn remedy(error: &SecretError) -> &'static str {
    if is_denied(error) {
        "; run this as the daemon's account (sudo -u xspd …) or as root"
    } else {
        ""
    }
}

/// Whether it is there, and not for us.
fn is_denied(error: &SecretError) -> bool {
    matches!(error, SecretError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
}

impl NoToken {
    pub(super) fn exit(&self) -> Exit {
        if is_denied(&self.error) || matches!(self.error, SecretError::Shared { .. }) {
            Exit::NoPermission
        } else {
            Exit::Config
        }
    }
}

/// The operator token that the configuration names with `key`.
pub(super) fn token(key: &'static str, reference: &SecretRef) -> Result<Secret, NoToken> {
    reference.read().map_err(|error| NoToken { key, error })
}

/// Why a list of the daemon could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSeen {
    #[error(
        "the daemon refused: the operator token is not its own. Is the configuration the one that \
         the daemon runs by? A reload makes sure: systemctl reload xspd."
    )]
    Refused,
    #[error(
        "{address} answered ({status}) with no {what}; is it the admin listener of a daemon of this \
         version?"
    )]
    Strange {
        address: SocketAddr,
        status: u16,
        what: &'static str,
    },
    #[error("{0}")]
    Token(#[from] NoToken),
    #[error(
        "the daemon cannot be reached at {address}: {error}; does it run, and is this the address \
         of its admin listener?"
    )]
    Unreachable {
        address: SocketAddr,
        error: io::Error,
    },
}

impl NotSeen {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Refused => Exit::NoPermission,
            Self::Token(error) => error.exit(),
            Self::Strange { .. } | Self::Unreachable { .. } => Exit::Unavailable,
        }
    }
}

/// A list of the daemon, `what`, of at most so many bytes. Whichever operator token there is will do,
/// and none where the daemon has none.
pub(super) fn look(
    door: &Door,
    config: &Config,
    target: &str,
    what: &'static str,
    most: u64,
) -> Result<Value, NotSeen> {
    let address = door.address(config);
    let service = config.auth_service.as_ref();
    let service = service.and_then(|rules| rules.operator_token.as_ref());
    let lamps = config.blf.as_ref();
    let lamps = lamps.and_then(|blf| blf.api.operator_token.as_ref());
    let held = [
        ("auth-service.operator-token", service),
        ("blf.api.operator-token", lamps),
    ];
    let held = held.into_iter().find_map(|(key, held)| Some((key, held?)));
    let operator = held.map(|(key, reference)| token(key, reference));
    let operator = operator.transpose()?;
    let question = Question {
        method: "GET",
        target,
        patience: PATIENCE,
        operator: operator.as_ref(),
        sent: None,
        named: None,
        most,
    };
    let strange = |status| NotSeen::Strange {
        address,
        status,
        what,
    };
    let answer = question.ask(address);
    match answer.map_err(|error| NotSeen::Unreachable { address, error })? {
        (200, body) => serde_json::from_slice(&body).map_err(|_| strange(200)),
        (401, _) => Err(NotSeen::Refused),
        (status, _) => Err(strange(status)),
    }
}

/// A body and what it is.
#[derive(Clone, Copy)]
pub(super) enum Sent<'a> {
    /// Comma-separated values.
    Csv(&'a str),
    /// `a=b&c=d`.
    Form(&'a str),
    /// JSON.
    Json(&'a str),
}

impl<'a> Sent<'a> {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv(_) => "text/csv;charset=utf-8",
            Self::Form(_) => "application/x-www-form-urlencoded",
            Self::Json(_) => "application/json",
        }
    }

    const fn text(self) -> &'a str {
        match self {
            Self::Csv(text) | Self::Form(text) | Self::Json(text) => text,
        }
    }
}

/// Which request header tells who sits at the prompt; it is told, not proven.
pub(super) const OPERATOR_NAME: &str = "Operator-Name";

/// One request.
pub(super) struct Question<'a> {
    /// `GET` or `POST`.
    pub(super) method: &'static str,
    /// Path and query.
    pub(super) target: &'a str,
    /// Who asks.
    pub(super) operator: Option<&'a Secret>,
    /// The name of who sits at the prompt, for the audit log.
    pub(super) named: Option<&'a str>,
    /// What is sent along.
    pub(super) sent: Option<Sent<'a>>,
    /// For each step of the exchange.
    pub(super) patience: Duration,
    /// Most bytes of an answer.
    pub(super) most: u64,
}

impl Question<'_> {
    /// Status and body of the answer.
    pub(super) fn ask(&self, address: SocketAddr) -> io::Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect_timeout(&address, self.patience)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n",
            self.method, self.target
        );
        if let Some(sent) = self.sent {
            let (kind, length) = (sent.content_type(), sent.text().len());
            head += &format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n");
        }
        if let Some(name) = self.named {
            head += &format!("{OPERATOR_NAME}: {name}\r\n");
        }
        stream.write_all(head.as_bytes())?;
        if let Some(operator) = self.operator {
            stream.write_all(b"Authorization: Bearer ")?;
            stream.write_all(operator.expose().trim_ascii())?;
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        stream.write_all(self.sent.map_or("", Sent::text).as_bytes())?;
        let mut answer = Vec::new();
        stream.take(self.most).read_to_end(&mut answer)?;
        parse(&answer).ok_or_else(|| io::Error::other("the answer is not HTTP, or too large"))
    }
}

/// Everything but letters and digits as `%xx`.
pub(super) fn escaped(text: &str) -> String {
    percent::encoded(text.as_bytes(), b"")
}

/// A listener on all addresses is reached on loopback.
const fn reachable(configured: SocketAddr) -> SocketAddr {
    let ip = match configured.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(ip, configured.port())
}

fn parse(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((status, answer.get(end + 4..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let answer = b"HTTP/1.1 403 Forbidden\r\nx: y\r\n\r\n{}";
        assert_eq!(parse(answer), Some((403, b"{}".to_vec())));
        for broken in [
            &b""[..],
            b"HTTP/1.1 abc\r\n\r\n",
            b"SSH-2.0",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert_eq!(parse(broken), None);
        }
    }

    #[test]
    fn a_token_that_is_not_for_us_is_told_from_one_that_is_not_there() {
        let denied = |kind: io::ErrorKind| NoToken {
            key: "alarms.operator-token",
            error: SecretError::Io {
                secret: SecretRef::File("/etc/xspd/token".into()),
                source: kind.into(),
            },
        };
        let error = denied(io::ErrorKind::PermissionDenied);
        assert_eq!(error.exit(), Exit::NoPermission);
        let said = error.to_string();
        for word in ["alarms.operator-token", "/etc/xspd/token", "sudo -u xspd"] {
            assert!(said.contains(word), "{said}");
        }
        let error = denied(io::ErrorKind::NotFound);
        assert_eq!(error.exit(), Exit::Config);
        assert!(!error.to_string().contains("sudo"), "{error}");
    }

    #[test]
    fn an_id_is_one_segment_whatever_is_in_it() {
        assert_eq!(escaped("jörg+x@as/..?a"), "j%C3%B6rg%2Bx%40as%2F..%3Fa");
    }
}

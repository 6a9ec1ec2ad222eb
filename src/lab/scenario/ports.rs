//! Which ports the lab's endpoints get, all of them on 127.0.0.1.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::str::FromStr;

use super::ScenarioError;
use crate::platform::ports;

/// How many ports a lab takes.
const COUNT: u16 = 13;

/// What the operator asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Whatever is free.
    Auto,
    /// Consecutive ports from this one.
    From(u16),
}

/// Text that names no ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `auto` or the first of {COUNT} ports, 1 to {}", u16::MAX - COUNT + 1)]
pub struct UnknownPorts;

impl FromStr for Ports {
    type Err = UnknownPorts;

    fn from_str(text: &str) -> Result<Self, UnknownPorts> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        match text.parse() {
            Ok(base) if (1..=u16::MAX - COUNT + 1).contains(&base) => Ok(Self::From(base)),
            Ok(_) | Err(_) => Err(UnknownPorts),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::From(base) => write!(f, "{base}"),
        }
    }
}

/// Where the endpoints are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Addresses {
    /// The daemon's open TLS listener.
    pub(super) xsi: SocketAddr,
    /// The daemon's listener that demands client certificates.
    pub(super) auth_mtls: SocketAddr,
    /// The daemon's admin listener.
    pub(super) admin: SocketAddr,
    /// The lab BroadWorks' own Xsi.
    pub(super) broadworks_xsi: SocketAddr,
    /// The lab BroadWorks' OCI-P.
    pub(super) broadworks_ocip: SocketAddr,
    /// The lab Webex: Common Identity, IdP proxy and federation list.
    pub(super) webex_ci: SocketAddr,
    /// The Xsi of the lab BroadWorks' second XSP.
    pub(super) broadworks_xsi_2: SocketAddr,
    /// The lab BroadWorks' control endpoint.
    pub(super) broadworks_lab: SocketAddr,
    /// The daemon's CTI listener.
    pub(super) cti: SocketAddr,
    /// The CTI interface of the lab BroadWorks' XSP.
    pub(super) broadworks_cti: SocketAddr,
    /// The lab BroadWorks' OCI-R.
    pub(super) broadworks_ocir: SocketAddr,
    /// The daemon's provisioning listener.
    pub(super) provisioning: SocketAddr,
    /// The lab Webex's provisioning APIs and bridges.
    pub(super) webex_api: SocketAddr,
}

/// The addresses, and what keeps others from taking them.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) addresses: Addresses,
    /// The listeners of the endpoints that are ours.
    pub(super) broadworks_xsi: TcpListener,
    pub(super) broadworks_ocip: TcpListener,
    pub(super) webex_ci: TcpListener,
    pub(super) broadworks_xsi_2: TcpListener,
    pub(super) broadworks_lab: TcpListener,
    pub(super) broadworks_cti: TcpListener,
    pub(super) broadworks_ocir: TcpListener,
    pub(super) webex_api: TcpListener,
    /// The ports that the daemon will bind itself, from its configuration: to be let go just
    /// before it starts.
    pub(super) held: [TcpListener; 5],
}

impl Ports {
    /// Binds all of them at once, so that they are free and differ.
    pub(super) fn reserve(self) -> Result<Reserved, ScenarioError> {
        // In the order of the fields of `Addresses`.
        let bind = |place: u16| match self {
            Self::Auto => {
                ports::listen_aside().map_err(|source| ScenarioError::Port { port: 0, source })
            }
            Self::From(base) => bind(base + place),
        };
        let (xsi, auth_mtls, admin) = (bind(0)?, bind(1)?, bind(2)?);
        let (broadworks_xsi, broadworks_ocip) = (bind(3)?, bind(4)?);
        let webex_ci = bind(5)?;
        let (broadworks_xsi_2, broadworks_lab) = (bind(6)?, bind(7)?);
        let (cti, broadworks_cti) = (bind(8)?, bind(9)?);
        let broadworks_ocir = bind(10)?;
        let (provisioning, webex_api) = (bind(11)?, bind(12)?);
        let addresses = Addresses {
            xsi: address(&xsi)?,
            auth_mtls: address(&auth_mtls)?,
            admin: address(&admin)?,
            broadworks_xsi: address(&broadworks_xsi)?,
            broadworks_ocip: address(&broadworks_ocip)?,
            webex_ci: address(&webex_ci)?,
            broadworks_xsi_2: address(&broadworks_xsi_2)?,
            broadworks_lab: address(&broadworks_lab)?,
            cti: address(&cti)?,
            broadworks_cti: address(&broadworks_cti)?,
            broadworks_ocir: address(&broadworks_ocir)?,
            provisioning: address(&provisioning)?,
            webex_api: address(&webex_api)?,
        };
        Ok(Reserved {
            addresses,
            broadworks_xsi,
            broadworks_ocip,
            webex_ci,
            broadworks_xsi_2,
            broadworks_lab,
            broadworks_cti,
            broadworks_ocir,
            webex_api,
            held: [xsi, auth_mtls, admin, cti, provisioning],
        })
    }
}

fn bind(port: u16) -> Result<TcpListener, ScenarioError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ScenarioError::PortInUse { port }
        } else {
            ScenarioError::Port { port, source }
        }
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, ScenarioError> {
    listener
        .local_addr()
        .map_err(|source| ScenarioError::Port { port: 0, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_auto_or_a_first_port_that_leaves_room_for_the_rest() {
        for (text, expected) in [
            ("auto", Ok(Ports::Auto)),
            ("1", Ok(Ports::From(1))),
            ("8440", Ok(Ports::From(8440))),
            ("65523", Ok(Ports::From(65523))),
            ("65524", Err(UnknownPorts)),
            ("0", Err(UnknownPorts)),
            ("-1", Err(UnknownPorts)),
            ("", Err(UnknownPorts)),
            ("Auto", Err(UnknownPorts)),
        ] {
            assert_eq!(text.parse(), expected, "{text:?}");
            if let Ok(ports) = expected {
                assert_eq!(ports.to_string(), text);
            }
        }
    }

    #[test]
    fn automatic_ports_are_free_and_differ() {
        let Reserved { addresses, .. } = Ports::Auto.reserve().unwrap();
        let Addresses {
            xsi,
            auth_mtls,
            admin,
            broadworks_xsi,
            broadworks_ocip,
            webex_ci,
            broadworks_xsi_2,
            broadworks_lab,
            cti,
            broadworks_cti,
            broadworks_ocir,
            provisioning,
            webex_api,
        } = addresses;
        let mut ports = [
            xsi,
            auth_mtls,
            admin,
            broadworks_xsi,
            broadworks_ocip,
            webex_ci,
            broadworks_xsi_2,
            broadworks_lab,
            cti,
            broadworks_cti,
            broadworks_ocir,
            provisioning,
            webex_api,
        ]
        .map(|address| address.port());
        ports.sort_unstable();
        assert!(ports[0] > 0);
        assert!(ports.windows(2).all(|pair| pair[0] < pair[1]), "{ports:?}");
    }

    #[test]
    fn a_taken_port_is_named_with_the_remedy() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Ports::From(port.min(u16::MAX - COUNT + 1))
            .reserve()
            .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ScenarioError::PortInUse { .. }), "{text}");
        assert!(text.contains("--ports auto"), "{text}");
    }
}

//! The two XSPs of the lab: doors to one BroadWorks, each of which can be stopped and started.

use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::sync::watch;

/// One of the XSPs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Xsp {
    /// The first one.
    First,
    /// The second one.
    Second,
}

impl Xsp {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// By its number.
    #[must_use]
    pub fn numbered(text: &str) -> Option<Self> {
        match text {
            "1" => Some(Self::First),
            "2" => Some(Self::Second),
            _ => None,
        }
    }

    /// The one that is not this.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// The switches of both.
#[derive(Debug, Default)]
pub(super) struct Xsps {
    first: Switch,
    second: Switch,
}

impl Xsps {
    pub(super) const fn of(&self, xsp: Xsp) -> &Switch {
        match xsp {
            Xsp::First => &self.first,
            Xsp::Second => &self.second,
        }
    }
}

/// How long a door may take to follow its switch; it takes milliseconds.
const FOLLOWS: Duration = Duration::from_secs(5);

/// Whether an XSP runs, and where.
#[derive(Debug)]
pub(super) struct Switch {
    /// As it is to be.
    on: watch::Sender<bool>,
    /// As the door is.
    open: watch::Sender<bool>,
    address: OnceLock<SocketAddr>,
}

impl Default for Switch {
    fn default() -> Self {
        Self {
            on: watch::Sender::new(true),
            open: watch::Sender::new(false),
            address: OnceLock::new(),
        }
    }
}

impl Switch {
    /// Turns it on or off, and waits until the door has followed. `false` when it does not.
    pub(super) async fn turn(&self, on: bool) -> bool {
        self.on.send_replace(on);
        let mut open = self.open.subscribe();
        let followed = open.wait_for(|open| *open == on);
        matches!(tokio::time::timeout(FOLLOWS, followed).await, Ok(Ok(_)))
    }

    pub(super) fn is_open(&self) -> bool {
        *self.open.borrow()
    }

    /// Notes how the door is.
    pub(super) fn stands(&self, open: bool) {
        self.open.send_replace(open);
    }

    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.on.subscribe()
    }

    /// Where it listens, once it does.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    /// Notes where it listens; an XSP does not move.
    pub(super) fn listens(&self, listener: &TcpListener) {
        if let Ok(address) = listener.local_addr() {
            self.address.get_or_init(|| address);
        }
    }
}

/// A port whose connections are refused, and which nobody else gets meanwhile.
pub(super) struct Closed(TcpSocket);

impl Closed {
    /// Closes a listener.
    pub(super) fn of(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        drop(listener);
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self(socket))
    }

    /// Opens it again.
    pub(super) fn open(self) -> io::Result<TcpListener> {
        self.0.listen(1024)
    }
}

//! What the daemon listens on, bound all or none.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::app::AppError;
use crate::config::Config;
use crate::inbound::listener;
use crate::inbound::listener::BindError;

/// An address as it was taken, and its socket.
pub(super) type Bound = (SocketAddr, TcpListener);

/// All that the daemon listens on.
pub(super) struct Sockets {
    /// By listener.
    pub(super) listeners: Vec<(Arc<str>, Vec<Bound>)>,
    /// The admin listener.
    pub(super) admin: Bound,
}

impl Sockets {
    /// Where each listener was bound.
    pub(super) fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let all = self.listeners.iter();
        all.flat_map(|(name, bound)| {
            let addresses = bound.iter();
            addresses.map(move |(address, _)| (name.to_string(), *address))
        })
        .collect()
    }
}

/// Binds everything, and says what is wrong with it besides the problems that there are.
pub(super) fn bind_unless(
    mut problems: Vec<AppError>,
    config: &Config,
) -> Result<Sockets, Vec<AppError>> {
    match bind(config) {
        Ok(sockets) if problems.is_empty() => Ok(sockets),
        Ok(_) => Err(problems),
        Err(unbound) => {
            problems.extend(unbound);
            Err(problems)
        }
    }
}

fn bind(config: &Config) -> Result<Sockets, Vec<AppError>> {
    let mut problems = Vec::new();
    let mut bind_one = |name: &str, address| match bind_with_port(name, address) {
        Ok(bound) => Some(bound),
        Err(error) => {
            problems.push(AppError::from(error));
            None
        }
    };
    let mut listeners = Vec::new();
    for listener in &config.listeners {
        let wanted = listener.addresses.iter();
        let bound = wanted
            .filter_map(|address| bind_one(&listener.name, *address))
            .collect();
        listeners.push((Arc::from(listener.name.as_str()), bound));
    }
    match bind_one("admin", config.admin.address) {
        Some(admin) if problems.is_empty() => Ok(Sockets { listeners, admin }),
        _ => Err(problems),
    }
}

fn bind_with_port(name: &str, address: SocketAddr) -> Result<Bound, BindError> {
    let socket = listener::bind(name, address)?;
    let taken = socket.local_addr().unwrap_or(address);
    Ok((taken, socket))
}

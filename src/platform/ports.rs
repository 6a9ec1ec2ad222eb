//! Ports for those who have to be told theirs before they start: a lab's daemon, a test's receiver.

use std::io;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Ports that no kernel gives out by itself, neither to a client nor to whoever asks for any port
/// (Linux' `net.ipv4.ip_local_port_range` begins at 32768): between our look and the other's start
/// nobody takes one by chance.
const ASIDE: Range<u16> = 20_000..32_000;

/// Listens on a free port of loopback from 20000 to 31999; what is listened on goes when it is
/// dropped. Never the same port twice in a process before all were tried; another process begins
/// elsewhere.
///
/// # Errors
/// None of them is free, or sockets are not to be had.
pub fn listen_aside() -> io::Result<TcpListener> {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let own = usize::try_from(std::process::id()).unwrap_or_default();
    // A prime: the starts of processes that follow each other lie apart.
    let first = own.wrapping_mul(997);
    for _ in ASIDE {
        let number = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % ASIDE.len();
        let port = u16::try_from(number).unwrap_or_default() + ASIDE.start;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_is_another_and_lies_aside() {
        let held: Vec<_> = (0..32).map(|_| listen_aside().unwrap()).collect();
        let ports: BTreeSet<_> = held
            .iter()
            .map(|held| held.local_addr().unwrap().port())
            .collect();
        assert_eq!(ports.len(), 32);
        assert!(ports.iter().all(|port| ASIDE.contains(port)), "{ports:?}");
    }
}

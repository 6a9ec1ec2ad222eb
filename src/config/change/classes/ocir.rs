//! The classes of OCI-R: its connections are opened at the start.

use crate::config::Ocir;
use crate::config::OcirServer;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

/// A section that comes or goes is one change.
pub(super) fn ocir(at: &mut At<'_>, old: &Option<Ocir>, new: &Option<Ocir>) {
    let (Some(old), Some(new)) = (old, new) else {
        at.compare("as", &old.is_some(), &new.is_some(), ChangeClass::Restart);
        return;
    };
    let Ocir {
        reconnect,
        silence,
        connect_timeout,
        down_warning,
        servers,
    } = old;
    let times = [
        ("reconnect", reconnect, &new.reconnect),
        ("silence", silence, &new.silence),
        ("connect-timeout", connect_timeout, &new.connect_timeout),
        ("down-warning", down_warning, &new.down_warning),
    ];
    for (key, old, new) in times {
        at.compare(key, old, new, ChangeClass::Restart);
    }
    let old = servers.iter().map(|server| (&server.name, server));
    let new = new.servers.iter().map(|server| (&server.name, server));
    at.named("as", old, new, ChangeClass::Restart, server);
}

fn server(at: &mut At<'_>, old: &OcirServer, new: &OcirServer) {
    compare!(at, OcirServer, old, new;
        Restart name "name",
        Restart cluster "cluster",
        Restart host "address",
        Restart port "address",
        Restart tls "tls",
    );
}

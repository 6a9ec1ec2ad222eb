//! Classes of the keys of a CTI bridge. Sessions that are open stay as they are.

use crate::config::Bridge;
use crate::config::BridgeTls;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn bridge(at: &mut At<'_>, old: &Option<Bridge>, new: &Option<Bridge>) {
    // One comes or goes with the listener's kind only.
    let (Some(old), Some(new)) = (old, new) else {
        return;
    };
    compare!(at, Bridge, old, new;
        Live upstreams "upstreams",
        Live connect_timeout "connect-timeout",
        Live idle_timeout "idle-timeout",
        Live sessions "sessions",
        Live sessions_per_address "sessions-per-address",
        Live absence_warning "absence-warning";
        tls "tls" bridge_tls,
    );
}

fn bridge_tls(at: &mut At<'_>, old: &Option<BridgeTls>, new: &Option<BridgeTls>) {
    // Its keys stand beside `tls`.
    let at = &mut at.above();
    let (Some(old), Some(new)) = (old, new) else {
        at.compare("tls", &old.is_some(), &new.is_some(), ChangeClass::Live);
        return;
    };
    compare!(at, BridgeTls, old, new;
        Live ca "ca",
        Live pins "spki-pins",
        Live server_name "server-name",
        Live client_certificate "client-certificate",
    );
}

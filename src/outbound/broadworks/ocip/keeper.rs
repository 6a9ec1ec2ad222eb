//! What goes on between requests: the first login, probes while the server is left alone, the way
//! back to a better address, and the farewell.

use std::sync::Arc;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::outbound::broadworks::ocip::link::Link;
use crate::outbound::broadworks::ocip::link::hold;
use crate::platform::clock;

/// Runs until `stop`.
pub(super) async fn keep(link: Arc<Link>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = go_on(&link) => {}
    }
    let idle = std::mem::take(&mut *hold(&link.idle));
    let farewells = idle
        .into_iter()
        .map(|session| session.close(&link.settings));
    futures_util::future::join_all(farewells).await;
}

async fn go_on(link: &Link) {
    // So that it is known from the start whether it answers.
    link.probe().await;
    loop {
        let tick = link.settings.rhythm.tick;
        let probe_at = hold(&link.breaker).probe_at();
        let wait = probe_at.map_or(tick, |at| at.saturating_duration_since(clock::mono()));
        tokio::select! {
            () = link.woken.notified() => continue,
            () = sleep(wait) => {}
        }
        if probe_at.is_some() {
            link.probe().await;
        } else {
            tidy(link);
            go_back(link).await;
        }
    }
}

/// Lets go of connections that nobody used for long, or that the other side closed.
fn tidy(link: &Link) {
    let now = clock::mono();
    let longest = link.settings.rhythm.idle;
    hold(&link.idle).retain_mut(|session| {
        now.saturating_duration_since(session.used) < longest && session.is_quiet()
    });
}

/// A better address than the one in use is tried again once its failure is some time ago.
async fn go_back(link: &Link) {
    let used = hold(&link.idle).iter().map(|session| session.address).max();
    let better = (0..used.unwrap_or(0)).find(|address| !link.is_avoided(*address));
    let Some(better) = better else {
        return;
    };
    // Its failure is told by itself.
    if let Ok(session) = link.open_at(better).await {
        let mut idle = hold(&link.idle);
        idle.retain(|held| held.address <= better);
        idle.push(session);
    }
}

//! Drives one connection beside its one lazy timer: slow heads, idleness, slow readers, and the
//! orders that come from a drain or a change of trust.

use std::future::Future as _;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::time::Instant;

use tokio::time::Sleep;

use crate::domain::edge::ending::Ending;
use crate::inbound::watch::Order;
use crate::inbound::watch::Waits;
use crate::inbound::watch::Watch;
use crate::platform::clock;

/// How a connection came to its end.
pub(super) enum End {
    /// hyper has finished.
    Finished(hyper::Result<()>),
    /// We ended it.
    Ended(Ending),
}

impl End {
    /// The word for it; `None` when the peer just went away between two requests.
    pub(super) fn reason(self, watch: &Watch) -> Option<Ending> {
        match self {
            Self::Finished(Ok(())) => (watch.ordered() == Order::Drain).then_some(Ending::Drained),
            Self::Finished(Err(error)) => Some(of_error(&error)),
            Self::Ended(ending) => Some(ending),
        }
    }
}

fn of_error(error: &hyper::Error) -> Ending {
    if error.is_parse_too_large() {
        Ending::HeadTooLarge
    } else if error.is_parse() {
        Ending::HeadMalformed
    } else {
        Ending::PeerGone
    }
}

/// Drives a connection until it finishes, is told to end, or waits too long.
pub(super) async fn supervise(
    watch: &Watch,
    waits: Waits,
    mut poll: impl FnMut(&mut Context<'_>, bool) -> Poll<hyper::Result<()>>,
) -> End {
    let mut draining = false;
    let first = watch.deadline(waits).map_or_else(clock::mono, |(at, _)| at);
    let mut armed = first;
    let mut timer: Pin<&mut Sleep> = pin!(tokio::time::sleep_until(first.into()));
    std::future::poll_fn(|cx| {
        watch.register(cx.waker());
        let order = watch.ordered();
        let drain_now = order == Order::Drain && !draining;
        draining |= drain_now;
        match order {
            Order::None | Order::Drain => {}
            Order::Cut => return Poll::Ready(End::Ended(Ending::Drained)),
            Order::SlowReader => return Poll::Ready(End::Ended(Ending::SlowReader)),
            Order::CertificateEnded => return Poll::Ready(End::Ended(Ending::CertificateEnded)),
            Order::TrustRemoved => return Poll::Ready(End::Ended(Ending::TrustRemoved)),
        }
        if let Poll::Ready(result) = poll(cx, drain_now) {
            return Poll::Ready(End::Finished(result));
        }
        if let Some(fault) = watch.found_fault()
            && watch.in_flight() == 0
        {
            let ending = if fault.is_size() {
                Ending::HeadTooLarge
            } else {
                Ending::HeadMalformed
            };
            return Poll::Ready(End::Ended(ending));
        }
        loop {
            if let Some((at, _)) = watch.deadline(waits)
                && at < armed
            {
                rearm(&mut timer, &mut armed, at);
            }
            std::task::ready!(timer.as_mut().poll(cx));
            let now = clock::mono();
            match watch.deadline(waits) {
                Some((at, ending)) if at <= now => return Poll::Ready(End::Ended(ending)),
                Some((at, _)) => rearm(&mut timer, &mut armed, at),
                None if watch.has_slow_reader(waits.idle) => {
                    return Poll::Ready(End::Ended(Ending::SlowReader));
                }
                // Requests are in flight; nothing is due before a whole idle time from now.
                None => rearm(&mut timer, &mut armed, now + waits.idle),
            }
        }
    })
    .await
}

fn rearm(timer: &mut Pin<&mut Sleep>, armed: &mut Instant, at: Instant) {
    *armed = at;
    timer.as_mut().reset(at.into());
}

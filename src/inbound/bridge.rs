//! A CTI session: Webex's TLS with its client certificate ends here, and what it says goes byte by
//! byte to the CTI interface of an XSP, over TLS with a certificate of ours. One connection of
//! Webex is one connection to an XSP, because BroadWorks ties an event channel to it. The bytes
//! are never looked at: what Webex and BroadWorks say there is unpublished.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::domain::edge::ending::Ending;
use crate::domain::edge::session::SessionEnd;
use crate::inbound::connection;
use crate::inbound::connections::Entered;
use crate::inbound::connections::Full;
use crate::inbound::connections::Place;
use crate::inbound::listener::Shared;
use crate::inbound::pass::Passed;
use crate::inbound::pass::Side;
use crate::inbound::pass::Tally;
use crate::inbound::pass::pass;
use crate::inbound::sessions::Listed;
use crate::inbound::sessions::Session;
use crate::inbound::sessions::Sessions;
use crate::inbound::sessions::Taken;
use crate::inbound::watch::Order;
use crate::inbound::watch::Watch;
use crate::outbound::Stream;
use crate::outbound::bridge;
use crate::outbound::bridge::Bridge;
use crate::platform::clock;
use crate::telemetry::cti::SessionFacts;

/// A peer that does not take a farewell in this time does not want it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A session that lasts so long has not been refused by the XSP.
const SETTLED: Duration = Duration::from_secs(2);

/// Serves one connection to its end.
pub async fn serve(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    // Opening has an allocation of its own, which a session of weeks does not carry.
    if let Some(ready) = Box::pin(open(stream, address, shared)).await {
        Box::pin(ready.run()).await;
    }
}

/// A session that goes through, and what it holds.
struct Ready {
    client: TlsStream<TcpStream>,
    upstream: Stream,
    session: Arc<Session>,
    sessions: Arc<Sessions>,
    idle: Duration,
    stop: CancellationToken,
    listed: Listed,
    taken: Taken,
    _place: Place,
    _entered: Entered,
}

/// From a TCP connection to a session, or to nothing; then it has been told why.
async fn open(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) -> Option<Ready> {
    let edge = shared.live.load_full();
    let (listener, hosts) = edge.listener(&shared.name)?;
    let (rules, way) = (listener.bridge.clone()?, edge.bridges.get(&listener.name)?);
    let (way, sessions) = (Arc::clone(way), Arc::clone(shared.sessions.as_ref()?));
    let shaken = connection::shake_hands(stream, address, hosts, &listener.limits, shared).await?;
    drop(edge);
    let mut client = shaken.stream;
    // The configuration demands a certificate; without one there is no session.
    let (admitted, trust) = shaken.admitted?;
    let (caller, standing) = connection::standing(admitted, trust, address, shared);
    let place = sessions.admit(address.ip(), rules.sessions, rules.sessions_per_address);
    let place = match place {
        Ok(place) => place,
        Err(full) => {
            let ending = match full {
                Full::Address => Ending::AddressLimit,
                Full::Listener => Ending::ListenerLimit,
            };
            shared.metrics.ended(address, ending);
            farewell(&mut client).await;
            return None;
        }
    };
    client
        .get_mut()
        .1
        .set_buffer_limit(Some(bridge::TLS_BUFFER));
    let watch = Watch::new();
    let entered = shared.connections.enter(&watch, Some(standing));
    let Some((upstream, taken)) = connect(&way, &sessions).await else {
        shared.metrics.ended(address, Ending::UpstreamUnreachable);
        farewell(&mut client).await;
        return None;
    };
    let series = &sessions.series;
    let tally = Tally::new(series.from_client.clone(), series.from_upstream.clone());
    let session = Arc::new(Session {
        peer: address,
        identity: caller.identity,
        server_name: shaken.facts.server_name,
        upstream: Arc::clone(taken.upstream()),
        opened: clock::wall(),
        since: clock::mono(),
        settled: AtomicBool::new(false),
        tally: Arc::new(tally),
        watch,
    });
    let listed = sessions.enter(Arc::clone(&session));
    series.opened(&facts(&session));
    let config::Bridge { idle_timeout, .. } = rules;
    Some(Ready {
        client,
        upstream,
        session,
        sessions,
        idle: idle_timeout,
        stop: shared.tasks.stop(),
        listed,
        taken,
        _place: place,
        _entered: entered,
    })
}

/// The first XSP that takes the session, the least used asked first, each asked once.
async fn connect(way: &Bridge, sessions: &Arc<Sessions>) -> Option<(Stream, Taken)> {
    let mut tried = Vec::new();
    while let Some((at, taken)) = sessions.take(way.upstreams(), &tried) {
        match way.connect(at).await {
            Ok(stream) => return Some((stream, taken)),
            Err(not) => {
                taken.failed();
                let series = &sessions.series;
                series.failed(taken.upstream(), not.fault, &not.detail);
                tried.push(at);
            }
        }
    }
    None
}

impl Ready {
    async fn run(mut self) {
        let session = &self.session;
        let passed = {
            let mut passing = pin!(pass(
                &mut self.client,
                &mut self.upstream,
                &session.watch,
                self.idle,
                &session.tally,
            ));
            let mut settling = pin!(sleep(SETTLED));
            loop {
                // `None` at the end of the process: what is under way then is lost, as with any
                // cut.
                tokio::select! {
                    biased;
                    passed = &mut passing => break Some(passed),
                    () = self.stop.cancelled() => break None,
                    () = &mut settling, if !session.settled.load(Ordering::Relaxed) => {
                        self.listed.settle();
                    }
                }
            }
        };
        let (end, detail) = match &passed {
            Some(Passed::Lost(Side::Upstream, error)) => {
                lost_upstream(error, session, &mut self.upstream).await
            }
            Some(passed) => end_of(passed),
            None => (SessionEnd::Drained, String::new()),
        };
        if end == SessionEnd::UpstreamRefused {
            self.taken.failed();
        }
        let bytes = [Side::Client, Side::Upstream].map(|side| session.tally.bytes_from(side));
        let lasted = clock::mono().saturating_duration_since(session.since);
        self.sessions
            .series
            .ended(&facts(session), end, lasted, bytes, &detail);
        match passed {
            // After a break the other side is cut too, so that it does not take what it has for
            // all there was.
            Some(Passed::Closed(_) | Passed::Lost(..)) => {}
            Some(Passed::Idle | Passed::Ordered(_)) | None => {
                tokio::join!(farewell(&mut self.client), farewell(&mut self.upstream));
            }
        }
    }
}

/// Whether the XSP refused our certificate. When we wrote before its alert came, the write fails
/// and the alert, with luck, can still be read.
async fn lost_upstream(
    error: &io::Error,
    session: &Session,
    upstream: &mut Stream,
) -> (SessionEnd, String) {
    let detail = error.to_string();
    if session.tally.bytes_from(Side::Upstream) > 0 {
        return (SessionEnd::UpstreamLost, detail);
    }
    if bridge::refuses_us(error) {
        return (SessionEnd::UpstreamRefused, detail);
    }
    match timeout(FAREWELL, upstream.read_u8()).await {
        Ok(Err(alert)) if bridge::refuses_us(&alert) => {
            (SessionEnd::UpstreamRefused, alert.to_string())
        }
        Ok(_) | Err(_) => (SessionEnd::UpstreamLost, detail),
    }
}

fn end_of(passed: &Passed) -> (SessionEnd, String) {
    match passed {
        Passed::Closed(Side::Client) => (SessionEnd::ClientClosed, String::new()),
        Passed::Closed(Side::Upstream) => (SessionEnd::UpstreamClosed, String::new()),
        Passed::Idle => (SessionEnd::Idle, String::new()),
        Passed::Lost(Side::Client, error) => (SessionEnd::ClientLost, error.to_string()),
        Passed::Lost(Side::Upstream, error) => (SessionEnd::UpstreamLost, error.to_string()),
        Passed::Ordered(order) => {
            let end = match order {
                Order::CertificateEnded => SessionEnd::CertificateEnded,
                Order::IdentityUnlisted => SessionEnd::IdentityUnlisted,
                Order::Cut => SessionEnd::Drained,
                // The slow reader's order is for event streams; none has it here.
                Order::None | Order::Drain | Order::SlowReader | Order::TrustRemoved => {
                    SessionEnd::TrustRemoved
                }
            };
            (end, String::new())
        }
    }
}

fn facts(session: &Session) -> SessionFacts<'_> {
    SessionFacts {
        peer: session.peer,
        identity: &session.identity,
        upstream: &session.upstream,
    }
}

/// Closes in order, if the peer lets us.
async fn farewell(stream: &mut (impl AsyncWrite + Unpin)) {
    timeout(FAREWELL, stream.shutdown()).await.ok();
}

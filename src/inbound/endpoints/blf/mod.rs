//! The busy lamp API: the same resources on listeners for clients and on the admin listener, with
//! other rights.
//!
//! * [`resource`] has the paths, `wishes` the query;
//! * [`stream`] is one stream of events, `parking` keeps readers between two long polls;
//! * `documents` writes what long polls get; `seats` counts both, `pickup` takes calls;
//! * [`reply`] writes the answers.

mod documents;
mod parking;
mod pickup;
pub mod reply;
pub mod resource;
mod seats;
pub mod stream;
mod wishes;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http::Method;
use http_body::Body;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::config::Config;
use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::blf::documents::document;
use crate::inbound::endpoints::blf::documents::knows_list;
use crate::inbound::endpoints::blf::parking::Parking;
use crate::inbound::endpoints::blf::parking::Reader;
use crate::inbound::endpoints::blf::parking::Ticket;
use crate::inbound::endpoints::blf::reply::Reply;
use crate::inbound::endpoints::blf::resource::LampResource;
use crate::inbound::endpoints::blf::seats::Seat;
use crate::inbound::endpoints::blf::seats::Seats;
use crate::inbound::endpoints::blf::stream::Ground;
use crate::inbound::endpoints::blf::stream::LampStream;
use crate::inbound::endpoints::blf::wishes::Wishes;
use crate::outbound::Pools;
use crate::outbound::broadworks::xsi::XsiLimits;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::telemetry::blf_api::BlfApiMetrics;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::blf_gate::Admitted;
use crate::workers::blf_gate::Denied;
use crate::workers::blf_gate::Gate;
use crate::workers::blf_gate::Operators;
use crate::workers::blf_tracker::BlfBoard;
use crate::workers::blf_tracker::BoardError;
use crate::workers::blf_tracker::NoticeKind;
use crate::workers::blf_tracker::Subscription;

/// Where the API is on the admin listener.
pub const PREFIX: &str = "/blf";

/// Notices of one long poll; what is more comes with the next.
const AT_ONCE: usize = 256;

/// How long a question for the present waits for a list that is being read.
const LIST_PATIENCE: Duration = Duration::from_secs(5);

/// The API of one configuration.
pub struct BlfApi {
    board: BlfBoard,
    gate: Arc<Gate>,
    operators: Arc<Operators>,
    rules: config::BlfApi,
    seats: Arc<Seats>,
    parking: Arc<Parking>,
    tasks: Tasks,
    /// Ends every stream.
    ends: CancellationToken,
    metrics: Arc<BlfApiMetrics>,
}

/// A request.
pub struct Ask<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Query, as written.
    pub query: Option<&'a str>,
    /// Who asks.
    pub who: Who,
}

/// Who asks, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Somebody at the admin listener.
    Admin,
    /// Somebody at a listener for clients.
    Client {
        /// Its address, or what a trusted proxy says of it.
        address: IpAddr,
    },
}

/// What an API is built on besides its configuration.
pub struct Foundation<'a> {
    /// The board; `None` while busy lamps are off.
    pub board: Option<BlfBoard>,
    /// Our AuthService, if it is ours.
    pub desk: Option<&'a AuthDesk>,
    /// All pools.
    pub pools: &'a Pools,
    /// Where questions to the XSP run.
    pub tasks: &'a Tasks,
    /// Ends every stream.
    pub ends: CancellationToken,
    /// Metrics.
    pub telemetry: &'a Telemetry,
}

impl BlfApi {
    /// The API of a configuration; `None` when busy lamps are off. `previous` hands on who is
    /// there and what is known of them.
    #[must_use]
    pub fn build(
        config: &Config,
        operators: Arc<Operators>,
        ground: Foundation<'_>,
        previous: Option<&Self>,
    ) -> Option<Arc<Self>> {
        let (blf, board) = (config.blf.as_ref()?, ground.board?);
        let pool = ground.pools.get(&blf.pool)?;
        let limits = XsiLimits {
            call: blf.channel.timeout,
            stream_idle: blf.channel.timeout,
        };
        let metrics = Arc::clone(&ground.telemetry.blf_api);
        let gate = Gate::new(
            ground.desk.cloned(),
            Arc::clone(pool),
            limits,
            ground.tasks,
            &metrics,
            previous.map(|previous| &*previous.gate),
        );
        let (seats, parking) = match previous {
            Some(previous) => (Arc::clone(&previous.seats), Arc::clone(&previous.parking)),
            None => Default::default(),
        };
        Some(Arc::new(Self {
            board,
            gate: Arc::new(gate),
            operators,
            rules: blf.api.clone(),
            seats,
            parking,
            tasks: ground.tasks.clone(),
            ends: ground.ends,
            metrics,
        }))
    }

    /// Answers a request.
    ///
    /// # Errors
    /// Why not.
    pub async fn answer<B>(
        &self,
        resource: Option<LampResource>,
        ask: &Ask<'_>,
        body: B,
    ) -> Result<Reply, Denied>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let resource = resource.ok_or(Reason::RouteUnknown)?;
        if ask.who == Who::Admin {
            self.operators.check(ask.headers)?;
        }
        if !resource.takes(ask.method) {
            return Err(Reason::MethodNotAllowed.into());
        }
        match resource {
            LampResource::Board => listed(ask, self.board.board()).await,
            LampResource::Lines => listed(ask, self.lines()).await,
            LampResource::Sources => listed(ask, self.board.sources()).await,
            LampResource::Watchers => listed(ask, self.watchers()).await,
            LampResource::Pickup(watcher) => {
                let admitted = self.admit(ask, &watcher).await?;
                pickup::answer(&self.board, &self.gate, &admitted, body).await
            }
            LampResource::Stream(watcher) => {
                let wishes = Wishes::read(ask.query, ask.headers)?;
                let admitted = self.admit(ask, &watcher).await?;
                match wishes.poll {
                    None => self.stream(ask, admitted, wishes).await,
                    Some(wait) => self.poll(ask, admitted, wishes, wait).await,
                }
            }
            LampResource::Watcher(watcher) => {
                let wishes = Wishes::read(ask.query, ask.headers)?;
                let admitted = self.admit(ask, &watcher).await?;
                self.present(ask, &admitted, wishes).await
            }
        }
    }

    async fn admit(&self, ask: &Ask<'_>, watcher: &str) -> Result<Admitted, Denied> {
        match ask.who {
            Who::Admin => Ok(Gate::operator(watcher)),
            Who::Client { .. } => self.gate.admit(ask.headers, watcher).await,
        }
    }

    /// A place for a stream. A reader of the same watcher that only waits for a next poll makes
    /// room: a client that never says what it has seen leaves one behind with each poll.
    fn seat(&self, ask: &Ask<'_>, admitted: &Admitted) -> Result<Seat, Reason> {
        let of = match ask.who {
            Who::Admin => None,
            Who::Client { address } => Some((Arc::clone(&admitted.watcher), address)),
        };
        match self.seats.take(of.clone(), &self.rules) {
            Err(full) if self.parking.evict(&admitted.watcher) => {
                self.seats.take(of, &self.rules).map_err(|_| full)
            }
            taken => taken,
        }
    }

    async fn join(&self, watcher: &str, wishes: Wishes) -> Result<Subscription, Reason> {
        let joined = self.board.join(watcher, wishes.options).await;
        joined.map_err(reason_of)
    }

    async fn stream(
        &self,
        ask: &Ask<'_>,
        admitted: Admitted,
        wishes: Wishes,
    ) -> Result<Reply, Denied> {
        let seat = self.seat(ask, &admitted)?;
        let subscription = self.join(&admitted.watcher, wishes).await?;
        let ground = Ground {
            gate: Arc::clone(&self.gate),
            admitted,
            seat,
            ends: self.ends.clone(),
            metrics: Arc::clone(&self.metrics),
            keep_alive: self.rules.keep_alive,
            re_check: self.rules.re_check,
            write_stall: self.rules.write_stall,
            shown: wishes.shown,
        };
        Ok(Reply::stream(LampStream::new(subscription, ground)))
    }

    /// One long poll: what followed the last one, or the full state.
    async fn poll(
        &self,
        ask: &Ask<'_>,
        admitted: Admitted,
        wishes: Wishes,
        wait: Duration,
    ) -> Result<Reply, Denied> {
        let ticket = |last| Ticket {
            watcher: Arc::clone(&admitted.watcher),
            options: wishes.options,
            last,
        };
        let parked = wishes
            .after
            .and_then(|last| self.parking.take(&ticket(last)));
        let (notices, reader, last) = match (parked, wishes.after) {
            (Some(mut reader), Some(last)) => {
                let first = tokio::select! {
                    first = reader.notices.next() => Some(first.ok_or(Reason::BlfUnavailable)?),
                    () = tokio::time::sleep(wait) => None,
                    () = self.ends.cancelled() => None,
                };
                let mut notices: Vec<_> = first.into_iter().collect();
                while !notices.is_empty() && notices.len() < AT_ONCE {
                    match reader.notices.next().now_or_never() {
                        Some(Some(notice)) => notices.push(notice),
                        Some(None) | None => break,
                    }
                }
                let last = notices.last().map_or(last, |notice| notice.id);
                (notices, reader, last)
            }
            (_, _) => {
                let seat = self.seat(ask, &admitted)?;
                let Subscription { snapshot, notices } =
                    self.join(&admitted.watcher, wishes).await?;
                let last = snapshot.id;
                (
                    vec![snapshot],
                    Reader {
                        notices,
                        _seat: seat,
                    },
                    last,
                )
            }
        };
        for _ in &notices {
            self.metrics.delivered();
        }
        self.parking.park(ticket(last), reader, &self.tasks);
        Ok(Reply::text(document(last, &notices, wishes.shown)))
    }

    /// The lamps as they are now. A list that is just being read is waited for.
    async fn present(
        &self,
        ask: &Ask<'_>,
        admitted: &Admitted,
        wishes: Wishes,
    ) -> Result<Reply, Denied> {
        let _seat = self.seat(ask, admitted)?;
        let Subscription {
            snapshot,
            mut notices,
        } = self.join(&admitted.watcher, wishes).await?;
        let mut present = snapshot;
        let later = async {
            while !knows_list(&present) {
                match notices.next().await {
                    Some(notice) if notice.kind == NoticeKind::Snapshot => present = notice,
                    Some(_) => {}
                    None => break,
                }
            }
        };
        tokio::time::timeout(LIST_PATIENCE, later).await.ok();
        Ok(Reply::text(present.json(wishes.shown)))
    }

    async fn lines(&self) -> Result<Value, BoardError> {
        Ok(json!({ "lines": self.board.lines().await? }))
    }

    async fn watchers(&self) -> Result<Value, BoardError> {
        Ok(json!({ "watchers": self.board.watchers().await? }))
    }
}

/// A document for operators.
async fn listed<T: Serialize>(
    ask: &Ask<'_>,
    asked: impl Future<Output = Result<T, BoardError>>,
) -> Result<Reply, Denied> {
    match ask.who {
        Who::Admin => {}
        Who::Client { .. } => return Err(Reason::OperatorsOnly.into()),
    }
    let listed = asked.await.map_err(reason_of)?;
    // What serialises into a value at all does so here: plain structs with text keys.
    let document = serde_json::to_value(listed).map_err(|_| Reason::BlfUnavailable)?;
    Ok(Reply::json(&document))
}

const fn reason_of(error: BoardError) -> Reason {
    match error {
        BoardError::Gone => Reason::BlfUnavailable,
        BoardError::TooManyReaders => Reason::BlfWatcherStreams,
        BoardError::TooManyWatchers => Reason::BlfStreams,
    }
}

//! A fake farm of XSPs before one Application Server: as much of Xsi-Events as the tracker uses,
//! with faults, and a record of what was asked where.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::task::Context;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::outbound::read_capped;
use crate::outbound::tests::setup::LONG;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

const NS: &str = "http://schema.broadsoft.com/xsi";
const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// The farm; it ends when dropped.
pub(super) struct Farm {
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) asked: Vec<Asked>,
    pub(super) channels: Vec<Channel>,
    pub(super) subscriptions: Vec<Sub>,
    pub(super) acknowledged: Vec<(String, u16)>,
    pub(super) lists: HashMap<String, Vec<(String, Option<String>)>>,
    pub(super) calls: HashMap<String, Vec<Call>>,
    pub(super) faults: Faults,
    sent: HashMap<String, usize>,
    serial: u64,
    xsps: Vec<Xsp>,
}

struct Xsp {
    address: SocketAddr,
    up: CancellationToken,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) xsp: usize,
    pub(super) what: String,
    pub(super) body: String,
    pub(super) at: Instant,
}

pub(super) struct Channel {
    pub(super) id: String,
    pub(super) set: String,
    pub(super) application: String,
    pub(super) xsp: usize,
    stream: mpsc::UnboundedSender<Bytes>,
}

pub(super) struct Sub {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) set: String,
    pub(super) application: String,
    sequence: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) personality: &'static str,
}

#[derive(Default)]
pub(super) struct Faults {
    pub(super) mute: bool,
    pub(super) heartbeat: Option<u16>,
    pub(super) channel: Option<u16>,
    pub(super) subscribe: Option<u16>,
    pub(super) acknowledge: Option<u16>,
    /// Channels at the first XSP are sent to this address.
    pub(super) redirect: Option<SocketAddr>,
}

impl Farm {
    pub(super) async fn start(xsps: usize) -> Self {
        let farm = Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                changed: watch::Sender::new(0),
            }),
            tasks: Tasks::new(),
        };
        for _ in 0..xsps {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let up = farm.tasks.stop().child_token();
            let xsp = farm.state().xsps.len();
            farm.state().xsps.push(Xsp {
                address,
                up: up.clone(),
            });
            farm.serve(xsp, listener, up);
        }
        farm
    }

    fn serve(&self, xsp: usize, listener: TcpListener, up: CancellationToken) {
        let (shared, tasks) = (Arc::clone(&self.shared), self.tasks.clone());
        self.tasks.connection(async move {
            loop {
                let stream = tokio::select! {
                    () = up.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let (shared, up) = (Arc::clone(&shared), up.clone());
                tasks.connection(async move {
                    let service = service_fn(|request| {
                        let shared = Arc::clone(&shared);
                        async move { Ok::<_, Infallible>(shared.answer(xsp, request).await) }
                    });
                    let link = http1::Builder::new();
                    let link = link.serve_connection(TokioIo::new(stream), service);
                    tokio::select! {
                        () = up.cancelled() => {}
                        ended = link => drop(ended),
                    }
                });
            }
        });
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.state().xsps.iter().map(|xsp| xsp.address).collect()
    }

    /// What happens at once, under the lock.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Ends an XSP with all its connections.
    pub(super) fn kill(&self, xsp: usize) {
        let mut state = self.state();
        state.xsps[xsp].up.cancel();
        state.channels.retain(|channel| channel.xsp != xsp);
    }

    /// Starts it again at its address.
    pub(super) fn revive(&self, xsp: usize) {
        let up = self.tasks.stop().child_token();
        let address = {
            let mut state = self.state();
            state.xsps[xsp].up = up.clone();
            state.xsps[xsp].address
        };
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        self.serve(xsp, socket.listen(64).unwrap(), up);
    }

    /// Waits until something is so.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        mut found: impl FnMut(&mut State) -> Option<T>,
    ) -> T {
        let mut changed = self.shared.changed.subscribe();
        let wait = async {
            loop {
                if let Some(found) = found(&mut self.state()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        match timeout(LONG, wait).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not happen; asked: {:#?}", self.asked("")),
        }
    }

    /// Waits until so many requests began with `what`.
    pub(super) async fn until_asked(&self, what: &str, count: usize) -> Vec<Asked> {
        self.until(what, |state| {
            let asked: Vec<_> = state.of(what);
            (asked.len() >= count).then_some(asked)
        })
        .await
    }

    pub(super) fn asked(&self, what: &str) -> Vec<Asked> {
        self.state().of(what)
    }

    pub(super) fn list(&self, watcher: &str, lines: &[&str]) {
        let lines = lines.iter().enumerate();
        let lines =
            lines.map(|(place, user)| ((*user).to_owned(), Some(format!("{}", 200 + place))));
        self.state()
            .lists
            .insert(watcher.to_owned(), lines.collect());
    }

    /// A call of a user changes; everybody who subscribed hears of it. The ids of the events.
    pub(super) fn call(
        &self,
        user: &str,
        id: &str,
        personality: &'static str,
        state: &'static str,
    ) -> Vec<String> {
        let ids = {
            let mut held = self.state();
            let call = Call {
                id: id.to_owned(),
                state,
                personality,
            };
            let calls = held.calls.entry(user.to_owned()).or_default();
            calls.retain(|call| call.id != id);
            if state != "Released" {
                calls.push(call.clone());
            }
            let name = match state {
                "Alerting" => "CallReceivedEvent",
                "Active" => "CallAnsweredEvent",
                "Held" => "CallHeldEvent",
                _ => "CallReleasedEvent",
            };
            let data = format!(
                "<xsi:eventData xsi1:type=\"xsi:{name}\">{}</xsi:eventData>",
                call.xml()
            );
            held.tell(user, &data)
        };
        self.shared.bump();
        ids
    }

    /// Any event about a user.
    pub(super) fn event(&self, user: &str, data: &str) -> Vec<String> {
        self.state().tell(user, data)
    }

    /// Bytes on the stream of a channel.
    pub(super) fn say(&self, channel: &str, document: &str) {
        let state = self.state();
        let channel = state.channels.iter().find(|one| one.id == channel).unwrap();
        channel
            .stream
            .send(Bytes::copy_from_slice(document.as_bytes()))
            .ok();
    }

    /// Ends a channel with a reason.
    pub(super) fn terminate(&self, channel: &str, reason: &str) {
        self.state().terminate(channel, reason);
        self.shared.bump();
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

impl Shared {
    fn bump(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    async fn answer(&self, xsp: usize, request: Request<Incoming>) -> Response<Answer> {
        let (head, body) = request.into_parts();
        let body = read_capped(body, 1 << 20).await.unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let target = head.uri.path_and_query().unwrap().as_str().to_owned();
        let answer = {
            let mut state = self.state.lock().unwrap();
            let what = format!("{} {target}", head.method);
            state.asked.push(Asked {
                xsp,
                what,
                body: body.clone(),
                at: clock::mono(),
            });
            let known = head.headers.get("authorization");
            // admin:secret
            if known.is_none_or(|basic| basic != "Basic YWRtaW46c2VjcmV0") {
                plain(401, "")
            } else {
                state.answer(xsp, &head.method, &target, &body)
            }
        };
        self.bump();
        answer
    }
}

impl State {
    fn of(&self, what: &str) -> Vec<Asked> {
        let asked = self.asked.iter();
        asked
            .filter(|one| one.what.starts_with(what))
            .cloned()
            .collect()
    }

    fn next(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}-{}", self.serial)
    }

    fn answer(
        &mut self,
        xsp: usize,
        method: &Method,
        target: &str,
        body: &str,
    ) -> Response<Answer> {
        let path = target.split('?').next().unwrap();
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (method.as_str(), &*parts) {
            ("POST", ["com.broadsoft.async", _, _, "channel"]) => self.open(xsp, body),
            ("PUT", [_, _, "channel", id, "heartbeat"]) => self.heartbeat(xsp, id),
            ("PUT", [_, _, "channel", id]) if self.holds(xsp, id) => {
                let id = (*id).to_owned();
                plain(
                    200,
                    &format!(
                        "{PROLOG}<Channel xmlns=\"{NS}\"><channelId>{id}</channelId><expires>3600</expires></Channel>"
                    ),
                )
            }
            ("DELETE", [_, _, "channel", id]) if self.holds(xsp, id) => {
                let id = (*id).to_owned();
                self.terminate(&id, "ExplicitDelete");
                plain(200, "")
            }
            ("POST", [_, _, "channel", "eventresponse"]) => self.acknowledge(xsp, body),
            ("POST", [_, _, "user", user]) => self.subscribe(user, body),
            ("PUT", [_, _, "subscription", id]) => self.refresh(id),
            ("DELETE", [_, _, "subscription", id]) => {
                self.subscriptions.retain(|one| one.id != *id);
                plain(200, "")
            }
            ("GET", [_, _, "user", user, "services", "BusyLampField"]) => {
                self.busy_lamp_field(user)
            }
            ("POST", [_, _, "user", _, "calls", "DirectedCallPickup"]) => plain(
                201,
                &format!(
                    "{PROLOG}<CallStartInfo xmlns=\"{NS}\"><callId>picked:0</callId><externalTrackingId>9:1</externalTrackingId></CallStartInfo>"
                ),
            ),
            _ => plain(404, ""),
        }
    }

    fn holds(&self, xsp: usize, id: &str) -> bool {
        self.channels
            .iter()
            .any(|one| one.id == id && one.xsp == xsp)
    }

    fn open(&mut self, xsp: usize, body: &str) -> Response<Answer> {
        if let Some(status) = self.faults.channel {
            return plain(status, "");
        }
        if let Some(to) = self.faults.redirect
            && xsp == 0
        {
            let mut answer = plain(302, "");
            let location = format!("http://{to}/com.broadsoft.async/x/channel");
            answer
                .headers_mut()
                .insert("location", location.try_into().unwrap());
            return answer;
        }
        let (set, application) = (text(body, "channelSetId"), text(body, "applicationId"));
        // One set for each user and application.
        let others: Vec<_> = self
            .channels
            .iter()
            .filter(|one| one.application == application && one.set != set)
            .map(|one| one.id.clone())
            .collect();
        for other in others {
            self.terminate(&other, "DuplicateChannelSet");
        }
        let id = self.next("channel");
        let (stream, streamed) = mpsc::unbounded_channel();
        let first = format!(
            "{PROLOG}\n<Channel xmlns=\"{NS}\"><channelId>{id}</channelId><expires>3600</expires></Channel>"
        );
        stream.send(Bytes::from(first)).unwrap();
        self.channels.push(Channel {
            id,
            set,
            application,
            xsp,
            stream,
        });
        Response::new(Answer::Stream(streamed))
    }

    fn heartbeat(&mut self, xsp: usize, id: &str) -> Response<Answer> {
        if let Some(status) = self.faults.heartbeat {
            return plain(status, "");
        }
        if !self.holds(xsp, id) {
            return plain(404, "");
        }
        if !self.faults.mute {
            let channel = self.channels.iter().find(|one| one.id == id).unwrap();
            let echo = format!("{PROLOG}<ChannelHeartBeat xmlns=\"{NS}\"/>");
            channel.stream.send(Bytes::from(echo)).ok();
        }
        plain(200, "")
    }

    fn acknowledge(&mut self, xsp: usize, body: &str) -> Response<Answer> {
        let id = text(body, "eventID");
        if let Some(status) = self.faults.acknowledge {
            return plain(status, "");
        }
        if self.sent.get(&id) != Some(&xsp) {
            return plain(404, "");
        }
        let status = text(body, "statusCode").parse().unwrap();
        self.acknowledged.push((id, status));
        plain(200, "")
    }

    fn subscribe(&mut self, user: &str, body: &str) -> Response<Answer> {
        if let Some(status) = self.faults.subscribe {
            return plain(status, "");
        }
        let (set, application) = (text(body, "channelSetId"), text(body, "applicationId"));
        if !self.channels.iter().any(|one| one.set == set) {
            return plain(409, "");
        }
        // A repeated request overwrites.
        self.subscriptions
            .retain(|one| one.target != user || one.application != application);
        let id = self.next("subscription");
        let answer = format!(
            "{PROLOG}<Subscription xmlns=\"{NS}\"><subscriptionId>{id}</subscriptionId><expires>3600</expires></Subscription>"
        );
        self.subscriptions.push(Sub {
            id: id.clone(),
            target: user.to_owned(),
            set,
            application,
            sequence: 0,
        });
        self.snapshot(&id);
        plain(200, &answer)
    }

    fn refresh(&mut self, id: &str) -> Response<Answer> {
        if !self.subscriptions.iter().any(|one| one.id == id) {
            return plain(403, "");
        }
        self.snapshot(id);
        let answer = format!(
            "{PROLOG}<Subscription xmlns=\"{NS}\"><subscriptionId>{id}</subscriptionId><expires>3600</expires></Subscription>"
        );
        plain(200, &answer)
    }

    fn busy_lamp_field(&self, user: &str) -> Response<Answer> {
        let Some(lines) = self.lists.get(user) else {
            return plain(404, "");
        };
        let details: String = lines
            .iter()
            .map(|(user, extension)| {
                let extension = extension.as_ref().map_or_else(String::new, |extension| {
                    format!("<extension>{extension}</extension>")
                });
                format!("<userDetails><userId>{user}</userId>{extension}</userDetails>")
            })
            .collect();
        plain(
            200,
            &format!(
                "{PROLOG}<BusyLampField xmlns=\"{NS}\"><listURI>l@x</listURI><monitoredUserList>{details}</monitoredUserList></BusyLampField>"
            ),
        )
    }

    fn snapshot(&mut self, id: &str) {
        let target = self
            .subscriptions
            .iter()
            .find(|one| one.id == id)
            .unwrap()
            .target
            .clone();
        let calls: String = self
            .calls
            .get(&target)
            .into_iter()
            .flatten()
            .map(Call::xml)
            .collect();
        let calls = if calls.is_empty() {
            calls
        } else {
            format!("<xsi:calls>{calls}</xsi:calls>")
        };
        let data = format!(
            "<xsi:eventData xsi1:type=\"xsi:CallSubscriptionEvent\">{calls}<xsi:hookStatus>On-Hook</xsi:hookStatus></xsi:eventData>"
        );
        self.deliver(id, &data);
    }

    /// Channels whose connection ended are no more.
    pub(super) fn prune(&mut self) {
        self.channels.retain(|channel| !channel.stream.is_closed());
    }

    fn tell(&mut self, user: &str, data: &str) -> Vec<String> {
        let of = |one: &&Sub| one.target == user;
        let ids: Vec<_> = self
            .subscriptions
            .iter()
            .filter(of)
            .map(|one| one.id.clone())
            .collect();
        ids.iter().filter_map(|id| self.deliver(id, data)).collect()
    }

    /// One event on the first channel of the subscription's set.
    fn deliver(&mut self, id: &str, data: &str) -> Option<String> {
        self.prune();
        let event = self.next("event");
        let sub = self.subscriptions.iter_mut().find(|one| one.id == id)?;
        let channel = self.channels.iter().find(|one| one.set == sub.set)?;
        sub.sequence += 1;
        let document = format!(
            "{PROLOG}<xsi:Event xmlns:xsi=\"{NS}\" xmlns:xsi1=\"http://www.w3.org/2001/XMLSchema-instance\" xsi1:type=\"xsi:SubscriptionEvent\"><xsi:eventID>{event}</xsi:eventID><xsi:sequenceNumber>{}</xsi:sequenceNumber><xsi:userId>admin</xsi:userId><xsi:externalApplicationId>{}</xsi:externalApplicationId><xsi:subscriptionId>{id}</xsi:subscriptionId><xsi:channelId>{}</xsi:channelId><xsi:targetId>{}</xsi:targetId>{data}</xsi:Event>",
            sub.sequence, sub.application, channel.id, sub.target,
        );
        self.sent.insert(event.clone(), channel.xsp);
        channel.stream.send(Bytes::from(document)).ok();
        Some(event)
    }

    fn terminate(&mut self, id: &str, reason: &str) {
        let Some(at) = self.channels.iter().position(|one| one.id == id) else {
            return;
        };
        let channel = self.channels.remove(at);
        let document = format!(
            "{PROLOG}<xsi:Event xmlns:xsi=\"{NS}\" xmlns:xsi1=\"http://www.w3.org/2001/XMLSchema-instance\" xsi1:type=\"xsi:ChannelTerminatedEvent\"><xsi:channelId>{id}</xsi:channelId><xsi:reason>{reason}</xsi:reason></xsi:Event>"
        );
        channel.stream.send(Bytes::from(document)).ok();
    }

    /// The bytes of an event that were never sent whole.
    pub(super) fn half_an_event(&self) -> String {
        format!(
            "{PROLOG}<xsi:Event xmlns:xsi=\"{NS}\" xmlns:xsi1=\"http://www.w3.org/2001/XMLSchema-instance\" xsi1:type=\"xsi:Subsc"
        )
    }
}

impl Call {
    fn xml(&self) -> String {
        format!(
            "<xsi:call><xsi:callId>{id}</xsi:callId><xsi:extTrackingId>{id}</xsi:extTrackingId><xsi:personality>{}</xsi:personality><xsi:state>{}</xsi:state><xsi:remoteParty><xsi:address>tel:+49</xsi:address></xsi:remoteParty></xsi:call>",
            self.personality,
            self.state,
            id = self.id,
        )
    }
}

fn text(body: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = body.split_once(&open).map_or("", |(_, rest)| rest);
    rest.split_once(&close)
        .map_or("", |(text, _)| text)
        .to_owned()
}

fn plain(status: u16, body: &str) -> Response<Answer> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let mut response = Response::new(Answer::Whole(Some(body)));
    *response.status_mut() = status.try_into().unwrap();
    response
}

/// The body of an answer.
enum Answer {
    Stream(mpsc::UnboundedReceiver<Bytes>),
    Whole(Option<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Stream(streamed) => streamed
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
            Self::Whole(body) => Poll::Ready(
                body.take()
                    .filter(|body| !body.is_empty())
                    .map(|body| Ok(Frame::data(body))),
            ),
        }
    }
}

//! The provisioning APIs of Webex, as `webexapis.com` has them below `/v1`, and on the same
//! listener the bridges that an Application Server calls, and the lab's controls below `/lab`.
//!
//! What is published of them is answered as published. How long things take, which of them fail
//! and how, is a model with its own time: first users of an enterprise take minutes, divided by a
//! factor of the lab's.

pub(in crate::lab::webex) mod answer;
mod asked;
mod control;
mod directory;
mod enterprises;
mod faults;
mod ids;
mod oauth;
mod operation;
mod people;
mod read;
mod record;
mod render;
pub(in crate::lab::webex) mod route;
mod subscribers;
mod template;
mod tokens;
pub(in crate::lab::webex) mod world;

#[cfg(test)]
pub(in crate::lab::webex) mod tests;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::lab::pki::Pair;
use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::WebexError;
use crate::lab::webex::bridge;
use crate::lab::webex::connections;
use crate::lab::webex::identity::tls;
use crate::lab::webex::random;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use ids::Kind;
use record::Record;
use render::Shape;
use tokens::Tokens;
use world::At;
use world::World;

pub use directory::Directory;
pub use faults::Fault;
pub use faults::Faults;
pub use faults::Script;
pub use faults::UnknownFault;
pub use operation::Operation;
pub use record::Call;
pub use template::BRIDGE_ACCOUNT;
pub use template::BRIDGE_PASSWORD;
pub use template::Template;

/// Below it are the public APIs: the base URL of a client is this on the listener's port.
pub const PATH: &str = "/v1";

/// The partner's integration, as the developer portal gives it.
pub const CLIENT_ID: &str = "C0f1e2d3c4b5a6978877665544332211ffeeddccbbaa99887766554433221100f";

/// The secret to [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "lab-partner-client-secret";

/// The refresh token that a partner's full administrator has granted to [`CLIENT_ID`].
pub const REFRESH_TOKEN: &str = "lab-partner-refresh-token";

/// The partner's service app, whose client is [`CLIENT_ID`] too.
pub const SERVICE_APP: &str = "lab-service-app";

/// The partner's own organization, as the APIs write its name.
#[must_use]
pub fn partner_organization() -> String {
    let id = Uuid::try_parse(ORGANIZATION);
    id.map_or_else(
        |_| ORGANIZATION.to_owned(),
        |id| Kind::Organization.name(id),
    )
}

/// Life of an access token in seconds, as production has it: 14 days.
const ACCESS_LIFE: u64 = 1_209_599;

/// Life of a refresh token in seconds, as production has it: 90 days.
const REFRESH_LIFE: u64 = 7_775_999;

/// What the provisioning APIs need to know.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Certificate for `localhost`.
    pub server: Pair,
    /// The partner's customer templates.
    pub templates: Vec<Template>,
    /// How many times faster than Webex's everything in the background goes; 0 counts as 1.
    pub speed: u32,
    /// The host name that callers of the bridges must use.
    pub bridge_host: String,
    /// Whom directory sync finds; without, nobody.
    pub broadworks: Option<Directory>,
}

impl Setup {
    /// With the lab's templates, at the speed of Webex, called as `localhost`.
    #[must_use]
    pub fn new(server: Pair) -> Self {
        Self {
            server,
            templates: Template::all(),
            speed: 1,
            bridge_host: "localhost".to_owned(),
            broadworks: None,
        }
    }
}

/// What holds for all answers.
#[derive(Debug, Clone, Copy)]
struct Rules {
    access_life: u64,
    refresh_life: u64,
    shape: Shape,
}

/// The provisioning APIs, the bridges and the controls.
#[derive(Debug)]
pub struct Api {
    tls: Arc<rustls::ServerConfig>,
    /// Both clocks at the start: the model's time is the wall clock's then, and goes on with the
    /// other.
    began: (Instant, SystemTime),
    world: Mutex<World>,
    tokens: Mutex<Tokens>,
    rules: Mutex<Rules>,
    faults: Faults,
    record: Record,
    directory: Option<Directory>,
    pub(super) bridge_host: String,
    pub(super) bridge: bridge::Bridge,
}

impl Api {
    /// Reads the certificate. Nobody is provisioned yet.
    ///
    /// # Errors
    /// When a file is not what it should be, or the system gives no random bytes.
    pub fn open(setup: Setup) -> Result<Arc<Self>, WebexError> {
        let Setup {
            server,
            templates,
            speed,
            bridge_host,
            broadworks,
        } = setup;
        let first_name = u128::from_le_bytes(random()?);
        let now = clock::now();
        let rules = Rules {
            access_life: ACCESS_LIFE,
            refresh_life: REFRESH_LIFE,
            shape: Shape::default(),
        };
        Ok(Arc::new(Self {
            tls: tls::server(&server)?,
            began: (now.mono, now.wall),
            world: Mutex::new(World::new(templates, speed, first_name)),
            tokens: Mutex::default(),
            rules: Mutex::new(rules),
            faults: Faults::default(),
            record: Record::default(),
            directory: broadworks,
            bridge_host,
            bridge: bridge::Bridge::default(),
        }))
    }

    /// Serves all of it over TLS until `stop` fires. Connections are tasks of their own and end by
    /// themselves after the stop.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        let tls = Arc::clone(&self.tls);
        connections::serve(tls, listener, stop, tasks, move |request| {
            let api = Arc::clone(&self);
            async move { route::answer(&api, request).await }
        })
        .await;
    }

    /// Below this path of the listener is the bridge of a template: the provisioning URL of an
    /// Application Server that calls Webex directly, and `bridge-url` of relay mode.
    #[must_use]
    pub fn bridge_path(template: &str) -> String {
        format!("{}/{template}", bridge::PATH)
    }

    /// What it is to do wrong.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The calls that came, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.record.calls()
    }

    /// The calls that came to the bridges, oldest first.
    #[must_use]
    pub fn bridge_calls(&self) -> Vec<bridge::BridgeCall> {
        self.bridge.calls()
    }

    /// How often an operation was called, refused and cut calls included.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.record.count(operation)
    }

    /// An access token, without a refresh token to show for it.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn access_token(&self) -> Result<String, WebexError> {
        let until = self
            .now()
            .plus(Duration::from_secs(self.rules().access_life));
        self.tokens().issue(until)
    }

    /// A control, as it is called below `/lab` over HTTP: status and document.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        match control::carry_out(self, method, path, body.as_bytes()) {
            Ok(value) => (200, value),
            Err(refusal) => (refusal.status, json!({ "error": refusal.text })),
        }
    }

    /// The model's time.
    fn now(&self) -> At {
        let (mono, wall) = self.began;
        let began = wall.duration_since(SystemTime::UNIX_EPOCH);
        let since = clock::mono().saturating_duration_since(mono);
        At::default().plus(began.unwrap_or_default() + since)
    }

    /// The model, with everything done that was due.
    pub(super) fn world<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let now = self.now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(now);
        work(&mut world)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> Rules {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_rules(&self, rules: Rules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

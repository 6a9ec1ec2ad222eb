//! The provisioning APIs of Webex, as `webexapis.com` has them below `/v1`, and on the same
//! listener the bridges that an Application Server calls, and the lab's controls below `/lab`.
//!
//! What is published of them is answered as published. How long things take, which of them fail
//! and how, is a model with its own time: first users of an enterprise take minutes,
//! divided by a factor of the lab's.

mod answer;
mod directory;
mod ids;
mod route;
mod template;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lab::pki::Pair;
use crate::lab::webex::WebexError;
use crate::lab::webex::connections;
use crate::lab::webex::identity::tls;
use crate::platform::tasks::Tasks;

pub use directory::Directory;
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

/// The provisioning APIs, the bridges and the controls.
#[derive(Debug)]
pub struct Api {
    tls: Arc<rustls::ServerConfig>,
}

impl Api {
    /// Reads the certificate. Nobody is provisioned yet.
    ///
    /// # Errors
    /// When a file is not what it should be.
    pub fn open(setup: Setup) -> Result<Arc<Self>, WebexError> {
        let Setup {
            server,
            templates: _,
            speed: _,
            bridge_host: _,
            broadworks: _,
        } = setup;
        Ok(Arc::new(Self {
            tls: tls::server(&server)?,
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
        format!("{}/{template}", crate::lab::webex::bridge::PATH)
    }
}

//! A small OCI-P client, read-mostly, towards the Application Server.
//!
//! * [`Ocip`]: the handle; each method is one question.
//! * `link`: pace, breaker, connections, one repetition.
//! * `session`: one connection with its login.
//! * `keeper`: what goes on between requests.
//!
//! The formats are in [`crate::domain::ocip`].

mod current;
mod keeper;
mod link;
mod provisioning;
mod session;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

pub use crate::domain::ocip::BadAnswer;
pub use crate::domain::ocip::OcipFailure;
pub use crate::domain::ocip::Unreachable;
pub use crate::domain::ocip::breaker::Standing;
pub use crate::domain::ocip::facts::AssignedServices;
pub use crate::domain::ocip::facts::BusyLampField;
pub use crate::domain::ocip::facts::IntegratedImp;
pub use crate::domain::ocip::facts::ListedUser;
pub use crate::domain::ocip::facts::LoginInfo;
pub use crate::domain::ocip::facts::LoginToken;
pub use crate::domain::ocip::facts::MessagingServer;
pub use crate::domain::ocip::facts::ServiceProvider;
pub use crate::domain::ocip::facts::UserDetails;
pub use crate::domain::ocip::facts::Verified;
pub use current::CurrentOcip;
pub use settings::OcipSetupError;
pub(in crate::outbound) use settings::tls_to;

use crate::config::ApplicationServer;
use crate::config::secret::Secret;
use crate::domain::ocip::Answer;
use crate::domain::ocip::Request;
use crate::domain::ocip::RequestKind;
use crate::domain::ocip::facts;
use crate::domain::xsi::codec::Element;
use crate::outbound::OutboundError;
use crate::outbound::broadworks::ocip::keeper::keep;
use crate::outbound::broadworks::ocip::link::Link;
use crate::outbound::broadworks::ocip::settings::Settings;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::ocip::OcipMetrics;

/// How somebody proves to be a user.
#[derive(Debug, Clone, Copy)]
pub enum Login<'a> {
    /// A user or an administrator, by any of its ids.
    Password {
        /// The id.
        user: &'a str,
        /// The password; UTF-8.
        password: &'a Secret,
    },
    /// A line.
    LinePort {
        /// `user@host` of the line.
        line_port: &'a str,
        /// The password of its user; UTF-8.
        password: &'a Secret,
    },
    /// A token of [`Ocip::create_login_token`].
    LoginToken(&'a str),
    /// A number and the passcode of the voice portal.
    Passcode {
        /// The number.
        number: &'a str,
        /// The passcode; UTF-8.
        passcode: &'a Secret,
    },
    /// SIP authentication of a user's device.
    Sip {
        /// The user id.
        user: &'a str,
        /// The name for SIP.
        sip_user: &'a str,
        /// The password for SIP; UTF-8.
        sip_password: &'a Secret,
    },
}

/// The handle; clones share the connections, which are logged out when the last one is dropped.
#[derive(Clone)]
pub struct Ocip {
    link: Arc<Link>,
    /// Dropped with the last handle; the keeper hears it.
    _held: Arc<DropGuard>,
}

impl Ocip {
    /// Reads the CA file and the password, blocking, and starts the worker that keeps the
    /// connection; it logs in at once. Needs a runtime around it.
    ///
    /// # Errors
    /// [`OutboundError::ApplicationServer`] when they cannot be used.
    pub fn new(
        config: &ApplicationServer,
        tasks: &Tasks,
        metrics: Arc<OcipMetrics>,
    ) -> Result<Self, OutboundError> {
        let settings = Settings::try_new(config)
            .map_err(|fault| OutboundError::ApplicationServer { fault })?;
        Ok(Self::start(settings, tasks, metrics))
    }

    /// Whether [`Ocip::new`] would succeed; starts nothing. Blocks on the disk.
    ///
    /// # Errors
    /// As there.
    pub fn prove(config: &ApplicationServer) -> Result<(), OutboundError> {
        let settings = Settings::try_new(config);
        settings
            .map(drop)
            .map_err(|fault| OutboundError::ApplicationServer { fault })
    }

    fn start(settings: Settings, tasks: &Tasks, metrics: Arc<OcipMetrics>) -> Self {
        metrics.series();
        let link = Link::new(settings, tasks, metrics);
        let unheld = CancellationToken::new();
        let keeping = keep(Arc::clone(&link), tasks.stop(), unheld.clone());
        tasks.worker("ocip", keeping);
        Self {
            link,
            _held: Arc::new(unheld.drop_guard()),
        }
    }

    /// Whether the Application Server answers, as far as is known.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.link.standing()
    }

    /// Whether every connection that is not in use has been closed by the other side.
    #[cfg(test)]
    fn closed_idle(&self) -> bool {
        let mut idle = link::hold(&self.link.idle);
        idle.iter_mut().all(|session| !session.is_quiet())
    }

    /// Proves who somebody is (`AuthenticationVerifyRequest22V4`).
    ///
    /// # Errors
    /// [`OcipFailure`]; only `Ok` lets anybody in.
    pub async fn verify(&self, login: &Login<'_>) -> Result<Verified, OcipFailure> {
        let sip_user = "sipAuthenticationUserName";
        let fields = match login {
            Login::Password { user, password } => {
                vec![("userId", *user), ("password", text(password)?)]
            }
            Login::LinePort {
                line_port,
                password,
            } => vec![("linePort", *line_port), ("password", text(password)?)],
            Login::LoginToken(token) => vec![("loginToken", *token)],
            Login::Passcode { number, passcode } => {
                vec![("phoneNumber", *number), ("passcode", text(passcode)?)]
            }
            Login::Sip {
                user,
                sip_user: name,
                sip_password,
            } => vec![
                (sip_user, *name),
                ("sipAuthenticationPassword", text(sip_password)?),
                ("userId", *user),
            ],
        };
        // What cannot be sent was never anybody's password.
        let wrong = OcipFailure::BadCredentials;
        self.facts(RequestKind::Verify, &fields, wrong, Verified::read)
            .await
    }

    /// What decides about a user's tokens, without a password (`UserGetLoginInfoRequestRI`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn login_info(&self, user: &str) -> Result<LoginInfo, OcipFailure> {
        self.of_user(RequestKind::LoginInfo, user, LoginInfo::read)
            .await
    }

    /// Makes a single sign-on token (`ExternalAuthenticationCreateLoginTokenRequest`). Its life
    /// is unpublished: use it within minutes.
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn create_login_token(&self, user: &str) -> Result<LoginToken, OcipFailure> {
        self.of_user(RequestKind::CreateLoginToken, user, LoginToken::read)
            .await
    }

    /// Revokes the long-lived tokens of a user, or with `None` all of the system
    /// (`LongLivedTokenRevokeRequest`).
    ///
    /// # Errors
    /// [`OcipFailure`]; then nothing may be taken as revoked.
    pub async fn revoke_tokens(&self, user: Option<&str>) -> Result<(), OcipFailure> {
        let fields: Vec<_> = user.map(|user| ("userId", user)).into_iter().collect();
        let kind = RequestKind::RevokeTokens;
        self.ask(kind, &fields, OcipFailure::UnknownUser, |answer, _| {
            answer.success()
        })
        .await
    }

    /// A user (`UserGetRequest23V2` or an older form).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn user(&self, user: &str) -> Result<UserDetails, OcipFailure> {
        self.of_user(RequestKind::User, user, UserDetails::read)
            .await
    }

    /// The Integrated IMP service of a user (`UserIntegratedIMPGetRequest21sp1`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn integrated_imp(&self, user: &str) -> Result<IntegratedImp, OcipFailure> {
        self.of_user(RequestKind::IntegratedImp, user, IntegratedImp::read)
            .await
    }

    /// The busy lamp field of a user (`UserBusyLampFieldGetRequest16sp2`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn busy_lamp_field(&self, user: &str) -> Result<BusyLampField, OcipFailure> {
        self.of_user(RequestKind::BusyLampField, user, BusyLampField::read)
            .await
    }

    /// A service provider or enterprise (`ServiceProviderGetRequest22V4` or `17sp1`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn service_provider(&self, id: &str) -> Result<ServiceProvider, OcipFailure> {
        let unsendable = unsendable("service provider");
        let fields = [("serviceProviderId", id)];
        let kind = RequestKind::ServiceProvider;
        self.facts(kind, &fields, unsendable, ServiceProvider::read)
            .await
    }

    /// The `ClientIdentity` list (`SystemClientIdentityGetListRequest`): certificate names that
    /// the Application Server lets act for clients.
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn client_identities(&self) -> Result<Vec<String>, OcipFailure> {
        let kind = RequestKind::ClientIdentities;
        self.facts(kind, &[], NOTHING_TO_SEND, facts::client_identities)
            .await
    }

    /// The version of its software (`SystemSoftwareVersionGetRequest`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn software_version(&self) -> Result<String, OcipFailure> {
        let kind = RequestKind::SoftwareVersion;
        self.facts(kind, &[], NOTHING_TO_SEND, facts::software_version)
            .await
    }

    async fn of_user<T>(
        &self,
        kind: RequestKind,
        user: &str,
        read: impl Fn(&Element) -> Result<T, BadAnswer>,
    ) -> Result<T, OcipFailure> {
        // An id that cannot be sent is nobody's.
        let unsendable = OcipFailure::UnknownUser;
        self.facts(kind, &[("userId", user)], unsendable, read)
            .await
    }

    async fn facts<T>(
        &self,
        kind: RequestKind,
        fields: &[(&'static str, &str)],
        unsendable: OcipFailure,
        read: impl Fn(&Element) -> Result<T, BadAnswer>,
    ) -> Result<T, OcipFailure> {
        self.ask(kind, fields, unsendable, |answer, name| {
            read(answer.to_request(name)?)
        })
        .await
    }

    async fn ask<T>(
        &self,
        kind: RequestKind,
        fields: &[(&'static str, &str)],
        unsendable: OcipFailure,
        read: impl Fn(&Answer, &str) -> Result<T, BadAnswer>,
    ) -> Result<T, OcipFailure> {
        let start = clock::mono();
        let outcome = match Request::new(kind, fields) {
            Err(_) => Err(unsendable),
            Ok(request) => match self.link.ask(request).await {
                Err(failure) => Err(failure),
                Ok((answer, name)) => read(&answer, name).map_err(OcipFailure::BadAnswer),
            },
        };
        let took = clock::mono().saturating_duration_since(start);
        self.link
            .metrics
            .request(kind, outcome.as_ref().err(), took);
        outcome
    }
}

/// An id that cannot be sent, of somebody who is no user.
fn unsendable(what: &str) -> OcipFailure {
    OcipFailure::Refused {
        code: None,
        summary: format!("the id of the {what} cannot be sent"),
    }
}

/// Requests without texts have none that cannot be sent.
const NOTHING_TO_SEND: OcipFailure = OcipFailure::BadCredentials;

/// A password that is no text is nobody's.
fn text(secret: &Secret) -> Result<&str, OcipFailure> {
    std::str::from_utf8(secret.expose()).map_err(|_| OcipFailure::BadCredentials)
}

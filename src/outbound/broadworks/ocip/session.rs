//! One connection, logged in: one request at a time, each under its time limit.

use std::io;
use std::time::Duration;
use std::time::Instant;

use futures_util::FutureExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::domain::ocip::Answer;
use crate::domain::ocip::BadAnswer;
use crate::domain::ocip::Request;
use crate::domain::ocip::RequestKind;
use crate::domain::ocip::digest::signed_password;
use crate::domain::ocip::facts;
use crate::domain::ocip::framing::Framer;
use crate::domain::ocip::refusal::Meaning;
use crate::domain::ocip::refusal::Refusal;
use crate::domain::ocip::request::Unsendable;
use crate::outbound::broadworks::ocip::settings::LoginOrder;
use crate::outbound::broadworks::ocip::settings::Settings;
use crate::outbound::connect::ConnectError;
use crate::outbound::stream::Stream;
use crate::platform::clock;

/// Messages of other sessions that are passed over while one waits for an answer. More is no
/// Application Server.
const STRANGERS: usize = 16;

/// Bytes read at once.
const READ: usize = 8 * 1024;

/// Time for the farewell, which nobody waits for otherwise.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection with a login.
pub(super) struct Session {
    stream: Stream,
    framer: Framer,
    /// Says who we are in every message; the login is bound to it.
    id: String,
    /// Place of its address in the order of preference.
    pub(super) address: usize,
    /// When it was last given back.
    pub(super) used: Instant,
    /// Whether no request was answered on it yet.
    pub(super) fresh: bool,
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the answer cannot be used: {0}")]
    BadAnswer(#[from] BadAnswer),
    #[error("the connection was closed")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(io::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("{0}{cause}", cause = cause(.0))]
    Connect(ConnectError),
    #[error("{0}")]
    Broken(#[from] Broken),
    #[error("no random number for the session")]
    Random,
    #[error("the login is refused: {}", .0.summary_english)]
    Refused(Refusal),
    #[error("a login was refused, and none is tried for a while")]
    Withheld,
    #[error("the login cannot be written: {0}")]
    Unsendable(#[from] Unsendable),
}

fn cause(error: &ConnectError) -> String {
    std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"))
}

impl From<BadAnswer> for OpenError {
    fn from(fault: BadAnswer) -> Self {
        Self::Broken(Broken::BadAnswer(fault))
    }
}

/// What the login told.
pub(super) struct LoggedIn {
    pub(super) request: &'static str,
    pub(super) login_type: String,
}

impl Session {
    /// Connects one address and logs in.
    pub(super) async fn open(
        settings: &Settings,
        address: usize,
    ) -> Result<(Self, LoggedIn), OpenError> {
        let Some(to) = settings.addresses.get(address) else {
            return Err(OpenError::Connect(ConnectError::NoAddress));
        };
        let stream = to.target.connect().await.map_err(OpenError::Connect)?;
        let mut session = Self {
            stream,
            framer: Framer::default(),
            id: session_id()?,
            address,
            used: clock::mono(),
            fresh: true,
        };
        let told = session.login(settings).await?;
        Ok((session, told))
    }

    async fn login(&mut self, settings: &Settings) -> Result<LoggedIn, OpenError> {
        match settings.login {
            LoginOrder::Digest => self.login_by_digest(settings).await,
            LoginOrder::Password => self.login_by_password(settings).await,
            LoginOrder::PasswordThenDigest => match self.login_by_password(settings).await {
                // An older Application Server; a wrong password is not tried in another way.
                Err(OpenError::Refused(refusal)) if is_unsupported(&refusal) => {
                    self.login_by_digest(settings).await
                }
                outcome => outcome,
            },
        }
    }

    async fn login_by_password(&mut self, settings: &Settings) -> Result<LoggedIn, OpenError> {
        let fields = [
            ("userId", settings.user_id.as_str()),
            ("password", settings.password.as_str()),
        ];
        let request = Request::new(RequestKind::LoginPassword, &fields)?;
        self.finish_login(&request, settings).await
    }

    async fn login_by_digest(&mut self, settings: &Settings) -> Result<LoggedIn, OpenError> {
        let user = ("userId", settings.user_id.as_str());
        let request = Request::new(RequestKind::Authentication, &[user])?;
        let answer = self.ask(&request, 0, settings.response_timeout).await?;
        if let Some(refusal) = answer.refusal() {
            return Err(OpenError::Refused(refusal));
        }
        let nonce = facts::nonce(answer.to_request(request.name(0))?)?;
        let signed = signed_password(&nonce, settings.password.as_bytes());
        let fields = [user, ("signedPassword", signed.as_str())];
        let request = Request::new(RequestKind::LoginDigest, &fields)?;
        self.finish_login(&request, settings).await
    }

    async fn finish_login(
        &mut self,
        request: &Request,
        settings: &Settings,
    ) -> Result<LoggedIn, OpenError> {
        let answer = self.ask(request, 0, settings.response_timeout).await?;
        if let Some(refusal) = answer.refusal() {
            return Err(OpenError::Refused(refusal));
        }
        let command = answer.to_request(request.name(0))?;
        Ok(LoggedIn {
            request: request.name(0),
            login_type: command
                .child_text("loginType")
                .unwrap_or_default()
                .to_owned(),
        })
    }

    /// Sends one request and reads its answer. After an error the session must be dropped: a late
    /// answer would be taken for the next one's.
    pub(super) async fn ask(
        &mut self,
        request: &Request,
        version: usize,
        limit: Duration,
    ) -> Result<Answer, Broken> {
        let message = request.write(&self.id, version);
        let exchange = async {
            self.stream.write_all(&message).await.map_err(Broken::Io)?;
            self.stream.flush().await.map_err(Broken::Io)?;
            self.answer().await
        };
        timeout(limit, exchange)
            .await
            .unwrap_or(Err(Broken::Timeout(limit)))
    }

    async fn answer(&mut self) -> Result<Answer, Broken> {
        let mut buffer = [0; READ];
        let mut strangers = 0;
        loop {
            while let Some(message) = self.framer.message().map_err(BadAnswer::Stream)? {
                let answer = Answer::parse(&message)?;
                if answer.type_name() == LOGGED_OUT {
                    return Err(Broken::Closed);
                }
                let ours = match answer.session() {
                    Some(id) => id == self.id,
                    // Only a refusal may leave out whom it is for.
                    None => answer.refusal().is_some(),
                };
                if ours {
                    return Ok(answer);
                }
                strangers += 1;
                if strangers > STRANGERS {
                    return Err(BadAnswer::UnexpectedType.into());
                }
            }
            let read = self.stream.read(&mut buffer).await.map_err(Broken::Io)?;
            if read == 0 {
                return Err(Broken::Closed);
            }
            self.framer.push(buffer.get(..read).unwrap_or_default());
        }
    }

    /// Whether it may be used again: nothing was said since the last answer, no end either.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0; 1];
        self.framer.is_empty() && self.stream.read(&mut byte).now_or_never().is_none()
    }

    /// Logs out and closes.
    pub(super) async fn close(mut self, settings: &Settings) {
        let fields = [
            ("userId", settings.user_id.as_str()),
            ("reason", "Connection close"),
        ];
        if let Ok(request) = Request::new(RequestKind::Logout, &fields) {
            // It is over either way.
            self.ask(&request, 0, FAREWELL).await.ok();
        }
        timeout(FAREWELL, self.stream.shutdown()).await.ok();
    }
}

/// The Application Server sends our own request when it ends a session.
const LOGGED_OUT: &str = "LogoutRequest";

fn is_unsupported(refusal: &Refusal) -> bool {
    match refusal.meaning() {
        Meaning::NotSupported | Meaning::Other => true,
        Meaning::BadCredentials
        | Meaning::Locked
        | Meaning::NotLoggedIn
        | Meaning::Unauthorized
        | Meaning::UnknownUser => false,
    }
}

fn session_id() -> Result<String, OpenError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| OpenError::Random)?;
    Ok(format!("xspd-{:032x}", u128::from_be_bytes(bytes)))
}

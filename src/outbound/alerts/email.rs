//! Mail: one per notice, in plain text, in the thread of its alarm.

mod letter;
mod line;

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Data;
use lettre::transport::smtp::commands::Mail;
use lettre::transport::smtp::commands::Rcpt;
use lettre::transport::smtp::extension::ClientId;
use tracing::warn;

use crate::config;
use crate::config::Environment;
use crate::domain::alarms::Notice;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::told::Told;
use letter::Letter;
use line::Line;

/// The longest that a goodbye is waited for; the mail is theirs already, and what is left of the time
/// limit must not make it count as lost.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct Email {
    line: Line,
    credentials: Option<Credentials>,
    letter: Letter,
    from: Address,
    to: Vec<Address>,
    goodbye: Duration,
    /// Which recipients a mail server has taken a notice for.
    told: Told,
}

impl Email {
    /// Reads password and certificates, blocking; called at start and reload only.
    pub(super) fn new(
        sink: &config::EmailSink,
        environment: &Environment,
        limit: Duration,
    ) -> Result<Self, SetupFault> {
        let credentials = match &sink.account {
            None => None,
            Some((user, password)) => {
                let password = secret(password, environment)?;
                let text =
                    std::str::from_utf8(password.expose()).map_err(|_| SetupFault::Header)?;
                Some(Credentials::new(user.clone(), text.to_owned()))
            }
        };
        let address = |text: &String| -> Result<Address, SetupFault> {
            text.parse().map_err(|_| SetupFault::Address(text.clone()))
        };
        let from = address(&sink.from)?;
        let to = sink.to.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            line: Line::new(sink)?,
            credentials,
            letter: Letter::new(from.clone(), to.clone()),
            from,
            to,
            goodbye: GOODBYE.min(limit / 8),
            told: Told::default(),
        })
    }

    async fn send(&self, notice: &Notice) -> Result<(), SinkError> {
        let letter = self.letter.of(notice)?;
        let hello = hello(&notice.system);
        let stream = self.line.open(&hello).await?;
        let mut talk = AsyncSmtpConnection::connect_with_transport(stream, &hello)
            .await
            .map_err(|error| self.may_pass(&error))?;
        if let Some(credentials) = &self.credentials {
            talk.auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                .await
                .map_err(|error| self.not_allowed(&error))?;
        }
        let outcome = self
            .hand_over(&mut talk, &letter, notice.identifier)
            .await?;
        drop(tokio::time::timeout(self.goodbye, talk.quit()).await);
        outcome
    }

    /// A recipient who is refused for good, or may be taken later, does not keep the others from
    /// knowing. What is inside says whether somebody is left; nobody is to get a mail twice.
    async fn hand_over(
        &self,
        talk: &mut AsyncSmtpConnection,
        letter: &[u8],
        identifier: u64,
    ) -> Result<Result<(), SinkError>, SinkError> {
        // Before the text it is the sender, the recipients or the server, and not the notice.
        let failed = |error: Error| self.may_pass(&error);
        let known = self.told.who_has(identifier);
        let from = Mail::new(Some(self.from.clone()), Vec::new());
        talk.command(from).await.map_err(failed)?;
        let (mut refused, mut later, mut taken) = (None, None, Vec::new());
        for (at, to) in self.to.iter().enumerate() {
            if known.contains(&at) {
                continue;
            }
            match talk.command(Rcpt::new(to.clone(), Vec::new())).await {
                Ok(_) => taken.push(at),
                Err(error) if error.is_permanent() => {
                    warn!(recipient = %to, %error, "A mail server refuses a recipient of alarms.");
                    refused = Some(error);
                }
                Err(error) if error.is_transient() => later = Some(error),
                Err(error) => return Err(self.may_pass(&error)),
            }
        }
        if !taken.is_empty() {
            talk.command(Data).await.map_err(failed)?;
            let sent = talk.message(letter).await;
            sent.map_err(|error| self.failed(&error))?;
            for at in &taken {
                self.told.remember(identifier, *at);
            }
        }
        let some = !taken.is_empty() || !known.is_empty();
        Ok(match (later, refused) {
            (Some(error), _) if some => Err(self.may_pass(&error).partly()),
            (Some(error), _) => Err(self.may_pass(&error)),
            (None, Some(error)) if !some => Err(self.may_pass(&error)),
            (None, _) => {
                self.told.forget(identifier);
                Ok(())
            }
        })
    }

    /// The text was refused, or something broke.
    fn failed(&self, error: &Error) -> SinkError {
        let sentence = self.line.says(error);
        if error.is_permanent() {
            return SinkError::refused("refused", &sentence);
        }
        self.may_pass(error)
    }

    /// Whoever mends the sink, or the server, wants the mails that were missed.
    fn may_pass(&self, error: &Error) -> SinkError {
        let sentence = self.line.says(error);
        if error.is_permanent() {
            return SinkError::retry("refused", &sentence);
        }
        let word = match error.is_transient() {
            true => "asked-to-wait",
            false => "broken",
        };
        SinkError::retry(word, &sentence)
    }

    /// Somebody will mend the password, and then wants the mails that were missed.
    fn not_allowed(&self, error: &Error) -> SinkError {
        let sentence = format!(
            "{}; check username and password of this sink",
            self.line.says(error)
        );
        SinkError::retry("not-allowed", &sentence)
    }
}

impl Carrier for Email {
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.send(notice))
    }
}

/// The name by which we greet: that of the node where it can be one.
fn hello(system: &str) -> ClientId {
    let good = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    match !system.is_empty() && system.len() <= 253 && system.chars().all(good) {
        true => ClientId::Domain(system.to_owned()),
        false => ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST),
    }
}

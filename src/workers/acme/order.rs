//! One order, from the names to the chain.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::config::Acme;
use crate::config::AcmeChallenge;
use crate::config::AcmeKey;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::csr::Request;
use crate::domain::certs::csr::RequestProblem;
use crate::domain::certs::csr::Subject;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::tls::authority::KeyType;
use crate::tls::challenge::ChallengeError;
use crate::tls::challenge::Challenges;
use crate::workers::acme::client::Account;
use crate::workers::acme::client::Answered;
use crate::workers::acme::client::CaError;
use crate::workers::acme::documents::Authorization;
use crate::workers::acme::documents::Order;
use crate::workers::acme::hook;
use crate::workers::acme::hook::HookError;
use crate::workers::acme::jws;

/// How long a CA may take to look, and to issue, each.
const PATIENCE: Duration = Duration::from_secs(180);

/// Bounds of the pause between two looks at an order; a CA may ask for longer ones.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Most authorizations of an order: one for each name.
const MOST: usize = 100;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The CA, or the way to it.
    #[error("the CA: {0}")]
    Ca(#[from] CaError),
    /// No answer can be prepared.
    #[error("{0}")]
    Challenge(#[from] ChallengeError),
    /// The hook.
    #[error("{0}")]
    Hook(#[from] HookError),
    /// No key.
    #[error("no key could be made: {0}")]
    Key(#[from] rcgen::Error),
    /// The CA does not offer the challenge.
    #[error(
        "the CA does not offer {challenge} for {name}; it offers {offered}. Set `challenge` to one of \
         them"
    )]
    NotOffered {
        /// The name.
        name: String,
        /// What is configured.
        challenge: &'static str,
        /// What there is.
        offered: String,
    },
    /// The CA looked and did not find our answer.
    #[error("the CA did not believe that {name} is ours ({challenge}): {detail}")]
    NotProven {
        /// The name.
        name: String,
        /// How.
        challenge: &'static str,
        /// What the CA said.
        detail: String,
    },
    /// No request.
    #[error("{0}")]
    Request(#[from] RequestProblem),
    /// The CA took too long.
    #[error("the order was still \"{0}\" after {seconds} s", seconds = PATIENCE.as_secs())]
    Slow(String),
    /// The daemon ends.
    #[error("the daemon ends")]
    Stopped,
}

/// An answer that stands until the order is over.
struct Answer {
    token: String,
    name: String,
    /// Record and value that the hook has set.
    record: Option<(String, String)>,
}

/// What an order needs.
pub(super) struct Ordering<'a> {
    pub(super) acme: &'a Acme,
    pub(super) account: &'a Account,
    pub(super) challenges: &'a Arc<Challenges>,
    pub(super) tasks: &'a Tasks,
    /// The certificate that it renews, by its name of RFC 9773.
    pub(super) replaces: Option<String>,
}

impl Ordering<'_> {
    /// Orders a certificate with a new key: the chain as the CA sends it, and the key.
    pub(super) async fn run(&self) -> Result<(String, Key), OrderError> {
        let mut answers = Vec::new();
        let done = self.order(&mut answers).await;
        for answer in answers {
            self.take_back(answer).await;
        }
        done
    }

    async fn order(&self, answers: &mut Vec<Answer>) -> Result<(String, Key), OrderError> {
        let begun = self.new_order().await?;
        let url = begun.location.ok_or(CaError::Missing("order address"))?;
        let authorizations = &begun.document.authorizations;
        for authorization in authorizations.iter().take(MOST) {
            self.prove(authorization, answers).await?;
        }
        let order = self.wait(&url, &["pending"]).await?;
        match order.status.as_str() {
            "ready" | "valid" => {}
            _ => return Err(self.not_proven(&order, authorizations).await),
        }
        let key = key_type(self.acme.key_type);
        let pair = self.tasks.blocking(move || key.generate()).await;
        let key = Key::of_pair(pair.ok_or(OrderError::Stopped)??);
        let request = Request::new(&self.acme.names, Subject::default())?;
        let request = request.sign(key.pair())?;
        self.account.finalize(&order.finalize, &request).await?;
        let order = self.wait(&url, &["pending", "ready", "processing"]).await?;
        let certificate = order.certificate.as_deref();
        let certificate = certificate.ok_or_else(|| refused(&order))?;
        let chain = self.account.certificate(certificate).await?;
        Ok((chain, key))
    }

    async fn new_order(&self) -> Result<Answered<Order>, OrderError> {
        let names = self.acme.names.iter();
        let identifiers: Vec<Value> = names
            .map(|name| match name.parse::<IpAddr>() {
                Ok(_) => json!({"type": "ip", "value": name}),
                Err(_) => json!({"type": "dns", "value": name}),
            })
            .collect();
        let mut payload = Map::new();
        payload.insert("identifiers".to_owned(), identifiers.into());
        if let Some(profile) = &self.acme.profile {
            payload.insert("profile".to_owned(), profile.as_str().into());
        }
        if let Some(replaces) = self.replaces.as_deref()
            && self.account.client.knows_windows()
        {
            let mut hinted = payload.clone();
            hinted.insert("replaces".to_owned(), replaces.into());
            match self.account.new_order(&Value::Object(hinted)).await {
                Ok(order) => return Ok(order),
                // It is a hint: a CA that does not know the old one, or saw it replaced, gets an
                // order without it.
                Err(CaError::Refused { status, .. }) if status != 429 => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.account.new_order(&Value::Object(payload)).await?)
    }

    /// Prepares the answer for one name and tells the CA to look.
    async fn prove(&self, url: &str, answers: &mut Vec<Answer>) -> Result<(), OrderError> {
        let found = self.account.authorization(url).await?;
        let name = name_of(&found);
        let word = self.acme.challenge.word();
        match found.status.as_str() {
            "pending" => {}
            "valid" => return Ok(()),
            _ => {
                return Err(OrderError::NotProven {
                    name,
                    challenge: word,
                    detail: "the authorization is over; a new order makes a new one".to_owned(),
                });
            }
        }
        let mut offered = found.challenges.iter();
        let Some(challenge) = offered.find(|challenge| challenge.r#type == word) else {
            let offered = found.challenges.iter();
            let offered: Vec<_> = offered.map(|held| held.r#type.as_str()).take(8).collect();
            return Err(OrderError::NotOffered {
                name,
                challenge: word,
                offered: offered.join(", ").escape_debug().to_string(),
            });
        };
        let authorization = self.account.key.authorization(&challenge.token);
        let digest = jws::digest_of(&authorization);
        let plain = &found.identifier.value;
        let mut answer = Answer {
            token: challenge.token.clone(),
            name: plain.clone(),
            record: None,
        };
        match self.acme.challenge {
            AcmeChallenge::Http01 => {
                self.challenges.answer_text(&answer.token, &authorization)?;
            }
            AcmeChallenge::TlsAlpn01 => self.challenges.answer_handshake(plain, digest)?,
            AcmeChallenge::Dns01 => {
                let (record, value) = (format!("_acme-challenge.{plain}"), jws::encoded(&digest));
                answer.record = Some((record.clone(), value.clone()));
                let set = self.hook("set", record, value).await;
                if set.is_err() {
                    answers.push(answer);
                    return set;
                }
            }
            // The record stands already.
            AcmeChallenge::DnsPersist01 => {}
        }
        answers.push(answer);
        Ok(self.account.ready(challenge).await?)
    }

    /// Looks at the order until it is in none of these states.
    async fn wait(&self, url: &str, states: &[&str]) -> Result<Order, OrderError> {
        let end = clock::mono() + PATIENCE;
        let mut pause = PAUSE.0;
        loop {
            let answered = self.account.order(url).await?;
            let order = answered.document;
            if !states.contains(&order.status.as_str()) {
                return Ok(order);
            }
            let wish = answered
                .retry_after
                .unwrap_or(pause)
                .max(PAUSE.0)
                .min(PAUSE.1);
            if clock::mono() + wish >= end {
                return Err(OrderError::Slow(order.status.escape_debug().to_string()));
            }
            tokio::time::sleep(wish).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn hook(
        &self,
        verb: &'static str,
        record: String,
        value: String,
    ) -> Result<(), OrderError> {
        let Some(hook) = self.acme.dns_hook.clone() else {
            return Ok(());
        };
        let run = self
            .tasks
            .blocking(move || hook::run(&hook, verb, &record, &value));
        run.await.ok_or(OrderError::Stopped)??;
        Ok(())
    }

    async fn take_back(&self, answer: Answer) {
        self.challenges.forget(&answer.token, &answer.name);
        if let Some((record, value)) = answer.record
            && let Err(error) = self.hook("remove", record, value).await
        {
            tracing::warn!(acme = self.acme.name, %error, "A TXT record may be left behind.");
        }
    }

    /// What the CA says of the names that it does not believe.
    async fn not_proven(&self, order: &Order, authorizations: &[String]) -> OrderError {
        let challenge = self.acme.challenge.word();
        for url in authorizations.iter().take(MOST) {
            let Ok(found) = self.account.authorization(url).await else {
                continue;
            };
            let mut errors = found
                .challenges
                .iter()
                .filter_map(|held| held.error.as_ref());
            if let Some(error) = errors.next() {
                return OrderError::NotProven {
                    name: name_of(&found),
                    challenge,
                    detail: error.text(),
                };
            }
        }
        refused(order)
    }
}

fn refused(order: &Order) -> OrderError {
    let detail = match &order.error {
        Some(problem) => problem.text(),
        None => format!("the order is \"{}\"", order.status.escape_debug()),
    };
    OrderError::Ca(CaError::Refused {
        status: 200,
        kind: "order".to_owned(),
        detail,
        retry_after: None,
    })
}

/// With the star that the CA leaves away, safe to print.
fn name_of(found: &Authorization) -> String {
    let star = if found.wildcard { "*." } else { "" };
    let name = format!("{star}{}", found.identifier.value);
    name.escape_debug().to_string()
}

const fn key_type(key: AcmeKey) -> KeyType {
    match key {
        AcmeKey::EcdsaP256 => KeyType::EcdsaP256,
        AcmeKey::EcdsaP384 => KeyType::EcdsaP384,
        AcmeKey::Rsa2048 => KeyType::Rsa2048,
        AcmeKey::Rsa3072 => KeyType::Rsa3072,
        AcmeKey::Rsa4096 => KeyType::Rsa4096,
    }
}

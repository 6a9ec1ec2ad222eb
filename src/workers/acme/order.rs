//! One order, from the names to the chain.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering as Memory;
use std::time::Duration;

use instant_acme::Account;
use instant_acme::AuthorizationHandle;
use instant_acme::AuthorizationStatus;
use instant_acme::CertificateIdentifier;
use instant_acme::ChallengeType;
use instant_acme::Error;
use instant_acme::Identifier;
use instant_acme::NewOrder;
use instant_acme::Order;
use instant_acme::OrderStatus;
use instant_acme::RetryPolicy;

use crate::config::Acme;
use crate::config::AcmeChallenge;
use crate::config::AcmeKey;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::csr::Request;
use crate::domain::certs::csr::RequestProblem;
use crate::domain::certs::csr::Subject;
use crate::platform::tasks::Tasks;
use crate::tls::authority::KeyType;
use crate::tls::challenge::ChallengeError;
use crate::tls::challenge::Challenges;
use crate::workers::acme::hook;
use crate::workers::acme::hook::HookError;
use crate::workers::acme::transport;
use crate::workers::acme::transport::CaError;

/// How long a CA may take to look, and to issue, each.
const PATIENCE: Duration = Duration::from_secs(180);

/// Pauses between two looks at an order, unless the CA says.
const PAUSES: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(PATIENCE);

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
    pub(super) replaces: Option<CertificateIdentifier<'static>>,
    /// Whether the CA has taken the order.
    pub(super) placed: &'a AtomicBool,
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
        let mut order = self.new_order().await?;
        self.placed.store(true, Memory::Relaxed);
        self.prove_all(&mut order, answers).await?;
        self.wait_until_ready(&mut order).await?;
        let key = key_type(self.acme.key_type);
        let pair = self.tasks.blocking(move || key.generate()).await;
        let key = Key::of_pair(pair.ok_or(OrderError::Stopped)??);
        let request = Request::new(&self.acme.names, Subject::default())?;
        let request = request.sign(key.pair())?;
        order.finalize_csr(&request).await.map_err(CaError::from)?;
        let issued = order.poll_certificate(&PAUSES).await;
        let chain = issued.map_err(|error| in_time(error, &mut order))?;
        Ok((chain, key))
    }

    async fn new_order(&self) -> Result<Order, OrderError> {
        let names = self.acme.names.iter();
        let names: Vec<_> = names
            .map(|name| match name.parse::<IpAddr>() {
                Ok(address) => Identifier::Ip(address),
                Err(_) => Identifier::Dns(name.clone()),
            })
            .collect();
        let plain = || match self.acme.profile.as_deref() {
            Some(profile) => NewOrder::new(&names).profile(profile),
            None => NewOrder::new(&names),
        };
        if let Some(replaces) = self.replaces.clone() {
            let hinted = self.account.new_order(&plain().replaces(replaces)).await;
            match hinted.map_err(CaError::from) {
                Ok(order) => return Ok(order),
                Err(error) if error.is_away() || error.retry_after().is_some() => {
                    return Err(error.into());
                }
                // It is a hint: a CA that does not know the old one, saw it replaced, or knows no
                // hints gets an order without it.
                Err(_) => {}
            }
        }
        let order = self.account.new_order(&plain()).await;
        Ok(order.map_err(CaError::from)?)
    }

    async fn prove_all(
        &self,
        order: &mut Order,
        answers: &mut Vec<Answer>,
    ) -> Result<(), OrderError> {
        let mut all = order.authorizations();
        for _ in 0..MOST {
            let Some(found) = all.next().await else {
                break;
            };
            self.prove(found.map_err(CaError::from)?, answers).await?;
        }
        Ok(())
    }

    /// Prepares the answer for one name and tells the CA to look.
    async fn prove(
        &self,
        mut found: AuthorizationHandle<'_>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), OrderError> {
        let name = name_of(&found);
        let word = self.acme.challenge.word();
        match found.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => return Ok(()),
            AuthorizationStatus::Deactivated
            | AuthorizationStatus::Expired
            | AuthorizationStatus::Invalid
            | AuthorizationStatus::Revoked => {
                return Err(OrderError::NotProven {
                    name,
                    challenge: word,
                    detail: "the authorization is over; a new order makes a new one".to_owned(),
                });
            }
        }
        let offered = found.challenges.iter().take(8);
        let offered: Vec<_> = offered.map(|held| word_of(&held.r#type)).collect();
        let offered = offered.join(", ").escape_debug().to_string();
        let plain = found.identifier().identifier.authorized(false).to_string();
        let Some(mut challenge) = found.challenge(challenge_type(self.acme.challenge)) else {
            return Err(OrderError::NotOffered {
                name,
                challenge: word,
                offered,
            });
        };
        let proof = challenge.key_authorization();
        let mut answer = Answer {
            token: challenge.token.clone(),
            name: plain.clone(),
            record: None,
        };
        match self.acme.challenge {
            AcmeChallenge::Http01 => {
                self.challenges.answer_text(&answer.token, proof.as_str())?;
            }
            AcmeChallenge::TlsAlpn01 => {
                let digest = <[u8; 32]>::try_from(proof.digest().as_ref());
                let digest = digest.map_err(|error| CaError::Library(error.to_string()))?;
                self.challenges.answer_handshake(&plain, digest)?;
            }
            AcmeChallenge::Dns01 => {
                let (record, value) = (format!("_acme-challenge.{plain}"), proof.dns_value());
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
        Ok(challenge.set_ready().await.map_err(CaError::from)?)
    }

    async fn wait_until_ready(&self, order: &mut Order) -> Result<(), OrderError> {
        // All names were proven before.
        if let OrderStatus::Ready | OrderStatus::Valid = order.state().status {
            return Ok(());
        }
        match order.poll_ready(&PAUSES).await {
            Ok(OrderStatus::Ready) => Ok(()),
            Err(error) if order.state().status != OrderStatus::Invalid => {
                Err(in_time(error, order))
            }
            Ok(_) | Err(_) => Err(self.not_proven(order).await),
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
    async fn not_proven(&self, order: &mut Order) -> OrderError {
        let mut all = order.authorizations();
        for _ in 0..MOST {
            let Some(Ok(mut found)) = all.next().await else {
                break;
            };
            if found.refresh().await.is_err() {
                break;
            }
            let mut challenges = found.challenges.iter();
            if let Some(problem) = challenges.find_map(|held| held.error.as_ref()) {
                return OrderError::NotProven {
                    name: name_of(&found),
                    challenge: self.acme.challenge.word(),
                    detail: transport::text(problem),
                };
            }
        }
        let detail = match &order.state().error {
            Some(problem) => transport::text(problem),
            None => "the order is over, and it does not say why".to_owned(),
        };
        OrderError::Ca(CaError::Library(detail))
    }
}

/// An error of waiting.
fn in_time(error: Error, order: &mut Order) -> OrderError {
    match error {
        Error::Timeout(_) => OrderError::Slow(format!("{:?}", order.state().status)),
        error => OrderError::Ca(error.into()),
    }
}

/// With the star that the CA leaves away, safe to print.
fn name_of(found: &AuthorizationHandle<'_>) -> String {
    found.identifier().to_string().escape_debug().to_string()
}

fn challenge_type(challenge: AcmeChallenge) -> ChallengeType {
    match challenge {
        AcmeChallenge::Dns01 => ChallengeType::Dns01,
        AcmeChallenge::DnsPersist01 => ChallengeType::Unknown(challenge.word().to_owned()),
        AcmeChallenge::Http01 => ChallengeType::Http01,
        AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
    }
}

fn word_of(offered: &ChallengeType) -> &str {
    match offered {
        ChallengeType::Dns01 => "dns-01",
        ChallengeType::Http01 => "http-01",
        ChallengeType::TlsAlpn01 => "tls-alpn-01",
        ChallengeType::Unknown(word) => word,
        // Nothing that a server could prove.
        _ => "another one",
    }
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

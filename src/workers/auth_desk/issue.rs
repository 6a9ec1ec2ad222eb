//! From a proof of who the user is to a token that only the asker can read.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::config::secret::Secret;
use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::domain::auth::backoff::Attempt;
use crate::domain::auth::backoff::Begin;
use crate::domain::auth::backoff::Peer;
use crate::domain::auth::parameters::Password;
use crate::domain::auth::standing::Judgement;
use crate::domain::auth::standing::Standing;
use crate::domain::auth::standing::State;
use crate::domain::auth::token::Amr;
use crate::domain::auth::token::Claims;
use crate::domain::ocip::OcipFailure;
use crate::jose::ClientKey;
use crate::jose::KeyWrap;
use crate::jose::encrypt;
use crate::outbound::broadworks::ocip::Login;
use crate::platform::clock;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::refusal;
use crate::workers::auth_desk::users::folded;
use crate::workers::ci::CiRefusal;

/// The longest that a client is told to wait for a revocation time that lies ahead.
const LONGEST_AHEAD: Duration = Duration::from_secs(60);

/// Who the user is, and what shows it.
pub enum Proof {
    /// A listed peer says so.
    Asserted(String),
    /// A CI token.
    Ci(String),
    /// The BroadWorks password.
    Password(Password),
}

impl Proof {
    /// How a token names it.
    #[must_use]
    pub const fn amr(&self) -> Amr {
        match self {
            Self::Asserted(_) => Amr::Mtls,
            Self::Ci(_) => Amr::Ci,
            Self::Password(_) => Amr::Pwd,
        }
    }
}

/// A token, encrypted to the asker's key.
pub struct Issued {
    /// Compact JWE.
    pub token: String,
    /// The user id, as the Application Server has it.
    pub user: String,
}

impl AuthDesk {
    /// Makes a token.
    ///
    /// # Errors
    /// Why not.
    pub async fn issue(&self, key: &str, proof: Proof, peer: Peer) -> Result<Issued, Refused> {
        let desk = &*self.0;
        if !desk.kept.keys.load().is_ready() {
            return Err(AuthReason::KeysNotReady.into());
        }
        let key = ClientKey::parse(key).map_err(|fault| Refused {
            detail: Some(sentence(&fault)),
            ..Refused::from(AuthReason::KeyInvalid)
        })?;
        let amr = proof.amr();
        let standing = match proof {
            Proof::Asserted(user) => self.present(&user).await?,
            Proof::Ci(token) => self.vouched_for(&token, peer).await?,
            Proof::Password(password) => self.login(password, peer).await?,
        };
        let (user, revoked_ms) = match &standing.state {
            State::Absent => return Err(AuthReason::UnknownUser.into()),
            State::Present {
                user_id,
                revoked_ms,
                ..
            } => (user_id.clone(), *revoked_ms),
        };
        let claims = Claims::new(
            &desk.rules.tokens.issuer,
            &user,
            clock::wall(),
            desk.rules.tokens.duration,
            random()?,
            amr,
        );
        match standing.judge(claims.issued_ms, clock::mono()) {
            Judgement::Good => {}
            Judgement::Locked { left } => {
                return Err(Refused::until(AuthReason::UserLocked, left));
            }
            Judgement::Revoked => return Err(ahead(claims.issued_ms, revoked_ms)),
            Judgement::UserGone => return Err(AuthReason::UnknownUser.into()),
        }
        let token = self.seal(claims, key).await?;
        desk.metrics.issued(amr.as_str());
        Ok(Issued { token, user })
    }

    /// Signs and encrypts, off the threads that serve: RSA takes milliseconds.
    async fn seal(&self, claims: Claims, key: ClientKey) -> Result<String, Refused> {
        let desk = &*self.0;
        let ring = desk.kept.keys.load_full();
        let wrap = if desk.rules.rsa_oaep_sha1 {
            KeyWrap::RsaOaep
        } else {
            KeyWrap::RsaOaep256
        };
        let sealed = desk.tasks.blocking(move || {
            let token = ring.issue(&claims).ok()?;
            encrypt(&token, &key, wrap).ok()
        });
        let sealed = sealed.await.flatten();
        sealed.ok_or_else(|| AuthReason::KeysNotReady.into())
    }

    async fn present(&self, user: &str) -> Result<Arc<Standing>, Refused> {
        let standing = self.fresh_standing(&folded(user), clock::mono()).await;
        standing.map_err(|failure| refusal::of_ocip(&failure))
    }

    async fn vouched_for(&self, token: &str, peer: Peer) -> Result<Arc<Standing>, Refused> {
        let ci = self.0.ci.as_ref();
        let ci = ci.ok_or(AuthReason::CredentialsNotAccepted)?;
        let strangers = &self.0.kept.strangers;
        let place = strangers.admit(peer, clock::mono());
        let place = place.map_err(|_| refusal::of_ci(CiRefusal::Busy))?;
        let user = ci.check(token).await.map_err(refusal::of_ci)?;
        drop(place);
        strangers.know(peer, clock::mono());
        self.present(&user.broadworks_user).await
    }

    async fn login(&self, login: Password, peer: Peer) -> Result<Arc<Standing>, Refused> {
        let back_off = &self.0.kept.back_off;
        let attempt = match back_off.begin(&login.user, peer, clock::mono()) {
            Begin::Allowed(attempt) => attempt,
            Begin::Refused(wait) => return Err(Refused::until(AuthReason::LoginBackOff, wait)),
        };
        if !attempt.hold.is_zero() {
            tokio::time::sleep(attempt.hold).await;
        }
        let user = folded(&login.user);
        // In a task of its own: whoever hangs up after the question was asked has still asked it,
        // and whoever runs out of time because the Application Server is slow has not failed.
        let (tell, told) = oneshot::channel();
        let desk = self.clone();
        self.0.tasks.connection(async move {
            // Nobody may be there to hear it.
            drop(tell.send(desk.verify(login, attempt).await));
        });
        match told.await {
            Ok(Ok(standing)) => Ok(standing),
            Ok(Err(OcipFailure::Locked)) => Err(self.locked(&user).await),
            Ok(Err(failure)) => Err(refusal::of_password(&failure)),
            Err(_died_of_a_bug) => Err(AuthReason::AsBadAnswer.into()),
        }
    }

    async fn verify(
        &self,
        login: Password,
        attempt: Attempt,
    ) -> Result<Arc<Standing>, OcipFailure> {
        let desk = &*self.0;
        let back_off = &desk.kept.back_off;
        let password = Secret::new(login.password.as_bytes().to_vec());
        let credentials = Login::Password {
            user: &login.user,
            password: &password,
        };
        let before = self.revocations();
        match desk.ocip.verify(&credentials).await {
            Ok(verified) => {
                let now = clock::mono();
                back_off.succeeded(attempt, now);
                Ok(self.learn(&verified, before, now))
            }
            Err(failure) => {
                if !refusal::judges_password(&failure) {
                    back_off.abandoned(attempt, clock::mono());
                }
                Err(failure)
            }
        }
    }

    /// A locked user, with the time until that ends where the Application Server tells it.
    async fn locked(&self, user: &Arc<str>) -> Refused {
        let now = clock::mono();
        match self.fresh_standing(user, now).await {
            Ok(standing) => match standing.judge(i64::MAX, now) {
                Judgement::Locked { left } => Refused::until(AuthReason::UserLocked, left),
                Judgement::Good | Judgement::Revoked | Judgement::UserGone => {
                    AuthReason::UserLocked.into()
                }
            },
            Err(_unknown) => AuthReason::UserLocked.into(),
        }
    }
}

/// A token made now would be revoked already: our clock is behind that of the Application Server.
fn ahead(issued_ms: i64, revoked_ms: Option<i64>) -> Refused {
    let ahead = revoked_ms.unwrap_or(issued_ms).saturating_sub(issued_ms);
    let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0));
    let wait = ahead.clamp(Duration::from_secs(1), LONGEST_AHEAD);
    Refused::until(AuthReason::RevocationAhead, wait)
}

fn random() -> Result<[u8; 16], Refused> {
    let mut bytes = [0; 16];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(AuthReason::KeysNotReady.into()),
    }
}

/// An error's text as a sentence.
fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => text,
    }
}

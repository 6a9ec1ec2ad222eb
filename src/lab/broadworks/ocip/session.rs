//! The sessions of one connection. A session is what one `sessionId` did: servers that ask on
//! behalf of many send many ids over one connection.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::warn;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::directory::full_id;
use crate::lab::broadworks::ocip::change;
use crate::lab::broadworks::ocip::credentials;
use crate::lab::broadworks::ocip::document;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::document::Charset;
use crate::lab::broadworks::ocip::document::Command;
use crate::lab::broadworks::ocip::document::Form;
use crate::lab::broadworks::ocip::faults::Treatment;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests;
use crate::lab::broadworks::ocip::requests::Access;
use crate::lab::broadworks::ocip::requests::Act;
use crate::lab::broadworks::ocip::requests::Caller;
use crate::lab::broadworks::ocip::requests::Kind;
use crate::lab::broadworks::ocip::requests::LoginForm;
use crate::lab::broadworks::ocip::requests::login;
use crate::lab::broadworks::password::random;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Session ids of one connection.
const SESSIONS: usize = 64;

/// The sessions of a connection.
pub(super) struct Sessions {
    lab: Arc<BroadWorks>,
    tasks: Tasks,
    /// Whether a login may show its password.
    clear: bool,
    held: HashMap<String, Session>,
}

#[derive(Default)]
struct Session {
    /// For whom, and what must be signed. Good for one login.
    nonce: Option<(String, String)>,
    caller: Option<Caller>,
}

impl Sessions {
    /// None yet.
    pub(super) fn new(lab: Arc<BroadWorks>, tasks: Tasks, clear: bool) -> Self {
        Self {
            lab,
            tasks,
            clear,
            held: HashMap::new(),
        }
    }

    /// Whether somebody is logged in.
    pub(super) fn is_in_use(&self) -> bool {
        self.held.values().any(|session| session.caller.is_some())
    }

    /// Answers one message; every message has an answer.
    pub(super) async fn answer(&mut self, message: &[u8]) -> (Vec<u8>, Treatment) {
        let mut answers = Vec::new();
        let (session, charset) = match document::read(message) {
            Ok(document) => {
                for command in document.commands {
                    let echo = command.echo.clone();
                    let answer = self.carry_out(&document.session, command).await;
                    if let Err(Refusal::Unavailable(error)) = &answer {
                        warn!(%error, "The lab could not carry out an OCI-P request.");
                    }
                    answers.push((echo, answer));
                }
                (document.session, document.charset)
            }
            Err(unreadable) => {
                answers.push((String::new(), Err(unreadable.refusal)));
                (unreadable.session, Charset::Latin1)
            }
        };
        let treatment = self.lab.ocip.faults.treatment();
        let form = Form {
            charset,
            error_codes: treatment.error_codes,
            misencode: treatment.misencode,
        };
        (document::write(&session, &answers, form), treatment)
    }

    async fn carry_out(&mut self, session: &str, command: Command) -> Result<Answer, Refusal> {
        let kind = Kind::parse(&command.name);
        if let Some((code, text)) = self.lab.ocip.faults.asked(kind) {
            return Err(Refusal::Scripted(code, text));
        }
        let Some(kind) = kind.filter(|kind| !self.lab.ocip.faults.hides(*kind)) else {
            let name: String = command.name.chars().take(80).collect();
            // As real servers say it.
            let text = format!("Invalid xsi:type qname: '{name}' in element BroadsoftDocument@C");
            return Err(Refusal::Validation(text));
        };
        kind.check(&command.body)?;
        self.permit(session, kind.access(), &command.body)?;
        let body = command.body;
        let outcome = self.act(session, kind, &body).await;
        if outcome.is_ok() && requests::changes(kind.act()) {
            let by = self.held.get(session).and_then(|held| held.caller.as_ref());
            let by = match by {
                Some(Caller::Administrator(id) | Caller::User(id)) => id.as_str(),
                None => "",
            };
            // Whether a real one reports before or after it has called the messaging server is not
            // known; that it reports what was done is.
            self.lab.ocir.report(by, kind.name(), &body);
        }
        outcome
    }

    async fn act(&mut self, session: &str, kind: Kind, body: &Element) -> Result<Answer, Refusal> {
        match kind.act() {
            Act::Authenticate => self.authenticate(session, body),
            Act::Login(form) => self.log_in(session, form, body).await,
            Act::Logout => {
                self.held.remove(session);
                Ok(Answer::done())
            }
            Act::Verify => self.verify(body).await,
            act if requests::changes(act) => {
                change::carry_out(&self.lab, &self.tasks, act, body).await
            }
            act => requests::answer(&self.lab, act, body),
        }
    }

    /// Whether the session may ask this about this user.
    fn permit(&self, session: &str, access: Access, body: &Element) -> Result<(), Refusal> {
        let directory = self.lab.store.read();
        let caller = self.held.get(session).and_then(|held| held.caller.as_ref());
        let caller = caller.filter(|caller| match caller {
            Caller::Administrator(_) => true,
            // A user may be deleted meanwhile.
            Caller::User(id) => directory.user(id).is_some(),
        });
        let permitted = match (access, caller) {
            (Access::Anyone, _)
            | (Access::LoggedIn, Some(_))
            | (Access::Own | Access::Administrator, Some(Caller::Administrator(_))) => true,
            (Access::Own, Some(Caller::User(id))) => {
                requests::asked_user(&directory, body).is_ok_and(|asked| asked.id == *id)
            }
            (Access::Administrator, Some(Caller::User(_))) | (_, None) => false,
        };
        if permitted {
            Ok(())
        } else {
            Err(Refusal::NotAuthorized)
        }
    }

    /// The session of an id, made when it is new.
    fn session(&mut self, id: &str) -> Result<&mut Session, Refusal> {
        if self.held.len() >= SESSIONS && !self.held.contains_key(id) {
            let text = format!("More than {SESSIONS} sessions on one connection.");
            return Err(Refusal::Validation(text));
        }
        Ok(self.held.entry(id.to_owned()).or_default())
    }

    /// `AuthenticationRequest`. Anybody gets a nonce: whether there is such a user is not told.
    fn authenticate(&mut self, session: &str, body: &Element) -> Result<Answer, Refusal> {
        let user = requests::text(body, "userId")?;
        // Real nonces are 13 digits, the time in milliseconds; these cannot be guessed.
        let number = u64::from_be_bytes(random::<8>()?) % 9_000_000_000_000 + 1_000_000_000_000;
        let nonce = number.to_string();
        self.session(session)?.nonce = Some((full_id(user), nonce.clone()));
        let answer = vec![
            Element::leaf("userId", user),
            Element::leaf("nonce", nonce),
            Element::leaf("passwordAlgorithm", "MD5"),
        ];
        Ok(Answer::data("AuthenticationResponse", answer))
    }

    async fn log_in(
        &mut self,
        session: &str,
        form: LoginForm,
        body: &Element,
    ) -> Result<Answer, Refusal> {
        let user = requests::text(body, "userId")?;
        let nonce = self.session(session)?.nonce.take();
        let (signature, password) = match form {
            LoginForm::R14sp4 => {
                let signature = requests::optional(body, "signedPassword");
                (signature, requests::optional(body, "plainTextPassword"))
            }
            // An Application Server ignores their `signedPassword`.
            LoginForm::R22V3 | LoginForm::R22V4 | LoginForm::R22V5 => {
                (None, requests::optional(body, "password"))
            }
        };
        let caller = match (signature, password) {
            (Some(signature), _) => self.prove_signature(user, nonce, signature)?,
            (None, Some(_)) if !self.clear => return Err(Refusal::Password(Some(CLEAR))),
            (None, Some(password)) => {
                let caller = self.prove_password(user, password).await;
                // Whether there is such a user is not told.
                caller.map_err(|refusal| match refusal {
                    Refusal::UserNotFound(_) => Refusal::Password(None),
                    other => other,
                })?
            }
            (None, None) => return Err(Refusal::Password(None)),
        };
        let answer = login::logged_in(&self.lab.store.read(), form, &caller);
        self.session(session)?.caller = Some(caller);
        Ok(answer)
    }

    fn prove_signature(
        &self,
        user: &str,
        nonce: Option<(String, String)>,
        signature: &str,
    ) -> Result<Caller, Refusal> {
        let directory = self.lab.store.read();
        let id = full_id(user);
        let Some(account) = directory.provisioning.administrators.get(&id) else {
            let hint = directory.user(user).map(|_| NO_DIGEST);
            return Err(Refusal::Password(hint));
        };
        let expected = nonce
            .filter(|(asked, _)| *asked == id)
            .map(|(_, nonce)| credentials::signed(&nonce, &account.password_sha1));
        if expected.as_deref() == Some(signature) {
            Ok(Caller::Administrator(id))
        } else {
            Err(Refusal::Password(None))
        }
    }

    async fn prove_password(&self, user: &str, password: &str) -> Result<Caller, Refusal> {
        let directory = self.lab.store.read();
        let id = full_id(user);
        if let Some(account) = directory.provisioning.administrators.get(&id) {
            return if credentials::sha1(password) == account.password_sha1 {
                Ok(Caller::Administrator(id))
            } else {
                Err(Refusal::Password(None))
            };
        }
        let user = known(directory.user(user), user)?;
        self.prove(user, &user.password, password).await
    }

    /// `AuthenticationVerifyRequest`, by the first pair that is there.
    async fn verify(&self, body: &Element) -> Result<Answer, Refusal> {
        let directory = self.lab.store.read();
        let named = |name| requests::optional(body, name);
        let caller = if let Some(token) = named("loginToken") {
            let owner = self.lab.tokens.owner(token, clock::mono());
            let user = owner.as_deref().and_then(|owner| directory.user(owner));
            let user = user.ok_or(Refusal::Password(None))?;
            self.unlocked(user)?;
            Caller::User(user.id.clone())
        } else if let Some(number) = named("phoneNumber") {
            let passcode = requests::text(body, "passcode")?;
            let user = known(directory.user_by_number(number), number)?;
            self.prove(user, &user.passcode, passcode).await?
        } else if let Some(line) = named("linePort") {
            let password = requests::text(body, "password")?;
            let user = known(requests::user_by_line(&directory, line), line)?;
            self.prove(user, &user.password, password).await?
        } else if let Some(name) = named("sipAuthenticationUserName") {
            let password = requests::text(body, "sipAuthenticationPassword")?;
            let id = requests::text(body, "userId")?;
            let user = known(directory.user(id), id)?;
            self.prove_sip(&directory, user, name, password).await?
        } else {
            let id = requests::text(body, "userId")?;
            self.prove_password(id, requests::text(body, "password")?)
                .await?
        };
        Ok(login::verified(&directory, &caller))
    }

    async fn prove_sip(
        &self,
        directory: &Directory,
        user: &User,
        name: &str,
        password: &str,
    ) -> Result<Caller, Refusal> {
        let own = user.id.split('@').next() == Some(name);
        match directory
            .provisioning
            .sip_password
            .as_deref()
            .filter(|_| own)
        {
            Some(hash) => self.prove(user, hash, password).await,
            None => {
                self.unlocked(user)?;
                self.lab.ocip.lockouts.failed(&user.id, clock::mono());
                Err(Refusal::Password(None))
            }
        }
    }

    /// Checks a user's password, passcode or SIP password, and counts bad ones.
    async fn prove(&self, user: &User, hash: &str, given: &str) -> Result<Caller, Refusal> {
        self.unlocked(user)?;
        let lockouts = &self.lab.ocip.lockouts;
        if credentials::proves(&self.lab, &self.tasks, hash, given).await {
            lockouts.forget(&user.id);
            Ok(Caller::User(user.id.clone()))
        } else {
            lockouts.failed(&user.id, clock::mono());
            Err(Refusal::Password(None))
        }
    }

    fn unlocked(&self, user: &User) -> Result<(), Refusal> {
        match self.lab.ocip.lockouts.left(&user.id, clock::mono()) {
            Some(_) => Err(Refusal::Locked),
            None => Ok(()),
        }
    }
}

fn known<'a>(found: Option<&'a User>, asked: &str) -> Result<&'a User, Refusal> {
    found.ok_or_else(|| Refusal::UserNotFound(asked.to_owned()))
}

/// Why a password in clear is not looked at.
const CLEAR: &str = "A password in clear is taken over TLS or from this machine only.";

/// Why a user cannot log in by digest.
const NO_DIGEST: &str = "The lab keeps no digest of users' passwords; use LoginRequest22V5.";

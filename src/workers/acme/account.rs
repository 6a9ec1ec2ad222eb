//! The account at the CA: made once, kept, looked at every day, and given another key.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::Account;
use instant_acme::AccountCredentials;
use instant_acme::ExternalAccountKey;
use instant_acme::NewAccount;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tracing::error;
use tracing::info;
use tracing::warn;
use zeroize::Zeroizing;

use crate::config::Acme;
use crate::domain::certs::date;
use crate::platform::clock;
use crate::workers::acme::AcmeGround;
use crate::workers::acme::Failure;
use crate::workers::acme::Keeper;
use crate::workers::acme::on_disk;
use crate::workers::acme::other;
use crate::workers::acme::state::VALID;
use crate::workers::acme::tell;
use crate::workers::acme::transport::CaError;
use crate::workers::acme::transport::Transport;

/// Between two looks at the account.
const CHECK: Duration = Duration::from_secs(86_400);

/// The same while the CA cannot be asked.
const CHECK_AGAIN: Duration = Duration::from_secs(3600);

impl Keeper {
    /// The account at the CA, made at the first time.
    pub(super) async fn account(
        &mut self,
        ground: &AcmeGround,
        acme: &Acme,
    ) -> Result<Account, Failure> {
        if let Some(account) = self.kept_account(ground, acme).await? {
            return Ok(account);
        }
        let own = acme.clone();
        let read = move || Ok((external(&own)?, Transport::new(&own).map_err(other)?));
        let (external, transport) = on_disk(&ground.tasks, read).await?;
        let contact = contact(acme);
        let asked = NewAccount {
            contact: &contact,
            // The configuration is refused without it.
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let builder = Account::builder_with_http(transport);
        let made = builder.create(&asked, acme.directory.clone(), external.as_ref());
        let (account, credentials) = Box::pin(made).await.map_err(ca)?;
        self.keep_account(ground, account.id(), &credentials)
            .await?;
        self.status.directory.clone_from(&acme.directory);
        account.id().clone_into(&mut self.status.account);
        VALID.clone_into(&mut self.status.account_state);
        self.status.account_since = Some(date::to_unix(clock::wall()));
        self.keep(ground).await?;
        info!(
            acme = acme.name,
            account = %account.id().escape_debug(),
            "An account at the CA was made."
        );
        Ok(account)
    }

    async fn keep_account(
        &self,
        ground: &AcmeGround,
        url: &str,
        credentials: &AccountCredentials,
    ) -> Result<(), Failure> {
        let key = credentials.private_key().secret_pkcs8_der().to_vec();
        let (folder, url, key) = (self.folder.clone(), url.to_owned(), Zeroizing::new(key));
        let keep = move || folder.keep_account(&url, &key).map_err(other);
        on_disk(&ground.tasks, keep).await
    }

    /// The account that is kept, when it is one at this CA.
    pub(super) async fn kept_account(
        &self,
        ground: &AcmeGround,
        acme: &Acme,
    ) -> Result<Option<Account>, Failure> {
        if self.status.directory != acme.directory {
            return Ok(None);
        }
        let (folder, own) = (self.folder.clone(), acme.clone());
        let read = move || {
            let kept = folder.account().map_err(other)?;
            Ok((kept, Transport::new(&own).map_err(other)?))
        };
        let (Some((url, key)), transport) = on_disk(&ground.tasks, read).await? else {
            return Ok(None);
        };
        let builder = Account::builder_with_http(transport);
        let key = PrivatePkcs8KeyDer::from(key.as_slice());
        let account = builder.from_parts(url, key, acme.directory.clone());
        Ok(Some(Box::pin(account).await.map_err(ca)?))
    }

    /// Once a day tells the CA whom to write to, and learns whether the account still works.
    pub(super) async fn check_account(&mut self, ground: &AcmeGround, acme: &Acme) {
        if self.check_at.is_some_and(|at| clock::mono() < at) {
            return;
        }
        let account = match self.kept_account(ground, acme).await {
            Ok(Some(account)) => account,
            // The first order makes it.
            Ok(None) => return,
            Err(problem) => return self.unchecked(acme, &problem),
        };
        let contact = contact(acme);
        match Box::pin(account.update_contacts(&contact)).await {
            Ok(()) => {
                self.check_at = Some(clock::mono() + CHECK);
                VALID.clone_into(&mut self.status.account_state);
                (ground.observe)(tell::account(acme, &self.status));
            }
            Err(problem) => {
                let problem = CaError::from(problem);
                if !problem.is_refusal() {
                    return self.unchecked(acme, &problem.into());
                }
                self.check_at = Some(clock::mono() + CHECK_AGAIN);
                let state = problem.to_string();
                if self.status.account_state != state {
                    error!(acme = acme.name, %problem, "The CA refuses the account.");
                }
                self.status.account_state = state;
                (ground.observe)(tell::account(acme, &self.status));
            }
        }
    }

    fn unchecked(&mut self, acme: &Acme, problem: &Failure) {
        self.check_at = Some(clock::mono() + CHECK_AGAIN);
        tracing::debug!(acme = acme.name, %problem, "The account cannot be looked at now.");
    }

    /// Puts the account away; the next order makes another one.
    pub(super) async fn forget_account(&mut self, ground: &AcmeGround, acme: &Acme) {
        let folder = self.folder.clone();
        let away = move || folder.put_account_away().map_err(other);
        match on_disk(&ground.tasks, away).await {
            Ok(()) => {
                self.status.account.clear();
                self.status.account_state.clear();
                self.status.account_since = None;
                (ground.observe)(tell::account(acme, &self.status));
                info!(
                    acme = acme.name,
                    "The account was put away; the next order makes another one."
                );
            }
            Err(problem) => warn!(acme = acme.name, %problem, "The account stays."),
        }
    }

    pub(super) async fn roll_key(&mut self, ground: &AcmeGround, acme: &Acme) {
        self.status.tried = Some(date::to_unix(clock::wall()));
        match self.try_roll_key(ground, acme).await {
            Ok(()) => {
                self.status.problem.clear();
                self.status.account_since = self.status.tried;
                info!(acme = acme.name, "The account has a new key.");
            }
            Err(problem) => {
                self.status.problem = format!("the account's key was not changed: {problem}");
                error!(acme = acme.name, %problem, "The account's key was not changed.");
                // Unless it was, and only the answer got lost.
                self.check_at = None;
            }
        }
    }

    async fn try_roll_key(&mut self, ground: &AcmeGround, acme: &Acme) -> Result<(), Failure> {
        let mut account = self.account(ground, acme).await?;
        // A disk that takes the old key once more will take the new one.
        let folder = self.folder.clone();
        let again = move || match folder.account().map_err(other)? {
            Some((url, key)) => folder.keep_account(&url, &key).map_err(other),
            None => Ok(()),
        };
        on_disk(&ground.tasks, again).await?;
        let credentials = Box::pin(account.update_key()).await.map_err(ca)?;
        self.keep_account(ground, account.id(), &credentials).await
    }
}

fn ca(error: instant_acme::Error) -> Failure {
    Failure::from(CaError::from(error))
}

fn contact(acme: &Acme) -> Vec<&str> {
    acme.contact.iter().map(String::as_str).collect()
}

/// Id and key of the account that was made elsewhere.
fn external(acme: &Acme) -> Result<Option<ExternalAccountKey>, Failure> {
    let Some(external) = &acme.external else {
        return Ok(None);
    };
    let secret = external.secret.read();
    let secret = secret.map_err(|error| other(format!("eab-secret: {error}")))?;
    let text = secret.expose().trim_ascii();
    let key = URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text));
    let key = key
        .map(Zeroizing::new)
        .map_err(|_| other("eab-secret: not base64url, which is how CAs show it"))?;
    let id = external.key_id.clone();
    Ok(Some(ExternalAccountKey::new(id, &key)))
}

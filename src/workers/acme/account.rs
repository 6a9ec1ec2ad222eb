//! The account at the CA: made once, kept, and given another key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracing::error;
use tracing::info;
use zeroize::Zeroizing;

use crate::config::Acme;
use crate::domain::certs::date;
use crate::platform::clock;
use crate::workers::acme::Failure;
use crate::workers::acme::Keeper;
use crate::workers::acme::client::Account;
use crate::workers::acme::jws::AccountKey;
use crate::workers::acme::open;
use crate::workers::acme::order::OrderError;
use crate::workers::acme::other;

impl Keeper {
    /// The account at the CA, made at the first time.
    pub(super) async fn account(&mut self, acme: &Acme) -> Result<Account, Failure> {
        let client = open(acme).await?;
        let kept = self.folder.account().map_err(other)?;
        if let Some((url, key)) = kept
            && self.status.directory == acme.directory
        {
            let key = AccountKey::of_pkcs8(&key).map_err(other)?;
            return Ok(Account { client, url, key });
        }
        let key = AccountKey::generate().map_err(other)?;
        let external = external(acme)?;
        let bound = external
            .as_ref()
            .map(|(id, secret)| (id.as_str(), secret.as_slice()));
        let made = client.register(key, &acme.contact, bound).await;
        let account = made.map_err(OrderError::from)?;
        self.folder
            .keep_account(&account.url, account.key.pkcs8())
            .map_err(other)?;
        self.status.directory.clone_from(&acme.directory);
        self.status.account.clone_from(&account.url);
        self.folder.keep_status(&self.status).map_err(other)?;
        info!(
            acme = acme.name,
            account = %account.url.escape_debug(),
            "An account at the CA was made."
        );
        Ok(account)
    }

    pub(super) async fn roll_key(&mut self, acme: &Acme) {
        self.status.tried = Some(date::to_unix(clock::wall()));
        match self.try_roll_key(acme).await {
            Ok(()) => {
                self.status.problem.clear();
                info!(acme = acme.name, "The account has a new key.");
            }
            Err(problem) => {
                self.status.problem = format!("the account's key was not changed: {problem}");
                error!(acme = acme.name, %problem, "The account's key was not changed.");
            }
        }
    }

    async fn try_roll_key(&mut self, acme: &Acme) -> Result<(), Failure> {
        let mut account = self.account(acme).await?;
        let new = AccountKey::generate().map_err(other)?;
        account.roll_key(new).await.map_err(OrderError::from)?;
        let kept = self.folder.keep_account(&account.url, account.key.pkcs8());
        kept.map_err(other)
    }
}

/// Id and key of the account that was made elsewhere.
type External = (String, Zeroizing<Vec<u8>>);

fn external(acme: &Acme) -> Result<Option<External>, Failure> {
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
    Ok(Some((external.key_id.clone(), key)))
}

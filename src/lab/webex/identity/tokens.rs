//! Access tokens of Common Identity, shaped like those that clients of production show: a JWS
//! without `kid`, its scope in a part that only Webex can read, and no `exp`, `sub` or `aud`.
//!
//! They are known by having been handed out, in memory only: none survives the lab.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::lab::webex::CLIENT_ID;
use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::WebexError;
use crate::lab::webex::random;

/// Life of a token.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// Tokens alive at once; those that end first make room.
const KEPT: usize = 4096;

/// Client id of the Webex App in user tokens.
const APP: &str = "Cd0e1f2a3b4c5d6e7f8091a2b3c4d5e6f7080900a";

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// The provider's AuthenticationService.
    Service,
    /// A user, by BroadWorks user id.
    User(String),
}

/// A token that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) holder: Holder,
    pub(super) ends: SystemTime,
}

/// Tokens handed out, by their SHA-256.
pub(super) struct Tokens {
    key: KeyPair,
    issued: Mutex<HashMap<[u8; 32], Live>>,
}

impl Tokens {
    /// Makes the key that signs them.
    pub(super) fn new() -> Result<Self, WebexError> {
        Ok(Self {
            key: KeyPair::generate(KeySize::Rsa2048).map_err(|_| WebexError::Key)?,
            issued: Mutex::default(),
        })
    }

    /// A new token, unlike any before.
    pub(super) fn issue(
        &self,
        holder: Holder,
        issuer: &str,
        now: SystemTime,
    ) -> Result<String, WebexError> {
        let ends = now + LIFE;
        let token = self.sign(&claims(&holder, issuer, ends)?)?;
        let mut issued = self.issued();
        issued.retain(|_, live| live.ends > now);
        if issued.len() >= KEPT {
            let first = issued.iter().min_by_key(|(_, live)| live.ends);
            if let Some(first) = first.map(|(mark, _)| *mark) {
                issued.remove(&first);
            }
        }
        issued.insert(mark(&token), Live { holder, ends });
        Ok(token)
    }

    /// Whose token it is, while it is good.
    pub(super) fn live(&self, token: &str, now: SystemTime) -> Option<Live> {
        let issued = self.issued();
        issued
            .get(&mark(token))
            .filter(|live| live.ends > now)
            .cloned()
    }

    /// Ends a token.
    pub(super) fn revoke(&self, token: &str) {
        self.issued().remove(&mark(token));
    }

    fn sign(&self, claims: &serde_json::Value) -> Result<String, WebexError> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{header}.{payload}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| WebexError::Key)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn issued(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Live>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

fn claims(
    holder: &Holder,
    issuer: &str,
    ends: SystemTime,
) -> Result<serde_json::Value, WebexError> {
    let (kind, name, client) = match holder {
        Holder::Service => ("machine", CLIENT_ID, CLIENT_ID),
        Holder::User(id) => ("user", id.as_str(), APP),
    };
    let ends = ends.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(json!({
        "cluster": "LAB0",
        "private": private()?,
        "user_type": kind,
        "token_id": format!("Ab{}", STANDARD.encode(random::<45>()?)),
        "reference_id": uuid(&random::<32>()?),
        "iss": issuer,
        "user_modify_timestamp": "20260101T000000.000Z",
        "realm": ORGANIZATION,
        "cis_uuid": uuid(&sha256(name.as_bytes())),
        "token_type": "Bearer",
        "expiry_time": u64::try_from(ends.as_millis()).unwrap_or(u64::MAX),
        "client_id": client,
    }))
}

/// The part that only Webex can read. In the lab nobody can: it is noise in the shape of a JWE.
fn private() -> Result<String, WebexError> {
    let header = URL_SAFE_NO_PAD.encode(r#"{"cty":"JWT","enc":"A128CBC-HS256","alg":"dir"}"#);
    let vector = URL_SAFE_NO_PAD.encode(random::<16>()?);
    let text = URL_SAFE_NO_PAD.encode(random::<192>()?);
    let tag = URL_SAFE_NO_PAD.encode(random::<16>()?);
    Ok(format!("{header}..{vector}.{text}.{tag}"))
}

/// A version 4 UUID of these bytes.
fn uuid(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().take(16).enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match place {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        text += &format!("{byte:02x}");
    }
    text
}

fn mark(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut mark = [0; 32];
    for (to, from) in mark
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, bytes).as_ref())
    {
        *to = *from;
    }
    mark
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;
    use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    use aws_lc_rs::signature::UnparsedPublicKey;
    use serde_json::Value;

    use super::*;

    const ISSUER: &str = "https://localhost:8445/idb";

    fn part(token: &str, place: usize) -> Value {
        let part = token.split('.').nth(place).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn a_user_token_has_the_shape_of_production_and_a_good_signature() {
        let tokens = Tokens::new().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_795_262_400);
        let holder = Holder::User("alice@as.example.net".to_owned());
        let token = tokens.issue(holder.clone(), ISSUER, now).unwrap();

        assert_eq!(part(&token, 0), json!({ "alg": "RS256" }));
        let claims = part(&token, 1);
        let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
        let mut expected = vec![
            "cluster",
            "private",
            "user_type",
            "token_id",
            "reference_id",
            "iss",
            "user_modify_timestamp",
            "realm",
            "cis_uuid",
            "token_type",
            "expiry_time",
            "client_id",
        ];
        expected.sort_unstable();
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["realm"], ORGANIZATION);
        assert_eq!(claims["token_type"], "Bearer");
        assert_eq!(claims["expiry_time"], 1_795_305_600_000_u64);
        let private = claims["private"].as_str().unwrap();
        assert_eq!(part(private, 0)["alg"], "dir");
        assert_eq!(private.split('.').count(), 5);

        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA256,
            tokens.key.public_key().as_ref().to_vec(),
        );
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();

        let again = tokens.issue(holder, ISSUER, now).unwrap();
        assert_ne!(token, again);
        assert_eq!(part(&again, 1)["cis_uuid"], claims["cis_uuid"]);
    }

    #[test]
    fn a_token_is_good_until_it_ends_or_is_revoked() {
        let tokens = Tokens::new().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_795_262_400);
        let token = tokens.issue(Holder::Service, ISSUER, now).unwrap();
        let nearly = now + LIFE - Duration::from_millis(1);
        assert_eq!(
            tokens.live(&token, nearly).map(|live| live.holder),
            Some(Holder::Service)
        );
        assert_eq!(tokens.live(&token, now + LIFE), None);
        assert_eq!(tokens.live("another", now), None);
        tokens.revoke(&token);
        assert_eq!(tokens.live(&token, now), None);
    }

    #[test]
    fn identifiers_are_uuids_of_version_4() {
        assert_eq!(
            uuid(&[0xff; 32]),
            "ffffffff-ffff-4fff-bfff-ffffffffffff".to_owned()
        );
    }
}

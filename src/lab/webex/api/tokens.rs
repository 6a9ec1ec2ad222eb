//! Tokens of the partner's integration.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::lab::webex::WebexError;
use crate::lab::webex::api::REFRESH_TOKEN;
use crate::lab::webex::api::world::At;
use crate::lab::webex::random;

/// Access tokens that are kept; the oldest go first.
const MOST: usize = 1000;

/// What a refresh does to the refresh token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rotation {
    /// It stays.
    None,
    /// There is a new one, and earlier ones go on.
    #[default]
    Lenient,
    /// There is a new one, and earlier ones are refused.
    Strict,
}

impl Rotation {
    pub(super) const ALL: [Self; 3] = [Self::None, Self::Lenient, Self::Strict];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lenient => "lenient",
            Self::Strict => "strict",
        }
    }
}

/// What an exchange brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) access: String,
    pub(super) refresh: String,
}

/// Those in force.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Access tokens and their ends, by their order.
    access: BTreeMap<u64, (String, At)>,
    issued: u64,
    /// The newest refresh token of this run.
    refresh: Option<String>,
    /// No refresh token is good any more.
    refused: bool,
    pub(super) rotation: Rotation,
}

impl Tokens {
    /// A token that lives until then.
    pub(super) fn issue(&mut self, until: At) -> Result<String, WebexError> {
        let token = URL_SAFE_NO_PAD.encode(random::<48>()?);
        self.issued += 1;
        self.access.insert(self.issued, (token.clone(), until));
        if self.access.len() > MOST {
            self.access.pop_first();
        }
        Ok(token)
    }

    /// Whether a token is good now.
    pub(super) fn is_good(&self, token: &str, now: At) -> bool {
        let mut held = self.access.values();
        held.any(|(own, until)| own == token && *until > now)
    }

    /// Ends one access token.
    pub(super) fn revoke(&mut self, token: &str) {
        self.access.retain(|_, (own, _)| own != token);
    }

    /// Ends all access tokens.
    pub(super) fn revoke_all(&mut self) {
        self.access.clear();
    }

    /// Ends all refresh tokens, or lets them be good again.
    pub(super) const fn refuse(&mut self, refused: bool) {
        self.refused = refused;
    }

    /// Exchanges a refresh token. `None` when it is not good. Tokens that an earlier run of the
    /// lab gave are good as long as this one gave none that replaces them.
    pub(super) fn exchange(
        &mut self,
        token: &str,
        until: At,
    ) -> Result<Option<Granted>, WebexError> {
        let ours = token
            .strip_prefix(REFRESH_TOKEN)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let replaced = self.rotation == Rotation::Strict
            && self
                .refresh
                .as_deref()
                .is_some_and(|newest| newest != token);
        if !ours || replaced || self.refused {
            return Ok(None);
        }
        let refresh = match self.rotation {
            Rotation::None => token.to_owned(),
            Rotation::Lenient | Rotation::Strict => {
                let part = URL_SAFE_NO_PAD.encode(random::<12>()?);
                format!("{REFRESH_TOKEN}.{part}")
            }
        };
        self.refresh = Some(refresh.clone());
        let access = self.issue(until)?;
        Ok(Some(Granted { access, refresh }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_tokens_end_by_themselves_and_on_request() {
        let mut tokens = Tokens::default();
        let first = tokens.issue(At(100)).unwrap();
        let second = tokens.issue(At(200)).unwrap();
        assert!(tokens.is_good(&first, At(99)));
        assert!(!tokens.is_good(&first, At(100)));
        assert!(!tokens.is_good("", At(0)));
        tokens.revoke(&first);
        assert!(!tokens.is_good(&first, At(0)));
        assert!(tokens.is_good(&second, At(0)));
        tokens.revoke_all();
        assert!(!tokens.is_good(&second, At(0)));
    }

    #[test]
    fn refresh_tokens_rotate_as_they_are_told_to() {
        for (rotation, renewed, old_is_good) in [
            (Rotation::None, false, true),
            (Rotation::Lenient, true, true),
            (Rotation::Strict, true, false),
        ] {
            let mut tokens = Tokens {
                rotation,
                ..Tokens::default()
            };
            let first = tokens.exchange(REFRESH_TOKEN, At(9)).unwrap().unwrap();
            assert_eq!(first.refresh != REFRESH_TOKEN, renewed, "{rotation:?}");
            let again = tokens.exchange(REFRESH_TOKEN, At(9)).unwrap();
            assert_eq!(again.is_some(), old_is_good, "{rotation:?}");
            let newest = again.map_or(first.refresh, |again| again.refresh);
            assert!(tokens.exchange(&newest, At(9)).unwrap().is_some());
            tokens.refuse(true);
            assert!(tokens.exchange(&newest, At(9)).unwrap().is_none());
        }
        let mut tokens = Tokens::default();
        for wrong in ["", "lab-partner-refresh-tokens", "other"] {
            assert!(tokens.exchange(wrong, At(9)).unwrap().is_none(), "{wrong}");
        }
    }
}

//! Login tokens (XSI Interface Specification 3.5.2.7): 60 seconds, in memory only.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::lab::broadworks::error::LabError;
use crate::lab::broadworks::password::random;

/// Life of a token.
const LIFE: Duration = Duration::from_secs(60);

/// Tokens alive at once; the oldest make room.
const KEPT: usize = 4096;

/// Tokens handed out.
#[derive(Default)]
pub(super) struct LoginTokens {
    held: Mutex<HashMap<String, (String, Instant)>>,
}

impl LoginTokens {
    /// A new token for a user id.
    pub(super) fn issue(&self, user_id: &str, now: Instant) -> Result<String, LabError> {
        let token = STANDARD.encode(random::<30>()?);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, (_, end)| *end > now);
        if held.len() >= KEPT {
            let oldest = held.iter().min_by_key(|(_, (_, end))| *end);
            if let Some(oldest) = oldest.map(|(token, _)| token.clone()) {
                held.remove(&oldest);
            }
        }
        held.insert(token.clone(), (user_id.to_owned(), now + LIFE));
        Ok(token)
    }

    /// Whose token it is, while it lives.
    pub(super) fn owner(&self, token: &str, now: Instant) -> Option<String> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(token)
            .filter(|(_, end)| *end > now)
            .map(|(owner, _)| owner.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_for_sixty_seconds() {
        let tokens = LoginTokens::default();
        let start = crate::platform::clock::mono();
        let token = tokens.issue("alice@as.example.net", start).unwrap();
        let late = start + Duration::from_millis(59_999);
        assert_eq!(
            tokens.owner(&token, late).as_deref(),
            Some("alice@as.example.net")
        );
        assert_eq!(tokens.owner(&token, start + LIFE), None);
        assert_eq!(tokens.owner("other", start), None);
    }
}

//! Why a CI token does not let its user in. The word is the label value, the log field and the
//! README entry.

/// One reason per way to fail. A new one needs its row in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CiRefusal {
    /// The token-info service answered with something that cannot be read.
    #[error("the token-info service gave an answer that cannot be read")]
    BadAnswer,
    /// Too many other tokens are being checked.
    #[error("too many tokens are being checked at once")]
    Busy,
    /// The token has ended.
    #[error("the token has ended")]
    Expired,
    /// The token-info service does not know the token, or no longer.
    #[error("the token is not valid")]
    Inactive,
    /// The user lacks the entitlement.
    #[error("the token lacks the scope")]
    InsufficientScope,
    /// It is no token at all.
    #[error("the token is malformed: {0}")]
    Malformed(TokenFlaw),
    /// The answer names no BroadWorks user.
    #[error("no BroadWorks user goes with the token")]
    NoBroadWorksUser,
    /// The token-info service answered with more than the configured maximum.
    #[error("the token-info service gave an answer that is too large")]
    ResponseTooLarge,
    /// We have no service token to ask with, or ours was refused.
    #[error("there is no service token to ask with")]
    ServiceToken,
    /// Beyond [`crate::domain::auth::ci::presented::TOKEN_BYTES`].
    #[error("the token is too large")]
    TokenTooLarge,
    /// The token-info service did not answer.
    #[error("the token-info service did not answer")]
    Unreachable,
    /// Not signed with RS256: not at all, with a shared key, or encrypted.
    #[error("the token is not signed with RS256")]
    WrongAlgorithm,
    /// Issued by somebody else.
    #[error("the token's issuer is none of ours")]
    WrongIssuer,
    /// The user belongs to another organisation.
    #[error("the user belongs to another organisation")]
    WrongOrganization,
    /// Not a bearer token.
    #[error("the token is not a bearer token")]
    WrongType,
}

/// What is wrong with a malformed token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenFlaw {
    /// A part is not base64url, or not in its one canonical form.
    #[error("a part is not base64url")]
    Base64,
    /// It has bytes that no token has, or none at all.
    #[error("it has characters that no token has")]
    Characters,
    /// An extension that must be understood, and is not.
    #[error("it has a critical extension")]
    Critical,
    /// A member stands twice.
    #[error("a member stands twice")]
    DuplicateMember,
    /// The header names the key to check it with.
    #[error("it names its own key")]
    EmbeddedKey,
    /// Header or claims are no JSON object.
    #[error("header or claims are no JSON object")]
    Json,
    /// `expiry_time` is missing or no whole number.
    #[error("expiry_time is no whole number of milliseconds")]
    ExpiryTime,
    /// Neither one part nor three.
    #[error("it has neither one part nor three")]
    Parts,
    /// `realm` is there and is no text.
    #[error("realm is no text")]
    Realm,
}

impl CiRefusal {
    /// Every word, in order, so that each metric series starts at zero.
    pub const WORDS: [&'static str; 15] = [
        "bad-answer",
        "busy",
        "expired",
        "inactive",
        "insufficient-scope",
        "malformed",
        "no-broadworks-user",
        "response-too-large",
        "service-token",
        "token-too-large",
        "unreachable",
        "wrong-algorithm",
        "wrong-issuer",
        "wrong-organization",
        "wrong-type",
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadAnswer => "bad-answer",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::Inactive => "inactive",
            Self::InsufficientScope => "insufficient-scope",
            Self::Malformed(_) => "malformed",
            Self::NoBroadWorksUser => "no-broadworks-user",
            Self::ResponseTooLarge => "response-too-large",
            Self::ServiceToken => "service-token",
            Self::TokenTooLarge => "token-too-large",
            Self::Unreachable => "unreachable",
            Self::WrongAlgorithm => "wrong-algorithm",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongOrganization => "wrong-organization",
            Self::WrongType => "wrong-type",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn blames(self) -> Blame {
        match self {
            Self::BadAnswer
            | Self::Busy
            | Self::ResponseTooLarge
            | Self::ServiceToken
            | Self::Unreachable => Blame::Service,
            Self::Expired
            | Self::Inactive
            | Self::InsufficientScope
            | Self::Malformed(_)
            | Self::NoBroadWorksUser
            | Self::TokenTooLarge
            | Self::WrongAlgorithm
            | Self::WrongIssuer
            | Self::WrongOrganization
            | Self::WrongType => Blame::Token,
        }
    }
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Cisco's or ours: the same token may be fine a moment later.
    Service,
    /// The token's or its user's.
    Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_words_is_the_words() {
        let all = [
            CiRefusal::BadAnswer,
            CiRefusal::Busy,
            CiRefusal::Expired,
            CiRefusal::Inactive,
            CiRefusal::InsufficientScope,
            CiRefusal::Malformed(TokenFlaw::Parts),
            CiRefusal::NoBroadWorksUser,
            CiRefusal::ResponseTooLarge,
            CiRefusal::ServiceToken,
            CiRefusal::TokenTooLarge,
            CiRefusal::Unreachable,
            CiRefusal::WrongAlgorithm,
            CiRefusal::WrongIssuer,
            CiRefusal::WrongOrganization,
            CiRefusal::WrongType,
        ];
        assert_eq!(all.map(CiRefusal::as_str), CiRefusal::WORDS);
        assert!(CiRefusal::WORDS.is_sorted());
    }
}

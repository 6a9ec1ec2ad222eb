//! What may be known of an `Authorization` header without judging it: its scheme, and the user
//! name of a password. The XSP judges (Xsi-Actions field page, section 2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Schemes seen on the Xsi interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// User id or number with a password or passcode.
    Basic,
    /// A token.
    Bearer,
    /// User id with the SIP password.
    BroadWorksSip,
    /// A login token.
    BroadWorksSso,
    /// No header.
    None,
    /// A token, in older material.
    OAuth,
    /// Anything else; its text might itself be a secret and is not repeated.
    Other,
}

impl Scheme {
    /// The scheme of a header value, in any case.
    #[must_use]
    pub fn of(authorization: Option<&[u8]>) -> Self {
        const KNOWN: [(&[u8], Scheme); 5] = [
            (b"bearer", Scheme::Bearer),
            (b"basic", Scheme::Basic),
            (b"broadworkssip", Scheme::BroadWorksSip),
            (b"broadworkssso", Scheme::BroadWorksSso),
            (b"oauth", Scheme::OAuth),
        ];
        let Some(value) = authorization else {
            return Self::None;
        };
        let word = value
            .trim_ascii_start()
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default();
        KNOWN
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
            .map_or(Self::Other, |(_, scheme)| *scheme)
    }

    /// The word for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::BroadWorksSip => "broadworks-sip",
            Self::BroadWorksSso => "broadworks-sso",
            Self::None => "none",
            Self::OAuth => "oauth",
            Self::Other => "other",
        }
    }

    /// Whether it carries a password that can be guessed.
    #[must_use]
    pub const fn is_password(self) -> bool {
        match self {
            Self::Basic | Self::BroadWorksSip => true,
            Self::Bearer | Self::BroadWorksSso | Self::None | Self::OAuth | Self::Other => false,
        }
    }
}

/// Longest Basic value looked into; longer ones are forwarded unread.
const LONGEST: usize = 512;

/// Calls `use_name` with the user name of Basic or BroadWorksSIP credentials. Nothing decoded
/// outlives the call.
pub fn with_user_name<T>(authorization: &[u8], use_name: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let encoded = match Scheme::of(Some(authorization)) {
        Scheme::Basic => after_word(authorization)?,
        Scheme::BroadWorksSip => {
            let parameters = after_word(authorization)?;
            let start = find_ignoring_case(parameters, b"basic=\"")?;
            parameters
                .get(start..)?
                .split(|byte| *byte == b'"')
                .next()?
        }
        Scheme::Bearer | Scheme::BroadWorksSso | Scheme::None | Scheme::OAuth | Scheme::Other => {
            return None;
        }
    };
    let mut room = [0_u8; LONGEST];
    let length = STANDARD.decode_slice(encoded, &mut room).ok()?;
    // `userId:password`: ids hold no colon, passwords may.
    let name = room.get(..length)?.split(|byte| *byte == b':').next()?;
    let result = (!name.is_empty()).then(|| use_name(name));
    zeroize::Zeroize::zeroize(&mut room);
    result
}

fn after_word(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace)?;
    value.get(end..).map(<[u8]>::trim_ascii_start)
}

/// Position behind the first `needle`.
fn find_ignoring_case(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window.eq_ignore_ascii_case(needle))
        .map(|at| at + needle.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schemes_are_told_apart_in_any_case_and_strange_ones_are_not_repeated() {
        let table = [
            (Some("Basic abc"), Scheme::Basic),
            (Some("bearer abc"), Scheme::Bearer),
            (Some("BroadWorksSIP basic=\"\""), Scheme::BroadWorksSip),
            (Some("BroadWorksSSO x"), Scheme::BroadWorksSso),
            (Some("OAuth x"), Scheme::OAuth),
            (Some("my-secret-without-scheme"), Scheme::Other),
            (Some(""), Scheme::Other),
            (None, Scheme::None),
        ];
        for (value, expected) in table {
            assert_eq!(Scheme::of(value.map(str::as_bytes)), expected, "{value:?}");
        }
    }

    #[test]
    fn user_names_are_read_from_both_password_schemes() {
        let name = |value: &str| {
            with_user_name(value.as_bytes(), |name| {
                String::from_utf8_lossy(name).into_owned()
            })
        };
        let alice = Some("alice@as.example.net".to_owned());
        assert_eq!(
            name("Basic YWxpY2VAYXMuZXhhbXBsZS5uZXQ6UGFzc3cwcmQh"),
            alice
        );
        assert_eq!(
            name(
                "broadworkssip sipUser=\"YWxpY2Vfd3h0\", Basic=\"YWxpY2VAYXMuZXhhbXBsZS5uZXQ6UGFzc3cwcmQh\""
            ),
            alice
        );
        for none in [
            "Bearer YTpi",
            "Basic",
            "Basic %%%",
            "Basic OmE=",
            "BroadWorksSIP x=\"YTpi\"",
        ] {
            assert_eq!(name(none), None, "{none}");
        }
        assert_eq!(name(&format!("Basic {}", "YWFh".repeat(400))), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(value in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _scheme = Scheme::of(Some(&value));
            let _name = with_user_name(&value, <[u8]>::len);
        }
    }
}

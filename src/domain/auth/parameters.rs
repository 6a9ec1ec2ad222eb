//! What callers of AuthService write: the `key` of a query, form bodies, credentials. Parsed by
//! hand, because what a library would mend silently must be refused here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::domain::auth::answer::AuthReason;

/// Most parameters of a form; ours have three.
const PARAMETERS: usize = 16;

/// Longest Basic value in bytes: BroadWorks ids have up to 161 characters, passwords up to 60.
const LONGEST_BASIC: usize = 2048;

/// The value of `key`, percent-decoded once.
///
/// A `+` stays a `+`, which is a digit of the standard base64 alphabet: a form decoder would turn
/// it into a space, and the key into another one. A space is refused for the same reason.
///
/// # Errors
/// No `key`, more than one, or one that cannot be read.
pub fn key_of(query: Option<&str>) -> Result<String, AuthReason> {
    let mut keys = query
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| decode(name, Plus::Stays).is_ok_and(|name| name == "key"));
    let Some((_, value)) = keys.next() else {
        return Err(AuthReason::KeyMissing);
    };
    if keys.next().is_some() {
        return Err(AuthReason::KeyRepeated);
    }
    let key = decode(value, Plus::Stays).map_err(|NotText| AuthReason::KeyInvalid)?;
    if key.is_empty() {
        Err(AuthReason::KeyMissing)
    } else if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(key)
    } else {
        Err(AuthReason::KeyInvalid)
    }
}

/// The parameters of a form body (`application/x-www-form-urlencoded`).
#[derive(Debug, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body.
    ///
    /// # Errors
    /// Bytes that are no form, a name twice, or more parameters than any request has.
    pub fn parse(body: &[u8]) -> Result<Self, AuthReason> {
        let body = std::str::from_utf8(body).map_err(|_| AuthReason::RequestMalformed)?;
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, Plus::IsSpace);
            let value = decode(value, Plus::IsSpace);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(AuthReason::RequestMalformed);
            };
            let twice = parameters.iter().any(|(held, _)| *held == name);
            if twice || parameters.len() >= PARAMETERS {
                return Err(AuthReason::RequestMalformed);
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, if it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(held, _)| held == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }
}

/// A user id and a password.
pub struct Password {
    /// As written, but for blanks.
    pub user: String,
    /// Wiped when dropped.
    pub password: Zeroizing<String>,
}

/// Reads `Basic` credentials. Bytes that are not UTF-8 are Latin-1, as old clients send.
#[must_use]
pub fn basic(authorization: &[u8]) -> Option<Password> {
    let encoded = after_scheme(authorization, b"basic")?;
    if encoded.len() > LONGEST_BASIC {
        return None;
    }
    let mut room = Zeroizing::new([0_u8; LONGEST_BASIC]);
    let length = STANDARD.decode_slice(encoded, room.as_mut_slice()).ok()?;
    let decoded = room.get(..length)?;
    // Ids hold no colon, passwords may.
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at_checked(colon)?;
    let user = text(user);
    let password = text(password.get(1..)?);
    let plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    (plain(user.trim()) && plain(&password)).then(|| Password {
        // To the Application Server blanks around and between are as nothing (`xs:token`); here
        // they would make any number of users to guess at.
        user: user.split_whitespace().collect::<Vec<_>>().join(" "),
        password,
    })
}

/// The token of a `Bearer` value, in any case of the scheme. `None` without one, or when it is
/// not written in the characters of tokens (RFC 6750, section 2.1).
#[must_use]
pub fn bearer(authorization: &[u8]) -> Option<&str> {
    let token = std::str::from_utf8(after_scheme(authorization, b"bearer")?).ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (!token.is_empty() && token.bytes().all(plain)).then_some(token)
}

fn after_scheme<'v>(value: &'v [u8], scheme: &[u8]) -> Option<&'v [u8]> {
    let value = value.trim_ascii();
    let (word, rest) = value.split_at_checked(scheme.len())?;
    let separated = rest.first().is_some_and(u8::is_ascii_whitespace);
    (separated && word.eq_ignore_ascii_case(scheme)).then(|| rest.trim_ascii_start())
}

fn text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    })
}

/// What a `+` means.
#[derive(Clone, Copy)]
enum Plus {
    IsSpace,
    Stays,
}

/// An escape that is none, or bytes that are no UTF-8.
struct NotText;

fn decode(text: &str, plus: Plus) -> Result<String, NotText> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match (rest, plus) {
            ([], _) => break,
            ([b'%', high, low, after @ ..], _) => {
                let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(NotText);
                let byte = digit(*high)? << 4 | digit(*low)?;
                out.push(u8::try_from(byte).map_err(|_| NotText)?);
                after
            }
            ([b'%', ..], _) => return Err(NotText),
            ([b'+', after @ ..], Plus::IsSpace) => {
                out.push(b' ');
                after
            }
            ([byte, after @ ..], _) => {
                out.push(*byte);
                after
            }
        };
    }
    String::from_utf8(out).map_err(|_| NotText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_key_is_there_once_and_is_never_mended() {
        let table: [(Option<&str>, Result<&str, AuthReason>); 14] = [
            (Some("key=MIIB-_x"), Ok("MIIB-_x")),
            (Some("key=a+b/c=="), Ok("a+b/c==")),
            (Some("key=a%2Bb%2Fc%3d%3D"), Ok("a+b/c==")),
            (Some("x=1&key=abc&y"), Ok("abc")),
            (Some("k%65y=abc"), Ok("abc")),
            (Some("key=a%20b"), Err(AuthReason::KeyInvalid)),
            (Some("key=a%0Ab"), Err(AuthReason::KeyInvalid)),
            (Some("key=a%2"), Err(AuthReason::KeyInvalid)),
            (Some("key=%ff"), Err(AuthReason::KeyInvalid)),
            (Some("key="), Err(AuthReason::KeyMissing)),
            (Some("KEY=abc"), Err(AuthReason::KeyMissing)),
            (Some(""), Err(AuthReason::KeyMissing)),
            (None, Err(AuthReason::KeyMissing)),
            (Some("key=a&key=a"), Err(AuthReason::KeyRepeated)),
        ];
        for (query, expected) in table {
            assert_eq!(
                key_of(query).as_deref().map_err(|reason| *reason),
                expected,
                "{query:?}"
            );
        }
    }

    #[test]
    fn a_form_is_read_and_nothing_twice() {
        let form = Form::parse(b"token=a.b.c&user=j%C3%B6rg+x&all=").unwrap();
        assert_eq!(form.get("token"), Some("a.b.c"));
        assert_eq!(form.get("user"), Some("jörg x"));
        assert_eq!(form.get("all"), None);
        assert_eq!(form.get("other"), None);
        let many = "a&".repeat(100);
        for body in [&b"a=1&a=2"[..], b"a=%", b"a=%zz", b"\xff", many.as_bytes()] {
            assert_eq!(Form::parse(body), Err(AuthReason::RequestMalformed));
        }
    }

    #[test]
    fn credentials_are_read_in_any_case_of_their_scheme() {
        let read = |value: &str| {
            basic(value.as_bytes()).map(|read| (read.user, read.password.to_string()))
        };
        let alice = Some(("alice@as".to_owned(), "p:w".to_owned()));
        assert_eq!(read("Basic YWxpY2VAYXM6cDp3"), alice);
        assert_eq!(read("bAsIc   YWxpY2VAYXM6cDp3 "), alice);
        let latin = format!("Basic {}", STANDARD.encode(b"j\xf6rg:x"));
        assert_eq!(read(&latin), Some(("jörg".to_owned(), "x".to_owned())));
        let long = format!("Basic {}", STANDARD.encode("a:".repeat(2000)));
        for value in [
            "Basic",
            "Basic ",
            "Basic YWxpY2U=",
            "Basic Og==",
            "BasicYTpi",
            "Bearer YTpi",
            long.as_str(),
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(bearer(b"bearer a.b-c_d"), Some("a.b-c_d"));
        assert_eq!(bearer(b"BEARER  x=="), Some("x=="));
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer \"a\"",
            "Bearera",
        ] {
            assert_eq!(bearer(value.as_bytes()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in r"\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            drop(key_of(Some(&text)));
            drop(Form::parse(&bytes));
            drop(basic(&bytes));
            let _token = bearer(&bytes);
        }

        #[test]
        fn an_escaped_key_is_the_key(key in "[!-~]{1,60}") {
            let escaped: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(key_of(Some(&format!("key={escaped}"))), Ok(key));
        }

        #[test]
        fn basic_survives_a_round_trip(user in "[a-z@.]{1,30}", password in "[ -~]{1,30}") {
            let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            let read = basic(value.as_bytes()).unwrap();
            prop_assert_eq!((read.user, read.password.to_string()), (user, password));
        }
    }
}

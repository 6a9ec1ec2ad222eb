//! Values with a form of their own: durations, sizes, names, addresses, pins. Each is parsed from
//! text into the type that the proven configuration holds.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::config::path::NAME_LENGTH;
use crate::config::path::is_name;
use crate::config::raw::SizeText;

/// How a duration is written.
pub(super) const DURATION_FORM: &str =
    "a number and a unit (ms, s, m, h, d) in quotes, such as \"10s\"";

/// How a size is written.
pub(super) const SIZE_FORM: &str = "a number of bytes, or text such as \"16KiB\" or \"32MiB\"";

const HOST_FORM: &str = "a host name, `*.` and a host name, or `*`";

/// Longest host name (RFC 1035, section 2.3.4).
const HOST_LENGTH: usize = 253;

/// Longest label of a host name (RFC 1035, section 2.3.4).
const LABEL_LENGTH: usize = 63;

/// Why a value is refused, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) expected: String,
}

/// A refusal.
pub(super) fn wrong<T>(what: impl Into<String>, expected: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        what: what.into(),
        expected: expected.into(),
    })
}

/// A duration such as `500ms`, `10s`, `2m`, `1h`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let total = milliseconds.and_then(|unit: u64| unit.checked_mul(number.parse().ok()?));
    match total {
        Some(total) => Ok(Duration::from_millis(total)),
        None => wrong("not a duration", DURATION_FORM),
    }
}

/// The shortest exact text of a duration.
pub(super) fn duration_text(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let unit = units
        .iter()
        .find(|(_, size)| milliseconds.is_multiple_of(*size));
    match unit {
        Some(_) if milliseconds == 0 => "0s".to_owned(),
        Some((unit, size)) => format!("{}{unit}", milliseconds / size),
        None => format!("{milliseconds}ms"),
    }
}

/// A number of bytes.
pub(super) fn size(written: &SizeText) -> Result<u64, Wrong> {
    let bytes = match written {
        SizeText::Bytes(bytes) => u64::try_from(*bytes).ok(),
        SizeText::Text(text) => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = text.split_at(digits);
            let unit: Option<u64> = match unit {
                "B" => Some(1),
                "KiB" => Some(1 << 10),
                "MiB" => Some(1 << 20),
                "GiB" => Some(1 << 30),
                _ => None,
            };
            unit.and_then(|unit| unit.checked_mul(number.parse().ok()?))
        }
    };
    bytes.map_or_else(|| wrong("not a size", SIZE_FORM), Ok)
}

/// The shortest exact text of a size.
pub(super) fn size_text(bytes: u64) -> SizeText {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fits = |(_, size): &&(_, u64)| bytes != 0 && bytes.is_multiple_of(*size);
    match units.iter().find(fits) {
        Some((unit, size)) => SizeText::Text(format!("{}{unit}", bytes / size)),
        None => i64::try_from(bytes)
            .map_or_else(|_| SizeText::Text(format!("{bytes}B")), SizeText::Bytes),
    }
}

/// The name of a pool, route, listener, upstream or trust set.
pub(super) fn name(text: &str) -> Result<String, Wrong> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        wrong(
            "not a name",
            format!(
                "a lower-case letter, then lower-case letters, digits and hyphens, \
                 at most {NAME_LENGTH}"
            ),
        )
    }
}

/// An absolute path: a daemon has no working directory that an operator could know.
pub(super) fn path(text: &str) -> Result<PathBuf, Wrong> {
    if text.starts_with('/') && !text.contains('\0') {
        Ok(PathBuf::from(text))
    } else {
        wrong("not an absolute path", "a path that starts with `/`")
    }
}

/// An address and port.
pub(super) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().or_else(|_| {
        wrong(
            "not an address with a port",
            "for example `0.0.0.0:443` or `[::]:443`",
        )
    })
}

/// A server name or pattern, lower case.
pub(super) fn host_pattern(text: &str) -> Result<String, Wrong> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let host = text.strip_prefix("*.").unwrap_or(text);
    match host_fault(host) {
        None => Ok(text.to_ascii_lowercase()),
        Some(fault) => wrong(fault, HOST_FORM),
    }
}

/// A host name, lower case.
pub(super) fn host_name(text: &str) -> Result<String, Wrong> {
    match host_fault(text) {
        None => Ok(text.to_ascii_lowercase()),
        Some(fault) => wrong(fault, "a host name such as xsp.example.com"),
    }
}

/// A host name or an IP address without brackets.
pub(super) fn host_or_address(text: &str) -> Result<String, Wrong> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    match bare.unwrap_or(text).parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() == bare.is_some() => Ok(address.to_string()),
        Ok(_) => wrong(
            "brackets are for IPv6 addresses, which need them",
            "a host name, an IPv4 address or an IPv6 address in brackets",
        ),
        Err(_) if bare.is_some() => wrong("not an IPv6 address", "an IPv6 address in brackets"),
        Err(_) => host_name(text),
    }
}

/// Host and port. Without a port `default` counts; without that it must be written.
pub(super) fn host_port(text: &str, default: Option<u16>) -> Result<(String, u16), Wrong> {
    if !text.starts_with('[') && text.matches(':').count() > 1 {
        return wrong(
            "more than one colon",
            "an IPv6 address in brackets, or `host:port`",
        );
    }
    let border = match text.rfind(':') {
        Some(at) if text.get(at..).is_some_and(|rest| !rest.contains(']')) => Some(at),
        Some(_) | None => None,
    };
    let (host, port) = match border {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).map(port).transpose()?,
        ),
        None => (text, default),
    };
    match port {
        Some(port) => Ok((host_or_address(host)?, port)),
        None => wrong("the port is missing", "`host:port`"),
    }
}

/// `host[:port]` as it stands in a Host header, lower case.
pub(super) fn authority(text: &str) -> Result<String, Wrong> {
    host_port(text, Some(0)).map(|_| text.to_ascii_lowercase())
}

/// SHA-256 of a public key, in base64 or hex.
pub(super) fn pin(text: &str) -> Result<[u8; 32], Wrong> {
    let hex = || -> Option<[u8; 32]> {
        let fingerprint: crate::domain::ids::Fingerprint = text.parse().ok()?;
        Some(*fingerprint.as_bytes())
    };
    let base64 = || -> Option<[u8; 32]> { BASE64_STANDARD.decode(text).ok()?.try_into().ok() };
    hex().or_else(base64).map_or_else(
        || {
            wrong(
                "not a SHA-256 of a public key",
                "32 bytes in base64 (44 characters) or hex (64 digits)",
            )
        },
        Ok,
    )
}

/// A pin as it is written.
pub(super) fn pin_text(pin: &[u8; 32]) -> String {
    BASE64_STANDARD.encode(pin)
}

/// The name of an HTTP header, lower case.
pub(super) fn header_name(text: &str) -> Result<String, Wrong> {
    match http::HeaderName::try_from(text) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(_) => wrong("not a header name", "letters, digits and hyphens"),
    }
}

/// A range as people read it.
pub(super) fn between(low: impl std::fmt::Display, high: impl std::fmt::Display) -> String {
    format!("{low} to {high}")
}

fn port(text: &str) -> Result<u16, Wrong> {
    match text.parse() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        Ok(_) | Err(_) => wrong("not a port", "a port from 1 to 65535"),
    }
}

fn host_fault(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("empty");
    }
    if !host.is_ascii() {
        return Some("not ASCII; an international name is written in its xn-- form");
    }
    if host.len() > HOST_LENGTH {
        return Some("longer than 253 characters");
    }
    if host.parse::<IpAddr>().is_ok() {
        return Some("an address, which TLS cannot ask for by name");
    }
    let label_is_good = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=LABEL_LENGTH).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.split('.').all(label_is_good) {
        None
    } else {
        Some("not a host name")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let good = [
            ("500ms", 500),
            ("10s", 10_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("0s", 0),
        ];
        for (text, milliseconds) in good {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in [
            "",
            "10",
            "s",
            "1.5s",
            "-1s",
            " 1s",
            "1 s",
            "10S",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        let text = |text: &str| size(&SizeText::Text(text.to_owned()));
        assert_eq!(text("32MiB"), Ok(33_554_432));
        assert_eq!(text("16KiB"), Ok(16_384));
        assert_eq!(text("1GiB"), Ok(1_073_741_824));
        assert_eq!(size(&SizeText::Bytes(77)), Ok(77));
        assert!(size(&SizeText::Bytes(-1)).is_err());
        for bad in ["", "32", "32MB", "32 MiB", "99999999999GiB"] {
            assert!(text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_patterns_are_names_one_label_wildcards_or_the_star() {
        for (text, host) in [
            ("XSP.Example.com", "xsp.example.com"),
            ("*.example.com", "*.example.com"),
            ("*", "*"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(host_pattern(text).as_deref(), Ok(host));
        }
        let long = format!("{}.com", "a".repeat(64));
        for bad in [
            "",
            ".",
            "a..b",
            "a.",
            "*.",
            "*.*.com",
            "a*.com",
            "-a.com",
            "a b",
            "10.0.0.1",
            "::1",
            "münchen.de",
            "a:443",
            &long,
        ] {
            assert!(host_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_and_port_split_for_names_and_both_kinds_of_address() {
        let of = |text| host_port(text, Some(80));
        assert_eq!(of("xsp1.internal:443"), Ok(("xsp1.internal".into(), 443)));
        assert_eq!(of("10.0.0.5"), Ok(("10.0.0.5".into(), 80)));
        assert_eq!(of("[2001:db8::1]:8080"), Ok(("2001:db8::1".into(), 8080)));
        assert_eq!(of("[::1]"), Ok(("::1".into(), 80)));
        for bad in [
            "",
            ":80",
            "::1",
            "[10.0.0.1]:80",
            "a:0",
            "a:65536",
            "a:+1",
            "a:",
            "[::1]x:80",
            "u@h:80",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(host_port("a", None).is_err());
    }

    #[test]
    fn pins_are_base64_or_hex() {
        let digest = [0xAB; 32];
        assert_eq!(pin(&"ab".repeat(32)), Ok(digest));
        assert_eq!(pin(&vec!["AB"; 32].join(":")), Ok(digest));
        assert_eq!(pin(&pin_text(&digest)), Ok(digest));
        assert!(pin("abcd").is_err());
        assert!(pin(&BASE64_STANDARD.encode([1; 31])).is_err());
    }

    proptest! {
        #[test]
        fn durations_survive_print_and_parse(milliseconds in 0..u64::MAX / 2) {
            let value = Duration::from_millis(milliseconds);
            prop_assert_eq!(duration(&duration_text(value)), Ok(value));
        }

        #[test]
        fn sizes_survive_print_and_parse(bytes: u64) {
            prop_assert_eq!(size(&size_text(bytes)), Ok(bytes));
        }

        #[test]
        fn no_parser_panics_on_any_text(text in "\\PC*|[0-9a-z.:*\\[\\]-]{0,80}") {
            drop(duration(&text));
            drop(size(&SizeText::Text(text.clone())));
            drop(host_pattern(&text));
            drop(host_port(&text, None));
            drop(pin(&text));
            drop(authority(&text));
        }
    }
}

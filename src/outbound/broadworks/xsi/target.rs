//! Paths of the Xsi interfaces.

use crate::domain::percent;
use crate::outbound::broadworks::xsi::XsiFailure;

/// Xsi-Events below an XSP.
pub(super) const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";

/// Where channels are opened: the prefix selects the XSP's streaming connector.
pub(super) const STREAMS: &str = "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0";

/// Xsi-Actions below an XSP.
pub(super) const ACTIONS: &str = "/com.broadsoft.xsi-actions/v2.0";

/// Longest id in bytes. User ids have at most 161 characters (OCI-P), channel ids 256 (XSD).
const ID_BYTES: usize = 1024;

/// What a subscription is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One user.
    User(String),
    /// A group of a service provider or enterprise.
    Group {
        /// The service provider.
        service_provider: String,
        /// The group.
        group: String,
    },
    /// A service provider or enterprise.
    ServiceProvider(String),
    /// Everybody.
    System,
}

impl Target {
    pub(super) fn path(&self) -> Result<String, XsiFailure> {
        Ok(match self {
            Self::User(user) => format!("{EVENTS}/user/{}", segment(user)?),
            Self::Group {
                service_provider,
                group,
            } => format!(
                "{EVENTS}/serviceprovider/{}/group/{}",
                segment(service_provider)?,
                segment(group)?
            ),
            Self::ServiceProvider(id) => format!("{EVENTS}/serviceprovider/{}", segment(id)?),
            Self::System => format!("{EVENTS}/system"),
        })
    }
}

/// An id as one segment of a path: every byte that is not plain is percent-encoded, `@` and `:`
/// are left as all clients send them.
///
/// # Errors
/// [`XsiFailure::Unsendable`] for what no path can hold: nothing, a slash (containers refuse it
/// even encoded), control characters, dots alone.
pub fn segment(id: &str) -> Result<String, XsiFailure> {
    let odd = |byte: u8| matches!(byte, b'/' | b'\\' | 0..=0x1f | 0x7f);
    if id.is_empty() || id.len() > ID_BYTES || id == "." || id == ".." || id.bytes().any(odd) {
        return Err(XsiFailure::Unsendable);
    }
    Ok(percent::encoded(id.as_bytes(), b"@:"))
}

/// A value in a query.
pub(super) fn query_value(value: &str) -> String {
    percent::encoded(value.as_bytes(), b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_encoded_byte_by_byte_and_what_no_path_holds_is_refused() {
        let table = [
            ("alice@example.net", "alice@example.net"),
            ("callhalf-12215:0", "callhalf-12215:0"),
            ("José Q+%41?", "Jos%C3%A9%20Q%2B%2541%3F"),
        ];
        for (id, expected) in table {
            assert_eq!(segment(id).unwrap(), expected);
        }
        for bad in ["", "a/b", "a\\b", "a\0b", "..", ".", "a\r\nb"] {
            assert!(segment(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_kind_of_target_has_its_path() {
        let group = Target::Group {
            service_provider: "sp 1".to_owned(),
            group: "g".to_owned(),
        };
        let table = [
            (Target::User("a@b".to_owned()), "/user/a@b"),
            (group, "/serviceprovider/sp%201/group/g"),
            (
                Target::ServiceProvider("e".to_owned()),
                "/serviceprovider/e",
            ),
            (Target::System, "/system"),
        ];
        for (target, path) in table {
            assert_eq!(target.path().unwrap(), format!("{EVENTS}{path}"));
        }
    }
}

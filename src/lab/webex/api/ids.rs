//! Names as Webex gives them: base64url, without padding, of a `ciscospark://` URL.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::webex) enum Kind {
    /// An enterprise of BroadWorks.
    Enterprise,
    /// A Webex organization.
    Organization,
    /// A person.
    People,
    /// A workspace.
    Place,
    /// A subscriber.
    Subscriber,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Enterprise => "ENTERPRISE",
            Self::Organization => "ORGANIZATION",
            Self::People => "PEOPLE",
            Self::Place => "PLACE",
            Self::Subscriber => "SUBSCRIBER",
        }
    }

    /// The name.
    pub(in crate::lab::webex) fn name(self, id: Uuid) -> String {
        URL_SAFE_NO_PAD.encode(format!("ciscospark://us/{}/{id}", self.as_str()))
    }

    /// What has this name; padding does not matter.
    pub(in crate::lab::webex) fn read(self, name: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(name.trim_end_matches('=')).ok()?;
        let url = String::from_utf8(bytes).ok()?;
        let rest = url.strip_prefix("ciscospark://us/")?;
        let id = rest.strip_prefix(self.as_str())?.strip_prefix('/')?;
        Uuid::try_parse(id).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_by_its_kind_alone() {
        // The name of the published example.
        let name =
            "Y2lzY29zcGFyazovL3VzL1NVQlNDUklCRVIvNjk3MGU2YmItNzQzOS00ZmZiLWFkMzQtZDNmZjAxNjdkZGFk";
        let id = Kind::Subscriber.read(name).unwrap();
        assert_eq!(id.to_string(), "6970e6bb-7439-4ffb-ad34-d3ff0167ddad");
        assert_eq!(Kind::Subscriber.name(id), name);
        assert_eq!(Kind::People.read(name), None);
        for kind in [
            Kind::Enterprise,
            Kind::Organization,
            Kind::People,
            Kind::Place,
        ] {
            let name = kind.name(id);
            assert_eq!(kind.read(&format!("{name}==")), Some(id));
            assert_eq!(Kind::Subscriber.read(&name), None);
        }
        assert_eq!(Kind::Subscriber.read("%"), None);
        assert_eq!(Kind::Subscriber.read(""), None);
    }
}

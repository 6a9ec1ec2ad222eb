//! What we ask the Application Server, and how it is written.

use std::fmt;
use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::domain::ocip::OCI;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::INSTANCE;
use crate::domain::xsi::codec::names;

/// Bytes of the largest text in a request. User ids have at most 161 characters, login tokens are
/// opaque; a longer one came from somebody who tries things.
pub const TEXT: usize = 8 * 1024;

/// The kinds of requests; a kind's word is the `request` label and the log field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// `UserServiceGetAssignmentListRequest`.
    AssignedServices,
    /// `AuthenticationRequest`: the nonce of a login.
    Authentication,
    /// `UserBusyLampFieldGetRequest`.
    BusyLampField,
    /// `SystemClientIdentityGetListRequest`.
    ClientIdentities,
    /// `ExternalAuthenticationCreateLoginTokenRequest`.
    CreateLoginToken,
    /// `GroupIntegratedIMPGetRequest`: which messaging server a group uses.
    GroupMessaging,
    /// `UserIntegratedIMPGetRequest`.
    IntegratedImp,
    /// `LoginRequest14sp4`.
    LoginDigest,
    /// `UserGetLoginInfoRequest`.
    LoginInfo,
    /// `LoginRequest22V5`.
    LoginPassword,
    /// `LogoutRequest`.
    Logout,
    /// `ResellerIntegratedIMPGetRequest`: which messaging server a reseller uses.
    ResellerMessaging,
    /// `LongLivedTokenRevokeRequest`.
    RevokeTokens,
    /// `UserServiceIsAssignedRequest`.
    ServiceAssigned,
    /// `ServiceProviderGetRequest`.
    ServiceProvider,
    /// `ServiceProviderIntegratedIMPGetRequest`: which messaging server a service provider uses.
    ServiceProviderMessaging,
    /// `SystemSoftwareVersionGetRequest`.
    SoftwareVersion,
    /// `SystemBroadCloudGetRequest`: which messaging server the system uses.
    SystemMessaging,
    /// `UserGetRequest`.
    User,
    /// `UserGetListInGroupRequest`.
    UsersInGroup,
    /// `UserGetListInServiceProviderRequest`.
    UsersInServiceProvider,
    /// `AuthenticationVerifyRequest`.
    Verify,
}

impl RequestKind {
    /// Every kind, so that each series exists from the start.
    pub const ALL: [Self; 22] = [
        Self::AssignedServices,
        Self::Authentication,
        Self::BusyLampField,
        Self::ClientIdentities,
        Self::CreateLoginToken,
        Self::GroupMessaging,
        Self::IntegratedImp,
        Self::LoginDigest,
        Self::LoginInfo,
        Self::LoginPassword,
        Self::Logout,
        Self::ResellerMessaging,
        Self::RevokeTokens,
        Self::ServiceAssigned,
        Self::ServiceProvider,
        Self::ServiceProviderMessaging,
        Self::SoftwareVersion,
        Self::SystemMessaging,
        Self::User,
        Self::UsersInGroup,
        Self::UsersInServiceProvider,
        Self::Verify,
    ];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssignedServices => "assigned-services",
            Self::Authentication => "authentication",
            Self::BusyLampField => "busy-lamp-field",
            Self::ClientIdentities => "client-identities",
            Self::CreateLoginToken => "create-login-token",
            Self::GroupMessaging => "group-messaging",
            Self::IntegratedImp => "integrated-imp",
            Self::LoginDigest => "login-digest",
            Self::LoginInfo => "login-info",
            Self::LoginPassword => "login-password",
            Self::Logout => "logout",
            Self::ResellerMessaging => "reseller-messaging",
            Self::RevokeTokens => "revoke-tokens",
            Self::ServiceAssigned => "service-assigned",
            Self::ServiceProvider => "service-provider",
            Self::ServiceProviderMessaging => "service-provider-messaging",
            Self::SoftwareVersion => "software-version",
            Self::SystemMessaging => "system-messaging",
            Self::User => "user",
            Self::UsersInGroup => "users-in-group",
            Self::UsersInServiceProvider => "users-in-service-provider",
            Self::Verify => "verify",
        }
    }

    /// The names of the request, the newest first. Each release adds forms and keeps the old
    /// ones; what we read of the answers is in all of them.
    #[must_use]
    pub const fn versions(self) -> &'static [&'static str] {
        match self {
            Self::AssignedServices => &["UserServiceGetAssignmentListRequest"],
            Self::Authentication => &["AuthenticationRequest"],
            Self::BusyLampField => &["UserBusyLampFieldGetRequest16sp2"],
            Self::ClientIdentities => &["SystemClientIdentityGetListRequest"],
            Self::CreateLoginToken => &["ExternalAuthenticationCreateLoginTokenRequest"],
            Self::GroupMessaging => &[
                "GroupIntegratedIMPGetRequest23",
                "GroupIntegratedIMPGetRequest22",
            ],
            Self::IntegratedImp => &["UserIntegratedIMPGetRequest21sp1"],
            Self::LoginDigest => &["LoginRequest14sp4"],
            Self::LoginInfo => &["UserGetLoginInfoRequestRI", "UserGetLoginInfoRequest22V4"],
            Self::LoginPassword => &["LoginRequest22V5"],
            Self::Logout => &["LogoutRequest"],
            Self::ResellerMessaging => &["ResellerIntegratedIMPGetRequest22"],
            Self::RevokeTokens => &["LongLivedTokenRevokeRequest"],
            Self::ServiceAssigned => &["UserServiceIsAssignedRequest"],
            Self::ServiceProvider => &[
                "ServiceProviderGetRequest22V4",
                "ServiceProviderGetRequest17sp1",
            ],
            Self::ServiceProviderMessaging => &[
                "ServiceProviderIntegratedIMPGetRequest22",
                "ServiceProviderIntegratedIMPGetRequest21sp1",
            ],
            Self::SoftwareVersion => &["SystemSoftwareVersionGetRequest"],
            Self::SystemMessaging => {
                &["SystemBroadCloudGetRequest22", "SystemBroadCloudGetRequest"]
            }
            Self::User => &[
                "UserGetRequest23V2",
                "UserGetRequest22",
                "UserGetRequest21sp1",
                "UserGetRequest20",
                "UserGetRequest19",
            ],
            Self::UsersInGroup => &["UserGetListInGroupRequest"],
            Self::UsersInServiceProvider => &["UserGetListInServiceProviderRequest"],
            Self::Verify => &["AuthenticationVerifyRequest22V4"],
        }
    }
}

/// A request. Its texts are wiped when it is dropped and never print.
#[derive(Clone)]
pub struct Request {
    kind: RequestKind,
    fields: Vec<(&'static str, Zeroizing<String>)>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Why a text cannot be sent. The Application Server would have read another one, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// A character that no XML document may hold.
    #[error("a text holds a character that XML cannot carry")]
    Character,
    /// Nothing but white space: a revocation for the user "" could be taken as one for all.
    #[error("a text is empty")]
    Empty,
    /// More than [`TEXT`] bytes.
    #[error("a text is too long")]
    Size,
}

impl Request {
    /// A request with these elements in the order of the schema.
    ///
    /// # Errors
    /// The first text that cannot be sent.
    pub fn new(kind: RequestKind, fields: &[(&'static str, &str)]) -> Result<Self, Unsendable> {
        let fields = fields.iter().map(|(name, text)| {
            if text.len() > TEXT {
                Err(Unsendable::Size)
            } else if !text.chars().all(names::is_char) {
                Err(Unsendable::Character)
            } else if text.trim().is_empty() {
                Err(Unsendable::Empty)
            } else {
                Ok((*name, Zeroizing::new((*text).to_owned())))
            }
        });
        Ok(Self {
            kind,
            fields: fields.collect::<Result<_, _>>()?,
        })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        self.kind
    }

    /// The whole message in ISO-8859-1; other characters go as references. `version` counts from
    /// the newest form; past the oldest it stays there.
    #[must_use]
    pub fn write(&self, session: &str, version: usize) -> Zeroizing<Vec<u8>> {
        // Enough for every character as a reference: no copy of a secret is left by growing.
        let texts: usize = self
            .fields
            .iter()
            .map(|(name, text)| 2 * name.len() + 12 * text.len() + 16)
            .sum();
        let mut out = Zeroizing::new(String::with_capacity(
            HEAD_ROOM + session.len() * 12 + texts,
        ));
        out.push_str(r#"<?xml version="1.0" encoding="ISO-8859-1"?>"#);
        out.push_str("\n<BroadsoftDocument protocol=\"OCI\" xmlns=\"");
        out.push_str(OCI);
        out.push_str("\" xmlns:xsi=\"");
        out.push_str(INSTANCE);
        out.push_str("\"><sessionId xmlns=\"\">");
        escape(&mut out, session);
        out.push_str("</sessionId><command xsi:type=\"");
        out.push_str(self.name(version));
        out.push_str("\" xmlns=\"\">");
        for (name, text) in &self.fields {
            out.push('<');
            out.push_str(name);
            out.push('>');
            escape(&mut out, text);
            out.push_str("</");
            out.push_str(name);
            out.push('>');
        }
        out.push_str("</command></BroadsoftDocument>\n");
        // Only ISO-8859-1 characters were written, whose numbers are their bytes.
        let bytes = out
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'));
        let mut encoded = Zeroizing::new(Vec::with_capacity(out.len()));
        encoded.extend(bytes);
        encoded
    }

    /// Whether asking twice does what asking once does. A password that is tried twice counts
    /// twice towards the lockout of its user.
    #[must_use]
    pub const fn may_repeat(&self) -> bool {
        !matches!(
            self.kind,
            RequestKind::LoginDigest | RequestKind::LoginPassword | RequestKind::Verify
        )
    }

    /// The name of a form.
    #[must_use]
    pub fn name(&self, version: usize) -> &'static str {
        let versions = self.kind.versions();
        let last = versions.len().saturating_sub(1);
        versions.get(version.min(last)).copied().unwrap_or_default()
    }
}

/// Bytes of a message without its texts.
const HEAD_ROOM: usize = 512;

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A bare return would come back as a line feed (XML 1.0 section 2.11).
            '\r' => out.push_str("&#13;"),
            // ISO-8859-1 has the C1 controls, but who means windows-1252 reads something else.
            '\u{80}'..='\u{9f}' => refer(out, c),
            _ if Encoding::Latin1.has(c) => out.push(c),
            _ => refer(out, c),
        }
    }
}

fn refer(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    write!(out, "&#{};", u32::from(c)).ok();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use crate::domain::ocip::framing::Framer;
    use crate::domain::xsi::codec::parse_xml;

    fn written(request: &Request) -> String {
        String::from_utf8(request.write("s-1", 0).to_vec()).unwrap()
    }

    #[test]
    fn a_request_is_written_as_the_samples_are() {
        let fields = [("userId", "alice@as.example.net"), ("password", "a<b&c>d")];
        let request = Request::new(RequestKind::Verify, &fields).unwrap();
        assert_eq!(
            written(&request),
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n\
             <BroadsoftDocument protocol=\"OCI\" xmlns=\"C\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <sessionId xmlns=\"\">s-1</sessionId>\
             <command xsi:type=\"AuthenticationVerifyRequest22V4\" xmlns=\"\">\
             <userId>alice@as.example.net</userId><password>a&lt;b&amp;c&gt;d</password>\
             </command></BroadsoftDocument>\n"
        );
    }

    #[test]
    fn characters_beyond_the_encoding_are_references() {
        let request = Request::new(RequestKind::User, &[("userId", "zoë€\u{85}😀\r")]).unwrap();
        let bytes = request.write("s", 0);
        let text: Vec<u8> = b"zo\xeb&#8364;&#133;&#128512;&#13;".to_vec();
        assert!(bytes.windows(text.len()).any(|part| part == text));
    }

    #[test]
    fn texts_that_the_server_would_read_otherwise_are_not_sent() {
        let refusal =
            |text: &str| Request::new(RequestKind::RevokeTokens, &[("userId", text)]).err();
        assert_eq!(refusal("a\0b"), Some(Unsendable::Character));
        assert_eq!(refusal("a\u{ffff}"), Some(Unsendable::Character));
        assert_eq!(refusal(""), Some(Unsendable::Empty));
        assert_eq!(refusal(" \n"), Some(Unsendable::Empty));
        assert_eq!(refusal(&"x".repeat(TEXT + 1)), Some(Unsendable::Size));
        assert_eq!(refusal("alice"), None);
    }

    #[test]
    fn a_request_does_not_print_its_texts() {
        let request = Request::new(RequestKind::Verify, &[("password", "hunter2")]).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn every_kind_stands_at_its_own_place_in_the_list() {
        for (place, kind) in RequestKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{}", kind.as_str());
        }
    }

    #[test]
    fn the_oldest_form_is_the_last() {
        let request = Request::new(RequestKind::User, &[("userId", "a")]).unwrap();
        assert_eq!(request.name(0), "UserGetRequest23V2");
        assert_eq!(request.name(99), "UserGetRequest19");
    }

    proptest! {
        #[test]
        fn what_is_written_is_one_message_that_says_the_same(text in "\\PC{0,30}[\\r\\n\\t<&]{0,3}\\PC{1,30}") {
            let Ok(request) = Request::new(RequestKind::User, &[("userId", &text)]) else {
                return Ok(());
            };
            let bytes = request.write(&text, 0);
            let mut framer = Framer::default();
            framer.push(&bytes);
            let message = framer.message().unwrap().unwrap();
            prop_assert!(framer.is_empty());
            let document = parse_xml(&message, bytes.len(), None).unwrap();
            let command = document.root().child("command").unwrap();
            prop_assert_eq!(command.child("userId").unwrap().text(), &text);
            prop_assert_eq!(document.root().child("sessionId").unwrap().text(), &text);
        }
    }
}

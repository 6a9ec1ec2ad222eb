//! What the answers tell.

mod assigned;
mod table;

use std::time::Duration;

use crate::domain::ocip::BadAnswer;
use crate::domain::ocip::facts::table::column;
use crate::domain::xsi::codec::Element;

pub use assigned::AssignedServices;
pub use assigned::ListedUser;
pub use assigned::MessagingServer;
pub use assigned::is_assigned;
pub use assigned::listed_users;
pub use table::USERS;

/// Lockout that the Application Server gives no end of.
const LOCKED_WITHOUT_END: Duration = Duration::from_secs(3600);

/// A user who proved to be one (`AuthenticationVerifyResponse22V4`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The user id as the Application Server has it: the login may have been a number or an
    /// alternate id.
    pub user_id: String,
    /// `User`, `Group`, `Service Provider`, `System` and so on.
    pub login_type: String,
    /// Tokens issued before are revoked; milliseconds since 1970.
    pub token_revocation_ms: Option<i64>,
    /// The group of a user.
    pub group_id: Option<String>,
    /// The service provider or enterprise.
    pub service_provider_id: Option<String>,
    /// Whether that is an enterprise.
    pub is_enterprise: bool,
    /// Days until the password ends.
    pub password_expires_days: Option<i32>,
    /// The primary number.
    pub phone_number: Option<String>,
    /// The reseller of the service provider.
    pub reseller_id: Option<String>,
}

impl Verified {
    /// # Errors
    /// [`BadAnswer`] when something that decides is missing or malformed.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        Ok(Self {
            user_id: user_id(command)?,
            login_type: required(command, "loginType")?,
            token_revocation_ms: number(command, "tokenRevocationTime")?,
            group_id: optional(command, "groupId"),
            service_provider_id: optional(command, "serviceProviderId"),
            is_enterprise: flag(command, "isEnterprise")?,
            password_expires_days: number(command, "passwordExpiresDays")?,
            phone_number: optional(command, "phoneNumber"),
            reseller_id: optional(command, "resellerId"),
        })
    }
}

/// What decides about a user's tokens (`UserGetLoginInfoResponseRI`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginInfo {
    /// The user id as the Application Server has it.
    pub user_id: String,
    /// As in [`Verified::login_type`].
    pub login_type: String,
    /// Tokens issued before are revoked; milliseconds since 1970.
    pub token_revocation_ms: Option<i64>,
    /// How long the user stays locked out; `None` when not. Older forms do not tell.
    pub locked_for: Option<Duration>,
    /// The group.
    pub group_id: Option<String>,
    /// The service provider or enterprise.
    pub service_provider_id: Option<String>,
    /// Whether that is an enterprise.
    pub is_enterprise: bool,
}

impl LoginInfo {
    /// # Errors
    /// As [`Verified::read`].
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        Ok(Self {
            user_id: user_id(command)?,
            login_type: required(command, "loginType")?,
            token_revocation_ms: number(command, "tokenRevocationTime")?,
            locked_for: number(command, "lockoutPeriodExpiry")?.and_then(locked_for),
            group_id: optional(command, "groupId"),
            service_provider_id: optional(command, "serviceProviderId"),
            is_enterprise: flag(command, "isEnterprise")?,
        })
    }
}

/// Minutes until a locked user is let in again; none left means not locked.
fn locked_for(minutes: i64) -> Option<Duration> {
    match u64::try_from(minutes) {
        Ok(0) => None,
        Ok(minutes) => Some(Duration::from_secs(minutes.saturating_mul(60))),
        Err(_negative) => Some(LOCKED_WITHOUT_END),
    }
}

/// A single sign-on token; it stands in for a password, so it does not print.
#[derive(Clone)]
pub struct LoginToken(zeroize::Zeroizing<String>);

impl LoginToken {
    /// # Errors
    /// [`BadAnswer`] without one.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        required(command, "loginToken").map(|token| Self(zeroize::Zeroizing::new(token)))
    }

    /// The token, for the one header that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A user (`UserGetResponse…`), as far as all its forms agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetails {
    /// The service provider or enterprise.
    pub service_provider_id: String,
    /// The group.
    pub group_id: String,
    /// As the Application Server has it; forms before 22 do not repeat it.
    pub user_id: Option<String>,
    /// Family name.
    pub last_name: String,
    /// Given name.
    pub first_name: String,
    /// The primary number.
    pub phone_number: Option<String>,
    /// The extension.
    pub extension: Option<String>,
    /// The e-mail address.
    pub email_address: Option<String>,
    /// The id for messaging and presence.
    pub imp_id: Option<String>,
    /// Other ids that sign in as this user.
    pub alternate_user_ids: Vec<String>,
    /// The mobile number.
    pub mobile_phone_number: Option<String>,
    /// A language by the Application Server's own name of it, as `English`.
    pub language: Option<String>,
    /// Olson name.
    pub time_zone: Option<String>,
    /// A shared device's user; forms before 23V2 do not tell.
    pub is_place: bool,
    /// Whether the primary endpoint is a trunk. The element may be there with nothing in it.
    pub on_trunk: bool,
    /// The reseller; forms before 23V2 do not tell.
    pub reseller_id: Option<String>,
}

impl UserDetails {
    /// # Errors
    /// [`BadAnswer`] when something that every form has is missing.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        let alternates = command.children_named("alternateUserId");
        Ok(Self {
            service_provider_id: required(command, "serviceProviderId")?,
            group_id: required(command, "groupId")?,
            user_id: optional(command, "userId"),
            last_name: required(command, "lastName")?,
            first_name: required(command, "firstName")?,
            phone_number: optional(command, "phoneNumber"),
            extension: optional(command, "extension"),
            email_address: optional(command, "emailAddress"),
            imp_id: optional(command, "impId"),
            alternate_user_ids: alternates
                .filter_map(|entry| optional(entry, "alternateUserId"))
                .collect(),
            mobile_phone_number: optional(command, "mobilePhoneNumber"),
            language: optional(command, "language"),
            time_zone: optional(command, "timeZone"),
            is_place: flag_or_false(command, "isPlace")?,
            on_trunk: command
                .child("trunkAddressing")
                .is_some_and(|trunk| !trunk.is_nil()),
            reseller_id: optional(command, "resellerId"),
        })
    }
}

/// The Integrated IMP service of a user (`UserIntegratedIMPGetResponse21sp1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegratedImp {
    /// Whether it is on.
    pub is_active: bool,
    /// The id for messaging and presence.
    pub imp_id: Option<String>,
}

impl IntegratedImp {
    /// # Errors
    /// [`BadAnswer`] without `isActive`.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        Ok(Self {
            is_active: flag(command, "isActive")?,
            imp_id: optional(command, "impId"),
        })
    }
}

/// The busy lamp field of a user (`UserBusyLampFieldGetResponse16sp2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusyLampField {
    /// The list that phones subscribe to.
    pub list_uri: Option<String>,
    /// Whether parked calls are told.
    pub call_park_notification: bool,
    /// User ids that are watched, in order.
    pub monitored: Vec<String>,
}

impl BusyLampField {
    /// # Errors
    /// [`BadAnswer`] when the table or its user ids are missing.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        Ok(Self {
            list_uri: optional(command, "listURI"),
            call_park_notification: flag(command, "enableCallParkNotification")?,
            monitored: column(command, "monitoredUserTable", "User Id")?,
        })
    }
}

/// A service provider or enterprise (`ServiceProviderGetResponse…`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Whether it is an enterprise; absent means no.
    pub is_enterprise: bool,
    /// Its domain.
    pub default_domain: String,
    /// Its name.
    pub name: Option<String>,
    /// Its reseller.
    pub reseller_id: Option<String>,
}

impl ServiceProvider {
    /// # Errors
    /// [`BadAnswer`] without a domain.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        Ok(Self {
            is_enterprise: flag_or_false(command, "isEnterprise")?,
            default_domain: required(command, "defaultDomain")?,
            name: optional(command, "serviceProviderName"),
            reseller_id: optional(command, "resellerId"),
        })
    }
}

/// The nonce of `AuthenticationResponse`.
///
/// # Errors
/// [`BadAnswer`] without one.
pub fn nonce(command: &Element) -> Result<String, BadAnswer> {
    required(command, "nonce")
}

/// The names of the AS's `ClientIdentity` list (`SystemClientIdentityGetListResponse`).
///
/// # Errors
/// [`BadAnswer`] without the table.
pub fn client_identities(command: &Element) -> Result<Vec<String>, BadAnswer> {
    column(command, "clientIdentityTable", "Client Identity")
}

/// The version of the Application Server (`SystemSoftwareVersionGetResponse`).
///
/// # Errors
/// [`BadAnswer`] without one.
pub fn software_version(command: &Element) -> Result<String, BadAnswer> {
    required(command, "version")
}

/// The one text that decides who somebody is. UTF-8 under another label would name a user that
/// does not exist, or another one.
fn user_id(command: &Element) -> Result<String, BadAnswer> {
    let id = required(command, "userId")?;
    let bytes: Result<Vec<u8>, _> = id.chars().map(|c| u8::try_from(u32::from(c))).collect();
    let mislabelled = |bytes: Vec<u8>| std::str::from_utf8(&bytes).is_ok();
    if !id.is_ascii() && bytes.is_ok_and(mislabelled) {
        return Err(BadAnswer::Encoding("userId"));
    }
    Ok(id)
}

fn optional(element: &Element, name: &'static str) -> Option<String> {
    let child = element.child(name).filter(|child| !child.is_nil())?;
    Some(child.text().trim().to_owned()).filter(|text| !text.is_empty())
}

fn required(element: &Element, name: &'static str) -> Result<String, BadAnswer> {
    optional(element, name).ok_or(BadAnswer::Missing(name))
}

fn flag(element: &Element, name: &'static str) -> Result<bool, BadAnswer> {
    match required(element, name)?.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(BadAnswer::Malformed(name)),
    }
}

/// A flag that may be absent, which says no.
fn flag_or_false(element: &Element, name: &'static str) -> Result<bool, BadAnswer> {
    match element.child(name).filter(|child| !child.is_nil()) {
        Some(_) => flag(element, name),
        None => Ok(false),
    }
}

/// A number that may be absent but not malformed: a revocation that we cannot read is none that
/// we may pass over.
fn number<N: std::str::FromStr>(
    element: &Element,
    name: &'static str,
) -> Result<Option<N>, BadAnswer> {
    let Some(child) = element.child(name).filter(|child| !child.is_nil()) else {
        return Ok(None);
    };
    let number = child.text().trim().parse();
    number.map(Some).map_err(|_| BadAnswer::Malformed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified() -> Element {
        Element::new("command")
            .with_leaf("loginType", "User")
            .with_leaf("locale", "en_US")
            .with_leaf("encoding", "ISO-8859-1")
            .with_leaf("groupId", "sales")
            .with_leaf("serviceProviderId", "acme")
            .with_leaf("isEnterprise", "true")
            .with_leaf("somethingNew", "1")
            .with_leaf("userId", " alice@as.example.net ")
            .with_leaf("tokenRevocationTime", "1616017564343")
    }

    #[test]
    fn a_verified_user_is_read_and_unknown_elements_are_passed_over() {
        let facts = Verified::read(&verified()).unwrap();
        assert_eq!(facts.user_id, "alice@as.example.net");
        assert_eq!(facts.token_revocation_ms, Some(1_616_017_564_343));
        assert_eq!(facts.group_id.as_deref(), Some("sales"));
        assert!(facts.is_enterprise);
        assert_eq!(facts.password_expires_days, None);
    }

    #[test]
    fn an_answer_that_does_not_say_who_proves_nothing() {
        let without = |name: &str, value: Option<&str>| {
            let fields = verified().children().to_vec();
            let kept = fields.into_iter().filter(|field| field.local() != name);
            let command = Element::new("command").with_all(kept);
            Verified::read(&command.with_some(name, value)).unwrap_err()
        };
        assert_eq!(without("userId", None), BadAnswer::Missing("userId"));
        assert_eq!(without("userId", Some(" ")), BadAnswer::Missing("userId"));
        assert_eq!(
            without("isEnterprise", Some("yes")),
            BadAnswer::Malformed("isEnterprise")
        );
        let revocation = "tokenRevocationTime";
        assert_eq!(
            without(revocation, Some("soon")),
            BadAnswer::Malformed(revocation)
        );
        assert_eq!(
            without(revocation, Some("")),
            BadAnswer::Malformed(revocation)
        );
    }

    #[test]
    fn a_user_id_in_the_wrong_encoding_names_nobody() {
        let read = |id: &str| {
            let command = Element::new("command").with_leaf("userId", id);
            user_id(&command)
        };
        // "zoë" in UTF-8, read as ISO-8859-1.
        assert_eq!(read("zo\u{c3}\u{ab}"), Err(BadAnswer::Encoding("userId")));
        assert_eq!(read("zoë").unwrap(), "zoë");
        assert_eq!(read("zoë€").unwrap(), "zoë€");
        assert_eq!(read("alice").unwrap(), "alice");
    }

    #[test]
    fn a_lockout_is_told_in_minutes() {
        for (written, locked) in [
            (None, None),
            (Some("0"), None),
            (Some("15"), Some(Duration::from_secs(900))),
            (Some("-1"), Some(LOCKED_WITHOUT_END)),
        ] {
            let command = verified().with_some("lockoutPeriodExpiry", written);
            assert_eq!(LoginInfo::read(&command).unwrap().locked_for, locked);
        }
        let command = verified().with_leaf("lockoutPeriodExpiry", "x");
        assert!(LoginInfo::read(&command).is_err());
    }

    fn table(name: &str, headings: &[&str], rows: &[&[&str]]) -> Element {
        let headings = headings
            .iter()
            .map(|text| Element::leaf("colHeading", *text));
        let rows = rows.iter().map(|row| {
            Element::new("row").with_all(row.iter().map(|text| Element::leaf("col", *text)))
        });
        Element::new(name).with_all(headings).with_all(rows)
    }

    #[test]
    fn tables_are_read_by_their_headings() {
        let watched = table(
            "monitoredUserTable",
            &["Last Name", "User Id", "First Name"],
            &[
                &["B", "bob@x", "B"],
                &["C"],
                &["D", "", "D"],
                &["E", "eve@x", "E"],
            ],
        );
        let command = Element::new("command")
            .with_leaf("enableCallParkNotification", "false")
            .with(watched);
        let facts = BusyLampField::read(&command).unwrap();
        assert_eq!(facts.monitored, ["bob@x", "eve@x"]);
        let identities = table(
            "clientIdentityTable",
            &["Client Identity"],
            &[&["a"], &["b"]],
        );
        let command = Element::new("command").with(identities);
        assert_eq!(client_identities(&command).unwrap(), ["a", "b"]);
        let other = table("clientIdentityTable", &["Name"], &[]);
        let missing = client_identities(&Element::new("command").with(other));
        assert_eq!(missing, Err(BadAnswer::Missing("Client Identity")));
    }

    #[test]
    fn a_user_on_a_trunk_is_told_by_the_element_alone() {
        let user = |endpoint: Element| {
            let command = Element::new("command")
                .with_leaf("serviceProviderId", "sp1")
                .with_leaf("groupId", "g")
                .with_leaf("lastName", "A")
                .with_leaf("firstName", "B")
                .with_leaf("mobilePhoneNumber", "+1-2405550901")
                .with_leaf("isPlace", "true")
                .with(endpoint);
            UserDetails::read(&command).unwrap()
        };
        let trunk = user(Element::new("trunkAddressing"));
        assert!(trunk.on_trunk && trunk.is_place);
        assert_eq!(trunk.mobile_phone_number.as_deref(), Some("+1-2405550901"));
        assert!(!user(Element::new("accessDeviceEndpoint")).on_trunk);
    }

    #[test]
    fn a_login_token_does_not_print() {
        let command = Element::new("command").with_leaf("loginToken", "s3cret");
        let token = LoginToken::read(&command).unwrap();
        assert_eq!(token.expose(), "s3cret");
        assert_eq!(format!("{token:?}"), "…");
    }
}

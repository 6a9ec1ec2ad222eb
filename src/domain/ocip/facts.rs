//! What the answers tell.

use std::time::Duration;

use crate::domain::ocip::BadAnswer;
use crate::domain::xsi::codec::Element;

/// Lockout that the Application Server gives no end of.
const LOCKED_WITHOUT_END: Duration = Duration::from_secs(3600);

/// Rows of a table that are kept. No busy lamp field list is that long; lists of users are asked
/// for with [`USERS`].
const ROWS: usize = 10_000;

/// Users of one list at most, which is what the Application Server is asked for.
pub const USERS: usize = ROWS;

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

/// What is assigned to a user (`UserServiceGetAssignmentListResponse`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignedServices {
    /// Names of the service packs.
    pub packs: Vec<String>,
    /// Names of the services, those out of packs included.
    pub services: Vec<String>,
}

impl AssignedServices {
    /// # Errors
    /// [`BadAnswer`] when a table or one of its columns is missing.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        Ok(Self {
            packs: assigned(command, "servicePacksAssignmentTable", "Service Pack Name")?,
            services: assigned(command, "userServicesAssignmentTable", "Service Name")?,
        })
    }

    /// Whether a service is assigned, by its name.
    #[must_use]
    pub fn has(&self, service: &str) -> bool {
        self.services
            .iter()
            .any(|held| held.eq_ignore_ascii_case(service))
    }
}

/// Whether a service is assigned (`UserServiceIsAssignedResponse`).
///
/// # Errors
/// [`BadAnswer`] without `isAssigned`.
pub fn is_assigned(command: &Element) -> Result<bool, BadAnswer> {
    flag(command, "isAssigned")
}

/// One user of a list (`UserGetListInGroupResponse`, `UserGetListInServiceProviderResponse`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The user id.
    pub user_id: String,
    /// The group; only lists of service providers tell.
    pub group_id: Option<String>,
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
    /// Whether the user is in a trunk group.
    pub in_trunk_group: bool,
}

/// The users of a list, in its order; at most [`USERS`]. As many as that, and there may be more.
///
/// # Errors
/// [`BadAnswer`] when the table or the column of the user ids is missing.
pub fn listed_users(command: &Element) -> Result<Vec<ListedUser>, BadAnswer> {
    let table = Table::read(command, "userTable")?;
    let id = table.column("User Id")?;
    let cell = |name| table.column(name).ok();
    let (group, last, first) = (cell("Group Id"), cell("Last Name"), cell("First Name"));
    let (phone, extension) = (cell("Phone Number"), cell("Extension"));
    let (email, trunk) = (cell("Email Address"), cell("In Trunk Group"));
    let users = table.rows().filter_map(|row| {
        let told = |place: Option<usize>| place.and_then(|place| row.cell(place));
        Some(ListedUser {
            user_id: row.cell(id)?,
            group_id: told(group),
            last_name: told(last).unwrap_or_default(),
            first_name: told(first).unwrap_or_default(),
            phone_number: told(phone),
            extension: told(extension),
            email_address: told(email),
            in_trunk_group: told(trunk).is_some_and(|text| text.eq_ignore_ascii_case("true")),
        })
    });
    Ok(users.collect())
}

/// Which messaging server a group, a service provider or the system uses
/// (`…IntegratedIMPGetResponse…`, `SystemBroadCloudGetResponse…`). The password is never told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessagingServer {
    /// Whether the one of the level above counts; the system has none above.
    pub inherited: bool,
    /// Its URL: where the Application Server sends who is to be provisioned.
    pub url: Option<String>,
    /// As whom the Application Server calls it.
    pub account: Option<String>,
}

impl MessagingServer {
    /// # Errors
    /// [`BadAnswer`] when a value is none.
    pub fn read(command: &Element) -> Result<Self, BadAnswer> {
        let inherited = [
            "useServiceProviderMessagingServer",
            "useSystemMessagingServer",
        ];
        let mut above = false;
        for name in inherited {
            above |= flag_or_false(command, name)?;
        }
        Ok(Self {
            inherited: above,
            url: optional(command, "provisioningUrl"),
            account: optional(command, "provisioningUserId"),
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

/// One column of a table, by its heading. Empty cells are left out.
fn column(
    command: &Element,
    table: &'static str,
    heading: &'static str,
) -> Result<Vec<String>, BadAnswer> {
    let table = Table::read(command, table)?;
    let place = table.column(heading)?;
    Ok(table.rows().filter_map(|row| row.cell(place)).collect())
}

/// The names of a table in whose column `Assigned` stands `true`.
fn assigned(
    command: &Element,
    table: &'static str,
    heading: &'static str,
) -> Result<Vec<String>, BadAnswer> {
    let table = Table::read(command, table)?;
    let (name, assigned) = (table.column(heading)?, table.column("Assigned")?);
    let names = table.rows().filter_map(|row| {
        let yes = row.cell(assigned)?.eq_ignore_ascii_case("true");
        row.cell(name).filter(|_| yes)
    });
    Ok(names.collect())
}

/// A table of the schema: headings, then rows with as many cells.
struct Table<'a>(&'a Element);

impl<'a> Table<'a> {
    fn read(command: &'a Element, name: &'static str) -> Result<Self, BadAnswer> {
        command
            .child(name)
            .map(Self)
            .ok_or(BadAnswer::Missing(name))
    }

    /// The place of a column by its heading, in any case.
    fn column(&self, heading: &'static str) -> Result<usize, BadAnswer> {
        self.0
            .children_named("colHeading")
            .position(|held| held.text().trim().eq_ignore_ascii_case(heading))
            .ok_or(BadAnswer::Missing(heading))
    }

    fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        self.0.children_named("row").take(ROWS).map(Row)
    }
}

struct Row<'a>(&'a Element);

impl Row<'_> {
    /// What stands in a column; `None` when that is nothing.
    fn cell(&self, place: usize) -> Option<String> {
        let cell = self.0.children_named("col").nth(place)?;
        Some(cell.text().trim().to_owned()).filter(|text| !text.is_empty())
    }
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
    fn what_is_assigned_is_what_the_column_says() {
        let packs = table(
            "servicePacksAssignmentTable",
            &["Service Pack Name", "Assigned", "Description"],
            &[&["Webex", "true", ""], &["Other", "false", ""]],
        );
        let services = table(
            "userServicesAssignmentTable",
            &["Assigned", "Service Name"],
            &[
                &["True", "Integrated IMP"],
                &["false", "Route List"],
                &["true"],
                &["", "Direct Route"],
            ],
        );
        let command = Element::new("command").with(packs).with(services);
        let facts = AssignedServices::read(&command).unwrap();
        assert_eq!(facts.packs, ["Webex"]);
        assert_eq!(facts.services, ["Integrated IMP"]);
        assert!(facts.has("integrated imp") && !facts.has("Route List"));
        let missing = AssignedServices::read(&Element::new("command"));
        let name = "servicePacksAssignmentTable";
        assert_eq!(missing, Err(BadAnswer::Missing(name)));
    }

    #[test]
    fn lists_of_users_are_read_with_and_without_groups() {
        let rows: &[&[&str]] = &[
            &["a@x", "g1", "A", "", "+1-2405550101", "0101", "true"],
            &["", "g1", "B", "", "", "", ""],
            &["c@x"],
        ];
        let headings = [
            "User Id",
            "Group Id",
            "Last Name",
            "First Name",
            "Phone Number",
            "Extension",
            "In Trunk Group",
        ];
        let command = Element::new("command").with(table("userTable", &headings, rows));
        let users = listed_users(&command).unwrap();
        assert_eq!(users.len(), 2);
        assert_eq!(users[0].group_id.as_deref(), Some("g1"));
        assert_eq!(users[0].extension.as_deref(), Some("0101"));
        assert!(users[0].in_trunk_group && !users[1].in_trunk_group);
        assert_eq!(users[1].user_id, "c@x");
        let without = table("userTable", &["Last Name"], &[]);
        let missing = listed_users(&Element::new("command").with(without));
        assert_eq!(missing, Err(BadAnswer::Missing("User Id")));
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
    fn a_messaging_server_is_own_or_inherited() {
        let read = |name: &str, text: &str| {
            let command = Element::new("command")
                .with_leaf(name, text)
                .with_leaf("provisioningUrl", "https://adapter.example/t/a");
            MessagingServer::read(&command)
        };
        let own = read("useServiceProviderMessagingServer", "false").unwrap();
        assert_eq!(own.url.as_deref(), Some("https://adapter.example/t/a"));
        assert!(!own.inherited);
        assert!(read("useSystemMessagingServer", "true").unwrap().inherited);
        assert!(read("useSystemMessagingServer", "maybe").is_err());
        assert!(!read("enableSynchronization", "true").unwrap().inherited);
    }

    #[test]
    fn a_login_token_does_not_print() {
        let command = Element::new("command").with_leaf("loginToken", "s3cret");
        let token = LoginToken::read(&command).unwrap();
        assert_eq!(token.expose(), "s3cret");
        assert_eq!(format!("{token:?}"), "…");
    }
}

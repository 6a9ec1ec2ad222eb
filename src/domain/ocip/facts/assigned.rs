//! What provisioning needs: services, lists of users, and where users are provisioned.

use crate::domain::ocip::BadAnswer;
use crate::domain::ocip::facts::flag;
use crate::domain::ocip::facts::flag_or_false;
use crate::domain::ocip::facts::optional;
use crate::domain::ocip::facts::table::Table;
use crate::domain::xsi::codec::Element;

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

/// The users of a list, in its order; at most [`super::USERS`]. As many as that, and there may be more.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}

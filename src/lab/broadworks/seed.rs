//! The directory that a fresh lab starts with. Names, numbers and domains are reserved for
//! examples; the passwords are public.

mod prospects;
mod providers;

use std::collections::BTreeMap;

use crate::lab::broadworks::directory::Administrator;
use crate::lab::broadworks::directory::CallLogEntry;
use crate::lab::broadworks::directory::Device;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::EnhancedLogEntry;
use crate::lab::broadworks::directory::LogKind;
use crate::lab::broadworks::directory::Provisioning;
use crate::lab::broadworks::directory::ProvisioningAdministrator;
use crate::lab::broadworks::directory::Registration;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::Settings;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::directory::VoiceMessage;
use crate::lab::broadworks::directory::full_id;
use crate::lab::broadworks::error::LabError;
use crate::lab::broadworks::ocip::credentials::sha1;
use crate::lab::broadworks::password::Passwords;
use crate::lab::broadworks::xsi::services::table;

pub use prospects::Prospect;

/// Portal password of every seeded user.
pub(super) const PASSWORD: &str = "Passw0rd!";

/// Voice portal passcode of every seeded user, for logins by number.
const PASSCODE: &str = "471147";

/// Password of the administrator.
pub(super) const ADMINISTRATOR_PASSWORD: &str = "Adm1n-Passw0rd!";

/// SIP password of every seeded user; the SIP user name is the part of the id before the `@`.
pub(super) const SIP_PASSWORD: &str = "S1p-Passw0rd!";

/// Administrator for programs that provision, over OCI-P only.
pub(super) const PROVISIONING_ID: &str = "xspd-ocip";

/// Its password.
pub(super) const PROVISIONING_PASSWORD: &str = "0cip-Passw0rd!";

/// One seeded user: id, first name, last name, provider, group, number (national, empty: none),
/// extension, department, title, mobile.
struct Person(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

/// Last names of `ent1` sort behind Desk, so that the first pages are the documented ones.
#[rustfmt::skip]
const PEOPLE: &[Person] = &[
    Person("alice@as.example.net", "Renée", "Example", "ent1", "hq", "2405550101", "0101", "Voice", Some("Engineer"), Some("2405550901")),
    Person("bob@as.example.net", "Bob", "Boss", "ent1", "hq", "2405550102", "0102", "Voice", None, None),
    Person("carol@as.example.net", "Carol", "Clerk", "ent1", "hq", "2405550103", "0103", "Voice", None, None),
    Person("dan@as.example.net", "Dan", "Desk", "ent1", "hq", "2405550104", "0104", "Voice", None, None),
    Person("juergen@as.example.net", "Jürgen", "Müller", "ent1", "hq", "2405550105", "0105", "Sales", Some("Account Manager"), Some("2405550905")),
    Person("inigo@as.example.net", "Íñigo", "Núñez", "ent1", "hq", "2405550106", "0106", "Sales", None, None),
    Person("lobby@as.example.net", "Lobby", "Phone", "ent1", "hq", "", "0107", "Facilities", None, None),
    Person("zoe@as.example.net", "Zoë", "Quist", "ent1", "branch", "2405550201", "0201", "Support", Some("Team Lead"), None),
    Person("tom@as.example.net", "Tom", "Ringer", "ent1", "branch", "2405550202", "0202", "Support", None, None),
    Person("uma@as.example.net", "Uma", "Sørensen", "ent1", "branch", "2405550203", "0203", "Support", None, Some("2405550923")),
    Person("ivy@customer.example.net", "Ivy", "Instance", "sp1", "customer", "3015550301", "301", "Front Office", None, None),
    Person("jack@customer.example.net", "Jack", "Jones", "sp1", "customer", "3015550302", "302", "Front Office", None, None),
    Person("noël@customer.example.net", "Noël", "Kowalski", "sp1", "customer", "3015550303", "303", "Back Office", None, None),
    Person("mia@other.example.net", "Mia", "Lone", "sp1", "other", "3015550401", "401", "All", None, None),
];

/// The seeded directory.
pub(super) fn directory(passwords: &Passwords) -> Result<Directory, LabError> {
    // One hash for all who share a password: the passwords are public, and a start stays quick.
    let password = passwords.hash(PASSWORD)?;
    let passcode = passwords.hash(PASSCODE)?;
    let users = PEOPLE.iter().map(|person| {
        let mut user = user(person, &password, &passcode);
        match person.0 {
            "alice@as.example.net" => alice(&mut user),
            "bob@as.example.net" => monitoring(&mut user, "bob", &["alice", "carol"]),
            "dan@as.example.net" => user.assigned.retain(|name| name != "Busy Lamp Field"),
            _ => {}
        }
        (user.id.to_lowercase(), user)
    });
    Ok(Directory {
        resellers: BTreeMap::new(),
        providers: providers::providers(),
        users: users.collect(),
        administrator: Administrator {
            id: "admin@as.example.net".to_owned(),
            password: passwords.hash(ADMINISTRATOR_PASSWORD)?,
        },
        provisioning: Provisioning::default(),
    })
}

/// Gives OCI-P what it needs to log in, in a fresh state and in one of an older lab alike.
pub(super) fn provisioning(
    directory: &mut Directory,
    passwords: &Passwords,
) -> Result<(), LabError> {
    prospects::add(directory, passwords)?;
    let held = &mut directory.provisioning;
    if held.sip_password.is_none() {
        held.sip_password = Some(passwords.hash(SIP_PASSWORD)?);
    }
    let administrator = directory.administrator.id.clone();
    for (id, password) in [
        (administrator.as_str(), ADMINISTRATOR_PASSWORD),
        (PROVISIONING_ID, PROVISIONING_PASSWORD),
    ] {
        let account = || ProvisioningAdministrator {
            password_sha1: sha1(password),
        };
        held.administrators
            .entry(full_id(id))
            .or_insert_with(account);
    }
    Ok(())
}

fn user(person: &Person, password: &str, passcode: &str) -> User {
    let Person(id, first, last, provider, group, number, extension, department, title, mobile) =
        person;
    let own = |text: &&str| (*text).to_owned();
    let (name, domain) = id.split_once('@').unwrap_or((id, ""));
    let email = match domain {
        "as.example.net" => format!("{name}@example.net"),
        other => format!("{name}@{other}"),
    };
    User {
        id: own(id),
        alternate_ids: vec![format!("{first}.{last}@alias.example.net").to_lowercase()],
        password: password.to_owned(),
        password_changed: false,
        passcode: passcode.to_owned(),
        service_provider: own(provider),
        group: own(group),
        first_name: own(first),
        last_name: own(last),
        number: (!number.is_empty()).then(|| format!("+1-{number}")),
        extension: Some(own(extension)),
        mobile: mobile.as_ref().map(own),
        email: Some(email.clone()),
        title: title.as_ref().map(own),
        location: title.is_some().then(|| group.to_uppercase()),
        department: Some(own(department)),
        imp_id: Some(email),
        assigned: table::SERVICES
            .iter()
            .map(|service| service.name.to_owned())
            .collect(),
        settings: BTreeMap::new(),
        anywhere: Vec::new(),
        personal: Vec::new(),
        call_logs: BTreeMap::new(),
        enhanced_logs: BTreeMap::new(),
        voice_messages: Vec::new(),
        devices: vec![device(
            name,
            domain,
            "wxt",
            "Business Communicator - PC",
            "bc-pc",
        )],
        registrations: Vec::new(),
        service_packs: Vec::new(),
        language: None,
        time_zone: None,
        on_trunk: false,
        is_place: false,
    }
}

/// Alice has everything that the wire samples show.
fn alice(user: &mut User) {
    monitoring(user, "alice", &["bob", "carol"]);
    user.settings.insert(
        "callforwardingalways".to_owned(),
        settings(&[("forwardToPhoneNumber", "tel:2405550199")]),
    );
    user.settings
        .insert("callwaiting".to_owned(), settings(&[("active", "true")]));
    user.anywhere.push(settings(&[
        ("phoneNumber", "+12405550901"),
        ("description", "Mobile"),
        ("active", "true"),
    ]));
    user.personal = providers::phones(&[("Dentist", "2405550601"), ("Garage", "2405550602")]);
    user.call_logs = call_logs();
    user.enhanced_logs = BTreeMap::from([(LogKind::Placed, vec![enhanced_entry()])]);
    user.voice_messages = vec![
        message(
            "6f1c2b7e-0c1d-4d57-9d0e-1a2b3c4d5e6f",
            7_800,
            false,
            1_767_225_600_112,
        ),
        message(
            "b2d0a7c4-7a55-4f6a-8d11-90aa12bb34cc",
            27_460,
            true,
            1_767_139_200_000,
        ),
    ];
    let mut computer = device(
        "alice",
        "as.example.net",
        "wxt",
        "Business Communicator - PC",
        "bc-pc",
    );
    computer.version = Some("bc-uc teams (windows)".to_owned());
    let mut mobile = device(
        "alice",
        "as.example.net",
        "mob",
        "Connect - Mobile",
        "connect-mobile",
    );
    mobile.name = "alice-mobile".to_owned();
    user.devices = vec![computer, mobile];
    user.registrations = registrations();
}

fn monitoring(user: &mut User, name: &str, watched: &[&str]) {
    let mut blf = settings(&[("listURI", &format!("{name}-blf@as.example.net"))]);
    let ids = watched
        .iter()
        .map(|name| Setting::Text(format!("{name}@as.example.net")));
    blf.insert("monitoredUserList".to_owned(), Setting::List(ids.collect()));
    user.settings.insert("busylampfield".to_owned(), blf);
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Setting::Text((*text).to_owned())))
        .collect()
}

fn call_logs() -> BTreeMap<LogKind, Vec<CallLogEntry>> {
    let entry = |id: &str, number: &str, name: &str| CallLogEntry {
        id: id.to_owned(),
        number: number.to_owned(),
        name: name.to_owned(),
        time: "2026-01-01T12:00:00.000+01:00".to_owned(),
    };
    BTreeMap::from([
        (
            LogKind::Placed,
            vec![
                entry("101", "2405550199", "Helpdesk"),
                entry("104", "0104", "Dan Desk"),
            ],
        ),
        (LogKind::Received, vec![entry("102", "0102", "Bob Boss")]),
        (LogKind::Missed, vec![entry("103", "0103", "Carol Clerk")]),
    ])
}

fn enhanced_entry() -> EnhancedLogEntry {
    let fields = [
        ("countryCode", "1"),
        ("callLogId", "12345"),
        ("callId", "337"),
        ("subscriberType", "User"),
        ("dialedNumber", "0102"),
        ("calledNumber", "0102"),
        ("callingAssertedNumber", "2405550101"),
        ("callingPresentationNumber", "0101"),
        ("callingPresentationNumberSource", "User"),
        ("callingPresentationName", "Renée Example"),
        ("callingPresentationIndicator", "Public"),
        ("calledGroupId", "hq"),
        ("connectedNumber", "0102"),
        ("connectedPresentationIndicator", "Public"),
        ("typeOfNetwork", "Private"),
        ("callCategory", "Private"),
        ("basicCallType", "Group"),
        ("time", "2026-01-01T12:00:00.000+01:00"),
        ("startTime", "1767225600112"),
        ("answerTime", "1767225604737"),
        ("releaseTime", "1767225664737"),
    ];
    EnhancedLogEntry {
        id: "12345".to_owned(),
        start: 1_767_225_600_112,
        fields: fields
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .to_vec(),
    }
}

fn message(id: &str, duration: u64, read: bool, time: i64) -> VoiceMessage {
    VoiceMessage {
        id: id.to_owned(),
        duration,
        name: "Bob Boss".to_owned(),
        user_id: Some("bob@as.example.net".to_owned()),
        address: "tel:0102".to_owned(),
        read,
        time,
        // A WAV file without a single sample.
        content: "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=".to_owned(),
    }
}

fn device(name: &str, domain: &str, suffix: &str, device_type: &str, directory: &str) -> Device {
    Device {
        name: format!("{name}-{suffix}"),
        device_type: device_type.to_owned(),
        line_port: format!("{name}_{suffix}@{domain}"),
        url: format!("https://dms.example.net:443/dms/{directory}/"),
        version: None,
        endpoint: "Shared Call Appearance".to_owned(),
    }
}

fn registrations() -> Vec<Registration> {
    let one = |endpoint: &str, contact: &str, end: &str, line: &str, agent: &str| Registration {
        endpoint: endpoint.to_owned(),
        uri: format!("sip:{line}@{contact}"),
        expiration: end.to_owned(),
        line_port: format!("{line}@as.example.net"),
        user_agent: agent.to_owned(),
    };
    vec![
        one(
            "Primary",
            "198.51.100.20:41106;transport=tls",
            "Wed Apr 07 06:24:51 EDT 2027",
            "alice_wxt",
            "bc-uc teams (windows)",
        ),
        one(
            "Shared Call Appearance",
            "198.51.100.21:5060",
            "Wed Apr 07 06:20:00 EDT 2027",
            "alice_desk",
            "PolycomVVX-VVX_400-UA/5.9",
        ),
    ]
}

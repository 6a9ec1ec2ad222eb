//! Users: their profile, instant messaging and busy lamp field.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::Settings;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::directory::digits;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::oci_table::table;
use crate::lab::broadworks::ocip::requests::table::UserForm;

/// `UserGetRequest`: what the versions have in common, and what each added.
pub(super) fn user(form: UserForm, user: &User, reseller: Option<&str>) -> Answer {
    let mut body = vec![
        Element::leaf("serviceProviderId", &user.service_provider),
        Element::leaf("groupId", &user.group),
    ];
    if form >= UserForm::R22 {
        body.push(Element::leaf("userId", &user.id));
    }
    for (last, first) in [
        ("lastName", "firstName"),
        ("callingLineIdLastName", "callingLineIdFirstName"),
    ] {
        body.push(Element::leaf(last, &user.last_name));
        body.push(Element::leaf(first, &user.first_name));
    }
    let number = user.number.as_deref();
    add(&mut body, "phoneNumber", number);
    add(&mut body, "extension", user.extension.as_deref());
    let plain = number.map(|number| format!("+{}", digits(number)));
    add(&mut body, "callingLineIdPhoneNumber", plain.as_deref());
    if let Some(department) = &user.department {
        body.push(
            Element::new("department")
                .attribute_of("type", "GroupDepartmentKey")
                .with_leaf("serviceProviderId", &user.service_provider)
                .with_leaf("groupId", &user.group)
                .with_leaf("name", department),
        );
        let path = format!("{department} ({})", user.group);
        body.push(Element::leaf("departmentFullPath", path));
    }
    let language = user.language.as_deref().unwrap_or("English");
    body.push(Element::leaf("language", language));
    let zone = user.time_zone.as_deref().unwrap_or("America/New_York");
    body.push(Element::leaf("timeZone", zone));
    let shown = match zone {
        "America/New_York" => "(GMT-05:00) (US) Eastern Time",
        other => other,
    };
    body.push(Element::leaf("timeZoneDisplayName", shown));
    body.push(Element::leaf("defaultAlias", &user.id));
    if user.on_trunk {
        body.push(Element::new("trunkAddressing"));
    }
    add(&mut body, "title", user.title.as_deref());
    add(&mut body, "mobilePhoneNumber", user.mobile.as_deref());
    add(&mut body, "emailAddress", user.email.as_deref());
    add(&mut body, "addressLocation", user.location.as_deref());
    body.push(Element::leaf("countryCode", "1"));
    if form >= UserForm::R19 {
        add(&mut body, "impId", user.imp_id.as_deref());
    }
    if form >= UserForm::R21sp1 {
        let alternate =
            |id: &String| Element::new("alternateUserId").with_leaf("alternateUserId", id);
        body.extend(user.alternate_ids.iter().map(alternate));
    }
    if form >= UserForm::R23V2 {
        body.push(Element::leaf("allowVideo", "true"));
        add(&mut body, "resellerId", reseller);
        body.push(Element::leaf("isPlace", user.is_place.to_string()));
    }
    let name = match form {
        UserForm::R17sp4 => "UserGetResponse17sp4",
        UserForm::R19 => "UserGetResponse19",
        UserForm::R20 => "UserGetResponse20",
        UserForm::R21sp1 => "UserGetResponse21sp1",
        UserForm::R22 => "UserGetResponse22",
        UserForm::R23V2 => "UserGetResponse23V2",
    };
    Answer::data(name, body)
}

fn add(body: &mut Vec<Element>, name: &str, text: Option<&str>) {
    body.extend(text.map(|text| Element::leaf(name, text)));
}

/// `UserIntegratedIMPGetRequest21sp1`.
pub(super) fn integrated_imp(user: &User) -> Result<Answer, Refusal> {
    let settings = assigned(user, "Integrated IMP", "integratedimp")?;
    let active = setting(settings, "active").is_none_or(|active| active == "true");
    let mut body = vec![Element::leaf("isActive", active.to_string())];
    add(&mut body, "impId", user.imp_id.as_deref());
    Ok(Answer::data("UserIntegratedIMPGetResponse21sp1", body))
}

/// `UserBusyLampFieldGetRequest16sp2`.
pub(super) fn busy_lamp_field(directory: &Directory, user: &User) -> Result<Answer, Refusal> {
    let settings = assigned(user, "Busy Lamp Field", "busylampfield")?;
    let mut body = Vec::new();
    add(&mut body, "listURI", setting(settings, "listURI"));
    body.push(Element::leaf("enableCallParkNotification", "false"));
    let list = settings.and_then(|settings| settings.get("monitoredUserList"));
    let ids = match list {
        Some(Setting::List(ids)) => ids.as_slice(),
        Some(Setting::Text(_) | Setting::Record(_)) | None => &[],
    };
    let watched = ids.iter().filter_map(|id| match id {
        Setting::Text(id) => directory.user(id),
        Setting::List(_) | Setting::Record(_) => None,
    });
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let row = |user: &User| {
        [
            user.id.clone(),
            user.last_name.clone(),
            user.first_name.clone(),
            String::new(),
            String::new(),
            own(&user.number),
            own(&user.extension),
            own(&user.department),
            own(&user.email),
            own(&user.imp_id),
            String::new(),
            "User".to_owned(),
        ]
    };
    body.push(table("monitoredUserTable", WATCHED, watched.map(row)));
    Ok(Answer::data("UserBusyLampFieldGetResponse16sp2", body))
}

const WATCHED: [&str; 12] = [
    "User Id",
    "Last Name",
    "First Name",
    "Hiragana Last Name",
    "Hiragana First Name",
    "Phone Number",
    "Extension",
    "Department",
    "Email Address",
    "IMP Id",
    "User External Id",
    "User Place Type",
];

/// The settings of a service that the user has.
fn assigned<'a>(
    user: &'a User,
    name: &'static str,
    path: &str,
) -> Result<Option<&'a Settings>, Refusal> {
    if user.has_service(name) {
        Ok(user.settings.get(path))
    } else {
        Err(Refusal::ServiceNotAssigned(name))
    }
}

fn setting<'a>(settings: Option<&'a Settings>, name: &str) -> Option<&'a str> {
    match settings?.get(name)? {
        Setting::Text(text) => Some(text),
        Setting::List(_) | Setting::Record(_) => None,
    }
}

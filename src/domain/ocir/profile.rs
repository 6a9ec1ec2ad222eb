//! From what OCI-P tells of a user to the profile that the engine compares.

use crate::domain::ocip::facts::UserDetails;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::profile::Profile;

/// Why a user has no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAProfile {
    /// An id that is none.
    #[error(transparent)]
    Name(#[from] NotAName),
}

/// The profile of a user. `asked` is the id that was asked about, for forms that repeat none.
///
/// # Errors
/// [`NotAProfile`] when an id is none.
pub fn profile(asked: &BwUserId, user: &UserDetails) -> Result<Profile, NotAProfile> {
    let id = match &user.user_id {
        // The primary id; the one that was asked about may be an alternate one.
        Some(id) => BwUserId::parse(id)?,
        None => asked.clone(),
    };
    Ok(Profile {
        user: id,
        sp: SpId::parse(&user.service_provider_id)?,
        group: Some(GroupId::parse(&user.group_id)?),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        email: user.email_address.clone(),
        phone: user.phone_number.as_deref().map(e164),
        mobile: user.mobile_phone_number.as_deref().map(e164),
        extension: user.extension.clone(),
        language: user.language.as_deref().and_then(language),
        timezone: user.time_zone.clone(),
        is_place: user.is_place,
    })
}

/// The profile that is held with what is told now, when something really differs. The language, the
/// time zone and the form of numbers are the template's rules' business.
#[must_use]
pub fn changed(held: &Profile, told: &Profile) -> Option<Profile> {
    let mut new = held.clone();
    new.sp.clone_from(&told.sp);
    new.group.clone_from(&told.group);
    new.first_name.clone_from(&told.first_name);
    new.last_name.clone_from(&told.last_name);
    new.extension.clone_from(&told.extension);
    for (kept, told) in [
        (&mut new.phone, &told.phone),
        (&mut new.mobile, &told.mobile),
    ] {
        if !is_same_number(kept.as_deref(), told.as_deref()) {
            kept.clone_from(told);
        }
    }
    let email = |email: &Option<String>| email.as_deref().map(str::to_lowercase);
    // A template that trusts no address may have left it out.
    if new.email.is_some() && email(&new.email) != email(&told.email) {
        new.email.clone_from(&told.email);
    }
    (new != *held).then_some(new)
}

/// Whether two numbers are one, with or without their country.
fn is_same_number(one: Option<&str>, other: Option<&str>) -> bool {
    let digits = |number: &str| {
        number
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    match (one.map(digits), other.map(digits)) {
        (None, None) => true,
        (Some(one), Some(other)) => one.ends_with(&other) || other.ends_with(&one),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// `+1-2405551212` as `+12405551212`. A number without `+` has no country; it stays as it is, but
/// for what only separates.
fn e164(number: &str) -> String {
    let digits = number.chars().filter(|c| matches!(c, '0'..='9' | '+'));
    digits.collect()
}

/// Languages that the Application Server ships, by their names; operators may add others under
/// names of their own, for which Webex's default counts.
fn language(name: &str) -> Option<String> {
    const KNOWN: [(&str, &str); 12] = [
        ("Danish", "da_DK"),
        ("Dutch", "nl_NL"),
        ("English", "en_US"),
        ("French", "fr_FR"),
        ("German", "de_DE"),
        ("Italian", "it_IT"),
        ("Japanese", "ja_JP"),
        ("Korean", "ko_KR"),
        ("Polish", "pl_PL"),
        ("Portuguese", "pt_BR"),
        ("Spanish", "es_ES"),
        ("Swedish", "sv_SE"),
    ];
    let mut known = KNOWN.iter();
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, code)| (*code).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details() -> UserDetails {
        UserDetails {
            service_provider_id: "sp1".to_owned(),
            group_id: "acme".to_owned(),
            user_id: Some("95547321@sp.example".to_owned()),
            last_name: "Andersen".to_owned(),
            first_name: "John".to_owned(),
            phone_number: Some("+1-2405551212".to_owned()),
            extension: Some("1212".to_owned()),
            email_address: Some("john@acme.example".to_owned()),
            imp_id: None,
            alternate_user_ids: Vec::new(),
            mobile_phone_number: Some("1 (818) 279-1234".to_owned()),
            language: Some("english".to_owned()),
            time_zone: Some("America/New_York".to_owned()),
            is_place: false,
            on_trunk: false,
            reseller_id: None,
        }
    }

    #[test]
    fn a_user_becomes_a_profile_under_the_primary_id() {
        let asked = BwUserId::parse("alias@sp.example").unwrap();
        let profile = profile(&asked, &details()).unwrap();
        assert_eq!(profile.user.as_str(), "95547321@sp.example");
        assert_eq!(profile.phone.as_deref(), Some("+12405551212"));
        assert_eq!(profile.mobile.as_deref(), Some("18182791234"));
        assert_eq!(profile.language.as_deref(), Some("en_US"));
        assert_eq!(profile.group.unwrap().as_str(), "acme");
    }

    #[test]
    fn what_only_looks_different_changes_nothing() {
        let asked = BwUserId::parse("a@b").unwrap();
        let told = profile(&asked, &details()).unwrap();
        let mut held = told.clone();
        held.mobile = Some("+18182791234".to_owned());
        held.language = Some("de_DE".to_owned());
        held.email = Some("JOHN@acme.example".to_owned());
        assert_eq!(changed(&held, &told), None);
        held.email = None;
        assert_eq!(changed(&held, &told), None, "not trusted");
        held.last_name = "Anderson".to_owned();
        held.phone = None;
        let new = changed(&held, &told).unwrap();
        assert_eq!(new.last_name, "Andersen");
        assert_eq!(new.phone.as_deref(), Some("+12405551212"));
        assert_eq!(new.language.as_deref(), Some("de_DE"));
    }

    #[test]
    fn what_the_application_server_does_not_tell_is_not_made_up() {
        let asked = BwUserId::parse("a@b").unwrap();
        let mut bare = details();
        bare.user_id = None;
        bare.language = Some("Klingon".to_owned());
        let made = profile(&asked, &bare).unwrap();
        assert_eq!((made.user.as_str(), made.language), ("a@b", None));
        bare.service_provider_id = "x".repeat(31);
        assert!(profile(&asked, &bare).is_err());
    }
}

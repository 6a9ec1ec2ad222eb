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

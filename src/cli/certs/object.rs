//! Names as the watch list and alarms have them, where a verb takes the name of a place: what is
//! copied from an alarm can be pasted behind any of them.

use crate::cli::admin::Door;
use crate::config::Config;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::place::PlaceProblem;
use crate::workers::cert_watch;

/// The place that is meant; what is no object of the watch list stays as it is.
pub(super) fn place(config: &Config, asked: &str) -> String {
    let is_place = place::find(config, asked).is_ok();
    let object = (!is_place).then(|| cert_watch::place_of(config, asked));
    object.flatten().unwrap_or_else(|| asked.to_owned())
}

/// The place of that name.
///
/// # Errors
/// When there is none; of a thing that is watched: that it is.
pub(super) fn find(config: &Config, asked: &str) -> Result<Place, PlaceProblem> {
    let found = place::find(config, &place(config, asked));
    found.map_err(|problem| match problem {
        PlaceProblem::Unknown { asked, places } => match cert_watch::only_watched(config, &asked) {
            Some(whose) => PlaceProblem::OnlyWatched {
                asked,
                whose,
                places,
            },
            None => PlaceProblem::Unknown { asked, places },
        },
        other => other,
    })
}

/// What `renew` is meant to renew: the name of an [[acme]], or a place.
pub(super) fn renewable(door: &Door, asked: &str) -> String {
    // Who goes on without one says what is wrong with it.
    let Ok(config) = door.config() else {
        return asked.to_owned();
    };
    renewed(&config, asked)
}

fn renewed(config: &Config, asked: &str) -> String {
    let is_acme = |name: &str| config.acme.iter().any(|acme| acme.name == name);
    if is_acme(asked) {
        return asked.to_owned();
    }
    // As alarms about renewals and accounts are called.
    let prefixes = ["acme account ", "acme "].into_iter();
    let mut named = prefixes.filter_map(|prefix| asked.strip_prefix(prefix));
    if let Some(name) = named.find(|name| is_acme(name)) {
        return name.to_owned();
    }
    let meant = place(config, asked);
    let chain_of = |name: &str| place::find(config, name).ok().map(|held| held.chain);
    let chain = chain_of(&meant);
    let by = config.acme.iter().find(|acme| {
        let mut places = acme.places.iter();
        chain.is_some() && places.any(|name| chain_of(name) == chain)
    });
    by.map_or(meant, |acme| acme.name.clone())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::from_text;
    use crate::domain::alarms::Whose;
    use crate::platform::clock;
    use crate::workers::cert_watch::scan;

    /// Two listeners with two hosts each, one of them with two certificates and one of an ACME, and
    /// a bridge.
    fn config(folder: &Path) -> Config {
        let path = folder.display();
        let pair = |name: &str| -> String {
            format!("{{ chain = \"{path}/{name}.pem\", key = \"file:{path}/{name}.key\" }}")
        };
        let text = format!(
            r#"
state-dir = "{path}/state"
[[pool]]
name = "xsp"
upstream = [{{ name = "one", url = "http://127.0.0.1:1" }}]
[[acme]]
name = "le"
directory = "https://127.0.0.1:1/directory"
terms-agreed = true
challenge = "dns-01"
dns-hook = "/usr/local/libexec/hook"
names = ["auto.example.com"]
for = ["public/auto.example.com"]
[[trust]]
name = "webex"
files = ["{path}/webex.pem"]
[[listener]]
name = "public"
addresses = ["127.0.0.1:0"]
routes = ["xsi-actions"]
[[listener.host]]
names = ["xsp.example.com", "other.example.com"]
certificates = [{}, {}]
[[listener.host]]
names = ["auto.example.com"]
certificates = [{}]
[[listener]]
name = "cti"
kind = "cti"
addresses = ["127.0.0.1:0"]
trust = "webex"
[[listener.host]]
names = ["cti.example.com"]
certificates = [{}]
[listener.bridge]
upstreams = ["127.0.0.1:8012"]
ca = "{path}/ca.pem"
client-certificate = {}
"#,
            pair("one"),
            pair("two"),
            pair("auto"),
            pair("cti"),
            pair("bridge"),
        );
        from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    #[test]
    fn every_certificate_of_ours_is_found_by_the_name_that_its_alarms_have() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let mut cache = scan::Cache::default();
        let scan = scan::files(&config, &[], &mut cache, clock::wall());
        let mut found = Vec::new();
        for sighting in scan.sightings {
            let watched = sighting.watched;
            if matches!(watched.whose, Some(Whose::Ours | Whose::Automatic)) {
                let object = watched.id.as_str();
                let place = place(&config, object);
                assert!(place::find(&config, &place).is_ok(), "{object}: {place}");
                let back = cert_watch::object_of(&config, &place);
                assert_eq!(back.as_deref(), Some(object));
                found.push((object.to_owned(), place));
            }
        }
        found.sort();
        let expected = [
            ("bridge client of cti", "cti/bridge"),
            ("listener cti cti.example.com", "cti/cti.example.com"),
            (
                "listener public auto.example.com",
                "public/auto.example.com",
            ),
            ("listener public xsp.example.com", "public/xsp.example.com"),
            (
                "listener public xsp.example.com #2",
                "public/xsp.example.com#2",
            ),
        ]
        .map(|(object, place)| (object.to_owned(), place.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_only_watched_is_not_called_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let text = format!(
            "state-dir = \"{0}\"\n[[certificate]]\nname = \"cucm-tomcat\"\nrole = \"server\"\n\
             files = [\"{0}/cucm.pem\"]\n[[certificate]]\nname = \"farm\"\nrole = \"server\"\n\
             files = [\"{0}/farm/*.pem\"]\n[[pool]]\nname = \"xsp\"\n\
             upstream = [{{ name = \"one\", url = \"http://127.0.0.1:1\" }}]\n\
             [[listener]]\nname = \"a\"\naddresses = [\"127.0.0.1:0\"]\nplaintext = true\n\
             [[listener.host]]\nnames = [\"*\"]\n",
            folder.path().display()
        );
        let other = from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        config.watched_certificates = other.watched_certificates;
        for (object, whose) in [
            ("cucm-tomcat", "elsewhere"),
            ("anchor 1234abcd of webex", "webex"),
        ] {
            let problem = find(&config, object).unwrap_err();
            assert!(matches!(problem, PlaceProblem::OnlyWatched { .. }));
            let said = problem.to_string();
            assert!(said.contains(&format!("(whose: {whose})")), "{said}");
            assert!(said.contains("cti/bridge"), "what can be renewed: {said}");
        }
        for object in ["cucm", "anchor 1234abcd of nobody"] {
            let problem = find(&config, object).unwrap_err();
            assert!(matches!(problem, PlaceProblem::Unknown { .. }), "{object}");
        }
        assert!(find(&config, "cti/bridge").is_ok());
    }

    #[test]
    fn what_renews_itself_is_renewed_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        for (asked, meant) in [
            ("le", "le"),
            ("acme le", "le"),
            ("acme account le", "le"),
            ("listener public auto.example.com", "le"),
            ("public/auto.example.com", "le"),
            ("bridge client of cti", "cti/bridge"),
            ("cti/bridge", "cti/bridge"),
            ("nobody", "nobody"),
        ] {
            assert_eq!(renewed(&config, asked), meant, "{asked}");
        }
    }
}

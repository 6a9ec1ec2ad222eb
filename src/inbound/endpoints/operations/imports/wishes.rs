//! Which wish a line of a file is, and which template it goes by.

use crate::domain::provisioning::csv::Action;
use crate::domain::provisioning::csv::ImportRow;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake;
use crate::domain::provisioning::intake::Code;
use crate::domain::provisioning::intake::Refusal;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::Source;
use crate::inbound::endpoints::operations::intake::fresh;
use crate::inbound::endpoints::operations::intake::refused;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::no_template;
use crate::inbound::endpoints::operations::refused::Refused;

/// Moves or removes a user whose template is known. Another one in its line is a mistake, unless it
/// is the one that can remove the user.
pub(super) fn of_known(
    row: &ImportRow,
    desired: &Desired,
    by: Option<&Policy>,
    settings: &Settings,
) -> Result<Wish, Refused> {
    let own = row.template.is_some();
    let mut wish = plain(row, desired.key.clone())?;
    wish.template = by.map(|policy| policy.template.clone());
    let goes_by = match row.action {
        Action::MovePackage | Action::Provision => Some(&desired.template),
        Action::Remove => {
            let policy = intake::policy_of(Some(desired), &wish, settings);
            policy.map(|policy| &policy.template)
        }
    };
    if goes_by != wish.template.as_ref() {
        if let (true, Some(named)) = (own, &wish.template) {
            return Err(Refused::conflict(format!(
                "{} goes by the template {}, not by {named}: leave the cell empty",
                row.user, desired.template
            )));
        }
        wish.template = None;
    }
    if row.action == Action::MovePackage {
        wish.template = None;
    }
    Ok(wish)
}

/// Removes a user whom nobody knows here; there is nothing to move.
pub(super) fn of_stranger(
    row: &ImportRow,
    written: Option<&str>,
    cluster: Option<&ClusterName>,
    settings: &Settings,
) -> Result<Wish, Refused> {
    if row.action == Action::MovePackage {
        return Err(refused(&Refusal::new(Code::UserUnknown)));
    }
    let policy = policy_of(settings, written, cluster)?;
    let mut wish = plain(row, UserKey::new(policy.cluster.clone(), &row.user))?;
    wish.template = Some(policy.template.clone());
    Ok(wish)
}

/// The wish of a line that needs no more than the user id.
fn plain(row: &ImportRow, key: UserKey) -> Result<Wish, Refused> {
    let (wanted, package) = match row.action {
        Action::MovePackage | Action::Provision => (Wanted::AsHeld, row.package),
        Action::Remove => {
            let user = row.user.clone();
            (Wanted::Absent { user, person: None }, None)
        }
    };
    let mut wish = Wish::of(key, wanted, fresh()?, now());
    wish.source = Source::Import;
    wish.package = package;
    Ok(wish)
}

pub(super) fn template_of<'a>(settings: &'a Settings, name: &str) -> Result<&'a Policy, Refused> {
    let wrong = |wrong| Refused::malformed(format!("template: {wrong}"));
    let key = TemplateKey::parse(name).map_err(wrong)?;
    let policy = settings.templates.get(&key);
    let policy = policy.ok_or_else(|| no_template(name, settings))?;
    Ok(policy)
}

/// The template of a line: the one that is written, else the only one that serves the cluster.
pub(super) fn policy_of<'a>(
    settings: &'a Settings,
    written: Option<&str>,
    cluster: Option<&ClusterName>,
) -> Result<&'a Policy, Refused> {
    let ours = |policy: &&Policy| cluster.is_none_or(|cluster| policy.cluster == *cluster);
    let Some(name) = written else {
        let all = settings.templates.values().map(|policy| &**policy);
        let all: Vec<&Policy> = all.filter(ours).collect();
        return match all.as_slice() {
            [one] => Ok(one),
            [] => Err(Refused::unknown("no template serves this cluster")),
            several => {
                let names: Vec<_> = several.iter().map(|held| held.template.as_str()).collect();
                Err(Refused::malformed(format!(
                    "there are several templates ({}): name one, in a column `template` or with \
                     --template",
                    names.join(", ")
                )))
            }
        };
    };
    let policy = template_of(settings, name)?;
    if !ours(&policy) {
        return Err(Refused::conflict(format!(
            "the template {name} is of the cluster {}",
            policy.cluster
        )));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::StatusCode;

    use super::*;
    use crate::domain::provisioning::csv::import;
    use crate::domain::provisioning::policy::Mode;
    use crate::domain::provisioning::profile::Package;
    use crate::inbound::endpoints::operations::tests::record;
    use crate::inbound::endpoints::operations::tests::settings;

    /// The only line below a head.
    fn row(line: &str) -> ImportRow {
        let file = format!("user,action,package,template\n{line}\n");
        import(file.as_bytes()).unwrap().remove(0).row.unwrap()
    }

    /// A second template, of the same cluster.
    fn two() -> Settings {
        let mut settings = settings();
        let key = TemplateKey::parse("other").unwrap();
        let cluster = ClusterName::parse("east").unwrap();
        let other = Policy::new(key.clone(), cluster, Mode::Api, Package::Basic);
        settings.templates.insert(key, Arc::new(other));
        settings
    }

    #[test]
    fn a_known_user_goes_by_its_own_template_whatever_others_there_are() {
        let settings = two();
        let held = record("anna@x").desired;
        let by = |name: &str| Some(template_of(&settings, name).unwrap());
        for (line, default) in [
            ("anna@x,remove,,", None),
            ("anna@x,remove,,acme", by("acme")),
            ("anna@x,remove,,", by("other")),
            ("anna@x,move-package,basic,", None),
            ("anna@x,move-package,basic,acme", by("acme")),
            ("anna@x,move-package,basic,", by("other")),
        ] {
            let row = row(line);
            let wish = of_known(&row, &held, default, &settings).unwrap();
            assert_eq!(wish.key, held.key);
            let policy = intake::policy_of(Some(&held), &wish, &settings).unwrap();
            assert_eq!(policy.template.as_str(), "acme", "{line}");
            let moves = row.action == Action::MovePackage;
            assert_eq!(wish.package.is_some(), moves, "{line}");
        }
    }

    #[test]
    fn another_template_in_the_line_of_a_known_user_is_a_mistake() {
        let settings = two();
        let held = record("anna@x").desired;
        let other = template_of(&settings, "other").unwrap();
        for line in ["anna@x,remove,,other", "anna@x,move-package,basic,other"] {
            let refused = of_known(&row(line), &held, Some(other), &settings).unwrap_err();
            assert_eq!(refused.status, StatusCode::CONFLICT, "{line}");
            assert!(
                refused.text.contains("template acme, not by other"),
                "{}",
                refused.text
            );
        }
        // The template that only looks on cannot remove the user, the other one can.
        let mut settings = settings;
        let key = TemplateKey::parse("acme").unwrap();
        let mut looks_on = Policy::clone(settings.templates.get(&key).unwrap());
        looks_on.mode = Mode::Observe;
        settings.templates.insert(key, Arc::new(looks_on));
        let other = template_of(&settings, "other").unwrap();
        let line = row("anna@x,remove,,other");
        let wish = of_known(&line, &held, Some(other), &settings).unwrap();
        assert_eq!(wish.template.unwrap().as_str(), "other");
    }

    #[test]
    fn of_a_stranger_there_is_nothing_to_move_and_a_removal_needs_a_template() {
        let settings = two();
        let line = row("ben@x,move-package,basic,");
        let refused = of_stranger(&line, None, None, &settings).unwrap_err();
        assert_eq!(refused.reason, "A1104");
        let line = row("ben@x,remove,,");
        let several = of_stranger(&line, None, None, &settings).unwrap_err();
        assert!(several.text.contains("acme, other"), "{}", several.text);
        let wish = of_stranger(&line, Some("other"), None, &settings).unwrap();
        assert_eq!(wish.template.unwrap().as_str(), "other");
    }

    #[test]
    fn a_template_that_is_none_is_told_with_those_that_there_are() {
        let unknown = template_of(&two(), "nope").map(|_| ()).unwrap_err();
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert!(
            unknown.text.contains("there is: acme, other"),
            "{}",
            unknown.text
        );
    }

    #[test]
    fn a_line_needs_a_template_only_where_several_serve_its_cluster() {
        let mut settings = settings();
        let of = |settings: &Settings, written, cluster: Option<&str>| {
            let cluster = cluster.map(|name| ClusterName::parse(name).unwrap());
            let found = policy_of(settings, written, cluster.as_ref());
            found.map(|policy| policy.template.as_str().to_owned())
        };
        assert_eq!(of(&settings, None, None).as_deref(), Ok("acme"));
        let key = TemplateKey::parse("other").unwrap();
        let west = ClusterName::parse("west").unwrap();
        let other = Policy::new(key.clone(), west, Mode::Api, Package::Basic);
        settings.templates.insert(key, Arc::new(other));
        let several = of(&settings, None, None).unwrap_err();
        assert!(several.text.contains("acme, other"), "{}", several.text);
        assert_eq!(of(&settings, None, Some("west")).as_deref(), Ok("other"));
        assert_eq!(of(&settings, Some("acme"), None).as_deref(), Ok("acme"));
        let elsewhere = of(&settings, Some("acme"), Some("west")).unwrap_err();
        assert_eq!(elsewhere.status, StatusCode::CONFLICT);
    }
}

//! Users out of a CSV file, each line with its own result. A wrong line stops no other.

use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::domain::provisioning::csv::Action;
use crate::domain::provisioning::csv::ImportRow;
use crate::domain::provisioning::csv::Line;
use crate::domain::provisioning::csv::import;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Source;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::intake::fresh;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::provisioning::template_values;

/// Lines that are under way together, so that they share commits.
const TOGETHER: usize = 64;

/// What one line came to.
struct Outcome {
    taken: bool,
    word: &'static str,
    text: String,
    request: Option<String>,
}

impl Operations {
    pub(super) async fn import(&self, ask: &Ask<'_>, file: &[u8], doing: &mut Doing) -> Answer {
        let query = Query::read(ask.query, &["template", "cluster", "dry-run"])?;
        let cluster = query.cluster()?;
        let cluster = cluster.as_ref();
        let dry = query.flag("dry-run")?;
        let template = query.get("template");
        if !dry {
            doing.action = "import";
            doing.about = format!("template {}", template.unwrap_or("of each line"));
        }
        let lines = import(file).map_err(|wrong| Refused::malformed(wrong.to_string()))?;
        let taken = &*doing.taken;
        let outcomes = futures_util::stream::iter(lines)
            .map(|line| async move {
                let outcome = match self.line(&line, (template, cluster), dry).await {
                    Ok(outcome) => {
                        taken.fetch_add(usize::from(!dry), Ordering::Relaxed);
                        outcome
                    }
                    Err(refused) => Outcome {
                        taken: false,
                        word: "refused",
                        text: refused.text,
                        request: None,
                    },
                };
                (line, outcome)
            })
            .buffered(TOGETHER)
            .collect::<Vec<_>>()
            .await;
        let accepted = outcomes.iter().filter(|(_, outcome)| outcome.taken).count();
        let told: Vec<Value> = outcomes
            .iter()
            .map(|(line, outcome)| told(line, outcome))
            .collect();
        if !dry {
            doing.about += &format!(", {accepted} of {} lines", told.len());
        }
        Ok((
            StatusCode::OK,
            json!({
                "dry-run": dry,
                "accepted": accepted,
                "refused": told.len() - accepted,
                "lines": told,
            }),
        ))
    }

    async fn line(
        &self,
        line: &Line,
        named: (Option<&str>, Option<&ClusterName>),
        dry: bool,
    ) -> Result<Outcome, Refused> {
        let row = line.row.as_ref();
        let row = row.map_err(|fault| Refused::malformed(fault.to_string()))?;
        let (template, cluster) = named;
        let written = row.template.as_deref().or(template);
        let settings = self.provisioner.settings();
        let policy = policy_of(&settings, written, cluster)?;
        let wish = self.wish(row, policy)?;
        if dry {
            self.can_change(&wish).await?;
            return Ok(Outcome {
                taken: true,
                word: "would be taken",
                text: row.action.as_str().to_owned(),
                request: None,
            });
        }
        let taken = self.take(wish).await?;
        Ok(Outcome {
            taken: true,
            word: taken.what.as_str(),
            text: String::new(),
            request: taken.request.map(|id| id.as_str().to_owned()),
        })
    }

    fn wish(&self, row: &ImportRow, policy: &Policy) -> Result<Wish, Refused> {
        let key = policy.template.clone();
        let mut held = self.config.templates.iter();
        let template = held.find(|held| held.name == key.as_str());
        let template = template.ok_or_else(|| unknown(key.as_str()))?;
        let user = UserKey::new(policy.cluster.clone(), &row.user);
        let wanted = match row.action {
            Action::MovePackage => Wanted::AsHeld,
            Action::Provision => {
                let made = row.wish(&template_values(template, &key, &policy.cluster));
                let made = made.map_err(|refusal| Refused::malformed(refusal.sentence))?;
                Wanted::Present {
                    profile: Box::new(made.profile),
                }
            }
            Action::Remove => Wanted::Absent {
                user: row.user.clone(),
                person: None,
            },
        };
        let mut wish = Wish::of(user, wanted, fresh()?, now());
        wish.source = Source::Import;
        wish.package = match row.action {
            Action::MovePackage | Action::Provision => row.package,
            Action::Remove => None,
        };
        if row.action != Action::MovePackage {
            wish.template = Some(key);
        }
        Ok(wish)
    }
}

fn told(line: &Line, outcome: &Outcome) -> Value {
    json!({
        "line": line.number,
        "user": line.user,
        "action": line.row.as_ref().map_or("", |row| row.action.as_str()),
        "outcome": outcome.word,
        "text": outcome.text,
        "request": outcome.request,
    })
}

fn unknown(template: &str) -> Refused {
    Refused::unknown(format!("there is no template {template:?}"))
}

/// The template of a line: the one that is written, else the only one that serves the cluster.
fn policy_of<'a>(
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
    let wrong = |wrong| Refused::malformed(format!("template: {wrong}"));
    let key = TemplateKey::parse(name).map_err(wrong)?;
    let policy = settings.templates.get(&key).ok_or_else(|| unknown(name))?;
    if !ours(&&**policy) {
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

    use super::*;
    use crate::domain::provisioning::policy::Mode;
    use crate::domain::provisioning::profile::Package;
    use crate::inbound::endpoints::operations::tests::settings;

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

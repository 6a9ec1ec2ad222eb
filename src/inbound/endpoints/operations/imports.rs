//! Users out of a CSV file, each line with its own result. A wrong line stops no other.

use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::config::Template;
use crate::domain::provisioning::csv::Action;
use crate::domain::provisioning::csv::ImportRow;
use crate::domain::provisioning::csv::Line;
use crate::domain::provisioning::csv::import;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::mapping::EarlyValidation;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::policy;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::record::Source;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::intake::fresh;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::refused::Refused;

/// Largest file that is taken at once.
pub(super) const FILE_BYTES: usize = 8 << 20;

/// Lines taken at once: with one commit for several of them this takes seconds, not the minute
/// after which an answer is late.
const LINES: usize = 10_000;

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
        let query = Query::read(ask.query, &["template", "dry-run"])?;
        let dry = query.flag("dry-run")?;
        let template = query.get("template");
        if !dry {
            doing.action = "import";
            doing.about = format!("template {}", template.unwrap_or("of each line"));
        }
        let lines = import(file).map_err(|wrong| Refused::malformed(wrong.to_string()))?;
        if lines.len() > LINES {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            let text = format!("the file has more than {LINES} lines; split it");
            return Err(Refused::new(status, "too-large", text));
        }
        let taken = &*doing.taken;
        let outcomes = futures_util::stream::iter(lines)
            .map(|line| async move {
                let outcome = match self.line(&line, template, dry).await {
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
        template: Option<&str>,
        dry: bool,
    ) -> Result<Outcome, Refused> {
        let row = line.row.as_ref();
        let row = row.map_err(|fault| Refused::malformed(fault.to_string()))?;
        let name = row.template.as_deref().or(template);
        let name = name.ok_or_else(|| {
            Refused::malformed("the line names no template, and neither does the command")
        })?;
        let wish = self.wish(row, name)?;
        if dry {
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

    fn wish(&self, row: &ImportRow, name: &str) -> Result<Wish, Refused> {
        let wrong = |wrong| Refused::malformed(format!("template: {wrong}"));
        let key = TemplateKey::parse(name).map_err(wrong)?;
        let settings = self.provisioner.settings();
        let unknown = || Refused::unknown(format!("there is no template {name:?}"));
        let policy = settings.templates.get(&key).ok_or_else(unknown)?;
        let mut held = self.config.templates.iter();
        let template = held.find(|held| held.name == name).ok_or_else(unknown)?;
        let user = UserKey::new(policy.cluster.clone(), &row.user);
        let wanted = match row.action {
            Action::MovePackage => Wanted::AsHeld,
            Action::Provision => {
                let made = row.wish(&values(policy, template, &policy.cluster));
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
        "outcome": outcome.word,
        "text": outcome.text,
        "request": outcome.request,
    })
}

/// What the reading of a line has to know of its template.
fn values(policy: &Policy, template: &Template, cluster: &ClusterName) -> TemplateValues {
    TemplateValues {
        key: policy.template.clone(),
        cluster: cluster.clone(),
        package: policy.package,
        language: policy.language.clone(),
        timezone: policy.timezone.clone(),
        trusted_email: policy.trusted_email,
        enterprise_mode: template.enterprise_mode,
        early_validation: match policy.early_validation {
            policy::EarlyValidation::Off => EarlyValidation::Off,
            policy::EarlyValidation::Syntax => EarlyValidation::Syntax,
            policy::EarlyValidation::Business => EarlyValidation::Business,
        },
    }
}

//! Users out of a CSV file, each line with its own result. A wrong line stops no other. A dry run
//! follows the same way to the decision, and keeps nothing of it.

mod wishes;

use std::sync::atomic::Ordering;

use futures_util::Stream;
use futures_util::StreamExt as _;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::domain::provisioning::csv::Action;
use crate::domain::provisioning::csv::ImportRow;
use crate::domain::provisioning::csv::Line;
use crate::domain::provisioning::csv::import;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::Source;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::imports::wishes::of_known;
use crate::inbound::endpoints::operations::imports::wishes::of_stranger;
use crate::inbound::endpoints::operations::imports::wishes::policy_of;
use crate::inbound::endpoints::operations::imports::wishes::template_of;
use crate::inbound::endpoints::operations::intake::Taken;
use crate::inbound::endpoints::operations::intake::What;
use crate::inbound::endpoints::operations::intake::can_change;
use crate::inbound::endpoints::operations::intake::fresh;
use crate::inbound::endpoints::operations::intake::taken;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::query::no_template;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::store_failed;
use crate::inbound::endpoints::provisioning::template_values;
use crate::workers::provisioner::SubmitError;

/// Lines that are under way together, so that they share commits.
const TOGETHER: usize = 64;

/// What remedies for BroadWorks administrators say, and what they are for a line of a file.
const REMEDIES: [(&str, &str); 5] = [
    ("assign IM&P again", "import the line again"),
    ("assign the service again", "import the line again"),
    ("assign again", "import the line again"),
    ("use that template's provisioning URL", "name that one"),
    ("use its URL", "name that one"),
];

/// What the query says of all lines.
#[derive(Clone, Copy)]
struct Named<'a> {
    /// For lines that name none.
    template: Option<&'a str>,
    cluster: Option<&'a ClusterName>,
}

/// A line as a wish, and what its user was to be.
type Followed = (Wish, Option<Desired>);

/// What one line came to.
struct Outcome {
    line: Line,
    came: Came,
    text: String,
    request: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Refused,
    /// It could be taken, but not now.
    Failed,
    Taken(What),
}

impl Outcome {
    fn of(line: Line, came: Result<Taken, Refused>) -> Self {
        match came {
            Ok(taken) => Self {
                line,
                came: Came::Taken(taken.what),
                text: String::new(),
                request: taken.request.map(|id| id.as_str().to_owned()),
            },
            Err(refused) => Self {
                line,
                came: if refused.status == StatusCode::SERVICE_UNAVAILABLE {
                    Came::Failed
                } else {
                    Came::Refused
                },
                text: in_a_list(refused.text),
                request: None,
            },
        }
    }

    fn document(&self, dry: bool) -> Value {
        let action = self.line.row.as_ref();
        let action = action.map_or("", |row| row.action.as_str());
        let word = match self.came {
            Came::Failed => "failed",
            Came::Refused => "refused",
            Came::Taken(What::Accepted) if dry => "would be taken",
            Came::Taken(what) => what.as_str(),
        };
        // A request that was never made has no name.
        let request = self.request.as_ref();
        let rehearsed = dry && self.came == Came::Taken(What::Accepted);
        json!({
            "line": self.line.number,
            "user": self.line.user,
            "action": action,
            "outcome": word,
            "text": if rehearsed { action } else { &self.text },
            "request": request.filter(|_| !rehearsed),
        })
    }
}

impl Operations {
    pub(super) async fn import(&self, ask: &Ask<'_>, file: &[u8], doing: &mut Doing) -> Answer {
        let query = Query::read(ask.query, &["template", "cluster", "dry-run"])?;
        let cluster = query.cluster()?;
        let dry = query.flag("dry-run")?;
        let named = Named {
            template: query.get("template"),
            cluster: cluster.as_ref(),
        };
        if !dry {
            doing.action = "import";
            doing.about = format!("template {}", named.template.unwrap_or("of each line"));
        }
        if let Some(name) = named.template {
            template_of(&self.provisioner.settings(), name)?;
        }
        let lines = import(file).map_err(|wrong| Refused::malformed(wrong.to_string()))?;
        let outcomes = if dry {
            self.rehearse(lines, named).await?
        } else {
            self.carry_out(lines, named, doing).await
        };
        let count = |is: fn(Came) -> bool| outcomes.iter().filter(|one| is(one.came)).count();
        let accepted = count(|came| matches!(came, Came::Taken(_)));
        let failed = count(|came| came == Came::Failed);
        if !dry {
            doing.about += &format!(", {accepted} of {} lines", outcomes.len());
            if failed > 0 {
                doing.about += &format!(", {failed} failed");
            }
            let mut failures = outcomes.iter().filter(|one| one.came == Came::Failed);
            if let (0, Some(first)) = (accepted, failures.next()) {
                let text = format!("no line was taken: {}", first.text);
                return Err(Refused::unavailable(text));
            }
        }
        let told: Vec<Value> = outcomes.iter().map(|one| one.document(dry)).collect();
        Ok((
            StatusCode::OK,
            json!({
                "dry-run": dry,
                "accepted": accepted,
                "refused": count(|came| came == Came::Refused),
                "failed": failed,
                "lines": told,
            }),
        ))
    }

    /// Takes lines in, in the order of the file.
    async fn carry_out(&self, lines: Vec<Line>, named: Named<'_>, doing: &Doing) -> Vec<Outcome> {
        let counter = &*doing.taken;
        self.followed(lines, named)
            .map(|(line, followed)| async move {
                let came = match followed {
                    Ok(followed) => self.submit(*followed).await,
                    Err(refused) => Err(refused),
                };
                counter.fetch_add(usize::from(came.is_ok()), Ordering::Relaxed);
                Outcome::of(line, came)
            })
            .buffered(TOGETHER)
            .collect()
            .await
    }

    async fn submit(&self, (wish, desired): Followed) -> Result<Taken, Refused> {
        let verdict = self.provisioner.submit_known(wish, desired.as_ref()).await;
        taken(verdict.map_err(|error| unavailable(&error))?)
    }

    /// What would come of each line after the ones before it.
    async fn rehearse(&self, lines: Vec<Line>, named: Named<'_>) -> Result<Vec<Outcome>, Refused> {
        let all: Vec<_> = self.followed(lines, named).collect().await;
        let (mut wishes, mut seen) = (Vec::new(), Vec::new());
        for (line, followed) in all {
            let refused = match followed {
                Ok(followed) => {
                    wishes.push(*followed);
                    None
                }
                Err(refused) => Some(refused),
            };
            seen.push((line, refused));
        }
        let verdicts = self.provisioner.rehearse(wishes).await;
        let mut verdicts = verdicts.map_err(|error| unavailable(&error))?.into_iter();
        let outcomes = seen.into_iter().map(|(line, refused)| {
            let came = match refused {
                Some(refused) => Err(refused),
                None => match verdicts.next() {
                    Some(Ok(verdict)) => taken(verdict),
                    Some(Err(error)) => Err(store_failed(&error)),
                    None => Err(Refused::unavailable("nothing was decided about it")),
                },
            };
            Outcome::of(line, came)
        });
        Ok(outcomes.collect())
    }

    /// Lines as wishes, in the order of the file.
    fn followed<'a>(
        &'a self,
        lines: Vec<Line>,
        named: Named<'a>,
    ) -> impl Stream<Item = (Line, Result<Box<Followed>, Refused>)> + Send + 'a {
        futures_util::stream::iter(lines)
            .map(move |line| async move {
                let followed = self.follow(&line, named).await;
                (line, followed.map(Box::new))
            })
            .buffered(TOGETHER)
    }

    async fn follow(&self, line: &Line, named: Named<'_>) -> Result<Followed, Refused> {
        let row = line.row.as_ref();
        let row = row.map_err(|fault| Refused::malformed(fault.to_string()))?;
        let settings = self.provisioner.settings();
        let written = row.template.as_deref().or(named.template);
        let (wish, desired) = match row.action {
            Action::Provision => {
                let wish = self.provision(row, policy_of(&settings, written, named.cluster)?)?;
                let held = self.provisioner.store().user(&wish.key).await;
                let held = held.map_err(|error| store_failed(&error))?;
                (wish, held.map(|record| record.desired))
            }
            Action::MovePackage | Action::Remove => {
                let by = written
                    .map(|name| template_of(&settings, name))
                    .transpose()?;
                let cluster = named.cluster.or_else(|| Some(&by?.cluster)).cloned();
                match self.looked_up(&row.user, cluster).await? {
                    Some(record) => {
                        let wish = of_known(row, &record.desired, by, &settings)?;
                        (wish, Some(record.desired))
                    }
                    None => (of_stranger(row, written, named.cluster, &settings)?, None),
                }
            }
        };
        can_change(desired.as_ref(), &wish, &settings)?;
        Ok((wish, desired))
    }

    fn provision(&self, row: &ImportRow, policy: &Policy) -> Result<Wish, Refused> {
        let key = &policy.template;
        let mut held = self.config.templates.iter();
        let template = held.find(|held| held.name == key.as_str());
        let settings = self.provisioner.settings();
        let template = template.ok_or_else(|| no_template(key.as_str(), &settings))?;
        let made = row.wish(&template_values(template, key, &policy.cluster));
        let made = made.map_err(|refusal| Refused::malformed(refusal.sentence))?;
        let profile = Box::new(made.profile);
        let user = UserKey::new(policy.cluster.clone(), &row.user);
        let mut wish = Wish::of(user, Wanted::Present { profile }, fresh()?, now());
        wish.source = Source::Import;
        wish.package = row.package;
        wish.template = Some(key.clone());
        Ok(wish)
    }
}

/// Whoever reads it has a file and no service to assign.
fn in_a_list(text: String) -> String {
    REMEDIES
        .iter()
        .fold(text, |text, (theirs, ours)| text.replace(theirs, ours))
}

fn unavailable(error: &SubmitError) -> Refused {
    Refused::unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provisioning::intake::Code;
    use crate::domain::provisioning::refusal::RefusalReason;

    fn line() -> Line {
        import(b"user,action\nanna@x,remove\n").unwrap().remove(0)
    }

    #[test]
    fn what_could_not_be_kept_is_told_from_what_was_refused() {
        let of = |came| Outcome::of(line(), came).document(false)["outcome"].clone();
        assert_eq!(of(Err(Refused::unavailable("the disk is full"))), "failed");
        assert_eq!(of(Err(Refused::conflict("A1101: no"))), "refused");
        let what = What::Accepted;
        let taken = Taken {
            what,
            request: None,
        };
        assert_eq!(of(Ok(taken.clone())), "accepted");
        let rehearsed = Outcome::of(line(), Ok(taken)).document(true);
        assert_eq!(rehearsed["outcome"], "would be taken");
        assert_eq!(rehearsed["text"], "remove");
    }

    #[test]
    fn no_remedy_of_a_line_is_one_at_the_application_server() {
        let adapter = [
            RefusalReason::EmailInvalid,
            RefusalReason::EmailMissing,
            RefusalReason::EmailTaken,
            RefusalReason::EnterpriseBound,
            RefusalReason::FieldInvalid,
            RefusalReason::FieldMissing,
            RefusalReason::NumberMissing,
        ];
        let adapter = adapter.map(|reason| reason.sentence(None));
        let intake = [
            Code::EmailHeld,
            Code::EmailMalformed,
            Code::EmailMissing,
            Code::EnterpriseBound,
            Code::FieldMissing,
            Code::NumberMissing,
        ];
        let intake = intake.map(|code| code.sentence().to_owned());
        for sentence in adapter.into_iter().chain(intake) {
            let said = in_a_list(sentence);
            for theirs in ["ssign again", "ssign IM&P", "the service", "URL"] {
                assert!(!said.contains(theirs), "{said}");
            }
        }
    }
}

//! What a call wants, and what becomes of that.

use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;

use crate::config::CaptureWhat;
use crate::config::TemplateMode;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake;
use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::mapping;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::domain::provisioning::unmapped::Last;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::endpoints::provisioning::Content;
use crate::inbound::endpoints::provisioning::Head;
use crate::inbound::endpoints::provisioning::NotTaken;
use crate::inbound::endpoints::provisioning::Outcome;
use crate::inbound::endpoints::provisioning::Submit;
use crate::inbound::endpoints::provisioning::Visit;
use crate::inbound::endpoints::provisioning::judge::Judged;
use crate::inbound::endpoints::provisioning::judge::too_large;
use crate::inbound::endpoints::provisioning::moment;
use crate::inbound::endpoints::provisioning::reply::Refused;
use crate::inbound::endpoints::provisioning::reply::Reply;
use crate::inbound::endpoints::provisioning::served::Served;
use crate::telemetry::adapter::Became;
use crate::telemetry::adapter::Operation;
use crate::workers::captures::Taken;

/// A call whose body is there.
pub(super) struct Asked<'a> {
    pub(super) served: &'a Served,
    pub(super) visit: &'a Visit,
    pub(super) judged: &'a Judged,
    pub(super) head: &'a Head<'a>,
    pub(super) body: bytes::Bytes,
}

/// Where wishes are written down, and how long that may take.
pub(super) struct Taking {
    submit: Option<Submit>,
    within: Duration,
}

impl Taking {
    /// Has a wish written down. Not in time is not written down, as far as the caller is told; a
    /// wish that is kept after all is the same one when it is repeated.
    pub(super) async fn submit(&self, wish: Wish) -> Result<Verdict, NotTaken> {
        let Some(submit) = &self.submit else {
            return Err(NotTaken("nothing is provisioned here".to_owned()));
        };
        let late = |_| {
            let within = self.within;
            Err(NotTaken(format!("not written down within {within:?}")))
        };
        timeout(self.within, submit(wish))
            .await
            .unwrap_or_else(late)
    }
}

impl Adapter {
    pub(super) async fn respond(
        &self,
        served: &Served,
        visit: &Visit,
        judged: &Judged,
        head: &Head<'_>,
        content: Content,
    ) -> Outcome {
        let refuse = |refused: Refused| {
            let (index, op) = (Some(judged.index), Operation::Unknown);
            self.refusal(visit, index, op, refused, None)
        };
        let unreadable = |detail: &str| Refused::new(RefusalReason::Unreadable, detail);
        let body = match content {
            Content::Whole(body) => body,
            Content::Broken => return refuse(unreadable("the body broke off")),
            Content::TooLarge => return refuse(too_large()),
            Content::TooSlow => {
                let refused = unreadable("the body paused for longer than `body-timeout`");
                return refuse(refused.with_status(StatusCode::REQUEST_TIMEOUT));
            }
        };
        let call = match call(head, judged, &body) {
            Ok(call) => call,
            Err(fault) => return refuse(unreadable(&fault.to_string())),
        };
        let (wanted, trace) = served.mapping.apply(&call, &served.values);
        let asked = Asked {
            served,
            visit,
            judged,
            head,
            body,
        };
        let outcome = match served.rules.mode {
            TemplateMode::Relay => self.relay(&asked, &wanted).await,
            TemplateMode::Api | TemplateMode::Observe => self.take(&asked, &wanted).await,
        };
        self.capture(&asked, &call, (&wanted, trace), &outcome);
        outcome
    }

    async fn take(&self, asked: &Asked<'_>, wanted: &mapping::Outcome) -> Outcome {
        let user = user_of(wanted);
        let refuse = |op, refused: Refused| {
            let index = Some(asked.judged.index);
            self.refusal(asked.visit, index, op, refused, user.clone())
        };
        let op = operation(wanted);
        let wish = match wanted {
            mapping::Outcome::CaptureAndRefuse(refusal) | mapping::Outcome::Refuse(refusal) => {
                return refuse(op, mapped(refusal));
            }
            mapping::Outcome::Ignore => {
                return self.accepted(asked, op, Became::Nothing, user, None);
            }
            mapping::Outcome::RelayOrRefuse => {
                return match &asked.served.bridge {
                    Some(bridge) => self.forward(asked, bridge, None).await,
                    None => {
                        let detail = "there is no `bridge-url` to pass this on to";
                        refuse(op, Refused::new(RefusalReason::NoBridge, detail))
                    }
                };
            }
            mapping::Outcome::Remove(_) | mapping::Outcome::Upsert(_) => wish(asked, wanted),
        };
        let Some(wish) = wish else {
            let detail = "the call names no user";
            return refuse(op, Refused::new(RefusalReason::FieldMissing, detail));
        };
        match self.taking().submit(wish).await {
            Ok(Verdict::Accept { desired, .. }) => {
                let request = desired.request.as_str().to_owned();
                let mut outcome = self.accepted(asked, op, Became::Accepted, user, Some(&request));
                if desired.template != asked.served.key {
                    let template = &desired.template;
                    outcome.detail = format!(
                        "the user goes by the template {template} and is removed there, whatever \
                         URL the call came to"
                    );
                }
                outcome
            }
            Ok(Verdict::Same { request }) => {
                let request = request.as_str();
                self.accepted(asked, op, Became::Same, user, Some(request))
            }
            // Unassigning never stops the administrator.
            Ok(Verdict::NotPresent) => self.accepted(asked, op, Became::Nothing, user, None),
            Ok(Verdict::Refuse(refusal)) => refuse(op, decided(&refusal)),
            Err(fault) => {
                let detail = fault.to_string();
                refuse(op, Refused::new(RefusalReason::StoreUnavailable, detail))
            }
        }
    }

    /// Where wishes are written down.
    pub(super) fn taking(&self) -> Taking {
        Taking {
            submit: self.ground.submit.clone(),
            within: self.answer_within,
        }
    }

    fn accepted(
        &self,
        asked: &Asked<'_>,
        op: Operation,
        became: Became,
        user: Option<String>,
        request: Option<&str>,
    ) -> Outcome {
        let request = request.unwrap_or_else(|| asked.visit.request.as_str());
        let texts = &asked.served.texts;
        let reply = Reply::accepted(texts, asked.visit.form, user.as_deref(), request);
        Outcome {
            op,
            became,
            user,
            detail: String::new(),
            reply,
        }
    }

    /// Keeps a call for a look, if the template wants it, and notes one that no rule knows.
    fn capture(
        &self,
        asked: &Asked<'_>,
        call: &Call,
        (wanted, trace): (&mapping::Outcome, Trace),
        outcome: &Outcome,
    ) {
        let status = outcome.reply.status;
        let failed = status.is_client_error() || status.is_server_error();
        let unmapped = is_unmapped(wanted);
        let keep = match asked.served.rules.capture {
            CaptureWhat::All => true,
            CaptureWhat::Errors => failed || unmapped,
            CaptureWhat::Off => false,
        };
        if unmapped {
            let last = Last {
                at: moment(),
                request: asked.visit.request.clone(),
                captured: keep,
                refused: asked.served.rules.mode != TemplateMode::Relay,
            };
            let (key, print) = (&asked.served.key, asked.served.print);
            self.ground.unmapped.came(key, print, last);
        }
        if keep {
            self.ground.captures.keep(Taken {
                id: asked.visit.request.clone(),
                at: moment(),
                template: asked.served.key.clone(),
                call,
                trace,
                outcome: wanted,
                status: status.as_u16(),
            });
        }
    }
}

/// Whether no rule knows what a call wants.
const fn is_unmapped(wanted: &mapping::Outcome) -> bool {
    match wanted {
        mapping::Outcome::CaptureAndRefuse(_) => true,
        mapping::Outcome::Ignore
        | mapping::Outcome::Refuse(_)
        | mapping::Outcome::RelayOrRefuse
        | mapping::Outcome::Remove(_)
        | mapping::Outcome::Upsert(_) => false,
    }
}

/// What a call means, for counts.
pub(super) const fn operation(wanted: &mapping::Outcome) -> Operation {
    match wanted {
        mapping::Outcome::CaptureAndRefuse(_) | mapping::Outcome::Refuse(_) => Operation::Unknown,
        mapping::Outcome::Ignore => Operation::Ignore,
        mapping::Outcome::RelayOrRefuse => Operation::Relay,
        mapping::Outcome::Remove(_) => Operation::Remove,
        mapping::Outcome::Upsert(_) => Operation::Upsert,
    }
}

/// The user that a call names.
pub(super) fn user_of(wanted: &mapping::Outcome) -> Option<String> {
    user(wanted).map(|user| user.as_str().to_owned())
}

fn user(wanted: &mapping::Outcome) -> Option<&BwUserId> {
    match wanted {
        mapping::Outcome::Remove(user) => Some(user),
        mapping::Outcome::Upsert(wish) => Some(&wish.profile.user),
        mapping::Outcome::CaptureAndRefuse(_)
        | mapping::Outcome::Ignore
        | mapping::Outcome::Refuse(_)
        | mapping::Outcome::RelayOrRefuse => None,
    }
}

/// The wish that a call is; `None` when it names no user.
pub(super) fn wish(asked: &Asked<'_>, wanted: &mapping::Outcome) -> Option<Wish> {
    let user = user(wanted)?;
    let key = UserKey::new(asked.served.cluster.clone(), user);
    let template = asked.served.key.clone();
    let request = asked.visit.request.clone();
    match wanted {
        mapping::Outcome::Remove(user) => {
            let template = Some(template);
            Some(Wish::absent(key, template, user.clone(), request, moment()))
        }
        mapping::Outcome::Upsert(wish) => {
            let profile = wish.profile.clone();
            Some(Wish::present(key, template, profile, request, moment()))
        }
        mapping::Outcome::CaptureAndRefuse(_)
        | mapping::Outcome::Ignore
        | mapping::Outcome::Refuse(_)
        | mapping::Outcome::RelayOrRefuse => None,
    }
}

fn call(
    head: &Head<'_>,
    judged: &Judged,
    body: &[u8],
) -> Result<Call, crate::domain::provisioning::call::CallFault> {
    let target = head.uri.path_and_query();
    let target = target.map_or_else(|| head.uri.path(), http::uri::PathAndQuery::as_str);
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    Call::new(head.method.as_str(), target, &judged.below)?
        .with_headers(headers)?
        .with_body(body)
}

/// A refusal of the mapping.
fn mapped(refusal: &crate::domain::provisioning::refusal::Refusal) -> Refused {
    Refused {
        sentence: Some(refusal.sentence.clone()),
        ..Refused::new(refusal.reason, refusal.detail.clone())
    }
}

/// A refusal of what is held.
fn decided(refusal: &intake::Refusal) -> Refused {
    let detail = match &refusal.holder {
        Some(holder) => format!(
            "{}: the address is that of {}",
            refusal.code.as_str(),
            holder.user()
        ),
        None => refusal.code.as_str().to_owned(),
    };
    Refused {
        sentence: Some(refusal.sentence.clone()),
        ..Refused::new(refusal.code.reason(), detail)
    }
}

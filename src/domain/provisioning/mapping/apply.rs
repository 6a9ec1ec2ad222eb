//! One request through the rules.

use crate::domain::auth::shape;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::document;
use crate::domain::provisioning::document::Body;
use crate::domain::provisioning::document::BodyFault;
use crate::domain::provisioning::mapping::Field;
use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::Op;
use crate::domain::provisioning::mapping::Outcome;
use crate::domain::provisioning::mapping::Rule;
use crate::domain::provisioning::mapping::RuleTrace;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::mapping::Verdict;
use crate::domain::provisioning::mapping::condition::Condition;
use crate::domain::provisioning::mapping::profile::Values;
use crate::domain::provisioning::mapping::source::Found;
use crate::domain::provisioning::mapping::source::Request;
use crate::domain::provisioning::mapping::trace::FieldTrace;
use crate::domain::provisioning::mapping::trace::StepTrace;
use crate::domain::provisioning::mapping::trace::Tried;
use crate::domain::provisioning::mapping::trace::shown;
use crate::domain::provisioning::mapping::transform::Transform;
use crate::domain::provisioning::mapping::transform::Unfit;
use crate::domain::provisioning::mapping::transform::VALUE;
use crate::domain::provisioning::refusal::Refusal;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::domain::provisioning::refusal::shown_user;

impl Mapping {
    /// What a request wants, and how every rule saw it. The trace holds values of the request:
    /// [`Trace::without_values`] is for wherever they must not be.
    #[must_use]
    pub fn apply(&self, call: &Call, template: &TemplateValues) -> (Outcome, Trace) {
        let body = document::read(call, &self.limits);
        let request = Request {
            call,
            body: &body,
            template,
        };
        let mut trace = Trace {
            body: body.as_str().to_owned(),
            ..Trace::default()
        };
        let fault = match &body {
            Body::Unreadable(fault) => Some(*fault),
            Body::Empty | Body::Json(_) | Body::Other | Body::Xml(_) => None,
        };
        trace.fault = fault.map(|fault| fault.to_string());
        let found = self.find(&request, &mut trace);
        let outcome = match (found, fault) {
            (Some(Chosen::Fits(rule)), fault) => rule.act(&request, fault, &mut trace),
            (Some(Chosen::Unreadable(rule)), fault) => {
                Outcome::CaptureAndRefuse(unreadable(Some(&rule.name), fault))
            }
            (None, Some(fault)) => Outcome::CaptureAndRefuse(unreadable(None, Some(fault))),
            (None, None) => {
                let detail = "no rule fits the request";
                Outcome::CaptureAndRefuse(Refusal::new(RefusalReason::Unmapped, None, detail))
            }
        };
        (outcome, trace)
    }

    /// The first rule that fits. A rule that asks for a body which cannot be read ends the
    /// search: what the request means would be a guess.
    fn find<'a>(&'a self, request: &Request<'_>, trace: &mut Trace) -> Option<Chosen<'a>> {
        let mut chosen = None;
        for rule in &self.rules {
            let verdict = match chosen {
                Some(_) => Verdict::NotAsked,
                None => rule.judge(request),
            };
            match verdict {
                Verdict::Fits => chosen = Some(Chosen::Fits(rule)),
                Verdict::BodyUnreadable => chosen = Some(Chosen::Unreadable(rule)),
                Verdict::Not(_) | Verdict::NotAsked => {}
            }
            trace.rules.push(RuleTrace {
                rule: rule.name.clone(),
                op: rule.op,
                verdict,
            });
        }
        chosen
    }
}

enum Chosen<'a> {
    Fits(&'a Rule),
    Unreadable(&'a Rule),
}

fn unreadable(rule: Option<&str>, fault: Option<BodyFault>) -> Refusal {
    let fault = fault.map_or_else(String::new, |fault| fault.to_string());
    let detail = match rule {
        Some(rule) => format!("rule {rule}: the body cannot be read: {fault}"),
        None => format!("the body cannot be read: {fault}"),
    };
    Refusal::new(RefusalReason::Unreadable, None, detail)
}

impl Rule {
    fn judge(&self, request: &Request<'_>) -> Verdict {
        let when = &self.when;
        let method = request.call.method();
        if !when.methods.is_empty() && !when.methods.iter().any(|held| held == method) {
            return Verdict::Not(format!("method is {}", shape::method(method)));
        }
        if let Some(path) = &when.path
            && !path.is_match(request.call.subpath())
        {
            return Verdict::Not(format!("path does not match {path}"));
        }
        let unreadable = matches!(request.body, Body::Unreadable(_));
        // What can be told without the body comes first.
        for in_body in [false, true] {
            let asked = |conditions: &[Condition]| -> Vec<Condition> {
                let asked = conditions.iter().filter(|held| held.is_body() == in_body);
                asked.cloned().collect()
            };
            let (present, absent) = (asked(&when.present), asked(&when.absent));
            let roots = in_body && !when.roots.is_empty();
            let any = in_body && when.any.iter().any(Condition::is_body);
            let bodily = roots || any || !present.is_empty() || !absent.is_empty();
            if unreadable && in_body && bodily {
                return Verdict::BodyUnreadable;
            }
            if roots && !self.has_root(request.body) {
                return Verdict::Not(format!("root is {}", root(request.body)));
            }
            if let Some(missing) = present.iter().find(|held| !held.holds(request)) {
                return Verdict::Not(format!("{missing} is not there"));
            }
            if let Some(there) = absent.iter().find(|held| held.holds(request)) {
                return Verdict::Not(format!("{there} is there"));
            }
        }
        if !when.any.is_empty() && !when.any.iter().any(|held| held.holds(request)) {
            let all: Vec<String> = when.any.iter().map(ToString::to_string).collect();
            return Verdict::Not(format!("none of {} is there", all.join(", ")));
        }
        Verdict::Fits
    }

    fn has_root(&self, body: &Body) -> bool {
        let mut roots = self.when.roots.iter();
        match body {
            Body::Json(_) => roots.any(|root| root == "$"),
            Body::Xml(document) => {
                let local = document.root().local();
                roots.any(|root| root.eq_ignore_ascii_case(local))
            }
            Body::Empty | Body::Other | Body::Unreadable(_) => false,
        }
    }

    fn act(&self, request: &Request<'_>, fault: Option<BodyFault>, trace: &mut Trace) -> Outcome {
        match self.op {
            Op::CaptureAndRefuse if fault.is_some() => {
                Outcome::CaptureAndRefuse(unreadable(Some(&self.name), fault))
            }
            Op::CaptureAndRefuse => {
                let detail = format!("rule {} refuses the request", self.name);
                Outcome::CaptureAndRefuse(Refusal::new(RefusalReason::Unmapped, None, detail))
            }
            Op::Ignore => Outcome::Ignore,
            Op::RelayOrRefuse => Outcome::RelayOrRefuse,
            // Nobody is changed by a request whose other half is not understood.
            Op::Remove | Op::Upsert if fault.is_some() => {
                Outcome::CaptureAndRefuse(unreadable(Some(&self.name), fault))
            }
            Op::Remove => match self.values(request, trace).and_then(Values::into_user) {
                Ok(user) => Outcome::Remove(user),
                Err(refusal) => Outcome::Refuse(refusal),
            },
            Op::Upsert => {
                let values = self.values(request, trace);
                let wish = values.and_then(|values| {
                    let template = request.template;
                    values.into_wish(template, &mut trace.remarks)
                });
                match wish {
                    Ok(wish) => Outcome::Upsert(Box::new(wish)),
                    Err(refusal) => Outcome::Refuse(refusal),
                }
            }
        }
    }

    /// The value of every field. All are traced, and the first fault counts; the user's comes
    /// first, because the other sentences name the user.
    fn values(&self, request: &Request<'_>, trace: &mut Trace) -> Result<Values, Refusal> {
        let mut values = Values::of(format!("rule {}", self.name));
        let mut first = None;
        let is_user = |field: &&Field| field.name == FieldName::UserId;
        let user = self.fields.iter().filter(is_user);
        let others = self.fields.iter().filter(|field| !is_user(field));
        for field in user.chain(others) {
            let mut seen = FieldTrace {
                field: field.name,
                from: Vec::new(),
                steps: Vec::new(),
                value: None,
                fault: None,
            };
            match field.value(request, &mut seen) {
                Ok(value) => values.set(field.name, value),
                Err(wrong) => {
                    seen.fault = Some(wrong.to_string());
                    let user = values.get(FieldName::UserId).map(str::to_owned);
                    let refusal = wrong.refusal(&self.name, field, user.as_deref());
                    first.get_or_insert(refusal);
                }
            }
            trace.fields.push(seen);
        }
        match first {
            Some(refusal) => Err(refusal),
            None => Ok(values),
        }
    }
}

/// Why a field has no value that may be used.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{0} gives several values that differ")]
    Ambiguous(String),
    #[error("more than {0} {1}")]
    Long(usize, &'static str),
    #[error("nothing in {0}")]
    Missing(String),
    #[error("{0} after {1}")]
    Unfit(Unfit, String),
}

impl Wrong {
    fn refusal(&self, rule: &str, field: &Field, user: Option<&str>) -> Refusal {
        let whose = shown_user(user);
        let title = field.name.title();
        let (reason, sentence) = match self {
            Self::Missing(_) if field.name == FieldName::UserId => (
                RefusalReason::FieldMissing,
                "The request names no user: ask the provider's engineers to look at the captured \
                 request."
                    .to_owned(),
            ),
            Self::Missing(_) => (
                RefusalReason::FieldMissing,
                format!("{whose} has no {title}: fill it in, then assign IM&P again."),
            ),
            Self::Long(max, unit) => (
                RefusalReason::FieldInvalid,
                format!(
                    "The {title} of {whose} has over {max} {unit}: shorten it, then assign IM&P again."
                ),
            ),
            Self::Ambiguous(_) => (
                RefusalReason::FieldInvalid,
                format!(
                    "The request gives two values for the {title} of {whose}: ask the engineers."
                ),
            ),
            Self::Unfit(..) => (
                RefusalReason::FieldInvalid,
                format!("The {title} of {whose} is not valid: correct it, then assign IM&P again."),
            ),
        };
        Refusal {
            reason,
            sentence,
            detail: format!("rule {rule}, field {}: {self}", field.name.as_str()),
        }
    }
}

impl Field {
    fn value(&self, request: &Request<'_>, seen: &mut FieldTrace) -> Result<Option<String>, Wrong> {
        let mut value = None;
        let mut from_url = false;
        for source in &self.from {
            let found = source.find(request);
            let mut tried = Tried {
                source: source.to_string(),
                gave: None,
            };
            match found {
                Found::Nothing => seen.from.push(tried),
                Found::Ambiguous => {
                    seen.from.push(tried);
                    return Err(Wrong::Ambiguous(source.to_string()));
                }
                Found::Text(text) => {
                    tried.gave = Some(shown(&text));
                    seen.from.push(tried);
                    if text.len() > VALUE {
                        return Err(self.too_long());
                    }
                    from_url = source.is_url();
                    value = Some(text);
                    break;
                }
            }
        }
        let value = self.steps(value, from_url, seen)?;
        seen.value = value.as_deref().map(shown);
        match &value {
            None if self.required || self.is_needed() => Err(Wrong::Missing(self.tried())),
            Some(value) if self.name.length(value) > self.max => Err(self.too_long()),
            Some(_) | None => Ok(value),
        }
    }

    fn steps(
        &self,
        mut value: Option<String>,
        from_url: bool,
        seen: &mut FieldTrace,
    ) -> Result<Option<String>, Wrong> {
        let mut unfit = None;
        for step in &self.transforms {
            match (&unfit, step) {
                (Some(_), Transform::OrNone) => {
                    unfit = None;
                    value = None;
                }
                (Some(_), _) => continue,
                (None, _) => match step.apply(value.as_deref(), from_url) {
                    Ok(next) => value = next,
                    Err(why) => {
                        unfit = Some(Wrong::Unfit(why, step.to_string()));
                        value = None;
                    }
                },
            }
            seen.steps.push(StepTrace {
                transform: step.to_string(),
                value: value.as_deref().map(shown),
            });
        }
        match unfit {
            Some(wrong) => Err(wrong),
            None => Ok(value),
        }
    }

    fn is_needed(&self) -> bool {
        FieldName::NEEDED.contains(&self.name)
    }

    fn tried(&self) -> String {
        let sources: Vec<String> = self.from.iter().map(ToString::to_string).collect();
        sources.join(", ")
    }

    const fn too_long(&self) -> Wrong {
        Wrong::Long(self.max, self.name.unit())
    }
}

/// What the root of a body is called.
fn root(body: &Body) -> String {
    match body {
        Body::Empty => "nothing: there is no body".to_owned(),
        Body::Json(_) => "$, a JSON object".to_owned(),
        Body::Other => "nothing: the body is neither XML nor JSON".to_owned(),
        Body::Unreadable(fault) => format!("not readable: {fault}"),
        Body::Xml(document) => shape::name(document.root().local()),
    }
}

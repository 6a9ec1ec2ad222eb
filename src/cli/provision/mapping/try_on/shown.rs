//! What a mapping made of a request, in words and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::cli::table::align;
use crate::domain::provisioning::mapping::Outcome;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::mapping::Verdict;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::refusal::Refusal;
use crate::domain::provisioning::refusal::RefusalReason;

pub(super) fn refusal(outcome: &Outcome) -> Option<&Refusal> {
    match outcome {
        Outcome::CaptureAndRefuse(refusal) | Outcome::Refuse(refusal) => Some(refusal),
        Outcome::Ignore | Outcome::RelayOrRefuse | Outcome::Remove(_) | Outcome::Upsert(_) => None,
    }
}

pub(super) fn document(outcome: &Outcome, trace: &Trace, hidden: bool) -> Value {
    let (user, profile) = match outcome {
        Outcome::Remove(user) => (Some(user.as_str()), None),
        Outcome::Upsert(wish) => (Some(wish.profile.user.as_str()), Some(&wish.profile)),
        Outcome::CaptureAndRefuse(_)
        | Outcome::Ignore
        | Outcome::Refuse(_)
        | Outcome::RelayOrRefuse => (None, None),
    };
    let refusal = refusal(outcome).map(|refusal| {
        json!({
            "reason": refusal.reason.as_str(),
            "code": refusal.reason.code(),
            "status": refusal.reason.status(),
            "sentence": refusal.sentence,
            "detail": refusal.detail,
        })
    });
    json!({
        "outcome": outcome.as_str(),
        "values-hidden": hidden,
        "user": user,
        "profile": profile,
        "refusal": refusal,
        "trace": trace,
    })
}

pub(super) fn lines(outcome: &Outcome, trace: &Trace) -> Vec<String> {
    let mut lines = vec![format!("Body: {}", trace.body)];
    lines.extend(trace.fault.iter().map(|fault| format!("  {fault}")));
    lines.push(String::new());
    let mut rows = vec![row(["RULE", "OPERATION", ""])];
    for rule in &trace.rules {
        let verdict = match &rule.verdict {
            Verdict::BodyUnreadable => "asks for the body, which cannot be read",
            Verdict::Fits => "fits",
            Verdict::Not(why) => why,
            Verdict::NotAsked => "not asked",
        };
        rows.push(row([&rule.rule, rule.op.as_str(), verdict]));
    }
    lines.extend(align(&rows));
    if !trace.fields.is_empty() {
        lines.push(String::new());
        lines.extend(align(&fields(trace)));
    }
    lines.extend(
        trace
            .remarks
            .iter()
            .map(|remark| format!("Note: {remark}.")),
    );
    lines.push(String::new());
    lines.extend(result(outcome));
    lines
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn fields(trace: &Trace) -> Vec<Vec<String>> {
    let mut rows = vec![row(["FIELD", "VALUE", "FROM", "STEPS"])];
    for field in &trace.fields {
        let value = match (&field.fault, &field.value) {
            (Some(fault), _) => format!("refused: {fault}"),
            (None, Some(value)) => value.clone(),
            (None, None) => "-".to_owned(),
        };
        let gave = field.from.iter().find(|tried| tried.gave.is_some());
        let from = match gave {
            Some(tried) => {
                let gave = tried.gave.as_deref().unwrap_or_default();
                format!("{} = {gave}", tried.source)
            }
            None => {
                let tried: Vec<&str> = field.from.iter().map(|t| t.source.as_str()).collect();
                format!("nothing in {}", tried.join(", "))
            }
        };
        let steps: Vec<&str> = field
            .steps
            .iter()
            .map(|step| step.transform.as_str())
            .collect();
        rows.push(row([field.field.as_str(), &value, &from, &steps.join(" ")]));
    }
    rows
}

fn result(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::CaptureAndRefuse(refusal) | Outcome::Refuse(refusal) => vec![
            format!(
                "Result: refused with {} {} {}: {}",
                refusal.reason.status(),
                refusal.reason.code(),
                refusal.reason,
                refusal.detail
            ),
            format!("The administrator reads: {}", refusal.sentence),
        ],
        Outcome::Ignore => vec!["Result: answered as done, nothing changes.".to_owned()],
        Outcome::RelayOrRefuse => vec![format!(
            "Result: relayed to Cisco's bridge; refused with {} {} where the template has none.",
            RefusalReason::NoBridge.status(),
            RefusalReason::NoBridge.code()
        )],
        Outcome::Remove(user) => vec![format!("Result: {user} is to be no subscriber.")],
        Outcome::Upsert(wish) => {
            let mut lines = vec![format!(
                "Result: {} is to be a subscriber:",
                wish.profile.user
            )];
            lines.extend(align(&profile(&wish.profile)));
            lines
        }
    }
}

fn profile(profile: &Profile) -> Vec<Vec<String>> {
    let Profile {
        user: _,
        sp,
        group,
        first_name,
        last_name,
        email,
        phone,
        mobile,
        extension,
        language,
        timezone,
        is_place,
    } = profile;
    let kind = if *is_place { "a place" } else { "a person" };
    [
        ("service provider", Some(sp.as_str())),
        ("group", group.as_ref().map(|group| group.as_str())),
        ("first name", Some(first_name.as_str())),
        ("last name", Some(last_name.as_str())),
        ("e-mail", email.as_deref()),
        ("phone", phone.as_deref()),
        ("mobile", mobile.as_deref()),
        ("extension", extension.as_deref()),
        ("language", language.as_deref()),
        ("time zone", timezone.as_deref()),
        ("kind", Some(kind)),
    ]
    .map(|(name, value)| row(["", name, value.unwrap_or("-")]))
    .to_vec()
}

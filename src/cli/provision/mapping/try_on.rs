//! `xspd provision mapping test`: how each rule sees one request, and what comes of it.

use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::provision::input;
use crate::cli::provision::mapping::check;
use crate::cli::table::align;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::capture::CAPTURE;
use crate::domain::provisioning::capture::Capture;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::EarlyValidation;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::Outcome;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::mapping::Trace;
use crate::domain::provisioning::mapping::Verdict;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::redact::Redaction;
use crate::domain::provisioning::refusal::Refusal;
use crate::domain::provisioning::refusal::RefusalReason;

/// Largest file that is read: a body and its head, and some room for an editor's line ends.
const LARGEST: u64 = 512 * 1024;

/// Arguments of `xspd provision mapping test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The mapping file; without one, the built-in rules
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    #[command(flatten)]
    asked: Asked,

    #[command(flatten)]
    template: Template,
}

/// One of them.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Asked {
    /// A request that the daemon kept, as JSON; - is standard input
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,

    /// A request as text: request line, header fields, an empty line, the body; - is standard input
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

/// What the rules have to know of the template.
#[derive(Debug, clap::Args)]
struct Template {
    /// Key of the template
    #[arg(long = "template", value_name = "KEY", default_value = "template")]
    key: String,

    /// Path of the template's URL, if it is not /adapter/v1/t/KEY
    #[arg(long, value_name = "PATH")]
    base: Option<String>,

    /// Language of users that have none
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,

    /// Time zone of users that have none
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,

    /// The template does not trust mail addresses
    #[arg(long)]
    untrusted_email: bool,

    /// The service provider is the enterprise
    #[arg(long)]
    enterprise_mode: bool,

    /// How much is judged at once: off, syntax or business
    #[arg(long, value_name = "HOW", default_value = "business")]
    early_validation: String,
}

pub(super) fn run(args: &Args, console: Console) -> Exit {
    match done(args, console) {
        Ok(exit) => exit,
        Err((exit, complaint)) => {
            if let Some(complaint) = complaint {
                console.complain(complaint);
            }
            exit
        }
    }
}

type Failed = (Exit, Option<String>);

fn done(args: &Args, console: Console) -> Result<Exit, Failed> {
    let mapping = match &args.rules {
        None => Mapping::built_in(),
        Some(file) => check::load(file).map_err(|wrong| (wrong.tell(file, console), None))?,
    };
    let template = args.template.values()?;
    let asked = args.asked.read(args.template.base.as_deref())?;
    let (outcome, trace) = mapping.apply(&asked.call, &template);
    let hidden = asked.hidden == Some(Redaction::Personal);
    if console.json {
        console.document(&document(&outcome, &trace, hidden));
    } else {
        for line in lines(&outcome, &trace) {
            console.line(line);
        }
        if hidden {
            console.line(
                "The values of this capture are hidden: what the rules say of them is no verdict. \
                 To see one, capture the request of a test user with personal-data = true in \
                 [provisioning.capture], or write the request into a file and use --request.",
            );
        }
    }
    Ok(match refusal(&outcome) {
        None => Exit::Ok,
        Some(_) => Exit::Findings,
    })
}

impl Template {
    fn values(&self) -> Result<TemplateValues, Failed> {
        let key = TemplateKey::parse(&self.key)
            .map_err(|error| (Exit::Usage, Some(format!("--template: {error}"))))?;
        let cluster = ClusterName::parse("cluster")
            .map_err(|error| (Exit::Software, Some(error.to_string())))?;
        let early_validation = EarlyValidation::parse(&self.early_validation).ok_or_else(|| {
            let words = EarlyValidation::ALL.map(EarlyValidation::as_str).join(", ");
            let what = format!("--early-validation: there are {words}");
            (Exit::Usage, Some(what))
        })?;
        Ok(TemplateValues {
            key,
            cluster,
            package: Package::Standard,
            language: self.language.clone(),
            timezone: self.timezone.clone(),
            trusted_email: !self.untrusted_email,
            enterprise_mode: self.enterprise_mode,
            early_validation,
        })
    }
}

struct Request {
    call: Call,
    /// Of a capture.
    hidden: Option<Redaction>,
}

impl Asked {
    fn read(&self, base: Option<&str>) -> Result<Request, Failed> {
        let (file, captured) = match (&self.capture, &self.request) {
            (Some(file), _) => (file, true),
            (None, Some(file)) => (file, false),
            (None, None) => return Err((Exit::Usage, Some("no request was given".to_owned()))),
        };
        let most = if captured {
            u64::try_from(CAPTURE).unwrap_or(u64::MAX)
        } else {
            LARGEST
        };
        let shown = file.display();
        let bytes = input::read(file, most)
            .map_err(|error| (Exit::NoInput, Some(format!("cannot read {shown}: {error}"))))?;
        let data = |what: String| (Exit::Data, Some(format!("{shown}: {what}")));
        if captured {
            let capture = Capture::from_json(&bytes).map_err(|error| data(error.to_string()))?;
            let call = capture.request.to_call();
            let call = call.map_err(|error| data(error.to_string()))?;
            let hidden = Some(capture.request.hidden);
            Ok(Request { call, hidden })
        } else {
            let call = Call::from_file(&bytes, base).map_err(|error| data(error.to_string()))?;
            Ok(Request { call, hidden: None })
        }
    }
}

fn refusal(outcome: &Outcome) -> Option<&Refusal> {
    match outcome {
        Outcome::CaptureAndRefuse(refusal) | Outcome::Refuse(refusal) => Some(refusal),
        Outcome::Ignore | Outcome::RelayOrRefuse | Outcome::Remove(_) | Outcome::Upsert(_) => None,
    }
}

fn document(outcome: &Outcome, trace: &Trace, hidden: bool) -> Value {
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

fn lines(outcome: &Outcome, trace: &Trace) -> Vec<String> {
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

#[cfg(test)]
mod tests;

//! `xspd provision mapping test`: how each rule sees one request, and what comes of it.

mod shown;

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use uuid::Uuid;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::input;
use crate::cli::operations::Daemon;
use crate::cli::provision::mapping::check;
use crate::cli::provision::mapping::try_on::shown::document;
use crate::cli::provision::mapping::try_on::shown::lines;
use crate::cli::provision::mapping::try_on::shown::refusal;
use crate::config;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::capture::CAPTURE;
use crate::domain::provisioning::capture::Capture;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::EarlyValidation;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::redact::Redaction;
use crate::inbound::endpoints::provisioning::template_values;

/// Largest file that is read: a body and its head, and some room for an editor's line ends.
const LARGEST: u64 = 512 * 1024;

/// Arguments of `xspd provision mapping test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The mapping file; without one, that of the template in --config, else the built-in rules
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    #[command(flatten)]
    asked: Asked,

    /// The daemon's configuration, with the template that the request is for; needed for an ID when
    /// it is not at its usual place
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The daemon's admin listener, instead of the configured address
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,

    #[command(flatten)]
    template: Template,
}

/// One of them.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Asked {
    /// A request that the daemon kept: its ID, or a file with it as JSON; - is standard input
    #[arg(long, value_name = "ID|FILE")]
    capture: Option<PathBuf>,

    /// A request as text: request line, header fields, an empty line, the body; - is standard input
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

/// What the rules have to know of the template.
#[derive(Debug, clap::Args)]
struct Template {
    /// Key of the template; by default that of the capture
    #[arg(long = "template", value_name = "KEY")]
    key: Option<String>,

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

    /// How much is judged at once: off, syntax or business, the default
    #[arg(long, value_name = "HOW")]
    early_validation: Option<String>,
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
    let door = Door::at(args.config.as_deref(), args.admin);
    let asked = args.asked.read(args.template.base.as_deref(), &door)?;
    let key = args.template.key.as_deref().or(asked.template.as_deref());
    let configured = match key {
        Some(key) if args.config.is_some() || asked.of_daemon => configured(&door, key)?,
        Some(_) | None => None,
    };
    let file = configured.as_ref().and_then(|held| held.mapping.as_ref());
    let mapping = match args.rules.as_ref().or(file) {
        None => Mapping::built_in(),
        Some(file) => check::load(file).map_err(|wrong| (wrong.tell(file, console), None))?,
    };
    let template = args.template.values(key, configured.as_ref())?;
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
    /// Those of the configuration, where there are some; what is said here counts before them.
    fn values(
        &self,
        key: Option<&str>,
        configured: Option<&config::Template>,
    ) -> Result<TemplateValues, Failed> {
        let usage = |what: String| (Exit::Usage, Some(what));
        let key = TemplateKey::parse(key.unwrap_or("template"))
            .map_err(|error| usage(format!("--template: {error}")))?;
        let cluster = configured.map_or("cluster", |held| held.cluster.as_str());
        let cluster = ClusterName::parse(cluster)
            .map_err(|error| (Exit::Software, Some(error.to_string())))?;
        let mut values = match configured {
            Some(held) => template_values(held, &key, &cluster),
            None => TemplateValues {
                key,
                cluster,
                package: Package::Standard,
                language: None,
                timezone: None,
                trusted_email: true,
                enterprise_mode: false,
                early_validation: EarlyValidation::default(),
            },
        };
        if let Some(word) = &self.early_validation {
            values.early_validation = EarlyValidation::parse(word).ok_or_else(|| {
                let words = EarlyValidation::ALL.map(EarlyValidation::as_str).join(", ");
                usage(format!("--early-validation: there are {words}"))
            })?;
        }
        values.language = self.language.clone().or(values.language);
        values.timezone = self.timezone.clone().or(values.timezone);
        values.trusted_email &= !self.untrusted_email;
        values.enterprise_mode |= self.enterprise_mode;
        Ok(values)
    }
}

/// The template of the daemon's configuration; `None` when it has none of this name.
fn configured(door: &Door, key: &str) -> Result<Option<config::Template>, Failed> {
    let config = door.config().map_err(|text| (Exit::Config, Some(text)))?;
    let mut templates = config.templates.into_iter();
    Ok(templates.find(|template| template.name == key))
}

struct Request {
    call: Call,
    /// Of a capture.
    hidden: Option<Redaction>,
    template: Option<String>,
    /// Whether the daemon was asked for it.
    of_daemon: bool,
}

impl Asked {
    fn read(&self, base: Option<&str>, door: &Door) -> Result<Request, Failed> {
        if let Some(id) = self.capture.as_deref().and_then(id_of) {
            let target = format!("/ops/v1/captures/{}", escaped(id));
            let said = Daemon::of(door).and_then(|daemon| daemon.get(&target));
            let said = said.map_err(|failure| {
                let text = format!("xspd: {failure}");
                (failure.exit(), Some(text))
            })?;
            return captured(said.to_string().as_bytes(), id, true);
        }
        let (file, is_capture) = match (&self.capture, &self.request) {
            (Some(file), _) => (file, true),
            (None, Some(file)) => (file, false),
            (None, None) => return Err((Exit::Usage, Some("no request was given".to_owned()))),
        };
        let most = if is_capture {
            u64::try_from(CAPTURE).unwrap_or(u64::MAX)
        } else {
            LARGEST
        };
        let shown = file.display();
        let bytes = input::read(file, most)
            .map_err(|error| (Exit::NoInput, Some(format!("cannot read {shown}: {error}"))))?;
        if is_capture {
            return captured(&bytes, &shown.to_string(), false);
        }
        let call = Call::from_file(&bytes, base)
            .map_err(|error| (Exit::Data, Some(format!("{shown}: {error}"))))?;
        Ok(Request {
            call,
            hidden: None,
            template: None,
            of_daemon: false,
        })
    }
}

/// The name of a capture, where no file is called so.
fn id_of(written: &Path) -> Option<&str> {
    let text = written.to_str()?;
    let is_name = Uuid::parse_str(text).is_ok();
    (is_name && !written.exists()).then_some(text)
}

fn captured(bytes: &[u8], shown: &str, of_daemon: bool) -> Result<Request, Failed> {
    let data = |what: String| (Exit::Data, Some(format!("{shown}: {what}")));
    let capture = Capture::from_json(bytes).map_err(|error| data(error.to_string()))?;
    let call = capture.request.to_call();
    Ok(Request {
        call: call.map_err(|error| data(error.to_string()))?,
        hidden: Some(capture.request.hidden),
        template: Some(capture.template.as_str().to_owned()),
        of_daemon,
    })
}

#[cfg(test)]
mod tests;

//! `xspd provision as-commands TEMPLATE`: what to set on the Application Server, checked against
//! what the AS can hold and what the guides forbid.

use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::config::ADAPTER_PATH;
use crate::config::Config;
use crate::config::ListenerKind;
use crate::config::Template;
use crate::domain::provisioning::as_settings;
use crate::domain::provisioning::as_settings::Scope;
use crate::domain::provisioning::as_settings::Settings;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;

/// The port that URLs do not write.
const HTTPS: u16 = 443;

/// Which template, and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Key of the template.
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// For this service provider or enterprise alone.
    #[arg(long, value_name = "ID", value_parser = SpId::parse)]
    service_provider: Option<SpId>,
    /// For this group of the service provider alone.
    #[arg(long, value_name = "ID", requires = "service_provider", value_parser = GroupId::parse)]
    group: Option<GroupId>,
    /// The URL of the adapter as the AS reaches it, when the configuration does not tell.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Customers that Partner Hub shows for the cluster: xspd knows only of those that came through
    /// it. The most counts of this, `customers` of its templates, and what the daemon knows.
    #[arg(long, value_name = "N")]
    customers: Option<u64>,
    #[command(flatten)]
    door: Door,
}

/// Prints the commands: exit 0, or 1 when they must not be given.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    match print(args, console) {
        Ok(exit) => exit,
        Err(failure) => failure.told(console),
    }
}

fn print(args: &Args, console: Console) -> Result<Exit, Failure> {
    let config = args.door.config().map_err(Failure::Config)?;
    let mut templates = config.templates.iter();
    let template = templates.find(|held| held.name == args.template);
    let Some(template) = template else {
        let names: Vec<_> = config
            .templates
            .iter()
            .map(|held| held.name.as_str())
            .collect();
        return Err(Failure::Usage(format!(
            "there is no template {:?}; there is: {}",
            args.template,
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        )));
    };
    let Some(credentials) = &template.credentials else {
        return Err(Failure::Usage(format!(
            "template {:?} only looks on (mode observe): the Application Server keeps calling \
             Webex, and nothing is to be set there",
            args.template
        )));
    };
    let url = match &args.url {
        Some(url) => url.clone(),
        None => url_of(template, &config).ok_or_else(|| {
            Failure::Usage(
                "the configuration does not tell at which name the Application Server reaches the \
                 adapter: give --url"
                    .to_owned(),
            )
        })?,
    };
    let customers = customers(args, &config, &template.cluster)?;
    let password = credentials.password.read().ok();
    let password = password.map(|held| {
        let text = String::from_utf8_lossy(held.expose().trim_ascii()).into_owned();
        zeroize::Zeroizing::new(text).chars().count()
    });
    let scope = match (&args.service_provider, &args.group) {
        (Some(sp), Some(group)) => Scope::Group(sp.clone(), group.clone()),
        (Some(sp), None) => Scope::ServiceProvider(sp.clone()),
        (None, _) => Scope::System,
    };
    let settings = Settings {
        url: &url,
        account: &credentials.account,
        password,
        password_at: &credentials.password.to_string(),
        scope,
        customers,
    };
    Ok(told(&settings, console))
}

fn told(settings: &Settings<'_>, console: Console) -> Exit {
    let objections = as_settings::objections(settings);
    let remarks = as_settings::remarks(settings);
    let commands = if objections.is_empty() {
        as_settings::commands(settings)
    } else {
        Vec::new()
    };
    if console.json {
        let refused: Vec<_> = objections.iter().map(ToString::to_string).collect();
        console.document(&json!({
            "url": settings.url,
            "account": settings.account,
            "customers": settings.customers,
            "refused": refused,
            "commands": commands,
            "remarks": remarks,
        }));
    } else {
        for objection in &objections {
            console.complain(format_args!("xspd: {objection}"));
        }
        for command in &commands {
            console.line(command);
        }
        if !commands.is_empty() {
            for remark in &remarks {
                console.complain(remark);
            }
        }
    }
    if objections.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    }
}

/// Where the adapter of a template is: the first URL that is written for it, else the name of a
/// listener for it.
fn url_of(template: &Template, config: &Config) -> Option<String> {
    if let Some(written) = template.matches.first() {
        return Some(written.to_string());
    }
    let mut listeners = config.listeners.iter();
    let listener = listeners.find(|held| held.kind == ListenerKind::Provisioning)?;
    let host = listener.hosts.iter().flat_map(|host| &host.names).next()?;
    let port = listener.addresses.first()?.port();
    let port = if port == HTTPS {
        String::new()
    } else {
        format!(":{port}")
    };
    Some(format!(
        "https://{host}{port}{ADAPTER_PATH}{}",
        template.name
    ))
}

/// How many customers the cluster has: what the daemon knows of, or what Partner Hub shows, if
/// that is more.
fn customers(args: &Args, config: &Config, cluster: &str) -> Result<u64, Failure> {
    let ours = config.templates.iter();
    let ours = ours.filter(|held| held.cluster == cluster);
    let declared = ours.map(|held| u64::from(held.customers)).max();
    let declared = declared.unwrap_or(0).max(args.customers.unwrap_or(0));
    let asked = Daemon::of(&args.door).and_then(|daemon| daemon.get("/ops/v1/templates"));
    let known = match asked {
        Ok(said) => {
            let said = &said;
            let clusters = said["clusters"].as_array().into_iter().flatten();
            let mut ours = clusters.filter(|held| held["cluster"] == cluster);
            ours.find_map(|held| held["customers"].as_u64())
                .unwrap_or(0)
        }
        // What is said by hand stands in for the daemon.
        Err(_) if declared > 0 => 0,
        Err(failure) => {
            return Err(Failure::Usage(format!(
                "{failure}\nWithout it nobody counts the customers of the cluster, and with more \
                 than {} its URLs must not be edited: give --customers with what Partner Hub shows, \
                 or set `customers` of the template.",
                as_settings::CUSTOMERS
            )));
        }
    };
    Ok(known.max(declared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_those_of_partner_hub_where_it_shows_more() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("xspd.toml");
        let of = |declared: &str, said: &[&str]| {
            let text = format!(
                "[[template]]\nname = \"acme\"\nmode = \"relay\"\n{declared}\
                 bridge-url = \"https://bridge.example.com/x\"\naccount = \"prov\"\n\
                 password = \"file:/etc/xspd/acme\"\n\
             [[listener]]\nname = \"prov\"\nkind = \"provisioning\"\naddresses = [\"127.0.0.1:8443\"]\n\
             [[listener.host]]\nnames = [\"adapter.sp.example\"]\n"
            );
            std::fs::write(&file, &text).unwrap();
            let fixed = ["as-commands", "acme", "--config", file.to_str().unwrap()];
            let line = <Line as clap::Parser>::parse_from(fixed.iter().chain(said));
            let config = crate::config::from_text(&text).unwrap();
            // Nobody can be asked: there is no operator token.
            customers(&line.args, &config, "default").ok()
        };
        assert_eq!(of("", &[]), None);
        assert_eq!(of("", &["--customers", "12"]), Some(12));
        assert_eq!(of("customers = 51\n", &[]), Some(51));
        assert_eq!(of("customers = 51\n", &["--customers", "12"]), Some(51));
    }

    #[test]
    fn the_url_of_a_template_is_what_is_written_or_the_name_of_the_listener() {
        let of = |matches: &str, port: u16| {
            let text = format!(
                "[[template]]\nname = \"acme\"\nmode = \"relay\"\n{matches}\
                 bridge-url = \"https://bridge.example.com/x\"\naccount = \"prov\"\n\
                 password = \"file:/etc/xspd/acme\"\n\
                 [[listener]]\nname = \"prov\"\nkind = \"provisioning\"\n\
                 addresses = [\"127.0.0.1:{port}\"]\n\
                 [[listener.host]]\nnames = [\"adapter.sp.example\"]\n"
            );
            let config = crate::config::from_text(&text).unwrap();
            url_of(&config.templates[0], &config).unwrap()
        };
        let usual = "https://adapter.sp.example/adapter/v1/t/acme";
        assert_eq!(of("", HTTPS), usual);
        assert_eq!(
            of("", 8443),
            "https://adapter.sp.example:8443/adapter/v1/t/acme"
        );
        let written = "match = [\"https://old.sp.example/bridge\"]\n";
        assert_eq!(of(written, HTTPS), "https://old.sp.example/bridge");
    }
}

//! `xspd acme`: automatic certificates. How they stand, the TXT record of dns-persist-01, and a new
//! key for the account.

use std::net::SocketAddr;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::certs::alive;
use crate::cli::certs::failure::Failure;
use crate::cli::table::align;
use crate::config::Acme;
use crate::config::AcmeChallenge;
use crate::config::Config;
use crate::domain::certs::date;
use crate::domain::certs::renewal;
use crate::domain::certs::renewal::UsedUp;
use crate::domain::shell::quoted;
use crate::platform::clock;
use crate::workers::acme::places;
use crate::workers::acme::staged;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Folder;
use crate::workers::acme::state::Status;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Shelf;

/// Arguments of `xspd acme`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say how each automatic certificate stands; exit code 1 when one fails
    List {
        #[command(flatten)]
        door: Door,
    },
    /// Have the daemon put the account at the CA away; the next order makes another one
    NewAccount {
        /// Name of an [[acme]] of the configuration
        name: String,
        #[command(flatten)]
        door: Door,
    },
    /// Have the daemon change the key of the account at the CA
    RollKey {
        /// Name of an [[acme]] of the configuration
        name: String,
        #[command(flatten)]
        door: Door,
    },
    /// Print the TXT records that the DNS must hold for dns-persist-01
    ShowDns {
        /// Name of an [[acme]] of the configuration
        name: String,
        #[command(flatten)]
        door: Door,
    },
}

/// One automatic certificate of the configuration.
pub(super) struct Desk {
    pub(super) acme: Acme,
    pub(super) folder: Folder,
    address: SocketAddr,
    places: Vec<Place>,
    shelf: Shelf,
}

impl Desk {
    pub(super) fn open(door: &Door, name: &str) -> Result<Self, Failure> {
        let config = door.config().map_err(Failure::Config)?;
        let found = config.acme.iter().find(|acme| acme.name == name);
        let acme = found.cloned().ok_or_else(|| unknown(&config, name))?;
        Ok(Self {
            folder: Folder::new(&config.state_dir, name),
            address: door.address(&config),
            places: places(&config, &acme),
            shelf: Shelf::new(&config.state_dir),
            acme,
        })
    }

    /// What was gone back to need not stay any longer.
    pub(super) fn let_go(&self) -> Result<(), Failure> {
        for place in &self.places {
            self.shelf.hold(place, None)?;
        }
        Ok(())
    }

    /// Whether this day's orders are made.
    pub(super) fn used_up(&self, status: &Status, now: SystemTime) -> Option<UsedUp> {
        used_up(&self.acme, status, now)
    }

    /// The daemon does the work, so it must be there.
    pub(super) fn alive(&self) -> Result<(), Failure> {
        let address = self.address;
        alive(address).map_err(|error| Failure::NoWorker { address, error })
    }
}

fn used_up(acme: &Acme, status: &Status, now: SystemTime) -> Option<UsedUp> {
    let orders = status.orders.iter();
    // They are kept without the part of a second.
    let orders = orders.filter_map(|at| date::from_unix(at.saturating_add(1)));
    renewal::used_up(orders, acme.orders_per_day, now)
}

/// When the next order can be had, for people.
pub(super) fn no_order_left(used_up: &UsedUp) -> String {
    let UsedUp { made, since, next } = used_up;
    format!(
        "{made} orders were made since {}, which is all that orders-per-day allows; the next is \
         possible at {}",
        date::text(*since),
        date::text(*next)
    )
}

fn unknown(config: &Config, name: &str) -> Failure {
    let names: Vec<_> = config.acme.iter().map(|acme| acme.name.as_str()).collect();
    Failure::NoAcme {
        asked: name.to_owned(),
        names: if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        },
    }
}

/// Runs `xspd acme`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    let done = match args.verb {
        Verb::List { door } => list(&door, console, clock::wall()),
        Verb::NewAccount { name, door } => new_account(&door, &name, console),
        Verb::RollKey { name, door } => roll_key(&door, &name, console),
        Verb::ShowDns { name, door } => show_dns(&door, &name, console),
    };
    done.unwrap_or_else(|failure| {
        console.complain(format_args!("xspd: {failure}"));
        failure.exit()
    })
}

fn list(door: &Door, console: Console, now: SystemTime) -> Result<Exit, Failure> {
    let config = door.config().map_err(Failure::Config)?;
    let mut all = Vec::new();
    for acme in &config.acme {
        let folder = Folder::new(&config.state_dir, &acme.name);
        all.push(View {
            acme,
            status: folder.status()?,
            asked: folder.is_asked(),
            staged: staged(
                &Shelf::new(&config.state_dir),
                &places(&config, acme),
                &acme.name,
            ),
        });
    }
    let failing = all.iter().any(View::is_wrong);
    if console.json {
        let documents: Vec<_> = all.iter().map(|view| view.document(now)).collect();
        console.document(&json!({ "acme": documents }));
    } else {
        let head = ["NAME", "NAMES", "CHALLENGE", "RENEWED", "NEXT", "FAILURES"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(all.iter().map(|view| row(view.acme, &view.status)));
        align(&rows).iter().for_each(|line| console.line(line));
        for view in &all {
            for remark in view.remarks(now) {
                console.line(format_args!("{}: {remark}", view.acme.name));
            }
        }
    }
    Ok(if failing { Exit::Findings } else { Exit::Ok })
}

/// One automatic certificate as it stands.
struct View<'a> {
    acme: &'a Acme,
    status: Status,
    /// Something was asked for that is not begun.
    asked: bool,
    /// Places for which something was ordered and not activated.
    staged: Vec<String>,
}

impl View<'_> {
    fn is_wrong(&self) -> bool {
        let status = &self.status;
        status.failures > 0 || status.refused().is_some() || !status.unserved.is_empty()
    }

    /// What the table has no room for.
    fn remarks(&self, now: SystemTime) -> Vec<String> {
        let (name, status) = (&self.acme.name, &self.status);
        let mut remarks = Vec::new();
        if !status.problem.is_empty() {
            remarks.push(status.problem.clone());
        }
        if let Some(state) = status.refused() {
            remarks.push(format!("the account: {state}"));
        }
        if let Some(held) = status.held.and_then(date::from_unix) {
            remarks.push(format!(
                "somebody went back to the certificate before, so none is ordered until {}; at \
                 once: xspd certs renew {name}",
                date::text(held)
            ));
        }
        remarks.extend(self.staged.iter().map(|place| {
            format!(
                "what was ordered is staged for {place} and not activated: xspd certs activate {}",
                quoted(place)
            )
        }));
        if let Some(used_up) = used_up(self.acme, status, now) {
            remarks.push(no_order_left(&used_up));
        }
        if self.asked {
            remarks.push(
                "something was asked for that is not begun; the daemon does it within seconds, if \
                 it runs"
                    .to_owned(),
            );
        }
        let unserved = status.unserved.iter();
        remarks.extend(unserved.map(|place| format!("what was renewed is not served by {place}")));
        remarks
    }

    fn document(&self, now: SystemTime) -> Value {
        let (acme, status) = (self.acme, &self.status);
        let used_up = used_up(acme, status, now);
        json!({
            "name": acme.name,
            "names": acme.names,
            "for": acme.places,
            "directory": acme.directory,
            "challenge": acme.challenge.word(),
            "renewed": status.renewed,
            "due": status.due,
            "failures": status.failures,
            "problem": status.problem,
            "account": status.account,
            "account-state": status.account_state,
            "account-since": status.account_since,
            "unserved": status.unserved,
            "staged": self.staged,
            "not-before": status.rest.max(status.held),
            "fingerprint": status.fingerprint,
            "asked": self.asked,
            "no-order-before": used_up.map(|used_up| date::to_unix(used_up.next)),
        })
    }
}

fn row(acme: &Acme, status: &Status) -> Vec<String> {
    let moment = |at: Option<i64>| match at {
        // What has no certificate yet is due since ever.
        Some(..=0) => "now".to_owned(),
        Some(at) => date::from_unix(at).map_or_else(|| "?".to_owned(), date::text),
        None => "-".to_owned(),
    };
    vec![
        acme.name.clone(),
        acme.names.join(","),
        acme.challenge.word().to_owned(),
        moment(status.renewed),
        moment(status.due.max(status.held)),
        status.failures.to_string(),
    ]
}

fn new_account(door: &Door, name: &str, console: Console) -> Result<Exit, Failure> {
    let desk = Desk::open(door, name)?;
    desk.alive()?;
    desk.folder.ask(Asked::NewAccount)?;
    if console.json {
        console.document(&json!({ "name": name, "asked": "new-account" }));
    } else {
        console.line(
            "Asked: the next order makes another account; xspd certs renew orders at once. The old \
             key stays beside, in account.json.old.",
        );
        if desk.acme.challenge == AcmeChallenge::DnsPersist01 {
            console.line("The TXT records name the account: print them anew after the order.");
        }
    }
    Ok(Exit::Ok)
}

fn roll_key(door: &Door, name: &str, console: Console) -> Result<Exit, Failure> {
    let desk = Desk::open(door, name)?;
    desk.alive()?;
    desk.folder.ask(Asked::RollKey)?;
    let line = "Asked: the daemon changes the key within seconds and says so in its log; a failure \
                stands in xspd acme list.";
    if console.json {
        console.document(&json!({ "name": name, "asked": "roll-key" }));
    } else {
        console.line(line);
        if desk.acme.challenge == AcmeChallenge::DnsPersist01 {
            console.line("The TXT records stay as they are: they name the account, not its key.");
        }
    }
    Ok(Exit::Ok)
}

fn show_dns(door: &Door, name: &str, console: Console) -> Result<Exit, Failure> {
    let desk = Desk::open(door, name)?;
    let status = desk.folder.status()?;
    let Some(issuer) = &desk.acme.dns_issuer else {
        return Err(Failure::Config(format!(
            "acme.{name} uses {}, which needs no record that stays; dns-persist-01 does",
            desk.acme.challenge.word()
        )));
    };
    if status.account.is_empty() || status.directory != desk.acme.directory {
        return Err(Failure::NoAccount(name.to_owned()));
    }
    let records = records(&desk.acme, issuer, &status.account);
    if console.json {
        let documents: Vec<_> = records
            .iter()
            .map(|(record, value)| json!({"name": record, "type": "TXT", "value": value}))
            .collect();
        console.document(&json!({ "records": documents }));
    } else {
        for (record, value) in records {
            console.line(format_args!("{record}. IN TXT \"{value}\""));
        }
        console.complain(
            "Whoever has the account's key can get certificates for these names as long as the \
             records stand: guard the state directory.",
        );
    }
    Ok(Exit::Ok)
}

/// Name and value, each name once; a wildcard is a policy of its parent's record.
fn records(acme: &Acme, issuer: &str, account: &str) -> Vec<(String, String)> {
    let mut records: Vec<(String, String)> = Vec::new();
    for name in &acme.names {
        let plain = name.strip_prefix("*.").unwrap_or(name);
        let record = format!("_validation-persist.{plain}");
        let wild = acme
            .names
            .iter()
            .any(|other| *other == format!("*.{plain}"));
        let policy = if wild { "; policy=wildcard" } else { "" };
        if !records.iter().any(|(held, _)| *held == record) {
            let value = format!("{issuer}; accounturi={account}{policy}");
            records.push((record, value));
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::config::AcmeKey;

    fn acme() -> Acme {
        Acme {
            name: "le".to_owned(),
            directory: "https://ca.example/dir".to_owned(),
            ca: None,
            contact: Vec::new(),
            external: None,
            profile: None,
            challenge: AcmeChallenge::DnsPersist01,
            dns_hook: None,
            dns_issuer: Some("ca.example".to_owned()),
            names: ["xsp.example.net", "example.org", "*.example.org"]
                .map(str::to_owned)
                .to_vec(),
            places: Vec::new(),
            key_type: AcmeKey::EcdsaP256,
            orders_per_day: 5,
        }
    }

    #[test]
    fn what_waits_and_a_refused_account_are_said_with_what_to_paste() {
        let acme = acme();
        let view = View {
            acme: &acme,
            status: Status {
                account_state: "it refused (403, unauthorized): no".to_owned(),
                ..Status::default()
            },
            asked: false,
            staged: vec!["edge/*".to_owned()],
        };
        let remarks = view.remarks(clock::wall());
        assert_eq!(remarks.len(), 2, "{remarks:?}");
        assert!(remarks[0].contains("403"), "{remarks:?}");
        assert!(
            remarks[1].ends_with("xspd certs activate 'edge/*'"),
            "{remarks:?}"
        );
    }

    #[test]
    fn a_day_without_orders_and_a_wish_that_waits_are_told() {
        let now = date::from_unix(1_800_000_000).unwrap();
        let acme = acme();
        let mut view = View {
            acme: &acme,
            status: Status {
                orders: vec![1_799_990_000; 4],
                ..Status::default()
            },
            asked: false,
            staged: Vec::new(),
        };
        assert_eq!(view.remarks(now), Vec::<String>::new());
        view.status.orders.push(1_799_980_000);
        view.asked = true;
        let said = view.remarks(now);
        assert!(said[0].starts_with("5 orders were made since "), "{said:?}");
        assert!(said[1].contains("asked for"), "{said:?}");
        let document = view.document(now);
        assert_eq!(document["no-order-before"], 1_799_980_001 + 86_400);
        assert_eq!(document["asked"], true);
    }

    #[test]
    fn records_name_the_account_and_wildcards_are_a_policy() {
        let acme = acme();
        let account = "https://ca.example/acct/7";
        let expected = [
            (
                "_validation-persist.xsp.example.net",
                "ca.example; accounturi=https://ca.example/acct/7",
            ),
            (
                "_validation-persist.example.org",
                "ca.example; accounturi=https://ca.example/acct/7; policy=wildcard",
            ),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(records(&acme, "ca.example", account), expected);
    }
}

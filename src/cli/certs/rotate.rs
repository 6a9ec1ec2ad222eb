//! `xspd certs rotate-internal-ca`: another CA takes the place of the internal CA, with an overlap in
//! which the XSPs believe in both.
//!
//! * `prepare` makes the next CA and says what to install on the XSPs;
//! * `activate` shows each XSP a certificate of the next CA, and when all take it, replaces the CA and
//!   the certificates of the bridges;
//! * `retire` forgets the old CA, once nothing of it is in use.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::certs::NewCa;
use crate::cli::certs::Said;
use crate::cli::certs::desk;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::renew_bridge;
use crate::cli::certs::renew_bridge::Order;
use crate::cli::operations;
use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::trust_usage::QUIET_DAYS;
use crate::workers::cert_desk::place::Place;
use crate::workers::internal_ca::SET;
use crate::workers::internal_ca::folder::CaFolder;
use crate::workers::internal_ca::folder::Generation;
use crate::workers::internal_ca::issue;
use crate::workers::internal_ca::issue::Proof;
use crate::workers::internal_ca::issue::Trial;
use crate::workers::internal_ca::status::Records;

/// Arguments of `xspd certs rotate-internal-ca`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to do
    #[arg(value_enum)]
    step: Step,
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    new: NewCa,
    /// For prepare: replace a next CA that is there already; for activate: go on though XSPs could
    /// not be asked (never when one refuses); for retire: whatever was in use of late
    #[arg(long)]
    force: bool,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// Make the next CA, and say what to install on the XSPs
    Prepare,
    /// Use the next CA, when every XSP takes it
    Activate,
    /// Forget the old CA
    Retire,
    /// Say which CAs there are and what of them is in use
    Status,
}

struct Scene {
    config: Config,
    folder: CaFolder,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let config = args.door.config().map_err(Failure::Config)?;
    let rules = config.internal_ca.as_ref().ok_or(Failure::NoInternalCa)?;
    let folder = CaFolder::new(&rules.directory);
    let scene = Scene { config, folder };
    match args.step {
        Step::Prepare => scene.prepare(args, console, now),
        Step::Activate => scene.activate(args, console, now),
        Step::Retire => scene.retire(args, console, now),
        Step::Status => scene.status(console),
    }
}

impl Scene {
    fn prepare(&self, args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
        let current = self.folder.facts(Generation::Current)?.ok_or_else(|| {
            Failure::Step(format!(
                "there is no CA in {} to be replaced; make the first one: xspd certs \
                 init-internal-ca --out {}",
                self.folder.path().display(),
                self.folder.path().display()
            ))
        })?;
        if self.folder.facts(Generation::Next)?.is_some() && !args.force {
            return Err(Failure::Step(
                "the next CA is prepared already; install its anchor on the XSPs, then xspd certs \
                 rotate-internal-ca activate. --force makes another."
                    .to_owned(),
            ));
        }
        if self.folder.facts(Generation::Old)?.is_some() {
            return Err(Failure::Step(
                "the CA before the present one is still there; first xspd certs rotate-internal-ca \
                 retire"
                    .to_owned(),
            ));
        }
        let issued = args.new.make(Some(&current.0), now)?;
        self.folder.prepare(&issued)?;
        let (anchor, trust) = (
            self.folder.certificate(Generation::Next),
            self.folder.trust(),
        );
        let alias = format!(
            "xspdca{}",
            issued.facts.fingerprint.short().replace(':', "")
        );
        let file = anchor.file_name().unwrap_or_default().to_string_lossy();
        let command = format!(
            "Interface/CTI/SSLCommonSettings/ClientAuthentication/Trusts> updateTrust {} /tmp/{file}",
            alias.to_ascii_lowercase()
        );
        if console.json {
            return Ok(Said::Document(json!({
                "next": desk::brief(&issued.facts),
                "certificate": anchor,
                "trust": trust,
                "commands": [{"on": "each XSP|ADP", "type": command}],
            })));
        }
        Ok(Said::Lines(vec![
            format!("Written: {}", anchor.display()),
            format!("  {}", desk::brief_words(&issued.facts)),
            format!("Written: {} (every anchor in one file)", trust.display()),
            String::new(),
            format!(
                "Nothing is issued by it yet. Copy {} to /tmp of each XSP|ADP; leave the present \
                 anchor there. With bwcli:",
                anchor.display()
            ),
            format!("  each XSP|ADP: {command}"),
            "Restart the XSPs' CTI interface as the guide of your release says.".to_owned(),
            "Then: xspd certs rotate-internal-ca activate. It asks every XSP first.".to_owned(),
        ]))
    }

    fn activate(&self, args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
        if self.folder.facts(Generation::Next)?.is_none() {
            return Err(Failure::Step(
                "no next CA is prepared; first xspd certs rotate-internal-ca prepare".to_owned(),
            ));
        }
        let next = self.folder.load_next(now)?;
        let by = operations::name();
        let order = Order {
            config: &self.config,
            folder: &self.folder,
            authority: &next,
            proof: if args.force {
                Proof::NoRefusal
            } else {
                Proof::All
            },
            by: &by,
            now,
        };
        // All are tried before any is changed: half of the bridges with the one CA and half with the
        // other would still work, but nobody could say what is in use.
        let (mut ready, mut trials) = (Vec::new(), Vec::new());
        for place in self.places()? {
            let (fresh, tried) = order.try_out(&place)?;
            trials.extend(tried.iter().cloned());
            ready.push((place, fresh, tried));
        }
        if !issue::is_proven(&trials, order.proof) {
            for (_, fresh, _) in ready {
                fresh.forget(&self.config)?;
            }
            return Ok(not_yet(trials, console));
        }
        // The CA first: should this end halfway, the daemon replaces what the old one issued.
        self.folder.activate()?;
        let mut done = Vec::new();
        for (place, fresh, tried) in ready {
            let activated = fresh.activate(&self.config, &tried, order.proof, &by, now)?;
            done.push((place, activated.new));
        }
        Ok(rotated(next.facts(), &done, &trials, console))
    }

    /// The bridges whose certificate the internal CA issued.
    fn places(&self) -> Result<Vec<Place>, Failure> {
        let known = self.folder.anchors()?;
        let ours = |place: &Place| {
            let leaf = issue::in_use(place).ok().flatten();
            leaf.is_some_and(|leaf| known.iter().any(|ca| issue::issued_by(&leaf, ca)))
        };
        let all = issue::bridges(&self.config).into_iter();
        Ok(all.filter(ours).collect())
    }

    /// The bridges whose certificate one CA issued.
    fn users(&self, ca: &[u8]) -> Vec<String> {
        let uses = |place: &Place| {
            let leaf = issue::in_use(place).ok().flatten();
            leaf.is_some_and(|leaf| issue::issued_by(&leaf, ca))
        };
        let all = issue::bridges(&self.config).into_iter();
        all.filter(uses).map(|place| place.name).collect()
    }

    fn retire(&self, args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
        let Some((old, der)) = self.folder.facts(Generation::Old)? else {
            return Err(Failure::Step("there is no old CA to retire".to_owned()));
        };
        let users = self.users(&der);
        if !users.is_empty() {
            return Err(Failure::Step(format!(
                "the certificate of {} is still of the old CA; renew it first: xspd certs renew {}",
                users.join(", "),
                users.first().map(String::as_str).unwrap_or_default()
            )));
        }
        let usage = Records::new(&self.config.state_dir).usage()?;
        let kept = usage.of(SET, &old.fingerprint.to_string());
        let last = kept.map(|kept| kept.last_used.unwrap_or(kept.first_seen));
        let last = last.and_then(date::from_unix);
        let quiet = last.is_some_and(|last| date::days_between(last, now) >= QUIET_DAYS);
        if !quiet && old.not_after > now && !args.force {
            let when = last.map_or_else(
                || "it is not known when it was in use last".to_owned(),
                |last| format!("it was in use here until {}", date::text(last)),
            );
            return Err(Failure::Step(format!(
                "{when}, which is less than {QUIET_DAYS} days; other nodes may still show its \
                 certificates. --force retires it all the same."
            )));
        }
        self.folder.retire()?;
        if console.json {
            return Ok(Said::Document(json!({
                "retired": desk::brief(&old),
                "trust": self.folder.trust(),
            })));
        }
        Ok(Said::Lines(vec![
            format!("Retired: {}", desk::brief_words(&old)),
            "Remove its anchor from the trusts of every XSP|ADP, too: deleteTrust with its alias."
                .to_owned(),
        ]))
    }

    fn status(&self, console: Console) -> Result<Said, Failure> {
        let usage = Records::new(&self.config.state_dir).usage()?;
        let (mut documents, mut lines) = (Vec::new(), Vec::new());
        for generation in [Generation::Current, Generation::Next, Generation::Old] {
            let Some((facts, der)) = self.folder.facts(generation)? else {
                continue;
            };
            let users = self.users(&der);
            let kept = usage.of(SET, &facts.fingerprint.to_string());
            let last = kept.and_then(|kept| kept.last_used);
            let last = last.and_then(date::from_unix).map(date::text);
            documents.push(json!({
                "generation": generation.word(),
                "ca": desk::brief(&facts),
                "bridges": users,
                "last-used": last,
            }));
            lines.push(format!(
                "{}: {}",
                generation.word(),
                desk::brief_words(&facts)
            ));
            lines.push(match (users.as_slice(), last) {
                ([], None) => "  nothing of it is in use".to_owned(),
                ([], Some(last)) => format!("  nothing of it is in use; last used on {last}"),
                (users, _) => format!("  in use: {}", users.join(", ")),
            });
        }
        lines.push(format!(
            "Its key is {}.",
            if self.folder.has_key() {
                "here"
            } else {
                "kept elsewhere, so nothing is renewed by itself"
            }
        ));
        if console.json {
            let key = self.folder.has_key();
            return Ok(Said::Document(json!({"cas": documents, "key-here": key})));
        }
        Ok(Said::Lines(lines))
    }
}

fn not_yet(trials: Vec<Trial>, console: Console) -> Said {
    let said = if console.json {
        Said::Document(json!({
            "rotated": false,
            "xsps": renew_bridge::documents(&trials),
        }))
    } else {
        let mut lines = renew_bridge::lines(&trials);
        lines.push(
            "NOT ROTATED: not every XSP takes a certificate of the next CA. Nothing was changed; \
             install its anchor there (xspd certs rotate-internal-ca prepare said how) and try again."
                .to_owned(),
        );
        Said::Lines(lines)
    };
    Said::With(Exit::Findings, Box::new(said))
}

fn rotated(
    ca: &CertificateFacts,
    done: &[(Place, CertificateFacts)],
    trials: &[Trial],
    console: Console,
) -> Said {
    if console.json {
        let bridges: Vec<Value> = done
            .iter()
            .map(|(place, leaf)| json!({"place": place.name, "certificate": desk::brief(leaf)}))
            .collect();
        return Said::Document(json!({
            "rotated": true,
            "ca": desk::brief(ca),
            "bridges": bridges,
            "xsps": renew_bridge::documents(trials),
        }));
    }
    let mut lines = renew_bridge::lines(trials);
    lines.push(format!("The CA that issues now: {}", desk::brief_words(ca)));
    lines.extend(
        done.iter()
            .map(|(place, leaf)| format!("  {}: {}", place.name, desk::brief_words(leaf))),
    );
    lines.push(format!(
        "Leave the old anchor on the XSPs until internalCaGenerationUnused says that it can go \
         ({QUIET_DAYS} days), then xspd certs rotate-internal-ca retire."
    ));
    Said::Lines(lines)
}

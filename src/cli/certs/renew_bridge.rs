//! `xspd certs renew LISTENER/bridge`: the internal CA issues the bridge's certificate anew, the XSPs
//! are asked whether they take it, and it goes into the configured files. Needs no daemon; one that
//! runs takes it in by itself.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli;
use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::certs::Said;
use crate::cli::certs::desk;
use crate::cli::certs::desk::Desk;
use crate::cli::certs::failure::Failure;
use crate::config::Config;
use crate::tls::authority::InternalCa;
use crate::workers::cert_desk::activate::Activated;
use crate::workers::cert_desk::place::Place;
use crate::workers::internal_ca::folder::CaFolder;
use crate::workers::internal_ca::issue;
use crate::workers::internal_ca::issue::IssueError;
use crate::workers::internal_ca::issue::Proof;
use crate::workers::internal_ca::issue::Trial;
use crate::workers::internal_ca::issue::Verdict;

pub(super) fn run(
    door: &Door,
    name: &str,
    untried: bool,
    console: Console,
    now: SystemTime,
) -> Result<Said, Failure> {
    let desk = Desk::open(door, name, now)?;
    let rules = desk.config.internal_ca.clone();
    let rules = rules.ok_or(Failure::NoInternalCa)?;
    let folder = CaFolder::new(&rules.directory);
    let authority = folder.load(now)?;
    let proof = if untried { Proof::Unasked } else { Proof::One };
    let order = Order {
        config: &desk.config,
        folder: &folder,
        authority: &authority,
        proof,
        by: &desk.by,
        now,
    };
    // Who asks for another one has found out what was wrong with the one before.
    desk.shelf.hold(&desk.place, None)?;
    match order.carry_out(&desk.place) {
        Ok((done, trials)) => Ok(told(&desk.place, &done, &trials, console)),
        Err(Failure::Issue(IssueError::Unproven(trials))) => {
            Ok(refused(&desk.place, trials, console))
        }
        Err(failure) => Err(failure),
    }
}

/// What is to be issued, by whom, and how sure it must be.
pub(super) struct Order<'a> {
    pub(super) config: &'a Config,
    pub(super) folder: &'a CaFolder,
    pub(super) authority: &'a InternalCa,
    pub(super) proof: Proof,
    pub(super) by: &'a str,
    pub(super) now: SystemTime,
}

impl Order<'_> {
    /// Issues a certificate for a place, and shows it to the XSPs.
    pub(super) fn try_out(&self, place: &Place) -> Result<(issue::Fresh, Vec<Trial>), Failure> {
        let lifetime = self.config.internal_ca.as_ref();
        let lifetime = lifetime.ok_or(Failure::NoInternalCa)?.client_lifetime;
        let before = self.folder.anchors()?;
        let (authority, now) = (self.authority, self.now);
        let fresh = issue::prepare(self.config, place, authority, &before, lifetime, now)?;
        let trials = match self.proof {
            Proof::Unasked => Vec::new(),
            Proof::All | Proof::NoRefusal | Proof::One => waited(fresh.trials())?,
        };
        Ok((fresh, trials))
    }

    fn carry_out(&self, place: &Place) -> Result<(Activated, Vec<Trial>), Failure> {
        let (fresh, trials) = self.try_out(place)?;
        let done = fresh.activate(self.config, &trials, self.proof, self.by, self.now)?;
        Ok((done, trials))
    }
}

/// Runs what waits for the network to its end.
fn waited<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = cli::runtime()
        .map_err(|error| Failure::Watched(super::watched::Failure::Runtime(error)))?;
    Ok(runtime.block_on(work))
}

/// What XSPs said, in JSON.
pub(super) fn documents(trials: &[Trial]) -> Vec<Value> {
    let one = |trial: &Trial| {
        let detail = match &trial.verdict {
            Verdict::Accepted => None,
            Verdict::Refused(detail) | Verdict::Unreachable(detail) => Some(detail),
        };
        json!({"xsp": trial.upstream, "verdict": trial.verdict.word(), "detail": detail})
    };
    trials.iter().map(one).collect()
}

/// What XSPs said, in words.
pub(super) fn lines(trials: &[Trial]) -> Vec<String> {
    let one = |trial: &Trial| match &trial.verdict {
        Verdict::Accepted => format!("  {}: takes it", trial.upstream),
        Verdict::Refused(detail) => format!("  {}: REFUSES it: {detail}", trial.upstream),
        Verdict::Unreachable(detail) => {
            format!("  {}: could not be asked: {detail}", trial.upstream)
        }
    };
    trials.iter().map(one).collect()
}

fn told(place: &Place, done: &Activated, trials: &[Trial], console: Console) -> Said {
    if console.json {
        return Said::Document(json!({
            "place": place.name,
            "renewed": true,
            "certificate": desk::leaf(&done.new),
            "replaced": done.old.as_ref().map(desk::leaf),
            "findings": desk::documents(&done.findings),
            "xsps": documents(trials),
        }));
    }
    let mut said = lines(trials);
    said.push(format!("Written: {}", place.chain.display()));
    said.push(format!("  {}", desk::words(&done.new)));
    said.extend(done.findings.iter().map(desk::line));
    said.push(
        "It is shown from the next session to the XSPs on; a running daemon has taken it in when \
         its log says \"Reload done\"."
            .to_owned(),
    );
    Said::Lines(said)
}

/// What is in use stays.
pub(super) fn refused(place: &Place, trials: Vec<Trial>, console: Console) -> Said {
    let said = if console.json {
        Said::Document(json!({
            "place": place.name,
            "renewed": false,
            "xsps": documents(&trials),
        }))
    } else {
        let mut said = lines(&trials);
        said.push(format!("NOT USED: {}", IssueError::Unproven(trials)));
        Said::Lines(said)
    };
    Said::With(Exit::Findings, Box::new(said))
}

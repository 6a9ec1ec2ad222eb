//! Automatic certificates: ordered from a CA by ACME (RFC 8555), renewed when it is time, put into
//! the files of their listeners, and proven to be served. When is decided by
//! [`crate::domain::certs::renewal`].

mod account;
pub mod client;
mod delivery;
mod documents;
pub mod hook;
pub mod jws;
pub mod order;
pub mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Life;
use crate::domain::certs::renewal::Renewal;
use crate::domain::certs::renewal::RenewalAction;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::tls::challenge::Challenges;
use crate::tls::pem;
use crate::workers::acme::client::Client;
use crate::workers::acme::delivery::deliver;
use crate::workers::acme::delivery::not_deployed;
use crate::workers::acme::order::OrderError;
use crate::workers::acme::order::Ordering;
use crate::workers::acme::state::Asked;
use crate::workers::acme::state::Folder;
use crate::workers::acme::state::Status;
use crate::workers::cert_desk::place;

/// Between two looks at files, the clock and what operators ask for.
const LOOK: Duration = Duration::from_secs(2);

/// When a CA is asked for its window again that does not say.
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);

/// Who is told what was seen.
pub type Observe = Arc<dyn Fn(Observation) + Send + Sync>;

/// What the worker stands on.
pub struct AcmeGround {
    /// Gives the configuration in force.
    pub config: Box<dyn Fn() -> Arc<Config> + Send + Sync>,
    /// Where the CA's questions are answered.
    pub challenges: Arc<Challenges>,
    /// Who is told of failures.
    pub observe: Observe,
    /// Where blocking work runs.
    pub tasks: Tasks,
}

/// Orders and renews until `stop`.
pub async fn run(ground: AcmeGround, stop: CancellationToken) {
    let mut held: BTreeMap<String, Keeper> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let config = (ground.config)();
        held.retain(|name, _| config.acme.iter().any(|acme| acme.name == *name));
        for acme in &config.acme {
            let keeper = held
                .entry(acme.name.clone())
                .or_insert_with(|| Keeper::new(&config, acme));
            tokio::select! {
                // An order that is cut off is begun anew after the restart; it counts as one of the
                // day's.
                () = stop.cancelled() => return,
                () = keeper.look(&ground, &config, acme) => {}
            }
        }
    }
}

/// Why a renewal came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Order(#[from] OrderError),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// How long the CA wants to be left alone.
    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Order(OrderError::Ca(error)) => error.retry_after(),
            Self::Order(_) | Self::Other(_) => None,
        }
    }
}

/// One automatic certificate.
struct Keeper {
    folder: Folder,
    status: Status,
    renewal: Renewal,
    /// The leaf in the files that was looked at last.
    seen: Option<CertificateFacts>,
    /// The same in DER.
    leaf: Option<CertificateDer<'static>>,
    looked: bool,
}

impl Keeper {
    fn new(config: &Config, acme: &Acme) -> Self {
        let folder = Folder::new(&config.state_dir, &acme.name);
        let mut status = folder.status().unwrap_or_default();
        if status.seed == 0 {
            let mut seed = [0; 8];
            // Without randomness all nodes come at once, which is no harm to one of them.
            aws_lc_rs::rand::fill(&mut seed).ok();
            status.seed = u64::from_le_bytes(seed) | 1;
        }
        let orders = status.orders.iter().copied().filter_map(date::from_unix);
        let orders = orders.collect();
        Self {
            renewal: Renewal::new(status.seed, acme.orders_per_day, orders),
            folder,
            status,
            seen: None,
            leaf: None,
            looked: false,
        }
    }

    async fn look(&mut self, ground: &AcmeGround, config: &Arc<Config>, acme: &Acme) {
        let before = self.status.clone();
        self.read_files(config, acme);
        match self.folder.take_asked() {
            Some(Asked::Renew) => self.renewal.handle(RenewalInput::Asked, clock::now()),
            Some(Asked::RollKey) => self.roll_key(acme).await,
            None => {}
        }
        self.renewal.handle_timeout(clock::now());
        while let Some(action) = self.renewal.poll_action() {
            match action {
                RenewalAction::AskWindow => self.ask_window(acme).await,
                RenewalAction::Order => self.renew(ground, config, acme).await,
                RenewalAction::Complain { failures } => {
                    (ground.observe)(self.observation(acme, failures));
                }
                RenewalAction::Relieve => (ground.observe)(Observation {
                    key: key(acme),
                    condition: Condition::Absent,
                }),
            }
        }
        self.status.failures = self.renewal.failures();
        self.status.due = self.renewal.due().map(date::to_unix);
        self.status.orders = self.renewal.orders().map(date::to_unix).collect();
        if (self.status != before || !self.looked)
            && let Err(problem) = self.folder.keep_status(&self.status)
        {
            warn!(acme = acme.name, %problem, "How the renewal stands cannot be kept.");
        }
        self.looked = true;
    }

    /// Looks at what is in the files: somebody may have imported another certificate.
    fn read_files(&mut self, config: &Config, acme: &Acme) {
        let places = acme.places.iter();
        let first = places
            .filter_map(|asked| place::find(config, asked).ok())
            .next();
        let leaf = first.and_then(|place| pem::load_chain(&place.chain).ok()?.into_iter().next());
        let facts = leaf
            .as_ref()
            .and_then(|leaf| CertificateFacts::parse(leaf).ok());
        let same = |a: &Option<CertificateFacts>, b: &Option<CertificateFacts>| {
            a.as_ref().map(|facts| facts.fingerprint) == b.as_ref().map(|facts| facts.fingerprint)
        };
        if self.looked && same(&self.seen, &facts) {
            return;
        }
        // A certificate that lacks a name, or that nobody but itself vouches for, is to be replaced.
        let life = facts.as_ref().filter(|facts| {
            let covers = |name: &String| facts.dns_names.iter().any(|held| held == name);
            !facts.self_issued && acme.names.iter().all(covers)
        });
        let life = life.map(life_of);
        self.renewal.handle(RenewalInput::InUse(life), clock::now());
        self.leaf = leaf;
        self.seen = facts;
    }

    async fn ask_window(&mut self, acme: &Acme) {
        let input = match self.window(acme).await {
            Ok(input) => input,
            Err(problem) => {
                tracing::debug!(acme = acme.name, %problem, "The CA suggests no time of renewal.");
                RenewalInput::WindowUnknown
            }
        };
        self.renewal.handle(input, clock::now());
    }

    async fn window(&mut self, acme: &Acme) -> Result<RenewalInput, Failure> {
        let id = self
            .identifier()
            .ok_or_else(|| Failure::Other("what is in use names no issuer's key".to_owned()))?;
        let client = open(acme).await?;
        let suggested = client.window(&id).await.map_err(OrderError::from)?;
        if let Some(url) = &suggested.explanation {
            info!(
                acme = acme.name,
                url = %url.escape_debug(),
                "The CA explains its time of renewal."
            );
        }
        Ok(RenewalInput::Window {
            start: suggested.start,
            end: suggested.end,
            ask_again: suggested.ask_again.unwrap_or(ASK_AGAIN),
        })
    }

    /// How the CA names the certificate in use (RFC 9773, section 4.1): key identifier of the issuer
    /// and serial number.
    fn identifier(&self) -> Option<String> {
        let (_, certificate) = X509Certificate::from_der(self.leaf.as_ref()?).ok()?;
        let mut extensions = certificate.extensions().iter();
        let issuer = extensions.find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(held) => held.key_identifier.as_ref(),
            _ => None,
        })?;
        Some(format!(
            "{}.{}",
            jws::encoded(issuer.0),
            jws::encoded(certificate.raw_serial())
        ))
    }

    async fn renew(&mut self, ground: &AcmeGround, config: &Arc<Config>, acme: &Acme) {
        let now = clock::wall();
        self.status.tried = Some(date::to_unix(now));
        // The order counts even if we do not live to see its end.
        self.status.orders = self.renewal.orders().map(date::to_unix).collect();
        self.folder.keep_status(&self.status).ok();
        info!(
            acme = acme.name,
            names = acme.names.join(","),
            "Ordering a certificate."
        );
        match self.try_renew(ground, config, acme).await {
            Ok(facts) => {
                info!(
                    acme = acme.name,
                    fingerprint = %facts.fingerprint,
                    not_after = date::text(facts.not_after),
                    "Renewed."
                );
                self.status.problem.clear();
                self.status.renewed = Some(date::to_unix(clock::wall()));
                self.status.fingerprint = facts.fingerprint.to_string();
                let life = life_of(&facts);
                self.renewal
                    .handle(RenewalInput::Renewed(life), clock::now());
            }
            Err(problem) => {
                self.status.problem = problem.to_string();
                let failed = RenewalInput::Failed {
                    retry_after: problem.retry_after(),
                };
                self.renewal.handle(failed, clock::now());
                error!(
                    acme = acme.name, %problem, failures = self.renewal.failures(),
                    "A certificate could not be renewed; it is tried again. What is served stays."
                );
            }
        }
    }

    async fn try_renew(
        &mut self,
        ground: &AcmeGround,
        config: &Arc<Config>,
        acme: &Acme,
    ) -> Result<CertificateFacts, Failure> {
        let mut places = Vec::new();
        for asked in &acme.places {
            let found = place::find(config, asked);
            places.push(found.map_err(|problem| Failure::Other(problem.to_string()))?);
        }
        let account = self.account(acme).await?;
        let ordering = Ordering {
            acme,
            account: &account,
            challenges: &ground.challenges,
            tasks: &ground.tasks,
            // Only of a certificate that is good enough to be renewed at all.
            replaces: self.identifier(),
        };
        let (chain, key) = Box::pin(ordering.run()).await?;
        let (name, held) = (acme.name.clone(), Arc::clone(config));
        let work = move || deliver(&held, &places, &name, &chain, &key, clock::wall());
        let done = ground.tasks.blocking(work).await;
        let (facts, unserved) = done.ok_or(OrderError::Stopped)??;
        for (place, proof) in unserved {
            (ground.observe)(not_deployed(&place, &facts, &proof));
        }
        Ok(facts)
    }

    fn observation(&self, acme: &Acme, failures: u32) -> Observation {
        let ends = self.seen.as_ref().map(|facts| facts.not_after);
        let until = ends.map_or_else(
            || "no certificate of it is in use".to_owned(),
            |ends| format!("the one in use ends on {}", date::text(ends)),
        );
        Observation {
            key: key(acme),
            condition: Condition::Present(Present {
                severity: Severity::Medium,
                step: String::new(),
                text: format!(
                    "The certificate \"{}\" could not be renewed {failures} times in a row; {until}. \
                     The last time: {}",
                    acme.name, self.status.problem
                ),
                rule: "three failed tries".to_owned(),
                ends,
                details: vec![
                    ("names".to_owned(), acme.names.join(", ")),
                    ("directory".to_owned(), acme.directory.clone()),
                ],
            }),
        }
    }
}

fn key(acme: &Acme) -> AlarmKey {
    let object = format!("acme {}", acme.name);
    AlarmKey::new(AlarmName::CertificateRenewalFailed, &object)
}

const fn life_of(facts: &CertificateFacts) -> Life {
    Life {
        not_before: facts.not_before,
        not_after: facts.not_after,
    }
}

fn other(problem: impl std::fmt::Display) -> Failure {
    Failure::Other(problem.to_string())
}

async fn open(acme: &Acme) -> Result<Client, Failure> {
    let web = client::web(acme).map_err(other)?;
    let opened = Client::open(web, &acme.directory).await;
    Ok(opened.map_err(OrderError::from)?)
}

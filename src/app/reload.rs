//! Reload: prepare everything without effect, then publish by one swap; on any problem the old
//! snapshot stays, every problem is logged and the rejection is counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::AppError;
use crate::app::alarms::Alarms;
use crate::app::application_server;
use crate::app::application_server::ApplicationServer;
use crate::app::build;
use crate::app::build::LampGround;
use crate::app::logging;
use crate::app::logging::FilterHandle;
use crate::app::material;
use crate::app::material::Material;
use crate::app::material::Strictness;
use crate::app::operations;
use crate::app::provisioning;
use crate::app::provisioning::Provisioning;
use crate::app::urls;
use crate::config;
use crate::config::ChangeClass;
use crate::config::Config;
use crate::domain::provisioning::policy::Settings;
use crate::inbound::connections::Connections;
use crate::inbound::edge::Bridges;
use crate::inbound::edge::Edge;
use crate::inbound::edge::Live;
use crate::inbound::endpoints::operations::Ground;
use crate::inbound::sessions::Sessions;
use crate::outbound::broadworks::ocip::Ocip;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::blf_tracker::BlfError;
use crate::workers::blf_tracker::BlfSettings;
use crate::workers::blf_tracker::BlfTracker;
use crate::workers::cert_watch::CertDesk;
use crate::workers::file_watch::Plan;
use crate::workers::webex_partners::WebexPartners;

/// What `systemctl status` says while all is well.
pub const SERVING: &str = "Serving.";

/// Everything a reload touches.
pub struct Reloader {
    /// The main configuration file.
    pub path: PathBuf,
    /// Alarms.
    pub alarms: Alarms,
    /// Tracks busy lamps, when that is configured.
    pub blf: Option<BlfTracker>,
    /// What the answers about them stand on.
    pub ground: LampGround,
    /// The Webex partners.
    pub webex: WebexPartners,
    /// What operators of provisioning may ask for.
    pub operations: Option<Ground>,
    /// The watch over everything that ends.
    pub certificates: CertDesk,
    /// The client of the Application Server.
    pub application_server: ApplicationServer,
    /// Provisioning, while there are templates.
    pub provisioning: Provisioning,
    /// Where the snapshot hangs.
    pub live: Live,
    /// Metrics.
    pub telemetry: Arc<Telemetry>,
    /// Open connections, judged again when trust changes.
    pub connections: Arc<Connections>,
    /// CTI sessions, one value a listener; judged again when the list of identities changes.
    pub sessions: Vec<Arc<Sessions>>,
    /// Where new pools run their health checks.
    pub tasks: Tasks,
    /// The log's filter.
    pub filter: Option<FilterHandle>,
    /// Tells the file watch what to look at.
    pub watch: watch::Sender<Plan>,
    /// What was proven last, and the end of the current pools' health checks.
    pub proven: Mutex<Proven>,
}

/// What the last successful load left.
pub struct Proven {
    /// Certificates and trust.
    pub material: Material,
    /// Ends the health checks of the current pools.
    pub pools: CancellationToken,
}

impl Reloader {
    /// SIGHUP: reads the configuration again. Everything in it must be good.
    /// Says in one line, for `systemctl status`, what is in force afterwards.
    pub fn configuration(&self) -> &'static str {
        match self.try_configuration() {
            Ok(()) => {
                self.telemetry.edge.reloaded("configuration");
                self.alarms.configured::<AppError>(&[]);
                SERVING
            }
            Err(problems) => {
                self.telemetry.edge.reload_rejected(&problems);
                self.alarms.configured(&problems);
                "Serving with the old configuration: the last reload was rejected, see the log."
            }
        }
    }

    /// A watched file changed: reads key material again, keeping what was proven for a bad file.
    pub fn files(&self) {
        // Before the configuration is looked at: a reload under way may be about to replace it.
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.live.load_full();
        let config = Arc::clone(&current.config);
        let now = clock::wall();
        let (material, problems) =
            Material::load(&config, Strictness::KeepProven(&proven.material), now);
        self.reject(&problems);
        let pools = build::pools(&config, &self.telemetry).unwrap_or_else(|problems| {
            self.reject(&problems);
            Arc::clone(&current.pools)
        });
        let (bridges, bridges_good) = self.renew_bridges(&config, &current);
        let held = current.desk.as_ref();
        let keys_good = held.is_none_or(AuthDesk::reload_keys);
        let desk = AuthDesk::build(&config, &self.tasks, &self.telemetry, held);
        let desk_good = desk.is_ok();
        let desk = desk.unwrap_or_else(|problem| {
            self.telemetry.edge.material_rejected(&problem);
            current.desk.clone()
        });
        let files_good =
            problems.is_empty() && bridges_good && !Arc::ptr_eq(&pools, &current.pools);
        let previous = Some(&*current);
        match build::edge(
            &config,
            &material,
            Ok((pools, bridges)),
            Ok(desk),
            &self.telemetry,
            previous,
            now,
        ) {
            Ok(mut edge) => {
                let mut all_good = files_good && keys_good && desk_good;
                if let Err(problems) = self.add_lamps(&mut edge, &current) {
                    all_good = false;
                    self.reject(&problems);
                    edge.keep_lamps(&current);
                }
                all_good &= self.renew_adapter(&mut edge);
                all_good &= self.renew_asked(&edge);
                all_good &= self.partners(&config);
                all_good &= self.alarms.renew(&config, &self.telemetry.edge);
                self.publish(edge, material, &mut proven);
                self.alarms.files_read(all_good);
                self.telemetry.edge.reloaded(if all_good {
                    "certificate and trust files"
                } else {
                    "certificate and trust files, all but the rejected"
                });
            }
            Err(problems) => {
                self.telemetry.edge.reload_rejected(&problems);
                self.alarms.files_read(false);
            }
        }
    }

    fn reject<P: std::fmt::Display>(&self, problems: &[P]) {
        for problem in problems {
            self.telemetry.edge.material_rejected(problem);
        }
    }

    /// Reads the files of the Webex partners again; after a problem all stay as they are.
    fn partners(&self, config: &Config) -> bool {
        match build::partners(config) {
            Ok(partners) => {
                self.webex.publish(partners);
                true
            }
            Err(problems) => {
                self.reject(&problems);
                false
            }
        }
    }

    /// Looks at the dates again: reads the trust sets when an anchor came into or went out of its
    /// dates, and ends connections whose certificate or anchor is no longer good.
    pub fn dates(&self) {
        let due = |proven: &Proven| {
            proven
                .material
                .next_change
                .is_some_and(|at| at <= clock::wall())
        };
        if due(&self.proven.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.files();
        } else {
            self.judge_connections();
        }
    }

    fn judge_connections(&self) {
        let edge = self.live.load();
        self.connections
            .judge_again(clock::wall(), |set, anchor| edge.trusts(set, anchor));
        for sessions in &self.sessions {
            let listener = sessions.listener();
            sessions.judge_again(|name, identity| edge.lets_in(listener, name, identity));
            let rules = edge
                .listener(listener)
                .and_then(|(held, _)| held.bridge.as_ref());
            if let Some(rules) = rules {
                sessions.set_patience(rules.absence_warning);
            }
        }
    }

    fn try_configuration(&self) -> Result<(), Vec<AppError>> {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = config::load(&self.path).map_err(|found| {
            found
                .into_iter()
                .map(|problem| AppError::Config(Box::new(problem)))
                .collect::<Vec<_>>()
        })?;
        let warnings = loaded.warnings;
        let fresh = Arc::new(loaded.config);
        let current = self.live.load_full();
        let changes = config::diff(&current.config, &fresh);
        let restarts = changes.into_iter().filter_map(|change| match change.class {
            ChangeClass::Live => None,
            ChangeClass::Restart => Some(AppError::NeedsRestart { path: change.path }),
        });
        let restarts: Vec<_> = restarts.collect();
        if !restarts.is_empty() {
            return Err(restarts);
        }
        let edited = urls::edited(&current.config, &fresh);
        if !edited.is_empty() {
            return Err(edited);
        }
        let now = clock::wall();
        let strictness = Strictness::AllMustBeGood(Some(&proven.material));
        let (material, problems) = Material::load(&fresh, strictness, now);
        if !problems.is_empty() {
            return Err(problems.into_iter().map(AppError::from).collect());
        }
        let outward = build::outward(&fresh, &self.telemetry);
        let previous = Some(&*current);
        let desk = current.desk.as_ref();
        let desk = AuthDesk::build(&fresh, &self.tasks, &self.telemetry, desk);
        let telemetry = &self.telemetry;
        let mut edge = build::edge(&fresh, &material, outward, desk, telemetry, previous, now)?;
        self.add_lamps(&mut edge, &current)?;
        let settings = self.add_adapter(&mut edge)?;
        let server = self.application_server(&edge);
        let server = server.map_err(|problem| vec![problem])?;
        let lamps = self.lamps(&edge, server.ocip());
        let lamps = lamps.map_err(|problem| vec![problem.into()])?;
        let partners = build::partners(&fresh)?;
        let sinks = self.alarms.prepare(&fresh)?;
        logging::change(self.filter.as_ref(), &fresh.log).map_err(|problem| vec![problem])?;
        self.application_server.publish(server);
        self.webex.publish(partners);
        self.alarms.publish(&fresh, sinks);
        self.publish_lamps(lamps);
        self.provisioning
            .adopt(&fresh, settings, edge.adapter.as_deref());
        self.publish(edge, material, &mut proven);
        self.telemetry.edge.configuration_warnings(&warnings);
        Ok(())
    }

    /// What answers the Application Server, and what the machine is to go by, without an effect.
    fn add_adapter(&self, edge: &mut Edge) -> Result<Settings, Vec<AppError>> {
        let settings = provisioning::settings(&edge.config).map_err(provisioning::told)?;
        edge.adapter = self.provisioning.adapter(&edge.config)?;
        Ok(settings)
    }

    /// The ways to the XSPs of CTI listeners; those of a bad file stay. Whether all were good.
    fn renew_bridges(&self, config: &Config, current: &Edge) -> (Bridges, bool) {
        let (mut bridges, rejected) = build::bridges(config);
        self.reject(&rejected);
        for (name, bridge) in &current.bridges {
            let bridge = || Arc::clone(bridge);
            bridges.entry(name.clone()).or_insert_with(bridge);
        }
        (bridges, rejected.is_empty())
    }

    /// Takes what the Application Server's calls need over from changed files; whether all were
    /// good.
    fn renew_adapter(&self, edge: &mut Edge) -> bool {
        match self.add_adapter(edge) {
            Ok(settings) => {
                let adapter = edge.adapter.as_deref();
                self.provisioning.adopt(&edge.config, settings, adapter);
                true
            }
            Err(problems) => {
                self.reject(&problems);
                false
            }
        }
    }

    /// Takes the client of the Application Server, and what busy lamps need, over from changed
    /// files; whether all were good.
    fn renew_asked(&self, edge: &Edge) -> bool {
        let mut all_good = true;
        let mut reject = |problem: &AppError| {
            all_good = false;
            self.telemetry.edge.material_rejected(problem);
        };
        let ocip = match self.application_server(edge) {
            Ok(prepared) => {
                let ocip = prepared.ocip();
                self.application_server.publish(prepared);
                ocip
            }
            Err(problem) => {
                reject(&problem);
                // What is asked now may go on.
                self.application_server.current().any()
            }
        };
        match self.lamps(edge, ocip) {
            Ok(lamps) => self.publish_lamps(lamps),
            Err(problem) => reject(&problem.into()),
        }
        all_good
    }

    /// The client of the Application Server of a snapshot, without an effect on what is asked.
    fn application_server(&self, edge: &Edge) -> Result<application_server::Prepared, AppError> {
        let desk = edge.desk.as_ref();
        self.application_server
            .prepare(&edge.config, desk, &self.tasks, &self.telemetry)
    }

    /// What answers about busy lamps, without an effect.
    fn add_lamps(&self, edge: &mut Edge, current: &Edge) -> Result<(), Vec<AppError>> {
        build::lamps(edge, &self.ground, &self.telemetry, Some(current))
    }

    /// What a snapshot means for busy lamps, without an effect.
    fn lamps(&self, edge: &Edge, ocip: Option<Ocip>) -> Result<Option<BlfSettings>, BlfError> {
        let Some(blf) = &self.blf else {
            return Ok(None);
        };
        blf.prepare(&edge.config, &edge.pools, ocip)
    }

    fn publish_lamps(&self, lamps: Option<BlfSettings>) {
        if let (Some(blf), Some(lamps)) = (&self.blf, lamps) {
            blf.publish(lamps);
        }
    }

    fn publish(&self, edge: Edge, material: Material, proven: &mut Proven) {
        build::publish(&edge.config, &material, &self.telemetry);
        if !Arc::ptr_eq(&edge.pools, &self.live.load().pools) {
            let stop = self.tasks.stop().child_token();
            edge.pools.start(&self.tasks, stop.clone());
            std::mem::replace(&mut proven.pools, stop).cancel();
        }
        // A receiver that is gone means that the process ends.
        drop(self.watch.send(material::plan(&edge.config)));
        edge.front.forget_other_series();
        build::begin(&edge);
        if let Some(operations) = &self.operations {
            operations.reconciler.apply(operations::rules(&edge.config));
        }
        let config = Arc::clone(&edge.config);
        let reconfigured = !Arc::ptr_eq(&config, &self.live.load().config);
        self.live.store(Arc::new(edge));
        if reconfigured {
            self.certificates.apply(&config);
        } else {
            self.certificates.look_again();
        }
        proven.material = material;
        self.judge_connections();
    }
}

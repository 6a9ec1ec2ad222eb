//! Provisioning, wired: from the configuration to what the machine goes by, and to the adapter that
//! takes calls in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::AppError;
use crate::config;
use crate::config::Config;
use crate::config::Template;
use crate::domain::provisioning::fault::BadFaults;
use crate::domain::provisioning::fault::Faults;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::ProvisioningId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::policy;
use crate::domain::provisioning::policy::BadForm;
use crate::domain::provisioning::policy::EnterpriseForm;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Rules;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::profile::Package;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::endpoints::provisioning::AdapterError;
use crate::inbound::endpoints::provisioning::AdapterGround;
use crate::inbound::endpoints::provisioning::NotTaken;
use crate::inbound::endpoints::provisioning::Submit;
use crate::platform::files;
use crate::platform::tasks::Tasks;
use crate::store::Sqlite;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::Telemetry;
use crate::workers::captures::Captures;
use crate::workers::provisioner::Parts;
use crate::workers::provisioner::Provisioner;
use crate::workers::provisioner::webex;
use crate::workers::webex_partners::WebexPartners;

/// Largest table of errors: the built-in one has some twenty kilobytes.
const TABLE_BYTES: u64 = 1024 * 1024;

/// What cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// The table of errors.
    #[error("provisioning.error-table: {}: {fault}", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: BadFaults,
    },
    /// Its file.
    #[error("provisioning.error-table: {} cannot be read: {fault}", path.display())]
    FaultsUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        fault: std::io::Error,
    },
    /// The form of customers' names.
    #[error("template.{template}.sp-enterprise-id.format: {fault}")]
    Form {
        /// Which template.
        template: String,
        /// What is wrong with it.
        fault: BadForm,
    },
    /// A name that is none.
    #[error("template.{template}: {fault}")]
    Name {
        /// Which template.
        template: String,
        /// What is wrong with it.
        fault: NotAName,
    },
}

/// What the machine goes by. Blocks on the disk.
///
/// # Errors
/// Every problem at once.
pub fn settings(config: &Config) -> Result<Settings, Vec<ProvisioningError>> {
    let mut problems = Vec::new();
    let mut templates = BTreeMap::new();
    for template in &config.templates {
        match policy(template) {
            Ok(policy) => drop(templates.insert(policy.template.clone(), Arc::new(policy))),
            Err(problem) => problems.push(problem),
        }
    }
    let faults = faults(config).map_err(|problem| problems.push(problem));
    match faults {
        Ok(faults) if problems.is_empty() => Ok(Settings {
            rules: rules(config),
            templates,
            faults: Arc::new(faults),
        }),
        Ok(_) | Err(()) => Err(problems),
    }
}

/// What runs for provisioning from the start to the end.
pub struct Provisioning {
    /// Drives jobs; `None` while there are no templates.
    pub provisioner: Option<Provisioner>,
    /// What adapters stand on.
    pub ground: AdapterGround,
    tasks: Tasks,
}

impl Provisioning {
    /// Begins to drive what the database holds, when there are templates. Blocks on the disk.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn start(
        config: &Config,
        tasks: &Tasks,
        telemetry: &Telemetry,
        partners: &WebexPartners,
        database: Result<Sqlite, StoreError>,
    ) -> Result<Self, Vec<AppError>> {
        let metrics = &telemetry.adapter;
        let wanted = !config.templates.is_empty();
        let provisioner = if wanted {
            Some(provisioner(config, tasks, telemetry, partners, database)?)
        } else {
            None
        };
        Ok(Self {
            ground: AdapterGround {
                submit: provisioner.as_ref().map(submit),
                captures: Captures::start(config, tasks, metrics),
                metrics: Arc::clone(metrics),
                limiters: Arc::default(),
                unmapped: Arc::default(),
                tasks: tasks.clone(),
            },
            provisioner,
            tasks: tasks.clone(),
        })
    }

    /// The adapter of a configuration, without an effect on what runs. Blocks on the disk.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn adapter(&self, config: &Config) -> Result<Option<Arc<Adapter>>, Vec<AppError>> {
        if config.templates.is_empty() {
            return Ok(None);
        }
        let adapter = Adapter::build(config, &self.ground);
        let told = |found: Vec<AdapterError>| found.into_iter().map(AppError::from).collect();
        adapter.map(|adapter| Some(Arc::new(adapter))).map_err(told)
    }

    /// Takes effect: the machine goes by these settings from now on.
    pub fn adopt(&self, config: &Config, settings: Settings, adapter: Option<&Adapter>) {
        match adapter {
            Some(adapter) => adapter.adopt(config),
            None => {
                self.ground.metrics.templates(std::iter::empty());
                self.ground.captures.adopt(config);
                self.ground.unmapped.adopt(&BTreeMap::new());
            }
        }
        let Some(provisioner) = self.provisioner.clone() else {
            return;
        };
        let history = config.store.history;
        let apply = async move { provisioner.apply(settings, history).await };
        self.tasks.worker("provisioning-settings", apply);
    }
}

fn provisioner(
    config: &Config,
    tasks: &Tasks,
    telemetry: &Telemetry,
    partners: &WebexPartners,
    database: Result<Sqlite, StoreError>,
) -> Result<Provisioner, Vec<AppError>> {
    let settings = settings(config).map_err(told)?;
    let database = database.map_err(|fault| vec![fault.into()])?;
    let (store, feed) = Store::on(Arc::new(database), tasks);
    let parts = Parts {
        store,
        feed,
        settings,
        history: config.store.history,
        webex: webex::through(partners.clone()),
        metrics: Arc::clone(&telemetry.provisioning),
    };
    let provisioner = Provisioner::start(parts, tasks);
    webex::watch_tokens(&provisioner, partners.clone(), tasks);
    Ok(provisioner)
}

/// What a start would find wrong. Blocks on the disk.
#[must_use]
pub fn prove(config: &Config) -> Vec<AppError> {
    if config.templates.is_empty() {
        return Vec::new();
    }
    let settings = settings(config).err().map(told).unwrap_or_default();
    let adapter = Adapter::prove(config).into_iter().map(AppError::from);
    let store = Store::prove(&config.store).err().map(AppError::from);
    settings.into_iter().chain(adapter).chain(store).collect()
}

/// For whoever reports problems of all kinds.
pub fn told(found: Vec<ProvisioningError>) -> Vec<AppError> {
    found.into_iter().map(AppError::from).collect()
}

/// Where the adapter's wishes go.
#[must_use]
pub fn submit(provisioner: &Provisioner) -> Submit {
    let provisioner = provisioner.clone();
    Arc::new(move |wish| {
        let provisioner = provisioner.clone();
        Box::pin(async move {
            let verdict = provisioner.submit(wish).await;
            verdict.map_err(|fault| NotTaken(fault.to_string()))
        })
    })
}

/// Waits and deadlines, and the pace of the slowest partner account that a template names: the
/// machine has one for all.
fn rules(config: &Config) -> Rules {
    let used = config.templates.iter().filter_map(|template| {
        let partner = template.partner.as_ref()?;
        config.webex_partners.get(partner)
    });
    let mut rules = config.provisioning.jobs.clone();
    let slowest = used.clone().map(|partner| partner.requests_per_second);
    if let Some(slowest) = slowest.min_by(f64::total_cmp) {
        // A float-to-integer cast saturates, and less than one a second is one.
        rules.requests_per_second = (slowest as u32).max(1);
    }
    if let Some(least) = used.map(|partner| partner.in_flight).min() {
        rules.in_flight = least.max(1);
    }
    rules
}

fn faults(config: &Config) -> Result<Faults, ProvisioningError> {
    let Some(path) = &config.provisioning.error_table else {
        return Ok(Faults::default());
    };
    let unreadable = |fault| ProvisioningError::FaultsUnreadable {
        path: path.clone(),
        fault,
    };
    let text = files::read_text(path, TABLE_BYTES).map_err(unreadable)?;
    Faults::with(&text).map_err(|fault| ProvisioningError::Faults {
        path: path.clone(),
        fault,
    })
}

fn policy(template: &Template) -> Result<Policy, ProvisioningError> {
    let named = |fault| ProvisioningError::Name {
        template: template.name.clone(),
        fault,
    };
    let form = &template.sp_enterprise_id;
    let (case, escape) = (case(form.case), escape(form.escape));
    let enterprise = EnterpriseForm::parse(&form.format, case, escape);
    let partner = template.partner.as_deref().map(PartnerName::parse);
    let id = template.provisioning_id.as_deref();
    Ok(Policy {
        template: TemplateKey::parse(&template.name).map_err(named)?,
        cluster: ClusterName::parse(&template.cluster).map_err(named)?,
        mode: mode(template.mode),
        provisioning_id: id.map(ProvisioningId::parse).transpose().map_err(named)?,
        partner: partner.transpose().map_err(named)?,
        package: package(template.package),
        trusted_email: template.trusted_email,
        enterprise: enterprise.map_err(|fault| ProvisioningError::Form {
            template: template.name.clone(),
            fault,
        })?,
        early_validation: early(template.early_validation),
        precheck: precheck(template.precheck),
        precheck_policy: match template.precheck_policy {
            config::PrecheckPolicy::Continue => policy::PrecheckPolicy::Continue,
            config::PrecheckPolicy::Stop => policy::PrecheckPolicy::Stop,
        },
        on_remove: match template.on_remove {
            config::OnRemove::Subscriber => policy::OnRemove::Subscriber,
            config::OnRemove::SubscriberAndPerson => policy::OnRemove::SubscriberAndPerson,
        },
        remove_unknown: match template.remove_unknown {
            config::RemoveUnknown::Ignore => policy::RemoveUnknown::Ignore,
            config::RemoveUnknown::LookUp => policy::RemoveUnknown::LookUp,
        },
        user_id_change: match template.user_id_change {
            config::UserIdChange::Attention => policy::UserIdChange::Attention,
            config::UserIdChange::Put => policy::UserIdChange::Put,
            config::UserIdChange::Recreate => policy::UserIdChange::Recreate,
        },
        stage_basic_first: template.stage_basic_first,
        language: template.language.clone(),
        timezone: template.timezone.clone(),
    })
}

const fn mode(mode: config::TemplateMode) -> policy::Mode {
    match mode {
        config::TemplateMode::Api => policy::Mode::Api,
        config::TemplateMode::Observe => policy::Mode::Observe,
        config::TemplateMode::Relay => policy::Mode::Relay,
    }
}

const fn package(package: config::TemplatePackage) -> Package {
    match package {
        config::TemplatePackage::Basic => Package::Basic,
        config::TemplatePackage::Premium => Package::Premium,
        config::TemplatePackage::Softphone => Package::Softphone,
        config::TemplatePackage::Standard => Package::Standard,
    }
}

const fn early(early: config::EarlyValidation) -> policy::EarlyValidation {
    match early {
        config::EarlyValidation::Business => policy::EarlyValidation::Business,
        config::EarlyValidation::Off => policy::EarlyValidation::Off,
        config::EarlyValidation::Syntax => policy::EarlyValidation::Syntax,
    }
}

const fn precheck(precheck: config::PrecheckWhen) -> policy::Precheck {
    match precheck {
        config::PrecheckWhen::Always => policy::Precheck::Always,
        config::PrecheckWhen::FirstUser => policy::Precheck::FirstUser,
        config::PrecheckWhen::Never => policy::Precheck::Never,
    }
}

const fn case(case: config::EnterpriseCase) -> policy::Case {
    match case {
        config::EnterpriseCase::Keep => policy::Case::Keep,
        config::EnterpriseCase::Lower => policy::Case::Lower,
    }
}

const fn escape(escape: config::EnterpriseEscape) -> policy::Escape {
    match escape {
        config::EnterpriseEscape::None => policy::Escape::None,
        config::EnterpriseEscape::Percent => policy::Escape::Percent,
    }
}

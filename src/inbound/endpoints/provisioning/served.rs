//! One template, worked out beforehand: its password, mapping, texts and bridge.

use std::sync::Arc;

use aws_lc_rs::digest;
use http::HeaderValue;
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::config::EarlyValidation;
use crate::config::Environment;
use crate::config::Template;
use crate::config::TemplateCredentials;
use crate::config::TemplateMode;
use crate::config::TemplatePackage;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::domain::provisioning::answer::AnswerFault;
use crate::domain::provisioning::answer::AnswerTemplate;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::unmapped::Print;
use crate::inbound::endpoints::provisioning::door::Door;
use crate::inbound::endpoints::provisioning::errand::OF_A_TEMPLATE;
use crate::inbound::endpoints::provisioning::reply::Text;
use crate::inbound::endpoints::provisioning::reply::Texts;
use crate::outbound::OutboundError;
use crate::outbound::webex::bridge::Bridge;
use crate::platform::files;

/// Longest provisioning password of the Application Server, in characters (OCI schema).
const PASSWORD: usize = 20;

/// Largest mapping file: the built-in one has six kilobytes.
const MAPPING_BYTES: u64 = 256 * 1024;

/// Why a template cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A text of an answer.
    #[error("template.{template}.response: {fault}")]
    Answer {
        /// Which template.
        template: String,
        /// What is wrong.
        fault: AnswerFault,
    },
    /// The way to the bridge.
    #[error("template.{template}: {fault}")]
    Bridge {
        /// Which template.
        template: String,
        /// What is wrong.
        #[source]
        fault: Box<OutboundError>,
    },
    /// A header of an answer.
    #[error("template.{template}.response: the content type cannot be sent")]
    ContentType {
        /// Which template.
        template: String,
    },
    /// The rules of a mapping.
    #[error("template.{template}.mapping: {}: {problem}", path.display())]
    Mapping {
        /// Which template.
        template: String,
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: mapping::Problem,
    },
    /// The file of a mapping.
    #[error("template.{template}.mapping: {} cannot be read: {fault}", path.display())]
    MappingUnreadable {
        /// Which template.
        template: String,
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        fault: std::io::Error,
    },
    /// A name that is none.
    #[error("template.{template}: {fault}")]
    Name {
        /// Which template.
        template: String,
        /// What is wrong.
        fault: NotAName,
    },
    /// The password.
    #[error("template.{template}: password: {fault}")]
    Password {
        /// Which template.
        template: String,
        /// What is wrong.
        fault: SecretError,
    },
    /// A password that the Application Server cannot hold.
    #[error(
        "template.{template}: the password has {length} characters; the Application Server \
         stores 1 to {PASSWORD}"
    )]
    PasswordLength {
        /// Which template.
        template: String,
        /// Its length.
        length: usize,
    },
}

/// A template that is served.
pub(super) struct Served {
    pub(super) rules: Template,
    pub(super) name: Arc<str>,
    pub(super) key: TemplateKey,
    pub(super) cluster: ClusterName,
    /// `None` in the mode `observe`, which nobody calls.
    pub(super) door: Option<Door>,
    pub(super) values: TemplateValues,
    pub(super) mapping: Mapping,
    /// Tells one mapping from another.
    pub(super) print: Print,
    pub(super) texts: Texts,
    /// Where calls are relayed.
    pub(super) bridge: Option<Arc<Bridge>>,
    /// Calls that may be on their way there at once.
    pub(super) places: Arc<Semaphore>,
}

impl Served {
    /// Reads what it names. Blocks on the disk.
    ///
    /// # Errors
    /// Every problem of it.
    pub(super) fn build(
        template: &Template,
        environment: &Environment,
    ) -> Result<Self, Vec<AdapterError>> {
        let mut problems = Vec::new();
        let name = || template.name.clone();
        let named = |fault| AdapterError::Name {
            template: name(),
            fault,
        };
        let key = TemplateKey::parse(&template.name).map_err(named);
        let cluster = ClusterName::parse(&template.cluster).map_err(named);
        let door = template.credentials.as_ref();
        let door = door.map(|held| {
            let password = password(template, held, environment)?;
            let door = Door::new(&held.account, password.expose().trim_ascii_end());
            Ok::<_, AdapterError>(door)
        });
        let door = note(&mut problems, door.transpose());
        let mapping = match read_mapping(template) {
            Ok(mapping) => Some(mapping),
            Err(found) => {
                problems.extend(found);
                None
            }
        };
        let texts = note(&mut problems, texts(template));
        let bridge = note(&mut problems, bridge(template, environment));
        let (key, cluster) = (note(&mut problems, key), note(&mut problems, cluster));
        match (key, cluster, door, mapping, texts, bridge) {
            (
                Some(key),
                Some(cluster),
                Some(door),
                Some((mapping, print)),
                Some(texts),
                Some(bridge),
            ) if problems.is_empty() => Ok(Self {
                values: template_values(template, &key, &cluster),
                name: Arc::from(template.name.as_str()),
                rules: template.clone(),
                key,
                cluster,
                door,
                mapping,
                print,
                texts,
                bridge,
                places: Arc::new(Semaphore::new(OF_A_TEMPLATE)),
            }),
            _ => Err(problems),
        }
    }
}

fn note<T>(problems: &mut Vec<AdapterError>, made: Result<T, AdapterError>) -> Option<T> {
    made.map_err(|problem| problems.push(problem)).ok()
}

/// The password as it is on the Application Server; a line end of its file is no part of it.
fn password(
    template: &Template,
    held: &TemplateCredentials,
    environment: &Environment,
) -> Result<Secret, AdapterError> {
    let read = held.password.read_from(environment);
    let secret = read.map_err(|fault| AdapterError::Password {
        template: template.name.clone(),
        fault,
    })?;
    let text = std::str::from_utf8(secret.expose().trim_ascii_end());
    let length = text.map_or(0, |text| text.chars().count());
    if (1..=PASSWORD).contains(&length) {
        Ok(secret)
    } else {
        Err(AdapterError::PasswordLength {
            template: template.name.clone(),
            length,
        })
    }
}

fn read_mapping(template: &Template) -> Result<(Mapping, Print), Vec<AdapterError>> {
    let Some(path) = &template.mapping else {
        return Ok((Mapping::built_in(), print(mapping::BUILT_IN)));
    };
    let unreadable = |fault| AdapterError::MappingUnreadable {
        template: template.name.clone(),
        path: path.clone(),
        fault,
    };
    let text = files::read_text(path, MAPPING_BYTES).map_err(|fault| vec![unreadable(fault)])?;
    let parsed = Mapping::parse(&text).map_err(|found| {
        let problem = |problem| AdapterError::Mapping {
            template: template.name.clone(),
            path: path.clone(),
            problem,
        };
        found.into_iter().map(problem).collect::<Vec<_>>()
    })?;
    Ok((parsed, print(&text)))
}

fn print(text: &str) -> Print {
    let mut print = Print::default();
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    for (place, byte) in print.iter_mut().zip(digest.as_ref()) {
        *place = *byte;
    }
    print
}

fn texts(template: &Template) -> Result<Texts, AdapterError> {
    let response = &template.response;
    let text = |kind: &str, body: &str| {
        let fault = |fault| AdapterError::Answer {
            template: template.name.clone(),
            fault,
        };
        let kind = HeaderValue::from_str(kind).map_err(|_| AdapterError::ContentType {
            template: template.name.clone(),
        })?;
        let template = AnswerTemplate::parse(body).map_err(fault)?;
        Ok(Text { kind, template })
    };
    Ok(Texts {
        status: StatusCode::from_u16(response.status).unwrap_or(StatusCode::OK),
        accepted: text(&response.content_type, &response.body)?,
        refused: text(&response.error_content_type, &response.error_body)?,
    })
}

fn bridge(
    template: &Template,
    environment: &Environment,
) -> Result<Option<Arc<Bridge>>, AdapterError> {
    let Some(url) = &template.bridge_url else {
        return Ok(None);
    };
    let credentials = match &template.relay.credentials {
        None => None,
        Some(held) => {
            let password = password(template, held, environment)?;
            Some((held.account.as_str(), password))
        }
    };
    let bridge = Bridge::new(url, &template.relay, credentials.as_ref(), environment);
    bridge
        .map(|bridge| Some(Arc::new(bridge)))
        .map_err(|fault| AdapterError::Bridge {
            template: template.name.clone(),
            fault: Box::new(fault),
        })
}

/// What the mapping has to know. What goes to the bridge is judged there and not here.
#[must_use]
pub fn template_values(
    template: &Template,
    key: &TemplateKey,
    cluster: &ClusterName,
) -> TemplateValues {
    let early_validation = match (template.mode, template.early_validation) {
        (TemplateMode::Api, EarlyValidation::Business) => mapping::EarlyValidation::Business,
        (TemplateMode::Api, EarlyValidation::Syntax) => mapping::EarlyValidation::Syntax,
        (TemplateMode::Api, EarlyValidation::Off)
        | (TemplateMode::Observe | TemplateMode::Relay, _) => mapping::EarlyValidation::Off,
    };
    TemplateValues {
        key: key.clone(),
        cluster: cluster.clone(),
        package: match template.package {
            TemplatePackage::Basic => Package::Basic,
            TemplatePackage::Premium => Package::Premium,
            TemplatePackage::Softphone => Package::Softphone,
            TemplatePackage::Standard => Package::Standard,
        },
        language: template.language.clone(),
        timezone: template.timezone.clone(),
        trusted_email: template.trusted_email,
        enterprise_mode: template.enterprise_mode,
        early_validation,
    }
}

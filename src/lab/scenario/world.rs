//! Starts what stands behind and beside the daemon.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use super::Administrator;
use super::ScenarioError;
use super::User;
use super::ports::Addresses;
use super::provisioning;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::SeedAdministrator;
use crate::lab::broadworks::SeedUser;
use crate::lab::broadworks::cti;
use crate::lab::pki::BRIDGE_IDENTITY;
use crate::lab::pki::Client;
use crate::lab::pki::Pki;
use crate::lab::webex::Setup;
use crate::lab::webex::Webex;
use crate::lab::webex::api::Api;
use crate::platform::tasks::Tasks;

/// Who lives in the lab BroadWorks.
#[derive(Debug)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) administrator: Administrator,
    pub(super) ocip_administrator: Administrator,
}

/// Where the world listens.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) xsi: TcpListener,
    pub(super) ocip: TcpListener,
    pub(super) webex: TcpListener,
    pub(super) second_xsi: TcpListener,
    pub(super) control: TcpListener,
    pub(super) cti: TcpListener,
    pub(super) ocir: TcpListener,
    pub(super) webex_api: TcpListener,
}

/// Opens the lab BroadWorks and the lab Webex and serves them until `tasks` are stopped.
pub(super) async fn start(
    state_dir: &Path,
    fresh: bool,
    pki: &Pki,
    addresses: &Addresses,
    listeners: Listeners,
    tasks: &Tasks,
) -> Result<World, ScenarioError> {
    let directory = state_dir.to_owned();
    let setup = setup(pki, addresses);
    let (server, internal_ca) = (pki.stand_in(), pki.internal_ca().cert);
    let ca = pki.ca();
    let api = provisioning::webex(pki);
    let provisioned_at = addresses.provisioning;
    let (broadworks, webex, api, cti_tls) = tasks
        .blocking(move || -> Result<_, ScenarioError> {
            let broadworks = BroadWorks::open(&directory, fresh)?;
            let webex = Webex::open(Arc::clone(&broadworks), &setup)?;
            let cti_tls = cti::tls(&server, &internal_ca)?;
            broadworks.know_client(BRIDGE_IDENTITY)?;
            broadworks.trust_messaging(&ca)?;
            provisioning::point_at(&broadworks, provisioned_at)?;
            let api = provisioning::open(api, &broadworks)?;
            Ok((broadworks, webex, api, cti_tls))
        })
        .await
        .ok_or(ScenarioError::Panicked)??;
    let world = World {
        users: broadworks.users().into_iter().map(User::from).collect(),
        administrator: broadworks.administrator().into(),
        ocip_administrator: broadworks.provisioning_administrator().into(),
    };
    let Listeners {
        xsi,
        ocip,
        webex: ci,
        second_xsi,
        control,
        cti,
        ocir,
        webex_api,
    } = listeners;
    let (xsi, ocip, ci) = (listening(xsi)?, listening(ocip)?, listening(ci)?);
    let (second_xsi, control) = (listening(second_xsi)?, listening(control)?);
    let (cti, ocir) = (listening(cti)?, listening(ocir)?);
    let webex_api = listening(webex_api)?;
    let (served, own) = (Arc::clone(&broadworks), tasks.clone());
    tasks.worker("lab-broadworks-cti", async move {
        served.serve_cti(cti, cti_tls, own.stop(), &own).await;
    });
    let (served, own) = (Arc::clone(&broadworks), tasks.clone());
    tasks.worker("lab-broadworks-xsi", async move {
        served.serve_xsi(xsi, own.stop(), &own).await;
    });
    let (served, own) = (Arc::clone(&broadworks), tasks.clone());
    tasks.worker("lab-broadworks-xsi-2", async move {
        served.serve_second_xsi(second_xsi, own.stop(), &own).await;
    });
    let (served, own) = (Arc::clone(&broadworks), tasks.clone());
    tasks.worker("lab-broadworks-control", async move {
        served.serve_control(control, own.stop(), &own).await;
    });
    let (served, own) = (Arc::clone(&broadworks), tasks.clone());
    tasks.worker("lab-broadworks-ocir", async move {
        served.serve_ocir(ocir, None, own.stop(), &own).await;
    });
    let own = tasks.clone();
    tasks.worker("lab-broadworks-ocip", async move {
        broadworks.serve_ocip(ocip, None, own.stop(), &own).await;
    });
    serve_webex((webex, ci), (api, webex_api), tasks);
    Ok(world)
}

/// Serves both halves of the lab Webex, each on its listener.
fn serve_webex(
    (webex, ci): (Arc<Webex>, tokio::net::TcpListener),
    (api, listener): (Arc<Api>, tokio::net::TcpListener),
    tasks: &Tasks,
) {
    let own = tasks.clone();
    tasks.worker("lab-webex-identity", async move {
        webex.serve_identity(ci, own.stop(), &own).await;
    });
    let own = tasks.clone();
    tasks.worker("lab-webex-api", async move {
        api.serve(listener, own.stop(), &own).await;
    });
}

/// Webex finds the provider where people find the daemon.
fn setup(pki: &Pki, addresses: &Addresses) -> Setup {
    Setup {
        port: addresses.webex_ci.port(),
        ca: pki.ca(),
        server: pki.stand_in(),
        client: pki.client(Client::Good),
        provider_ci: format!("https://localhost:{}", addresses.xsi.port()),
        provider_mtls: format!("https://localhost:{}", addresses.auth_mtls.port()),
    }
}

fn listening(listener: TcpListener) -> Result<tokio::net::TcpListener, ScenarioError> {
    listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener))
        .map_err(|source| ScenarioError::Port { port: 0, source })
}

impl From<SeedAdministrator> for Administrator {
    fn from(seed: SeedAdministrator) -> Self {
        let SeedAdministrator { id, password } = seed;
        Self {
            user_id: id,
            password,
        }
    }
}

impl From<SeedUser> for User {
    fn from(seed: SeedUser) -> Self {
        let SeedUser {
            user_id,
            password,
            alternate_id,
            service_provider,
            group,
            extension,
            number,
        } = seed;
        Self {
            user_id,
            password,
            alternate_id,
            service_provider,
            group,
            extension,
            number,
        }
    }
}

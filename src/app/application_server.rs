//! The client of the Application Server that everybody shares, and what becomes of it at a reload.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::app::AppError;
use crate::config;
use crate::config::BlfListSource;
use crate::config::Config;
use crate::domain::provisioning::ids::ClusterName;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::outbound::broadworks::ocip::Ocip;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::Seen;

/// That of the AuthService where xspd is the AuthService, else one of our own where somebody needs
/// it.
#[derive(Default)]
pub struct ApplicationServer {
    current: CurrentOcip,
    own: Mutex<Option<Own>>,
}

/// A client of our own, and what it was made of.
#[derive(Clone)]
struct Own {
    server: config::ApplicationServer,
    seen: Seen,
    ocip: Ocip,
}

/// What is asked after [`ApplicationServer::publish`].
pub struct Prepared {
    own: Option<Own>,
    ocip: Option<Ocip>,
    cluster: Option<ClusterName>,
}

impl Prepared {
    /// The client.
    #[must_use]
    pub fn ocip(&self) -> Option<Ocip> {
        self.ocip.clone()
    }
}

impl ApplicationServer {
    /// What everybody asks through.
    #[must_use]
    pub const fn current(&self) -> &CurrentOcip {
        &self.current
    }

    /// The client of a configuration, the same as before where nothing about it has changed.
    /// Blocks on the disk; needs a runtime around it.
    ///
    /// # Errors
    /// The CA file or the password cannot be used.
    pub fn prepare(
        &self,
        config: &Config,
        desk: Option<&AuthDesk>,
        tasks: &Tasks,
        telemetry: &Telemetry,
    ) -> Result<Prepared, AppError> {
        let cluster = cluster(config);
        if let Some(desk) = desk {
            return Ok(Prepared {
                own: None,
                ocip: Some(desk.ocip()),
                cluster,
            });
        }
        let server = config.application_server.as_ref();
        let Some(server) = server.filter(|_| is_asked(config)) else {
            return Ok(Prepared {
                own: None,
                ocip: None,
                cluster: None,
            });
        };
        // Looked at before they are read, so that no change between the two is missed.
        let seen = Seen::of_server(server);
        let held = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.clone();
        let same = held.filter(|own| own.server == *server && own.seen == seen);
        let own = match same {
            Some(own) => own,
            None => Own {
                ocip: Ocip::new(server, tasks, Arc::clone(&telemetry.ocip))?,
                server: server.clone(),
                seen,
            },
        };
        Ok(Prepared {
            ocip: Some(own.ocip.clone()),
            own: Some(own),
            cluster,
        })
    }

    /// Everybody asks this one from now on.
    pub fn publish(&self, prepared: Prepared) {
        let Prepared { own, ocip, cluster } = prepared;
        self.current.publish(ocip, cluster);
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
    }
}

/// Whether anybody but the AuthService asks it.
fn is_asked(config: &Config) -> bool {
    let lists = config.blf.as_ref().map(|blf| blf.list_source);
    !config.templates.is_empty() || config.ocir.is_some() || lists == Some(BlfListSource::Ocip)
}

/// Whose users it knows: those of the cluster that is written, else of the only one there is.
fn cluster(config: &Config) -> Option<ClusterName> {
    let server = config.application_server.as_ref()?;
    if let Some(cluster) = &server.cluster {
        return Some(cluster.clone());
    }
    let templates = config.templates.iter().map(|held| held.cluster.as_str());
    let reporting = config.ocir.iter().flat_map(|ocir| &ocir.servers);
    let reporting = reporting.map(|held| held.cluster.as_str());
    let all: BTreeSet<&str> = templates.chain(reporting).collect();
    match all.first() {
        Some(one) if all.len() == 1 => ClusterName::parse(one).ok(),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn cluster_of(text: &str) -> Option<String> {
        let template = |name: &str, cluster: &str| {
            format!(
                "[[template]]\nname = \"{name}\"\nmode = \"observe\"\ncluster = \"{cluster}\"\n\
                 partner = \"p\"\n"
            )
        };
        let text = text
            .replace("EAST", &template("a", "east"))
            .replace("WEST", &template("b", "west"));
        let text = format!(
            "{text}\n{EDGE}[[webex-partner]]\nname = \"p\"\nclient-id = \"c\"\n\
             client-secret = \"file:/s\"\nrefresh-token = \"file:/t\"\n"
        );
        let config = config::from_text(&text).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        cluster(&config).map(|cluster| cluster.as_str().to_owned())
    }

    /// What every configuration has.
    const EDGE: &str = "[[listener]]\nname = \"prov\"\nkind = \"provisioning\"\n\
                        addresses = [\"127.0.0.1:8443\"]\n\
                        [[listener.host]]\nnames = [\"adapter.sp.example\"]\n";

    const SERVER: &str = "[application-server]\naddresses = [\"127.0.0.1:2208\"]\ntls = false\n\
                          user-id = \"xspd\"\npassword = \"file:/p\"\n";

    #[test]
    fn the_application_server_knows_the_cluster_that_is_written_or_the_only_one() {
        assert_eq!(cluster_of("EAST"), None);
        let of = |rest: &str| cluster_of(&format!("{SERVER}{rest}"));
        assert_eq!(of("EAST").as_deref(), Some("east"));
        assert_eq!(of("EASTWEST"), None);
        assert_eq!(of("cluster = \"west\"\nEASTWEST").as_deref(), Some("west"));
    }

    #[tokio::test]
    async fn whoever_asks_follows_a_reload() {
        let directory = tempfile::tempdir().unwrap();
        let password = directory.path().join("password");
        std::fs::write(&password, "one").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (tasks, telemetry) = (Tasks::new(), Telemetry::new());
        let config = |rest: &str| {
            let text = format!(
                "{SERVER}{rest}\n{EDGE}[[template]]\nname = \"a\"\nmode = \"observe\"\n\
                 cluster = \"east\"\npartner = \"p\"\n[[webex-partner]]\nname = \"p\"\n\
                 client-id = \"c\"\nclient-secret = \"file:/s\"\nrefresh-token = \"file:/t\"\n"
            );
            let text = text.replace("file:/p", &format!("file:{}", password.display()));
            config::from_text(&text).unwrap_or_else(|wrong| panic!("{wrong:?}"))
        };
        let server = ApplicationServer::default();
        let prepare = |config: &Config| server.prepare(config, None, &tasks, &telemetry).unwrap();
        // Held from the start to the end.
        let held = server.current().clone();
        assert!(held.any().is_none());
        let (east, west) = ("east", "west");
        let [east, west] = [east, west].map(|name| ClusterName::parse(name).unwrap());
        server.publish(prepare(&config("")));
        assert!(held.of(&east).is_some() && held.of(&west).is_none());
        let same = |before: &Option<Own>| {
            let now = server.own.lock().unwrap();
            let seen = |own: &Option<Own>| own.as_ref().map(|own| own.seen.clone());
            seen(before) == seen(&now)
        };
        let before = server.own.lock().unwrap().clone();
        server.publish(prepare(&config("")));
        assert!(same(&before));
        // A new password is taken over without a restart.
        std::fs::write(&password, "two").unwrap();
        server.publish(prepare(&config("cluster = \"west\"\n")));
        assert!(!same(&before));
        assert!(held.of(&east).is_none() && held.of(&west).is_some());
        server.publish(prepare(&config::from_text(EDGE).unwrap()));
        assert!(held.any().is_none());
        tasks.stop().cancel();
    }
}

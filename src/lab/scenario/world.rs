//! Starts what stands behind the daemon.

use std::net::TcpListener;
use std::path::Path;

use super::Administrator;
use super::ScenarioError;
use super::User;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::SeedUser;
use crate::platform::tasks::Tasks;

/// Who lives in the lab BroadWorks.
#[derive(Debug)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) administrator: Administrator,
}

/// Opens the lab BroadWorks and serves its Xsi on `listener` until `tasks` are stopped.
pub(super) async fn start(
    state_dir: &Path,
    fresh: bool,
    listener: TcpListener,
    tasks: &Tasks,
) -> Result<World, ScenarioError> {
    let directory = state_dir.to_owned();
    let broadworks = tasks
        .blocking(move || BroadWorks::open(&directory, fresh))
        .await
        .ok_or(ScenarioError::Panicked)??;
    let administrator = broadworks.administrator();
    let world = World {
        users: broadworks.users().into_iter().map(User::from).collect(),
        administrator: Administrator {
            user_id: administrator.id,
            password: administrator.password,
        },
    };
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener))
        .map_err(|source| ScenarioError::Port { port: 0, source })?;
    let own = tasks.clone();
    tasks.worker("lab-broadworks-xsi", async move {
        broadworks.serve_xsi(listener, own.stop(), &own).await;
    });
    Ok(world)
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

//! Starts what stands behind the daemon.

use std::net::TcpListener;
use std::path::Path;

use super::Administrator;
use super::ScenarioError;
use super::User;
use crate::platform::tasks::Tasks;

/// Who lives in the lab BroadWorks.
#[derive(Debug)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) administrator: Administrator,
}

/// Opens the lab BroadWorks and serves its Xsi on `listener` until `tasks` are stopped.
#[expect(clippy::unused_async, reason = "the lab BroadWorks is not here yet")]
pub(super) async fn start(
    _state_dir: &Path,
    _fresh: bool,
    _listener: TcpListener,
    _tasks: &Tasks,
) -> Result<World, ScenarioError> {
    Err(ScenarioError::BroadWorks("this build has none".to_owned()))
}

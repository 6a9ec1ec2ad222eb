//! What no BroadWorks has: XSPs that stop on request, faults of event channels, shorter times,
//! users who are deleted or given Integrated IM&P, and the odd habits of provisioning. On a port of
//! its own, so that it answers while both XSPs are stopped.

mod answer;
mod provisioning;
mod times;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::lab::accept::Door;
use crate::lab::accept::speak_http;
use crate::lab::broadworks::BroadWorks;
use crate::platform::tasks::Tasks;

/// Connections at once: people and scripts.
const CONNECTIONS: usize = 64;

/// Longest wait for the head of a request.
const HEAD: Duration = Duration::from_secs(10);

/// Accepts connections until `stop` fires.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    let door = Door {
        listener: &listener,
        slots: Arc::new(Semaphore::new(CONNECTIONS)),
        stop: &stop,
        tasks,
        whose: "control",
    };
    door.serve(|stream, _| {
        let (lab, stop, tasks) = (Arc::clone(&lab), stop.clone(), tasks.clone());
        let answer = move |request| {
            let (lab, tasks) = (Arc::clone(&lab), tasks.clone());
            async move { Ok::<_, Infallible>(answer::answer(&lab, request, &tasks).await) }
        };
        Some(async move { speak_http(stream, HEAD, &stop, answer).await })
    })
    .await;
}

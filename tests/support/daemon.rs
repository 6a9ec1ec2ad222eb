//! The real daemon, started from a configuration file and watched from outside.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use xspd::platform::ports;

use crate::support::BOUND;
use crate::support::client;
use crate::support::client::Answer;
use crate::support::process::Process;

/// The binary under test, built by cargo for this test.
pub(crate) const XSPD: &str = env!("CARGO_BIN_EXE_xspd");

/// Between two looks at `/readyz`: short beside a start, long beside a look.
const PAUSE: Duration = Duration::from_millis(20);

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    process: Process,
    admin: SocketAddr,
}

impl Daemon {
    /// Writes the text as `xspd.toml` into the folder, starts the daemon with it and waits until
    /// `/readyz` says 200. The text must hold `admin` as the admin address.
    pub(crate) async fn start(folder: &Path, config: &str, admin: SocketAddr) -> Self {
        let path = folder.join("xspd.toml");
        fs::write(&path, config).expect("the configuration is written");
        let path = path.to_str().expect("a UTF-8 path");
        let mut daemon = Self::start_program(XSPD, &["run", "--config", path], admin);
        daemon.ready().await;
        daemon
    }

    /// Starts any program in the daemon's place, without waiting.
    pub(crate) fn start_program(program: &str, arguments: &[&str], admin: SocketAddr) -> Self {
        Self {
            process: Process::spawn(program, arguments),
            admin,
        }
    }

    /// Waits until `/readyz` says 200.
    pub(crate) async fn ready(&mut self) {
        self.readyz(200).await;
    }

    /// Waits until `/readyz` says this.
    pub(crate) async fn readyz(&mut self, status: u16) {
        let bound = tokio::time::sleep(BOUND);
        tokio::pin!(bound);
        loop {
            let last = client::get_plain(self.admin, "/readyz").await;
            if last.as_ref().is_ok_and(|answer| answer.status == status) {
                return;
            }
            assert!(
                !self.process.has_ended(),
                "the daemon ended; it said {:#?}",
                self.process.lines()
            );
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = &mut bound => panic!(
                    "/readyz never said {status}, last {last:?}; the daemon said {:#?}",
                    self.process.lines()
                ),
            }
        }
    }

    /// `GET` from the admin listener.
    pub(crate) async fn admin(&self, target: &str) -> Answer {
        client::get_plain(self.admin, target)
            .await
            .expect("the admin listener answers")
    }

    /// The value of one series of `/metrics`, written as there: `xspd_x_total{listener="a"}`.
    /// `None` when there is no such series.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let text = self.admin("/metrics").await.text();
        text.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            value.split(' ').next()?.parse().ok()
        })
    }

    /// Log lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// Waits for a log line, past or to come, that holds all these words.
    pub(crate) async fn logged(&self, words: &[&str]) -> String {
        let all = |line: &str| words.iter().all(|word| line.contains(word));
        self.process
            .line(|line| all(line).then(|| line.to_owned()), BOUND)
            .await
    }

    /// Sends a signal by name, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to end, and waits for that.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.process.ended(BOUND).await
    }
}

/// An address of loopback that nobody listens on, for settings that need a number before the daemon
/// runs. Never the same twice in this process.
pub(crate) fn free_address() -> SocketAddr {
    let held = ports::listen_aside().expect("a free port");
    held.local_addr().expect("a bound address")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::support::upstream::Reply;
    use crate::support::upstream::Upstream;

    #[tokio::test]
    async fn readiness_metrics_log_lines_and_signals_are_seen_from_outside() {
        let looks = AtomicUsize::new(0);
        let admin = Upstream::start(move |request| {
            if request.starts_with(b"GET /metrics ") {
                Reply::text(
                    200,
                    "# HELP x\nx_total{a=\"b\"} 3\nx_total{a=\"bc\"} 4 17\n",
                )
            } else if looks.fetch_add(1, Ordering::Relaxed) == 0 {
                Reply::text(503, "starting\n")
            } else {
                Reply::text(200, "ready\n")
            }
        })
        .await;
        let script =
            "trap 'exit 0' TERM; trap 'echo reload done' HUP; echo up; while :; do read x; done";
        let mut daemon = Daemon::start_program("sh", &["-c", script], admin.address());
        daemon.ready().await;
        assert_eq!(daemon.metric("x_total{a=\"b\"}").await, Some(3.0));
        assert_eq!(daemon.metric("x_total{a=\"bc\"}").await, Some(4.0));
        assert_eq!(daemon.metric("x_total").await, None);
        daemon.logged(&["up"]).await;
        daemon.signal("HUP");
        assert_eq!(daemon.logged(&["done", "reload"]).await, "reload done");
        assert_eq!(daemon.lines(), ["up", "reload done"]);
        assert!(daemon.id() > 1);
        assert!(daemon.stop().await.success());
    }

    #[test]
    fn free_addresses_are_not_given_twice() {
        let addresses: BTreeSet<_> = (0..32).map(|_| free_address()).collect();
        assert_eq!(addresses.len(), 32);
    }
}

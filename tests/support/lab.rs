//! `xspd lab`, started once and shared by every test that needs a BroadWorks behind the daemon.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::support::daemon::XSPD;
use crate::support::process::Process;

/// A first start mints keys of several kinds, RSA among them, on a machine that runs other tests.
const START: Duration = Duration::from_secs(60);

/// A running lab. It ends with the test binary: nothing in a `static` is dropped, but the guard
/// of [`Process`] sees our end.
pub(crate) struct Lab {
    process: Process,
    description: Value,
    _state: TempDir,
}

impl Lab {
    /// The lab that all tests share. Tests that change its users must pick their own.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Lab> = OnceCell::const_new();
        SHARED
            .get_or_init(|| Self::start_program(XSPD, &["lab", "--ports", "auto", "--state-dir"]))
            .await
    }

    /// Starts a program with a new state directory as its last argument, waits for its line
    /// `ready` and reads `lab.json` from there.
    pub(crate) async fn start_program(program: &str, arguments: &[&str]) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        let mut arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
        arguments.push(state.path().as_os_str());
        let process = Process::spawn(program, &arguments);
        let ready = |line: &str| (line.trim() == "ready").then_some(());
        process.line(ready, START).await;
        let text = fs::read_to_string(state.path().join("lab.json")).expect("lab.json");
        Self {
            process,
            description: serde_json::from_str(&text).expect("lab.json is JSON"),
            _state: state,
        }
    }

    /// What it printed.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// All of `lab.json`.
    pub(crate) fn description(&self) -> &Value {
        &self.description
    }

    /// Text in `lab.json` by JSON pointer, such as `/users/0/password`.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let value = self.description.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("lab.json has no text at {pointer}: {}", self.description))
    }

    /// A file named there.
    pub(crate) fn path(&self, pointer: &str) -> &Path {
        Path::new(self.text(pointer))
    }

    /// The loopback address behind an endpoint's URL: `xsi`, `authservice-mtls`, `admin` …
    pub(crate) fn endpoint(&self, name: &str) -> SocketAddr {
        let url = self.text(&format!("/endpoints/{name}"));
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("{url} has no port"));
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Certificate and key files of one of its clients: `good`, `expired` …
    pub(crate) fn client(&self, name: &str) -> (PathBuf, PathBuf) {
        let part = |part| self.path(&format!("/client-certificates/{name}/{part}"));
        (part("cert").to_owned(), part("key").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_lab_json_says_is_found_by_name() {
        let script = r#"printf '%s' '{"endpoints":{"xsi":"https://localhost:8441"},
            "client-certificates":{"good":{"cert":"/a.pem","key":"/a.key"}},
            "users":[{"user-id":"alice@as.example.net"}]}' > "$0/lab.json"; echo; echo ready"#;
        let lab = Lab::start_program("sh", &["-c", script]).await;
        assert_eq!(
            lab.endpoint("xsi"),
            SocketAddr::from(([127, 0, 0, 1], 8441))
        );
        let (certificate, key) = lab.client("good");
        assert_eq!(certificate, Path::new("/a.pem"));
        assert_eq!(key, Path::new("/a.key"));
        assert_eq!(lab.text("/users/0/user-id"), "alice@as.example.net");
    }
}

//! A child process that never outlives the test binary, with its output in lines.
#![expect(
    clippy::disallowed_methods,
    reason = "readers of pipes are threads, so that they serve tests of any runtime"
)]

use std::ffi::OsStr;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

/// A running program.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Moves with every line and every end of a pipe.
    news: watch::Receiver<usize>,
    /// Its end, which comes with ours however we end, is what the guard waits for.
    _lifeline: ChildStdin,
}

/// Becomes the program, after leaving behind a guard that kills it when our end of standard input
/// closes. That also holds when the test binary is killed, where no destructor runs.
const GUARD: &str = "exec 3<&0; (cat <&3; kill -KILL $$) >/dev/null 2>&1 & \
                     exec \"$0\" \"$@\" 3<&- </dev/null";

impl Process {
    /// Starts a program.
    pub(crate) fn spawn<A: AsRef<OsStr>>(program: &str, arguments: &[A]) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", GUARD, program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (tell, news) = watch::channel(0);
        read_lines(child.stdout.take(), &lines, &tell);
        read_lines(child.stderr.take(), &lines, &tell);
        let lifeline = child.stdin.take().expect("standard input is a pipe");
        Self {
            child,
            lines,
            news,
            _lifeline: lifeline,
        }
    }

    /// Standard output and error so far, in the order read.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no reader panics").clone()
    }

    /// The first line of which `pick` makes something, past or to come.
    pub(crate) async fn line<T>(&self, pick: impl Fn(&str) -> Option<T>, bound: Duration) -> T {
        let mut news = self.news.clone();
        let found = tokio::time::timeout(bound, async {
            loop {
                news.borrow_and_update();
                if let Some(found) = self.lines().iter().find_map(|line| pick(line)) {
                    return Some(found);
                }
                // Both readers have ended: nothing more will come.
                if news.changed().await.is_err() {
                    return self.lines().iter().find_map(|line| pick(line));
                }
            }
        });
        match found.await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("it ended without the line; it said {:#?}", self.lines()),
            Err(_) => panic!("no such line within {bound:?}; it said {:#?}", self.lines()),
        }
    }

    /// Sends a signal by name: `TERM`, `HUP`, `KILL` …
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid])
            .status()
            .expect("sh starts");
        assert!(sent.success(), "kill -s {name} {pid}");
    }

    /// Its process id, for `/proc`.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_some()
    }

    /// Waits for its end, with all it said read.
    pub(crate) async fn ended(&mut self, bound: Duration) -> ExitStatus {
        let mut news = self.news.clone();
        let all_read = async { while news.changed().await.is_ok() {} };
        let read = tokio::time::timeout(bound, all_read).await;
        assert!(read.is_ok(), "it runs on; it said {:#?}", self.lines());
        // Closed pipes mean that it has ended or is about to.
        self.child.wait().expect("a child of ours")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_lines(
    pipe: Option<impl Read + Send + 'static>,
    into: &Arc<Mutex<Vec<String>>>,
    tell: &watch::Sender<usize>,
) {
    let pipe = pipe.expect("output is a pipe");
    let into = Arc::clone(into);
    let tell = tell.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            into.lock().expect("no reader panics").push(line);
            tell.send_modify(|count| *count += 1);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::BOUND;

    #[tokio::test]
    async fn lines_signals_and_the_end_of_a_process_are_seen() {
        let script = "trap 'echo bye >&2; exit 3' TERM; echo ready; while :; do read x; done";
        let mut process = Process::spawn("sh", &["-c", "echo $$; echo last"]);
        let pid = process.line(|line| line.parse::<u32>().ok(), BOUND).await;
        assert_eq!(pid, process.id(), "the guard keeps the process id");
        assert!(process.ended(BOUND).await.success());
        assert_eq!(process.lines().last().map(String::as_str), Some("last"));

        // `read` without input returns at once; `wait` would not be interrupted by a trap in dash.
        let mut process = Process::spawn("sh", &["-c", script]);
        process
            .line(|line| (line == "ready").then_some(()), BOUND)
            .await;
        assert!(!process.has_ended());
        process.signal("TERM");
        process
            .line(|line| (line == "bye").then_some(()), BOUND)
            .await;
        assert_eq!(process.ended(BOUND).await.code(), Some(3));
    }
}

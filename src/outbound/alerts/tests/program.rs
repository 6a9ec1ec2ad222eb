//! Programs of other people that receive.

use std::net::UdpSocket;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncRead;
use tokio::io::BufReader;
use tokio::io::Lines;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;

use crate::platform::ports;

/// Long enough for a program to start and say something on a busy machine.
const BOUND: Duration = Duration::from_secs(30);

/// Between two looks at what a program makes when it is ready.
const PAUSE: Duration = Duration::from_millis(20);

/// A running program, and what it says.
pub(super) struct Program {
    _child: Child,
    lines: Lines<BufReader<Box<dyn AsyncRead + Unpin + Send>>>,
    said: Vec<String>,
}

/// Whether a program is there; the test says so when it is not.
pub(super) fn is_there(program: &str, package: &str) -> bool {
    let there = std::env::split_paths("/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
        .any(|directory| directory.join(program).exists());
    if !there {
        println!("skipped: {program} is not installed (Debian package {package})");
    }
    there
}

/// A port, of TCP and of UDP, that nobody has; the programs cannot say which they took.
pub(super) fn free_port() -> u16 {
    loop {
        let held = ports::listen_aside().unwrap();
        let address = held.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address.port();
        }
    }
}

impl Program {
    /// Starts it; its standard output is heard, or its standard error.
    pub(super) fn start(mut command: Command, hears_errors: bool) -> Self {
        command.stdin(Stdio::null()).kill_on_drop(true);
        let (output, error) = match hears_errors {
            true => (Stdio::null(), Stdio::piped()),
            false => (Stdio::piped(), Stdio::null()),
        };
        let mut child = command.stdout(output).stderr(error).spawn().unwrap();
        let heard: Box<dyn AsyncRead + Unpin + Send> = match hears_errors {
            true => Box::new(child.stderr.take().unwrap()),
            false => Box::new(child.stdout.take().unwrap()),
        };
        Self {
            _child: child,
            lines: BufReader::new(heard).lines(),
            said: Vec::new(),
        }
    }

    /// The next line with a text in it.
    pub(super) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let next = timeout(BOUND, self.lines.next_line()).await;
            let Ok(Ok(Some(line))) = next else {
                panic!("no line with {text:?}; it said {:#?}", self.said);
            };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }
}

/// Waits for what a program makes.
pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = timeout(BOUND, async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("no {what}"))
}

//! The processes of a run: the upstream, the bare proxy, xspd. They end when dropped.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::Failure;
use crate::figures::Subject;
use crate::pki;
use crate::pki::Key;
use crate::settings::Settings;

/// The binary under test, built by cargo with this benchmark's profile.
pub(crate) const XSPD: &str = env!("CARGO_BIN_EXE_xspd");

/// Path of every request: one that the Xsi-Actions policy judges and lets through.
pub(crate) const TARGET: &str = "/com.broadsoft.xsi-actions/v2.0/user/alice@as.example.net/profile";

/// Longest wait for xspd to be ready.
const READY: Duration = Duration::from_secs(20);

/// What stands behind the proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// One upstream that answers every request with a kilobyte.
    Requests,
    /// A farm of two XSPs with streams of events.
    Events,
}

impl Load {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Events => "events",
        }
    }
}

/// A running set.
pub(crate) struct Servers {
    /// Holds the certificates of the run.
    pub(crate) folder: TempDir,
    /// Plain HTTP; of a farm the first XSP.
    pub(crate) upstream: SocketAddr,
    /// Where events are ordered.
    orders: Option<SocketAddr>,
    proxies: Vec<Proxy>,
    _behind: Process,
}

struct Proxy {
    subject: Subject,
    /// In the order of [`Key::ALL`].
    addresses: Vec<SocketAddr>,
    process: Process,
}

struct Process(Child);

impl Servers {
    /// Starts what stands behind and the named proxies before it.
    pub(crate) async fn start(
        threads: usize,
        subjects: &[Subject],
        connections: usize,
        load: Load,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        pki::mint(folder.path())?;
        let (behind, addresses) = match load {
            Load::Requests => role(threads, &["upstream"])?,
            Load::Events => role(threads, &["event-upstream"])?,
        };
        let (upstreams, orders) = match (load, addresses.as_slice()) {
            (Load::Requests, upstreams) => (upstreams, None),
            (Load::Events, [upstreams @ .., orders]) => (upstreams, Some(*orders)),
            (Load::Events, []) => return Err("the XSPs told no address".into()),
        };
        let upstream = *upstreams.first().ok_or("the upstream told no address")?;
        let mut proxies = Vec::new();
        for subject in subjects {
            let (process, addresses) = match subject {
                Subject::Bare => {
                    let path = folder.path().to_string_lossy();
                    role(threads, &["bare-proxy", &path, &upstream.to_string()])?
                }
                Subject::Xspd => {
                    let text = Settings::new(folder.path(), upstreams, connections, load)?;
                    xspd(threads, folder.path(), &text).await?
                }
            };
            proxies.push(Proxy {
                subject: *subject,
                addresses,
                process,
            });
        }
        Ok(Self {
            folder,
            upstream,
            orders,
            proxies,
            _behind: behind,
        })
    }

    /// Where events are ordered.
    pub(crate) fn orders(&self) -> Result<SocketAddr, Failure> {
        Ok(self.orders.ok_or("no events without XSPs")?)
    }

    /// Where a proxy listens with a kind of key.
    pub(crate) fn address(&self, subject: Subject, key: Key) -> Result<SocketAddr, Failure> {
        let listeners = self.proxy(subject)?.addresses.iter().zip(Key::ALL);
        listeners
            .filter_map(|(address, of)| (of == key).then_some(*address))
            .next()
            .ok_or_else(|| "a proxy without an address".into())
    }

    /// CPU time of a proxy so far, user and system, in seconds. Ticks of 10 ms.
    pub(crate) fn cpu_seconds(&self, subject: Subject) -> Result<f64, Failure> {
        /// `USER_HZ`, 100 on every Linux that runs Rust (proc(5)).
        const TICKS: f64 = 100.0;
        let stat = self.proc_file(subject, "stat")?;
        // The name in parentheses may hold anything; utime and stime are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').ok_or("a strange /proc/PID/stat")?;
        let times: Result<Vec<f64>, _> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse)
            .collect();
        Ok(times?.iter().sum::<f64>() / TICKS)
    }

    /// Resident memory of a proxy in bytes.
    pub(crate) fn resident(&self, subject: Subject) -> Result<f64, Failure> {
        let status = self.proc_file(subject, "status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? * 1_024.0)
    }

    fn proc_file(&self, subject: Subject, name: &str) -> Result<String, Failure> {
        let pid = self.proxy(subject)?.process.0.id();
        Ok(fs::read_to_string(format!("/proc/{pid}/{name}"))?)
    }

    fn proxy(&self, subject: Subject) -> Result<&Proxy, Failure> {
        let mut proxies = self.proxies.iter();
        let found = proxies.find(|proxy| proxy.subject == subject);
        found.ok_or_else(|| format!("{} was not started", subject.as_str()).into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is fine.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Ends the process when its standard input closes, that is with its parent. For the roles.
pub(crate) fn end_with_parent() {
    let mut nothing = [0];
    while std::io::stdin()
        .read(&mut nothing)
        .is_ok_and(|read| read > 0)
    {}
    std::process::abort();
}

/// This benchmark again, in another role. It tells its addresses in its first line.
fn role(threads: usize, role: &[&str]) -> Result<(Process, Vec<SocketAddr>), Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--role")
        .args(role)
        .env("TOKIO_WORKER_THREADS", threads.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no standard output")?;
    let process = Process(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let addresses: Result<Vec<_>, _> = line.split_whitespace().skip(1).map(str::parse).collect();
    Ok((process, addresses?))
}

async fn xspd(
    threads: usize,
    folder: &Path,
    settings: &Settings,
) -> Result<(Process, Vec<SocketAddr>), Failure> {
    let admin = settings.admin;
    let path = folder.join("xspd.toml");
    fs::write(&path, &settings.text)?;
    let log = fs::File::create(folder.join("xspd.log"))?;
    let child = Command::new(XSPD)
        .args(["run", "--config"])
        .arg(&path)
        .env("TOKIO_WORKER_THREADS", threads.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let mut process = Process(child);
    let waiting = tokio::time::timeout(READY, async {
        while !is_ready(admin).await {
            if let Some(status) = process.0.try_wait()? {
                return Err(Failure::from(format!("xspd ended with {status}")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    });
    let outcome = waiting
        .await
        .unwrap_or_else(|_| Err("xspd was not ready in time".into()));
    match outcome {
        Ok(()) => Ok((process, settings.listeners.clone())),
        Err(error) => {
            let log = fs::read_to_string(folder.join("xspd.log"))?;
            Err(format!("{error}; it said:\n{log}").into())
        }
    }
}

async fn is_ready(admin: SocketAddr) -> bool {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    let look = async {
        let mut stream = TcpStream::connect(admin).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200 "))
    };
    look.await.unwrap_or(false)
}

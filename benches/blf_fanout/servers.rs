//! The lab and the measured daemon, each a process of its own, and requests to them.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::Failure;
use crate::request;

const XSPD: &str = env!("CARGO_BIN_EXE_xspd");
const WATCHER: &str = "tom@as.example.net";
const LINE: &str = "uma@as.example.net";
const PASSWORD: &str = "Passw0rd!";

/// How long a start may take, in looks.
const LOOKS: u32 = 600;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Everything that runs; killed when dropped.
pub(crate) struct Servers {
    lab: Child,
    daemon: Child,
    address: SocketAddr,
    broadworks: SocketAddr,
    _folder: TempDir,
}

impl Servers {
    pub(crate) async fn start(streams: usize) -> Result<Self, Failure> {
        let folder = TempDir::new()?;
        let (lab, described) = start_lab(&folder)?;
        let text = |pointer: &str| {
            let found = described.pointer(pointer).and_then(Value::as_str);
            found.ok_or_else(|| format!("lab.json has no {pointer}"))
        };
        let broadworks: SocketAddr = text("/endpoints/broadworks-xsi")?
            .trim_start_matches("http://")
            .replace("localhost", "127.0.0.1")
            .parse()?;
        let password = folder.path().join("password");
        fs::write(&password, text("/administrator/password")?)?;
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
        let (address, admin) = (free_address()?, free_address()?);
        let config = folder.path().join("xspd.toml");
        let account = text("/administrator/user-id")?;
        let most = streams + 100;
        let said = configuration(folder.path(), admin, broadworks, address, account, most);
        fs::write(&config, said)?;
        let daemon = Command::new(XSPD)
            .arg("run")
            .arg("--config")
            .arg(&config)
            .spawn()?;
        let servers = Self {
            lab,
            daemon,
            address,
            broadworks,
            _folder: folder,
        };
        for _ in 0..LOOKS {
            let ready =
                format!("GET /readyz HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
            if request(admin, &ready)
                .await
                .is_ok_and(|status| status == 200)
            {
                return Ok(servers);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err("the daemon never got ready".into())
    }

    /// Gives the watcher its list, and waits until the daemon knows how the line stands.
    pub(crate) async fn give_list(&self) -> Result<(), Failure> {
        let body = format!(
            "<BusyLampField xmlns=\"http://schema.broadsoft.com/xsi\"><listURI>tom-blf@as.example.net\
             </listURI><monitoredUserList><userDetails><userId>{LINE}</userId></userDetails>\
             </monitoredUserList></BusyLampField>"
        );
        self.put(WATCHER, "BusyLampField", &body).await?;
        let mut stream = self.open_stream().await?;
        let mut buffer = Vec::new();
        let known = async {
            while !buffer.windows(6).any(|part| part == b"\"idle\"") {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Err::<(), Failure>("the stream ended".into());
                }
            }
            Ok(())
        };
        tokio::time::timeout(crate::PATIENCE, known).await?
    }

    pub(crate) async fn do_not_disturb(&self, on: bool) -> Result<(), Failure> {
        let body = format!(
            "<DoNotDisturb xmlns=\"http://schema.broadsoft.com/xsi\"><active>{on}</active>\
             <ringSplash>false</ringSplash></DoNotDisturb>"
        );
        self.put(LINE, "DoNotDisturb", &body).await
    }

    async fn put(&self, user: &str, service: &str, body: &str) -> Result<(), Failure> {
        let text = format!(
            "PUT /com.broadsoft.xsi-actions/v2.0/user/{user}/services/{service} HTTP/1.1\r\n\
             Host: {}\r\n{}Content-Type: application/xml\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.broadworks,
            basic(user),
            body.len()
        );
        match request(self.broadworks, &text).await? {
            200 => Ok(()),
            status => Err(format!("PUT {service}: {status}").into()),
        }
    }

    /// A stream whose head has come.
    pub(crate) async fn open_stream(&self) -> Result<TcpStream, Failure> {
        let mut stream = TcpStream::connect(self.address).await?;
        let text = format!(
            "GET /blf/v1/watchers/{WATCHER}/stream HTTP/1.1\r\nHost: {}\r\n{}\r\n",
            self.address,
            basic(WATCHER)
        );
        stream.write_all(text.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        if status.ends_with(b"200") {
            Ok(stream)
        } else {
            Err(format!("a stream was refused: {}", String::from_utf8_lossy(&status)).into())
        }
    }

    /// CPU time that the daemon has used.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        // Linux counts in hundredths for every program on every platform that matters here.
        const TICKS: f64 = 100.0;
        let text = fs::read_to_string(format!("/proc/{}/stat", self.daemon.id()))?;
        let behind = text.rsplit_once(") ").ok_or("an odd stat")?.1;
        let ticks: Vec<f64> = behind
            .split(' ')
            .skip(11)
            .take(2)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(ticks.iter().sum::<f64>() / TICKS)
    }

    /// Bytes of memory that the daemon holds.
    pub(crate) fn resident(&self) -> Result<f64, Failure> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.daemon.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: f64 = kilobytes.ok_or("no VmRSS")?.parse()?;
        Ok(kilobytes * 1024.0)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for process in [&mut self.daemon, &mut self.lab] {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// The daemon with room for `most` streams; the account's password lies in the folder.
fn configuration(
    folder: &Path,
    admin: SocketAddr,
    broadworks: SocketAddr,
    address: SocketAddr,
    account: &str,
    most: usize,
) -> String {
    format!(
        r#"state-dir = "{folder}/state"
[log]
filter = "warn"
[admin]
address = "{admin}"
[[pool]]
name = "xsp"
upstream = [{{ name = "xsp1", url = "http://{broadworks}" }}]
[[listener]]
name = "plain"
addresses = ["{address}"]
plaintext = true
routes = ["blf"]
[listener.limits]
connections = {most}
connections-per-address = {most}
[[listener.host]]
names = ["*"]
[blf]
[blf.account]
user-id = "{account}"
password = "file:{folder}/password"
[blf.api]
streams = {most}
streams-per-watcher = {most}
streams-per-address = {most}
re-check = "1h"
keep-alive = "5m"
"#,
        folder = folder.display(),
    )
}

fn start_lab(folder: &TempDir) -> Result<(Child, Value), Failure> {
    let state = folder.path().join("lab");
    let mut lab = Command::new(XSPD)
        .args(["lab", "--ports", "auto", "--state-dir"])
        .arg(&state)
        .stdout(Stdio::piped())
        .spawn()?;
    let out = lab.stdout.take().ok_or("no output")?;
    let ready = BufReader::new(out)
        .lines()
        .map_while(Result::ok)
        .any(|line| line == "ready");
    if !ready {
        return Err("the lab did not start".into());
    }
    let described = fs::read(state.join("lab.json"))?;
    Ok((lab, serde_json::from_slice(&described)?))
}

fn basic(user: &str) -> String {
    let pair = STANDARD.encode(format!("{user}:{PASSWORD}"));
    format!("Authorization: Basic {pair}\r\n")
}

fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

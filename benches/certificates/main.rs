//! Certificates: what a scan of 10,000 files costs in time and memory, cold and with nothing changed,
//! and what it costs to parse one certificate.
//! `cargo bench --bench certificates [-- --files N --rounds N --directory DIR]`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ECDSA_P256_SHA256;
use rcgen::PKCS_RSA_SHA256;
use rcgen::RsaKeySize;
use xspd::config::Config;
use xspd::config::from_text;
use xspd::domain::certs::CertificateFacts;
use xspd::platform::clock;
use xspd::workers::cert_watch::scan;
use xspd::workers::cert_watch::scan::Cache;

/// What anything here fails with.
type Failure = Box<dyn Error + Send + Sync>;

/// How often one certificate is parsed for one figure.
const PARSES: u32 = 20_000;

struct Options {
    files: usize,
    rounds: usize,
    directory: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match options(&words).and_then(|options| all(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "certificates: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options {
        files: 10_000,
        rounds: 5,
        directory: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target")),
    };
    let mut words = words.iter().filter(|word| **word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a value is missing")?;
        match *word {
            "--files" => options.files = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            "--directory" => options.directory = PathBuf::from(value),
            other => return Err(format!("{other} is not known").into()),
        }
    }
    Ok(options)
}

fn all(options: &Options) -> Result<(), Failure> {
    let directory = options.directory.join("bench-certificates");
    drop(fs::remove_dir_all(&directory));
    fs::create_dir_all(&directory)?;
    let done = measured(options, &directory);
    drop(fs::remove_dir_all(&directory));
    done
}

fn measured(options: &Options, directory: &Path) -> Result<(), Failure> {
    let made = Made::new()?;
    made.fill(directory, options.files)?;
    let config = config(directory, options.files)?;
    let mut report = String::new();
    writeln!(
        report,
        "{} files, each a leaf and its issuer",
        options.files
    )?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let before = resident()?;
    let mut cache = Cache::default();
    for _ in 0..options.rounds.max(1) {
        // The files are in the page cache: this is what our own work costs.
        cache = Cache::default();
        cold.push(timed(|| {
            scan::files(&config, &[], &mut cache, clock::wall())
                .sightings
                .len()
        })?);
        warm.push(timed(|| {
            scan::files(&config, &[], &mut cache, clock::wall())
                .sightings
                .len()
        })?);
    }
    let seen = scan::files(&config, &[], &mut cache, clock::wall());
    let good = seen.sightings.iter().filter(|seen| seen.seen.is_ok());
    let good = good.count();
    if good < options.files {
        return Err(format!("only {good} of {} files were read", options.files).into());
    }
    let held = resident()?.saturating_sub(before);
    writeln!(
        report,
        "scan, everything new:     {:>9.1?} median",
        median(&mut cold)
    )?;
    writeln!(
        report,
        "scan, nothing changed:    {:>9.1?} median",
        median(&mut warm)
    )?;
    writeln!(
        report,
        "memory of what is held:   {:>9.1} MiB, {:.1} KiB a file (resident, peak {:.1} MiB)",
        mebibytes(held),
        mebibytes(held) * 1_024.0 / as_f64(options.files),
        mebibytes(peak()?)
    )?;
    drop(seen);
    for (name, der) in &made.samples {
        let taken = timed(|| {
            for _ in 0..PARSES {
                drop(black_box(CertificateFacts::parse(black_box(der))));
            }
            1
        })?;
        writeln!(
            report,
            "parse of one, {name:<12} {:>9.2?} ({} bytes)",
            taken / PARSES,
            der.len()
        )?;
    }
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

fn timed(work: impl FnOnce() -> usize) -> Result<Duration, Failure> {
    let begun = clock::mono();
    if work() == 0 {
        return Err("nothing was found".into());
    }
    Ok(clock::mono().duration_since(begun))
}

fn median(figures: &mut [Duration]) -> Duration {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn config(directory: &Path, files: usize) -> Result<Config, Failure> {
    let text = format!(
        r#"
[certificates]
most-files = {files}
[[certificate]]
name = "farm"
files = ["{}/*.pem"]
[[pool]]
name = "xsp"
upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
[[listener]]
name = "none"
addresses = ["127.0.0.1:0"]
plaintext = true
[[listener.host]]
names = ["*"]
"#,
        directory.display()
    );
    from_text(&text).map_err(|problems| format!("{problems:?}").into())
}

/// One issuer, one key of each kind: a key for each of 10,000 leaves would take minutes to make and
/// change nothing.
struct Made {
    issuer: Issuer<'static, KeyPair>,
    issuer_pem: String,
    key: KeyPair,
    samples: Vec<(&'static str, Vec<u8>)>,
}

impl Made {
    fn new() -> Result<Self, Failure> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let own = params.self_signed(&key)?;
        let issuer_pem = own.pem();
        let issuer = Issuer::from_ca_cert_der(own.der(), key)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let many: Vec<String> = (0..100)
            .map(|nth| format!("host-{nth}.example.com"))
            .collect();
        let samples = vec![
            ("P-256", leaf("a.example.com", &[], &key, &issuer)?),
            ("RSA 2048", leaf("a.example.com", &[], &rsa, &issuer)?),
            ("100 names", leaf("a.example.com", &many, &key, &issuer)?),
        ];
        Ok(Self {
            issuer,
            issuer_pem,
            key,
            samples,
        })
    }

    fn fill(&self, directory: &Path, files: usize) -> Result<(), Failure> {
        for nth in 0..files {
            let der = leaf(
                &format!("host-{nth}.example.com"),
                &[],
                &self.key,
                &self.issuer,
            )?;
            let text = xspd::domain::certs::pem::certificate(&der) + &self.issuer_pem;
            fs::write(directory.join(format!("host-{nth:06}.pem")), text)?;
        }
        Ok(())
    }
}

fn leaf(
    name: &str,
    more: &[String],
    key: &KeyPair,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<Vec<u8>, Failure> {
    let mut names = vec![name.to_owned()];
    names.extend_from_slice(more);
    let mut params = CertificateParams::new(names)?;
    let now = clock::wall();
    params.not_before = (now - Duration::from_secs(86_400)).into();
    params.not_after = (now + Duration::from_secs(300 * 86_400)).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.signed_by(key, issuer)?.der().to_vec())
}

/// Bytes of this process that are in memory.
fn resident() -> Result<u64, Failure> {
    of_status("VmRSS:")
}

/// The most that ever were.
fn peak() -> Result<u64, Failure> {
    of_status("VmHWM:")
}

fn of_status(key: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(kib.ok_or("no such line")?.parse::<u64>()? * 1_024)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of memory are far below 2^52"
)]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of files are far below 2^52"
)]
fn as_f64(count: usize) -> f64 {
    count as f64
}

//! What judging a token of ours costs, with its signature and without.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use futures_util::FutureExt as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use xspd::config::Config;
use xspd::config::Environment;
use xspd::config::NamedFiles;
use xspd::config::SigningAlgorithm;
use xspd::config::load_with;
use xspd::config::secret::SecretRef;
use xspd::domain::auth::keys::KeySet;
use xspd::domain::auth::token::Amr;
use xspd::domain::auth::token::Claims;
use xspd::domain::auth::token::TokenRules;
use xspd::jose::KeyRing;
use xspd::jose::SigningKey;
use xspd::lab::broadworks::BroadWorks;
use xspd::platform::clock;
use xspd::platform::files;
use xspd::platform::tasks::Tasks;
use xspd::telemetry::Telemetry;
use xspd::workers::auth_desk::AuthDesk;

use crate::Failure;

const CONFIG: &str = include_str!("../tests/fixtures/config/valid/auth-service-mtls.toml");
const ALICE: &str = "alice@as.example.net";

/// Measures.
pub(crate) fn judging(criterion: &mut Criterion) -> Result<(), Failure> {
    let folder = TempDir::new()?;
    let ring = keys(folder.path())?;
    let life = Duration::from_secs(720 * 3600);
    let claims = Claims::new("BroadWorks", ALICE, clock::wall(), life, [1; 16], Amr::Ci);
    let token = ring.issue(&claims)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let tasks = Tasks::new();
    let desk = runtime.block_on(desk(folder.path(), &tasks))?;
    runtime
        .block_on(desk.validate(&token))
        .map_err(|fault| format!("{fault:?}"))?;
    let mut group = criterion.benchmark_group("desk");
    group.bench_function("signature and claims, RSA 3072", |bencher| {
        let (rules, now) = (TokenRules::new("BroadWorks"), clock::wall());
        bencher.iter(|| ring.verify(black_box(&token), &rules, now));
    });
    group.bench_function("validated, from the cache", |bencher| {
        bencher.iter(|| desk.validate(black_box(&token)).now_or_never());
    });
    group.bench_function("refused, from the cache", |bencher| {
        bencher.iter(|| desk.validate(black_box("opaque")).now_or_never());
    });
    group.finish();
    tasks.stop().cancel();
    Ok(())
}

fn keys(state: &Path) -> Result<KeyRing, Failure> {
    let directory = state.join("authservice");
    files::create_private_dir(&directory)?;
    let key = SigningKey::generate(3072)?;
    let mut set = KeySet::empty();
    set.generate(key.to_record(SigningAlgorithm::Rs256)?, clock::wall())?;
    let file = directory.join("keys.json");
    files::write_atomic(&file, &set.to_json()?, files::PRIVATE)?;
    Ok(KeyRing::from_set(&set, clock::wall())?)
}

/// A desk with the lab's Application Server behind it.
async fn desk(state: &Path, tasks: &Tasks) -> Result<AuthDesk, Failure> {
    let lab = BroadWorks::open(state, true)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let account = lab.provisioning_administrator();
    let (served, own) = (Arc::clone(&lab), tasks.clone());
    tasks.worker("lab", async move {
        served.serve_ocip(listener, None, own.stop(), &own).await;
    });
    let password = state.join("password");
    files::write_atomic(&password, account.password.as_bytes(), files::PRIVATE)?;
    let mut config = config(state)?;
    if let Some(server) = &mut config.application_server {
        server.addresses = vec![(address.ip().to_string(), address.port())];
        server.user_id = account.id;
        server.password = SecretRef::File(password);
    }
    if let Some(rules) = &mut config.auth_service {
        rules.keys.directory = state.join("authservice");
        rules.operator_token = None;
    }
    let desk = AuthDesk::build(&config, tasks, &Telemetry::new(), None)?;
    desk.ok_or_else(|| "the configuration has no AuthService".into())
}

fn config(state: &Path) -> Result<Config, Failure> {
    let file = state.join("xspd.toml");
    std::fs::write(&file, CONFIG)?;
    let loaded = load_with(&file, &Environment::default(), NamedFiles::Skip);
    let loaded = loaded.map_err(|problems| format!("{problems:?}"))?;
    Ok(loaded.config)
}

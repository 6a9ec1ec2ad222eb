//! One Application Server, heard: connected again whenever it is lost, its documents read.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Ocir;
use crate::domain::ocir::Command;
use crate::domain::ocir::Effect;
use crate::domain::ocir::Notification;
use crate::domain::ocir::Recent;
use crate::domain::ocir::Reported;
use crate::domain::ocir::read;
use crate::domain::ocir::reported;
use crate::outbound::broadworks::ocir::Lost;
use crate::outbound::broadworks::ocir::OcirSource;
use crate::outbound::broadworks::ocir::OcirStream;
use crate::platform::clock;
use crate::workers::ocir_observer::Teller;
use crate::workers::ocir_observer::Told;

/// Who listens to one Application Server.
pub(super) struct Ear {
    source: OcirSource,
    teller: Arc<Teller>,
    reconnect: Duration,
    silence: Duration,
    reports: mpsc::Sender<Told>,
    recent: Recent,
    /// 1 while it is heard.
    count: watch::Sender<usize>,
    patience: watch::Sender<Duration>,
}

/// Nobody takes reports any more: the daemon ends.
struct Over;

/// Why a connection is not listened to any more.
enum End {
    Lost(Lost),
    Over,
}

impl Ear {
    pub(super) fn new(
        source: OcirSource,
        teller: Arc<Teller>,
        ocir: &Ocir,
        reports: mpsc::Sender<Told>,
    ) -> Self {
        Self {
            source,
            teller,
            reconnect: ocir.reconnect,
            silence: ocir.silence,
            reports,
            recent: Recent::default(),
            count: watch::Sender::new(0),
            patience: watch::Sender::new(ocir.down_warning),
        }
    }

    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    pub(super) fn patience(&self) -> watch::Receiver<Duration> {
        self.patience.subscribe()
    }

    /// Listens until `stop`.
    pub(super) async fn listen(mut self, stop: CancellationToken) {
        // What a dropped connection had not yet told, the Application Server keeps or has lost.
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Over = self.go_on() => {}
        }
    }

    async fn go_on(&mut self) -> Over {
        loop {
            let end = match self.source.connect().await {
                Ok(stream) => self.hear(stream).await,
                Err(lost) => End::Lost(lost),
            };
            self.count.send_replace(0);
            let lost = match end {
                End::Lost(lost) => lost,
                End::Over => return Over,
            };
            self.teller.series.lost(lost.loss, &lost.detail);
            tokio::time::sleep(with_jitter(self.reconnect)).await;
        }
    }

    async fn hear(&mut self, mut stream: OcirStream) -> End {
        loop {
            let document = match stream.next(self.silence).await {
                Ok(document) => document,
                Err(lost) => return End::Lost(lost),
            };
            // A connection that is accepted and closed, as for hosts not in the access list, was
            // never one: it counts from its first document.
            self.teller.series.heard(clock::wall());
            self.count.send_replace(1);
            match read(&document) {
                Ok(told) => {
                    for notification in told {
                        if let Err(Over) = self.notified(notification).await {
                            return End::Over;
                        }
                    }
                }
                Err(bad) => self.teller.series.unusable(Effect::Unreadable, &bad),
            }
        }
    }

    async fn notified(&mut self, notification: Notification) -> Result<(), Over> {
        let write = match notification {
            Notification::KeepAlive => return Ok(()),
            Notification::PublicIdentity => {
                self.teller
                    .series
                    .report(Effect::Ignored, "public-identity");
                return Ok(());
            }
            Notification::Other(name) => {
                self.teller.series.report(Effect::Ignored, &name);
                return Ok(());
            }
            Notification::Unreadable { id: _, why } => {
                self.teller.series.unusable(Effect::Unreadable, &why);
                return Ok(());
            }
            Notification::Write(write) => write,
        };
        if !self.recent.is_new(&write.id, &write.text, clock::mono()) {
            self.teller.series.report(Effect::Repeated, "");
            return Ok(());
        }
        for command in &write.commands {
            self.commanded(command).await?;
        }
        Ok(())
    }

    async fn commanded(&self, command: &Command) -> Result<(), Over> {
        let what = match reported(command) {
            Ok(what) => what,
            Err(unclear) => {
                self.teller.series.unusable(Effect::Unclear, &unclear);
                return Ok(());
            }
        };
        let effect = effect(&what);
        self.teller.series.report(effect, &command.name);
        if effect == Effect::Ignored {
            return Ok(());
        }
        let told = Told {
            by: Arc::clone(&self.teller),
            what,
        };
        self.reports.send(told).await.map_err(|_| Over)
    }
}

const fn effect(what: &Reported) -> Effect {
    match what {
        Reported::Check { .. } | Reported::Removed(_) | Reported::Renamed { .. } => Effect::Check,
        Reported::Left { .. } => Effect::Left,
        Reported::Messaging(_) => Effect::Messaging,
        Reported::Nothing => Effect::Ignored,
        Reported::Reconcile { .. } => Effect::Reconcile,
    }
}

/// Up to a fifth more, so that nodes do not come back together.
fn with_jitter(pause: Duration) -> Duration {
    let dice = RandomState::new().hash_one(()) % 1000;
    pause + pause / 5 * u32::try_from(dice).unwrap_or(0) / 1000
}

//! The signals by which a running lab is told something.

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// What a person or a script can ask of a running lab.
pub(super) enum Signal {
    /// The daemon is to read its configuration again.
    Reload,
    /// The lab is to end.
    Stop,
}

/// The signals of the process.
pub(super) struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on none of them ends the process.
    ///
    /// # Errors
    /// They cannot be caught.
    pub(super) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Until a signal asks for the end; what it cannot serve yet is passed over.
    pub(super) async fn stop(&mut self) {
        while !matches!(self.next().await, Signal::Stop) {}
    }

    /// Cancel-safe: `recv` is, and nothing is held across it.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
        }
    }
}

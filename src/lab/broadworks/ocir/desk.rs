//! Reports, what waits for hosts that are away, and the odd documents that tests ask for.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::ocir::Odd;
use crate::lab::broadworks::ocir::Settings;
use crate::lab::broadworks::ocir::document;

/// Hosts for which a backlog is kept; the access list has no more.
const HOSTS: usize = 100;

/// The reporting side of the Application Server.
#[derive(Default)]
pub(in crate::lab::broadworks) struct Desk {
    state: Mutex<State>,
    /// Something waits, or a setting changed.
    pub(super) news: Notify,
}

#[derive(Default)]
struct State {
    settings: Settings,
    written: u64,
    hosts: BTreeMap<IpAddr, Host>,
    cut: CancellationToken,
    connections: u64,
}

/// A host that has connected once.
#[derive(Default)]
struct Host {
    waiting: VecDeque<Item>,
    /// The last reports that were sent, oldest first.
    sent: VecDeque<Arc<str>>,
}

/// What is to be sent.
#[derive(Clone)]
pub(super) enum Item {
    /// A document as it is.
    Odd(Odd),
    /// The command of a report.
    Report(Arc<str>),
}

/// What a connection is to send next.
pub(super) enum Next {
    /// These bytes.
    Document(Vec<u8>),
    /// Nothing before the next ping.
    Ping,
    /// Nothing at all.
    Silence,
}

impl Desk {
    pub(in crate::lab::broadworks) fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    pub(in crate::lab::broadworks) fn set(&self, settings: Settings) {
        self.state().settings = settings;
        self.news.notify_waiters();
    }

    pub(in crate::lab::broadworks) fn cut(&self) {
        std::mem::take(&mut self.state().cut).cancel();
    }

    pub(in crate::lab::broadworks) fn odd(&self, odd: Odd) {
        for host in self.state().hosts.values_mut() {
            host.waiting.push_back(Item::Odd(odd));
        }
        self.news.notify_waiters();
    }

    /// Reports and connections since the start.
    pub(in crate::lab::broadworks) fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.written, state.connections)
    }

    /// A change was made.
    pub(in crate::lab::broadworks) fn report(&self, by: &str, name: &str, body: &Element) {
        let mut state = self.state();
        state.written += 1;
        let id = format!("write{}", state.written);
        let request = document::carried_out(by, name, body);
        let report: Arc<str> = document::report(&id, by, &request).into();
        let most = state.settings.backlog;
        for host in state.hosts.values_mut() {
            host.waiting.push_back(Item::Report(Arc::clone(&report)));
            while host.waiting.len() > most {
                host.waiting.pop_front();
            }
        }
        drop(state);
        self.news.notify_waiters();
    }

    /// A host connects: the token that cuts it, or `None` when it is not in the access list.
    pub(super) fn connected(&self, host: IpAddr) -> Option<CancellationToken> {
        let mut state = self.state();
        state.connections += 1;
        if !state.settings.lets_in(host) || state.hosts.len() >= HOSTS {
            return None;
        }
        let replay = state.settings.replay;
        let held = state.hosts.entry(host).or_default();
        let again: Vec<_> = held.sent.iter().rev().take(replay).cloned().collect();
        for report in again {
            held.waiting.push_front(Item::Report(report));
        }
        Some(state.cut.clone())
    }

    /// What a host is to be sent. It counts as sent, for nothing is ever acknowledged.
    pub(super) fn next(&self, host: IpAddr) -> Next {
        let mut state = self.state();
        if state.settings.silent {
            return Next::Silence;
        }
        let together = state.settings.together;
        let Some(held) = state.hosts.get_mut(&host) else {
            return Next::Ping;
        };
        let mut commands = String::new();
        for _ in 0..together {
            match held.waiting.pop_front() {
                Some(Item::Report(report)) => {
                    commands.push_str(&report);
                    held.sent.push_back(report);
                    if held.sent.len() > SENT {
                        held.sent.pop_front();
                    }
                }
                Some(Item::Odd(odd)) if commands.is_empty() => {
                    return Next::Document(odd.bytes());
                }
                Some(item @ Item::Odd(_)) => {
                    held.waiting.push_front(item);
                    break;
                }
                None => break,
            }
        }
        if commands.is_empty() {
            Next::Ping
        } else {
            Next::Document(document::latin1(&document::body(&commands)))
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports that can be sent once more.
const SENT: usize = 1000;

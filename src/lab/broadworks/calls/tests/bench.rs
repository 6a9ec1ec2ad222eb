//! An engine, a clock, and everything that the engine wanted done.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::lab::broadworks::calls::Calls;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::CallRecord;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Input;
use crate::lab::broadworks::calls::command::Message;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::LogKind;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::password::Passwords;
use crate::lab::broadworks::seed;
use crate::platform::clock;

pub(in crate::lab::broadworks) struct Bench {
    pub(in crate::lab::broadworks) calls: Calls,
    pub(in crate::lab::broadworks) directory: Directory,
    pub(in crate::lab::broadworks) now: Now,
    pub(in crate::lab::broadworks) actions: Vec<Action>,
}

impl Bench {
    /// Without calls; nobody has a mailbox that answers, so that calls ring.
    pub(in crate::lab::broadworks) fn new() -> Self {
        static SEEDED: OnceLock<Directory> = OnceLock::new();
        let seeded = SEEDED.get_or_init(|| seed::directory(&Passwords::new().unwrap()).unwrap());
        let mut bench = Self {
            calls: Calls::new(Arc::new(seeded.clone())),
            directory: seeded.clone(),
            now: Now {
                mono: clock::mono(),
                wall: UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            },
            actions: Vec::new(),
        };
        for user in [
            "alice", "bob", "carol", "dan", "juergen", "inigo", "zoe", "tom", "uma",
        ] {
            bench.set(user, "voicemessaging", "active", "false");
            bench.set(user, "callwaiting", "active", "true");
        }
        bench
    }

    pub(in crate::lab::broadworks) fn user(&mut self, name: &str) -> &mut User {
        self.directory.users.get_mut(&id(name)).unwrap()
    }

    pub(in crate::lab::broadworks) fn set(
        &mut self,
        name: &str,
        path: &str,
        field: &str,
        text: &str,
    ) {
        let text = Setting::Text(text.to_owned());
        let held = self.user(name).settings.entry(path.to_owned()).or_default();
        held.insert(field.to_owned(), text);
        self.calls.look_up(Arc::new(self.directory.clone()));
    }

    pub(in crate::lab::broadworks) fn ask(
        &mut self,
        name: &str,
        command: Command,
    ) -> Result<Reply, Refusal> {
        let user = id(name);
        self.calls.handle(Input { user, command }, self.now);
        self.calls.check_invariants();
        let mut replies = Vec::new();
        while let Some(action) = self.calls.poll_action() {
            match action {
                Action::Reply(reply) => replies.push(reply),
                action => self.actions.push(action),
            }
        }
        assert_eq!(replies.len(), 1, "one answer to each command");
        replies.remove(0)
    }

    pub(in crate::lab::broadworks) fn done(&mut self, name: &str, command: Command) {
        let said = format!("{name} {command:?}");
        let reply = self.ask(name, command);
        assert!(reply.is_ok(), "{said}: {reply:?}");
    }

    pub(in crate::lab::broadworks) fn start(&mut self, name: &str, start: Start) -> LegId {
        let command = Command::Start {
            start,
            ring_first: None,
            info: None,
        };
        match self.ask(name, command) {
            Ok(Reply::Started { call, .. }) => call,
            other => panic!("{name} cannot start: {other:?}"),
        }
    }

    pub(in crate::lab::broadworks) fn dial(&mut self, name: &str, address: &str) -> LegId {
        self.start(name, Start::Dial(address.to_owned()))
    }

    /// A call of one user to another that is answered, by both its legs.
    pub(in crate::lab::broadworks) fn talk(
        &mut self,
        caller: &str,
        callee: &str,
    ) -> (LegId, LegId) {
        let extension = self.user(callee).extension.clone().unwrap();
        let call = self.dial(caller, &extension);
        let ringing = self.ringing(callee);
        self.done(callee, Command::Talk(ringing));
        (call, ringing)
    }

    pub(in crate::lab::broadworks) fn hang_up(&mut self, name: &str, call: LegId) {
        self.done(name, Command::HangUp(call, Decline::No));
    }

    /// The call that rings at a user.
    pub(in crate::lab::broadworks) fn ringing(&self, name: &str) -> LegId {
        let mut legs = self.legs(name).into_iter();
        let leg = legs.find(|leg| leg.can_answer);
        leg.unwrap_or_else(|| panic!("nothing rings at {name}")).id
    }

    pub(in crate::lab::broadworks) fn legs(&self, name: &str) -> Vec<LegView> {
        self.calls.of(&id(name), true)
    }

    pub(in crate::lab::broadworks) fn leg(&self, name: &str, call: LegId) -> LegView {
        let leg = self.legs(name).into_iter().find(|leg| leg.id == call);
        leg.unwrap_or_else(|| panic!("{name} has no {call}"))
    }

    pub(in crate::lab::broadworks) fn states(&self, name: &str) -> Vec<State> {
        self.legs(name).iter().map(|leg| leg.state).collect()
    }

    pub(in crate::lab::broadworks) fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.calls.deadline().filter(|at| *at <= end) {
            let step = at - self.now.mono;
            self.now.mono += step;
            self.now.wall += step;
            self.calls.handle_timeout(self.now);
            self.calls.check_invariants();
            while let Some(action) = self.calls.poll_action() {
                self.actions.push(action);
            }
        }
        let rest = end - self.now.mono;
        self.now.mono += rest;
        self.now.wall += rest;
    }

    pub(in crate::lab::broadworks) fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// What was logged, as user and list, in order.
    pub(in crate::lab::broadworks) fn logged(&self) -> Vec<(String, LogKind)> {
        let records = self.records();
        records
            .map(|record| (short(&record.user), record.kind))
            .collect()
    }

    pub(in crate::lab::broadworks) fn records(&self) -> impl Iterator<Item = &CallRecord> {
        self.actions.iter().filter_map(|action| match action {
            Action::Log(record) => Some(record.as_ref()),
            _ => None,
        })
    }

    pub(in crate::lab::broadworks) fn messages(&self) -> Vec<&Message> {
        let messages = self.actions.iter().filter_map(|action| match action {
            Action::Message(message) => Some(message),
            _ => None,
        });
        messages.collect()
    }
}

pub(in crate::lab::broadworks) fn id(name: &str) -> String {
    format!("{name}@as.example.net")
}

fn short(id: &str) -> String {
    id.split('@').next().unwrap_or_default().to_owned()
}

//! kill -9 at every write of the store: a wish survives exactly if it was answered "accepted", and
//! no user ever has two subscribers.
//!
//! The child is this test binary again, as a provisioner with the real store; Webex outlives it in
//! this process. Its engine is wrapped, here in the tests alone, to kill the whole process before,
//! within or after its n-th transaction.

mod child;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;
use xspd::platform::tasks::Tasks;

use crate::e2e::provisioning::webex;
use crate::support::BOUND;

/// What is wished for, in this order. Each is repeated until it is accepted, as an administrator
/// does who sees an error.
const WISHES: &[(&str, &str)] = &[
    ("assign", "anna"),
    ("assign", "bob"),
    ("unassign", "bob"),
    ("assign", "carl"),
    ("assign", "bob"),
    ("unassign", "carl"),
];

/// Who has a subscriber in the end.
const REMAIN: [&str; 2] = ["anna", "bob"];

/// More transactions than a whole run has: one that is not killed by then ends the test.
const MOST: u64 = 400;

/// Which transactions are worth a run of their own; the later ones are like one of these.
const DENSE: u64 = 24;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_write_of_the_store_nothing_accepted_is_lost_and_nothing_is_done_twice() {
    let (mut kills, mut last) = (0, false);
    let mut number = 1;
    while !last {
        assert!(number < MOST, "a run does not come to its end");
        // The last of the three tells whether there was such a transaction.
        for when in ["before", "within", "after"] {
            last = !run(Some((number, when))).await;
            kills += u64::from(!last);
        }
        number += if number < DENSE { 1 } else { 7 };
    }
    // Three of each wish at least, and some of the jobs.
    assert!(
        kills > 30,
        "only {kills} kills: the runs were shorter than they should be"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_from_outside_at_any_time_nothing_accepted_is_lost_and_nothing_is_done_twice() {
    for millis in (0..160).step_by(8) {
        killed_after(Duration::from_millis(millis)).await;
    }
}

/// Runs to the end, killed once on the way. Whether it was.
async fn run(kill: Option<(u64, &'static str)>) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let (address, world) = webex::serve(&tasks).await;
    let mut told = Told::default();
    let mut first = Running::start(directory.path(), address, kill).await;
    let killed = !told.drive(&mut first).await;
    if killed {
        // Its voice ends before its hold on the database does.
        first.process.wait().await.unwrap();
        let mut second = Running::start(directory.path(), address, None).await;
        told.check_kept(&mut second).await;
        assert!(told.drive(&mut second).await, "killed without a reason");
    }
    finish(&world, &format!("{kill:?}"));
    tasks.stop().cancel();
    tasks.join().await;
    killed
}

async fn killed_after(time: Duration) {
    let directory = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let (address, world) = webex::serve(&tasks).await;
    let mut told = Told::default();
    let mut first = Running::start(directory.path(), address, None).await;
    first.expect("@ready").await;
    // The one time that is measured: how far it has come then does not matter, only that it differs.
    let cut = tokio::time::timeout(time, told.drive(&mut first)).await;
    first.process.kill().await.unwrap();
    if cut.is_err() {
        // What it had said and nobody had read yet was said.
        while let Some(line) = first.line().await {
            told.hear(&line);
        }
        let mut second = Running::start(directory.path(), address, None).await;
        told.check_kept(&mut second).await;
        assert!(told.drive(&mut second).await, "killed without a reason");
    }
    finish(&world, &format!("{time:?}"));
    tasks.stop().cancel();
    tasks.join().await;
}

fn finish(world: &std::sync::Mutex<webex::World>, which: &str) {
    let world = world.lock().unwrap();
    let remain: BTreeSet<_> = REMAIN.map(str::to_owned).into();
    assert_eq!(world.users(), remain, "{which}");
    assert_eq!(
        world.twice,
        BTreeSet::new(),
        "two subscribers at once: {which}"
    );
    assert_eq!(
        world.raced,
        BTreeSet::new(),
        "two first users at once: {which}"
    );
}

/// What was answered so far.
#[derive(Default)]
struct Told {
    accepted: usize,
    /// The newest revision that was answered, by user.
    revisions: BTreeMap<String, u64>,
}

impl Told {
    /// Says the rest of the wishes and waits for the end of all jobs. Whether it lived to see it.
    async fn drive(&mut self, child: &mut Running) -> bool {
        while let Some((word, user)) = WISHES.get(self.accepted) {
            if child.say(&format!("{word} {user}")).await.is_err() {
                return false;
            }
            loop {
                let Some(line) = child.line().await else {
                    return false;
                };
                if self.hear(&line) {
                    break;
                }
            }
        }
        if child.say("finish").await.is_err() {
            return false;
        }
        while let Some(line) = child.line().await {
            if line == "@finished" {
                child.process.wait().await.unwrap();
                return true;
            }
        }
        false
    }

    /// `@accepted 3 anna`: revision 3 is durable. Whether it was one.
    fn hear(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix("@accepted ") else {
            return false;
        };
        let (revision, user) = rest.split_once(' ').unwrap();
        self.revisions
            .insert(user.to_owned(), revision.parse().unwrap());
        self.accepted += 1;
        true
    }

    /// Every answered wish is there; of those not answered, at most the one that was under way.
    async fn check_kept(&self, child: &mut Running) {
        let mut kept = BTreeMap::new();
        let mut beyond = 0;
        for user in ["anna", "bob", "carl"] {
            child.say(&format!("look {user}")).await.unwrap();
            let line = child.expect("@kept ").await;
            let revision: u64 = line.parse().unwrap();
            let told = self.revisions.get(user).copied().unwrap_or(0);
            assert!(
                revision >= told,
                "{user}: {told} was answered, {revision} is kept"
            );
            beyond += revision - told;
            kept.insert(user, revision);
        }
        assert!(
            beyond <= 1,
            "more is kept than was asked: {kept:?}, {:?}",
            self.revisions
        );
    }
}

/// A child and its voice.
struct Running {
    process: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Running {
    async fn start(directory: &Path, webex: SocketAddr, kill: Option<(u64, &str)>) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([child::NAME, "--exact", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let order = json!({ "directory": directory, "webex": webex, "kill": kill });
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut orders = process.stdin.take().unwrap();
        orders
            .write_all(format!("{order}\n").as_bytes())
            .await
            .unwrap();
        process.stdin = Some(orders);
        Self { process, lines }
    }

    async fn say(&mut self, line: &str) -> std::io::Result<()> {
        let orders = self.process.stdin.as_mut().unwrap();
        orders.write_all(format!("{line}\n").as_bytes()).await
    }

    /// `None`: it is dead.
    async fn line(&mut self) -> Option<String> {
        let line = tokio::time::timeout(BOUND, self.lines.next_line()).await;
        line.expect("the child says nothing").unwrap()
    }

    /// What follows the word in the next line that begins with it.
    async fn expect(&mut self, word: &str) -> String {
        loop {
            let line = self.line().await.expect("the child is dead");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.to_owned();
            }
        }
    }
}

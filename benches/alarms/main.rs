//! Alarms: what a look at 100,000 objects costs the alarm machine, in time and memory.
//! `cargo bench --bench alarms [-- --objects N --wrong PERCENT --rounds N]`.
//!
//! Each round is what a watcher does in one tick: it says of each object whether it is wrong. The
//! first rounds raise, the middle ones repeat what is known, the last ones clear. What is to be
//! kept and told is taken out, as the alarm desk does, and thrown away.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use xspd::domain::alarms::AlarmKey;
use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::Board;
use xspd::domain::alarms::Condition;
use xspd::domain::alarms::Observation;
use xspd::domain::alarms::Policy;
use xspd::domain::alarms::Present;
use xspd::domain::alarms::Severity;
use xspd::domain::alarms::board::Input;
use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::platform::clock;

/// What anything here fails with.
type Failure = Box<dyn Error + Send + Sync>;

/// Between two rounds, as between two looks of the watchers.
const TICK: Duration = Duration::from_secs(5);

struct Options {
    objects: usize,
    /// Of a hundred objects.
    wrong: usize,
    /// That only repeat.
    rounds: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match options(&arguments).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "alarms: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        objects: 100_000,
        wrong: 10,
        rounds: 10,
    };
    let mut words = words.iter().filter(|word| *word != "--bench");
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a value"))?;
        let value: usize = value.parse()?;
        match word.as_str() {
            "--objects" => options.objects = value,
            "--wrong" => options.wrong = value.min(100),
            "--rounds" => options.rounds = value.max(1),
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    Ok(options)
}

struct Scene {
    board: Board,
    now: Now,
    objects: Vec<AlarmKey>,
    wrong: usize,
}

/// What one round came to.
struct Round {
    took: Duration,
    changes: usize,
}

fn measure(options: &Options) -> Result<(), Failure> {
    let before = resident();
    let numbers = 0..options.objects;
    let objects = numbers.map(|number| {
        let object = format!("listener edge{number:06}.example.net");
        AlarmKey::new(AlarmName::CertificateExpiring, &object)
    });
    let mut scene = Scene {
        board: Board::new(Policy {
            // All are kept: a smaller bound would make the machine do less.
            bound: options.objects.max(1),
            ..Policy::default()
        }),
        now: clock::now(),
        objects: objects.collect(),
        wrong: options.wrong,
    };
    tell(format_args!(
        "{} objects, {} of 100 wrong; their keys take {} MB",
        options.objects,
        options.wrong,
        resident().saturating_sub(before)
    ));
    let keys = resident();
    let raised: Vec<_> = (0..2).map(|_| scene.round(true)).collect();
    report("rounds that raise", &raised);
    let repeated: Vec<_> = (0..options.rounds).map(|_| scene.round(true)).collect();
    report("rounds that repeat", &repeated);
    tell(format_args!(
        "{} alarms stand; the machine takes {} MB",
        scene.board.alarms().count(),
        resident().saturating_sub(keys)
    ));
    let cleared: Vec<_> = (0..2).map(|_| scene.round(false)).collect();
    report("rounds that clear", &cleared);
    let left = scene.board.alarms().count();
    if left > 0 {
        return Err(format!("{left} alarms stand although all is well").into());
    }
    let quiet: Vec<_> = (0..options.rounds).map(|_| scene.round(false)).collect();
    report("rounds in which all is well", &quiet);
    tell(format_args!("memory at most: {} MB", peak()));
    Ok(())
}

impl Scene {
    fn round(&mut self, anything_wrong: bool) -> Round {
        self.now.mono += TICK;
        self.now.wall += TICK;
        // Made before the clock runs: a watcher's own work is not the machine's.
        let seen: Vec<_> = (0..self.objects.len())
            .filter_map(|at| self.look(at, anything_wrong))
            .collect();
        let began = clock::mono();
        for observation in seen {
            self.board.handle(Input::Observed(observation), self.now);
        }
        if self.board.deadline().is_some_and(|at| at <= self.now.mono) {
            self.board.handle_timeout(self.now);
        }
        let mut changes = 0;
        while self.board.poll_action().is_some() {
            changes += 1;
        }
        Round {
            took: clock::mono().duration_since(began),
            changes,
        }
    }

    fn look(&self, at: usize, anything_wrong: bool) -> Option<Observation> {
        let wrong = anything_wrong && at % 100 < self.wrong;
        let condition = if wrong {
            Condition::Present(Present {
                severity: Severity::Medium,
                step: "30d".to_owned(),
                text: "The certificate ends on 2027-01-01T00:00:00Z.".to_owned(),
                rule: "certificates.manual.warn = 30d".to_owned(),
                ends: None,
                details: vec![("serial".to_owned(), format!("{at:032x}"))],
            })
        } else {
            Condition::Absent
        };
        Some(Observation {
            key: self.objects.get(at)?.clone(),
            condition,
        })
    }
}

fn report(what: &str, rounds: &[Round]) {
    let mut times: Vec<_> = rounds.iter().map(|round| round.took).collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let changes: usize = rounds.iter().map(|round| round.changes).sum();
    tell(format_args!(
        "{what}: median {median:.1?}, worst {worst:.1?} a round; {changes} changes in {} rounds",
        rounds.len()
    ));
}

fn tell(line: std::fmt::Arguments<'_>) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn resident() -> u64 {
    of_status("VmRSS:")
}

fn peak() -> u64 {
    of_status("VmHWM:")
}

/// In megabytes, as Linux tells it.
fn of_status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1_000
}

//! What goes, and when.

use super::*;
use crate::domain::provisioning::mapping::FORMAT;
use crate::domain::provisioning::redact::RedactedCall;

const HOUR: u64 = 3_600_000;

fn rules(directory: &std::path::Path) -> Rules {
    Rules {
        capture: config::Capture {
            what: CaptureWhat::All,
            ring: 3,
            body_bytes: 1024,
            keep: true,
            max_age: Duration::from_secs(3_600),
            personal_data: true,
        },
        on: ["a", "b"].map(str::to_owned).into(),
        directory: directory.to_owned(),
    }
}

fn capture(template: &str, number: u64, at: u64, hidden: Redaction) -> Arc<Capture> {
    let call = Call::new("POST", "/t", "").unwrap();
    Arc::new(Capture {
        id: RequestId::parse(&format!("0190f3c2-5a53-7d3e-9b55-{number:012}")).unwrap(),
        at: Moment(at),
        template: TemplateKey::parse(template).unwrap(),
        format: FORMAT.to_owned(),
        request: RedactedCall::of(&call, hidden),
        trace: Trace::default(),
        outcome: "upsert".to_owned(),
        status: 200,
    })
}

fn rings(captures: &[Arc<Capture>]) -> Rings {
    let mut rings = Rings::new();
    for capture in captures {
        let ring = rings.entry(capture.template.clone()).or_default();
        ring.push_back(Arc::clone(capture));
    }
    rings
}

fn kept(rings: &Rings) -> Vec<u64> {
    let all = rings.values().flatten();
    let number = |capture: &Arc<Capture>| capture.id.as_str()[24..].parse().unwrap();
    all.map(number).collect()
}

#[test]
fn captures_go_by_age_by_number_and_with_the_switch_that_let_them_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (open, closed) = (Redaction::Secrets, Redaction::Personal);
    let all = [
        capture("a", 1, 0, closed),
        capture("a", 2, HOUR, open),
        capture("a", 3, HOUR, closed),
        capture("b", 4, HOUR, open),
        capture("gone", 5, HOUR, closed),
    ];
    let after = |rules: &Rules, now| {
        let mut rings = rings(&all);
        let gone = rules.thin_out(&mut rings, Moment(now));
        assert_eq!(gone.len() + kept(&rings).len(), all.len());
        kept(&rings)
    };
    let whole = rules(folder.path());
    assert_eq!(after(&whole, HOUR - 1), [1, 2, 3, 4]);
    assert_eq!(after(&whole, HOUR), [2, 3, 4]);
    assert_eq!(after(&whole, 2 * HOUR), [0_u64; 0]);
    // A clock that was set back makes nothing older.
    assert_eq!(after(&whole, 0), [1, 2, 3, 4]);
    let mut changed = whole.clone();
    changed.capture.personal_data = false;
    assert_eq!(after(&changed, HOUR), [3]);
    let mut changed = whole.clone();
    changed.on.remove("a");
    assert_eq!(after(&changed, HOUR), [4]);
    let mut changed = whole;
    changed.capture.ring = 1;
    assert_eq!(after(&changed, HOUR), [3, 4]);
}

#[test]
fn a_sweep_leaves_what_is_held_and_what_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let one = capture("a", 1, 0, Redaction::Personal);
    let two = capture("a", 2, 0, Redaction::Personal);
    for capture in [&one, &two] {
        let job = Job::Keep(Arc::clone(capture));
        job.carry_out(folder.path()).unwrap();
    }
    let half = format!(".{}.x7", disk::name(&two));
    for other in [half.as_str(), "notes.json", "a.b.json", "README"] {
        std::fs::write(folder.path().join(other), "x").unwrap();
    }
    assert_eq!(kept(&disk::read(folder.path())), [1, 2]);
    let names = BTreeSet::from([disk::name(&one)]);
    disk::sweep(folder.path(), &names).unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    let names = ["README", "a.b.json", "notes.json"].map(Into::into);
    let mut expected: Vec<std::ffi::OsString> = names.into();
    expected.push(disk::name(&one).into());
    expected.sort();
    assert_eq!(left, expected);
    disk::sweep(&folder.path().join("missing"), &BTreeSet::new()).unwrap();
}

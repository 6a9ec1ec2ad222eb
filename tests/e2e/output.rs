//! Where what a verb shows cannot be written: told, and not taken for done. Who reads no further, as
//! `head`, is no failure.

use std::fs::File;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::support::daemon::XSPD;

/// A verb whose standard output is a full disk.
fn into_a_full_disk(words: &[&str]) -> (Option<i32>, String) {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(XSPD)
        .args(words)
        .stdin(Stdio::null())
        .stdout(full)
        .output()
        .unwrap();
    told(&output)
}

fn told(output: &Output) -> (Option<i32>, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn output_that_is_lost_is_told_once_and_is_the_exit_code() {
    for words in [
        &["config", "schema"][..],
        &["--json", "config", "schema"],
        &["provision", "mapping", "print"],
        &["--version"],
        &["provision", "--help"],
    ] {
        let (exit, said) = into_a_full_disk(words);
        assert_eq!(exit, Some(74), "{words:?}: {said}");
        let told = said
            .matches("the standard output cannot be written")
            .count();
        assert_eq!(told, 1, "{words:?}: {said}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut child = Command::new(XSPD)
        .args(["config", "schema"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (exit, said) = told(&child.wait_with_output().unwrap());
    assert_eq!((exit, said.as_str()), (Some(0), ""));
}

//! A configuration file: everything wrong is told, nothing ends the process.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;

use xspd::config::Environment;
use xspd::config::NamedFiles;
use xspd::config::load_with;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("xspd.toml");
    fs::write(&path, bytes).expect("the file is written");
    // No environment and none of the files named: the text alone decides.
    match load_with(&path, &Environment::default(), NamedFiles::Skip) {
        Ok(loaded) => assert!(!xspd::config::effective(&loaded).is_empty()),
        Err(problems) => assert!(!problems.is_empty()),
    }
});

//! One place writes to the standard output, so that none of it is lost without a word.

use crate::rules::source;

#[test]
fn only_the_console_writes_to_the_standard_output() {
    let mut broken = Vec::new();
    for source in source::below("src") {
        let ours = source.path == "src/cli/console.rs";
        for (offset, _) in source.code.match_indices("stdout()") {
            let asks = source.code[offset..].starts_with("stdout().is_terminal()");
            if !ours && !asks {
                broken.push(format!("{}:{}", source.path, source.line(offset)));
            }
        }
    }
    assert!(broken.is_empty(), "write by Console: {broken:#?}");
}

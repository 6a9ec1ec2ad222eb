//! The journal: who activated what and when, a line each, in two files of bounded size. What is older
//! than both is gone.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use crate::platform::files;
use crate::workers::cert_desk::record::Line;
use crate::workers::kept::KeptError;
use crate::workers::kept::KeptFolder;
use crate::workers::kept::at;

const NEW: &str = "journal.jsonl";
/// What was in it before it was full.
const OLD: &str = "journal.jsonl.old";

/// Bytes from which on a new file is begun, and most bytes of each that are read: some 4,000 lines.
const FULL: u64 = 1024 * 1024;

/// Lines that are given out.
const MOST_LINES: usize = 1000;

/// The last lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// In the order in which they were written.
    pub lines: Vec<Line>,
    /// Whether there may be, or may have been, older ones.
    pub cut: bool,
}

/// Adds a line.
pub(super) fn note(folder: &KeptFolder, line: &Line) -> Result<(), KeptError> {
    let mut file = folder.open_own(NEW, OpenOptions::new().append(true))?;
    let text = serde_json::to_string(line).unwrap_or_default() + "\n";
    let path = folder.path().join(NEW);
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .and_then(|()| turn(folder, &file))
        .map_err(at(&path))
}

/// Begins a new file when this one is full. A line that another one is just adding goes to the old
/// one, and is not lost.
fn turn(folder: &KeptFolder, file: &File) -> io::Result<()> {
    let held = file.metadata()?;
    if held.len() < FULL || file.try_lock().is_err() {
        return Ok(());
    }
    // Another one may have done it already.
    let there = fs::symlink_metadata(folder.path().join(NEW))?;
    if (there.dev(), there.ino()) != (held.dev(), held.ino()) {
        return Ok(());
    }
    fs::rename(folder.path().join(NEW), folder.path().join(OLD))?;
    files::sync_directory(folder.path())
}

/// The last lines. One that a power cut tore is left out.
pub(super) fn read(folder: &KeptFolder) -> Result<Journal, KeptError> {
    let (mut lines, mut cut) = (Vec::new(), false);
    for name in [OLD, NEW] {
        let file = match folder.open(name) {
            Ok(file) => file,
            Err(error) if error.source.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let (text, skipped) = tail(file).map_err(at(&folder.path().join(name)))?;
        // What was before the old one is gone.
        cut |= skipped || name == OLD;
        let read = text.lines();
        lines.extend(read.filter_map(|line| serde_json::from_str::<Line>(line).ok()));
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.drain(..more);
    Ok(Journal {
        lines,
        cut: cut || more > 0,
    })
}

/// The end of a file, from the beginning of a line on, and whether it has more.
fn tail(mut file: File) -> io::Result<(String, bool)> {
    let skipped = file.metadata()?.len().saturating_sub(FULL);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(FULL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((text, skipped > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Line {
        Line {
            at: 0,
            place: "edge".to_owned(),
            event: "staged".to_owned(),
            by: "anna".to_owned(),
            fingerprint: number.to_string(),
            note: "x".repeat(20_000),
        }
    }

    #[test]
    fn it_stays_bounded_and_says_that_it_was_cut() {
        let state = tempfile::tempdir().unwrap();
        let folder = KeptFolder::new(state.path(), "certs");
        assert_eq!(read(&folder).unwrap(), Journal::default());
        note(&folder, &line(0)).unwrap();
        assert!(!read(&folder).unwrap().cut);
        // As one grew that nobody had shortened.
        let text = serde_json::to_string(&line(1)).unwrap() + "\n";
        let path = folder.path().join(NEW);
        fs::write(&path, text.repeat(300)).unwrap();
        let found = read(&folder).unwrap();
        assert!(found.cut && found.lines.len() < 60, "{}", found.lines.len());
        for number in 2..120 {
            note(&folder, &line(number)).unwrap();
        }
        let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(size(NEW) < FULL && size(OLD) < FULL + 30_000);
        let found = read(&folder).unwrap();
        assert!(found.cut);
        assert_eq!(found.lines.last().unwrap().fingerprint, "119");
        let numbers = found.lines.iter().map(|line| &line.fingerprint);
        let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
        assert!(numbers.len() > 40, "{}", numbers.len());
        assert!(numbers.windows(2).all(|two| two[0] + 1 == two[1]));
    }
}

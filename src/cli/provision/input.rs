//! Files that a verb reads, or standard input for `-`; never more than a cap.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;

/// The bytes of a file, of standard input when it is called `-`.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        capped(io::stdin().lock(), most)
    } else {
        capped(File::open(path)?, most)
    }
}

fn capped(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        let what = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

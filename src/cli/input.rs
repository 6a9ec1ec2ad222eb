//! Files that a verb reads, or standard input for `-`; never more than a cap. What the shell puts in a
//! file's place, such as `<(command)`, is read as well.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::platform::files;

/// The bytes of a file, of standard input when it is called `-`.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        files::capped(io::stdin().lock(), most)
    } else {
        files::capped(File::open(path)?, most)
    }
}

/// The same as a text.
pub(super) fn text(path: &Path, most: u64) -> io::Result<String> {
    files::text(read(path, most)?)
}

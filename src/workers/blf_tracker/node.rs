//! The name of this node at the Application Server: the same at every start, and no other node's.
//! A fresh one at each start would leave subscriptions behind until their limit is reached
//! (Xsi-Events field page, 1.2).

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use crate::platform::files;

/// The file below the state directory.
const FILE: &str = "blf-node-id";

/// Bytes of a name.
const LENGTH: usize = 16;

/// Why there is no name.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It cannot be read or written.
    #[error("the name of this node cannot be kept in {}: {source}; is the state directory writable?", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} holds no name of a node; remove it, and a new one is made", .0.display())]
    Malformed(PathBuf),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
}

/// The name kept in the state directory, made if there is none. Blocks on the disk.
///
/// # Errors
/// [`NodeError`].
pub(super) fn name(state_dir: &Path) -> Result<String, NodeError> {
    let path = state_dir.join(FILE);
    match read(&path) {
        Ok(Some(name)) => return Ok(name),
        Ok(None) => return Err(NodeError::Malformed(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(NodeError::Io { path, source }),
    }
    let name = fresh()?;
    let kept = files::create_private_dir(state_dir)
        .and_then(|()| files::write_atomic(&path, format!("{name}\n").as_bytes(), files::PUBLIC));
    match kept {
        Ok(()) => Ok(name),
        Err(source) => Err(NodeError::Io { path, source }),
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    // One byte more than the name and its line end, so that a longer file is seen as such.
    let most = LENGTH as u64 + 2;
    fs::File::open(path)?.take(most).read_to_string(&mut text)?;
    let name = text.trim_end();
    let good = name.len() == LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(good.then(|| name.to_owned()))
}

fn fresh() -> Result<String, NodeError> {
    let mut bytes = [0; LENGTH / 2];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NodeError::NoRandom)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_and_two_nodes_differ() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let below = one.path().join("state");
        let first = name(&below).unwrap();
        assert_eq!(name(&below).unwrap(), first);
        assert_ne!(name(two.path()).unwrap(), first);
    }

    #[test]
    fn a_damaged_file_is_told_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        for damaged in ["", "xyz", "0123456789abcdef0"] {
            fs::write(directory.path().join(FILE), damaged).unwrap();
            let error = name(directory.path()).unwrap_err();
            assert!(matches!(error, NodeError::Malformed(_)), "{error}");
        }
    }
}

//! Who runs this process, where the environment does not say: cron, systemd-run and containers set
//! no `USER`. Linux's own files tell, so nothing unsafe is needed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Bytes of a file that are read; a host that knows more people keeps them in a directory service,
/// and tells their number.
const MOST: u64 = 1024 * 1024;

/// What the kernel says of a process that nobody logged in for.
const NOBODY: u32 = u32::MAX;

/// The name of whoever logged in, or else of whoever this process runs as; `uid-1000` where the
/// number has no name here. `None` where the kernel does not say.
#[must_use]
pub fn operator() -> Option<String> {
    named(Path::new("/proc/self"), Path::new("/etc/passwd"))
}

fn named(process: &Path, people: &Path) -> Option<String> {
    let logged_in = text(&process.join("loginuid")).and_then(|text| number(&text));
    let real = || text(&process.join("status")).and_then(|text| real(&text));
    let user = logged_in.filter(|user| *user != NOBODY).or_else(real)?;
    let name = text(people).and_then(|text| name(&text, user));
    Some(name.unwrap_or_else(|| format!("uid-{user}")))
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

/// `Uid:` has the real, effective, saved and file system's number (proc(5)).
fn real(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    number(line.split_whitespace().next()?)
}

/// `name:password:number:…` (passwd(5)).
fn name(people: &str, user: u32) -> Option<String> {
    let mut lines = people.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next().filter(|name| !name.is_empty())?;
        let held = number(fields.nth(1)?)?;
        (held == user).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logged_in_comes_before_whom_the_process_runs_as_and_a_number_before_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let told = || named(folder.path(), &path("passwd"));
        assert_eq!(told(), None, "not Linux");
        std::fs::write(path("status"), "Name:\txspd\nUid:\t0\t0\t0\t0\nGid:\t7\n").unwrap();
        assert_eq!(
            told().as_deref(),
            Some("uid-0"),
            "a container without people"
        );
        let people = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:1000::\nnoc:x:1000:1000::/:\n";
        std::fs::write(path("passwd"), people).unwrap();
        assert_eq!(told().as_deref(), Some("root"));
        std::fs::write(path("loginuid"), "4294967295").unwrap();
        assert_eq!(told().as_deref(), Some("root"), "started by systemd");
        std::fs::write(path("loginuid"), "1000\n").unwrap();
        assert_eq!(told().as_deref(), Some("noc"));
        std::fs::write(path("loginuid"), "1001").unwrap();
        assert_eq!(
            told().as_deref(),
            Some("uid-1001"),
            "of a directory service"
        );
    }

    #[test]
    fn this_process_is_somebodys() {
        assert!(operator().is_some_and(|name| !name.is_empty()));
    }
}

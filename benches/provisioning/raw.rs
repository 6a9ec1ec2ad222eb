//! The limit: one record appended to a file and synced, again and again.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use xspd::platform::clock;

use crate::Failure;
use crate::made;

pub(crate) fn appends_per_second(directory: &Path, span: Duration) -> Result<f64, Failure> {
    let record = made::record();
    let mut file = File::create(directory.join("raw"))?;
    let began = clock::mono();
    let mut done = 0_u32;
    while clock::mono().duration_since(began) < span {
        file.write_all(record.as_bytes())?;
        file.sync_data()?;
        done += 1;
    }
    let seconds = clock::mono().duration_since(began).as_secs_f64();
    Ok(f64::from(done) / seconds)
}

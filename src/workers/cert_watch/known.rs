//! Which alarms were on before the start.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::Present;

/// Tells the alarms that are on at the start, from before it.
pub type Known = Pin<Box<dyn Future<Output = Vec<Alarm>> + Send>>;

/// How long the first look waits for that: they are read from a disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// As a watcher says them.
pub(super) async fn alarms(known: &mut Known) -> Vec<(AlarmKey, Present)> {
    let alarms = timeout(PATIENCE, known).await.unwrap_or_default();
    let said = |alarm: Alarm| (alarm.key.clone(), alarm.present());
    alarms.into_iter().map(said).collect()
}

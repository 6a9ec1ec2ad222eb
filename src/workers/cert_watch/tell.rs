//! What changed, in the log.

use std::collections::BTreeMap;

use tracing::info;

use crate::domain::certs::watchlist::Board;

/// Lines of the log for one look; a thousand certificates may end at once.
const MOST_LINES: usize = 50;

/// What became wrong or right since the last board, in the log.
pub(super) fn changes(before: &Board, board: &Board) {
    let old: BTreeMap<_, _> = before
        .standings
        .iter()
        .map(|held| (&held.watched.id, held))
        .collect();
    let mut told = 0;
    for standing in &board.standings {
        let id = &standing.watched.id;
        let (was, is) = (
            old.get(id).and_then(|held| held.severity()),
            standing.severity(),
        );
        if was == is {
            continue;
        }
        told += 1;
        if told > MOST_LINES {
            continue;
        }
        let end = standing.not_after.map(crate::domain::certs::date::text);
        match standing.problems.first() {
            Some(problem) => tracing::warn!(
                certificate = %id, alarm = problem.alarm.word(), severity = problem.severity.word(),
                not_after = end, "{}", problem.text
            ),
            None => {
                info!(certificate = %id, not_after = end, "Nothing is wrong with it any more.")
            }
        }
    }
    if told > MOST_LINES {
        let more = told - MOST_LINES;
        tracing::warn!(more, "More certificates changed; see `xspd certs check`.");
    }
}

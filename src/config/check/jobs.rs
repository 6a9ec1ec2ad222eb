//! Waits and deadlines of jobs. Their defaults are those of the machine that drives them.

use std::time::Duration;

use crate::config::check::at::At;
use crate::config::check::rules::Bounds;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::between;
use crate::config::values::wrong;
use crate::domain::provisioning::policy::Rules;

/// Steps of a plan; more are a mistake.
const STEPS: usize = 20;

/// A second is the least that Webex should be asked again after; a year is for ever.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Waits and deadlines.
pub(super) fn jobs(at: &At<'_>, raw: Option<&raw::JobRules>) -> Rules {
    let usual = Rules::default();
    let silent = raw::JobRules::default();
    let raw = raw.unwrap_or(&silent);
    let time = |key: &str, written: &Option<raw::DurationText>, default: Duration| {
        let low = match key {
            "customer-admin-every" => Duration::ZERO,
            _ => LEAST,
        };
        let bounds = Bounds {
            default,
            low,
            high: MOST,
        };
        at.duration(key, written.as_ref(), &bounds)
    };
    let count = |key: &str, written: Option<i64>, default: u32| {
        let (low, high) = (1, 100_000);
        at.count(key, written, &Bounds { default, low, high })
    };
    let list_above = u32::try_from(usual.list_above).unwrap_or(u32::MAX);
    let list_above = count("list-above", raw.list_above, list_above);
    Rules {
        poll_plan: plan(at, raw.poll_plan.as_deref()).unwrap_or(usual.poll_plan),
        poll_every: time("poll-every", &raw.poll_every, usual.poll_every),
        list_above: usize::try_from(list_above).unwrap_or(usize::MAX),
        list_every: time("list-every", &raw.list_every, usual.list_every),
        list_overlap: time("list-overlap", &raw.list_overlap, usual.list_overlap),
        list_fallback: time("list-fallback", &raw.list_fallback, usual.list_fallback),
        settle_within: time("settle-within", &raw.settle_within, usual.settle_within),
        settle_first_within: time(
            "settle-first-within",
            &raw.settle_first_within,
            usual.settle_first_within,
        ),
        stalled_every: time("stalled-every", &raw.stalled_every, usual.stalled_every),
        stalled_for: time("stalled-for", &raw.stalled_for, usual.stalled_for),
        waiting_plan: waiting(at, raw.waiting_plan.as_deref()).unwrap_or(usual.waiting_plan),
        customer_admin_every: time(
            "customer-admin-every",
            &raw.customer_admin_every,
            usual.customer_admin_every,
        ),
        consent_again_after: time(
            "consent-again-after",
            &raw.consent_again_after,
            usual.consent_again_after,
        ),
        retry_first: time("retry-first", &raw.retry_first, usual.retry_first),
        retry_longest: time("retry-longest", &raw.retry_longest, usual.retry_longest),
        retry_tries: count("retry-tries", raw.retry_tries, usual.retry_tries),
        retry_for: time("retry-for", &raw.retry_for, usual.retry_for),
        retry_after_longest: time(
            "retry-after-longest",
            &raw.retry_after_longest,
            usual.retry_after_longest,
        ),
        slow_down: time("slow-down", &raw.slow_down, usual.slow_down),
        unanswered_pause: time(
            "unanswered-pause",
            &raw.unanswered_pause,
            usual.unanswered_pause,
        ),
        look_up_fresh: time("look-up-fresh", &raw.look_up_fresh, usual.look_up_fresh),
        refused_pause: time("refused-pause", &raw.refused_pause, usual.refused_pause),
        requests_per_second: usual.requests_per_second,
        in_flight: usual.in_flight,
    }
}

fn step(text: &raw::DurationText) -> Result<Duration, Wrong> {
    let step = values::duration(&text.0)?;
    if (LEAST..=MOST).contains(&step) {
        Ok(step)
    } else {
        let shown = values::duration_text;
        wrong("out of range", between(shown(LEAST), shown(MOST)))
    }
}

/// Times that grow.
fn plan(at: &At<'_>, raw: Option<&[raw::DurationText]>) -> Option<Vec<Duration>> {
    let raw = raw?;
    let at = at.key("poll-plan");
    if raw.is_empty() || raw.len() > STEPS {
        at.refuse("too few or too many steps", between(1, STEPS));
    }
    let mut plan = Vec::new();
    for (index, text) in raw.iter().enumerate() {
        let grown = step(text).and_then(|step| match plan.last() {
            Some(before) if step <= *before => {
                wrong("not later than the step before", "times that grow")
            }
            Some(_) | None => Ok(step),
        });
        match grown {
            Ok(step) => plan.push(step),
            Err(fault) => {
                let at = at.element(&format!("[{index}]"));
                at.refuse_value(format!("{:?}", text.0), fault);
            }
        }
    }
    Some(plan)
}

/// Ages that grow, each with how often.
fn waiting(at: &At<'_>, raw: Option<&[raw::WaitingStep]>) -> Option<Vec<(Duration, Duration)>> {
    let raw = raw?;
    let at = at.key("waiting-plan");
    if raw.is_empty() || raw.len() > STEPS {
        at.refuse("too few or too many steps", between(1, STEPS));
    }
    let mut plan: Vec<(Duration, Duration)> = Vec::new();
    for (index, written) in raw.iter().enumerate() {
        let at = at.element(&format!("[{index}]"));
        let read = |key: &str, text: Option<&raw::DurationText>| {
            let Some(text) = text else {
                at.key(key).refuse("missing", values::DURATION_FORM);
                return None;
            };
            let refused = |fault| at.key(key).refuse_value(format!("{:?}", text.0), fault);
            step(text).map_err(refused).ok()
        };
        let until = read("until", written.until.as_ref());
        let every = read("every", written.every.as_ref());
        let (Some(until), Some(every)) = (until, every) else {
            continue;
        };
        if plan.last().is_some_and(|(before, _)| until <= *before) {
            at.key("until")
                .refuse("not later than the step before", "ages that grow");
        }
        plan.push((until, every));
    }
    Some(plan)
}

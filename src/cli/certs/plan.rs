//! `xspd certs plan`: when to renew, in which window, and by when to give notice.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::certs::list::days;
use crate::cli::certs::watched::Failure;
use crate::cli::certs::watched::Scope;
use crate::cli::table;
use crate::domain::certs::date;
use crate::domain::certs::ics;
use crate::domain::certs::maintenance::Calendar;
use crate::domain::certs::maintenance::Haste;
use crate::domain::certs::maintenance::Proposal;
use crate::domain::certs::maintenance::Subject;
use crate::domain::certs::schedule::Span;

/// Arguments of `xspd certs plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    scope: Scope,
    /// Only what ends within this time
    #[arg(long, value_name = "DAYS", value_parser = days, default_value = "400d")]
    within: i64,
    /// Only this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Print a calendar file (iCalendar) instead of a table
    #[arg(long)]
    ics: bool,
}

/// One certificate and what is proposed for it.
struct Planned<'a> {
    certificate: &'a Value,
    end: SystemTime,
    proposal: Proposal,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Exit, Failure> {
    let found = args.scope.look(now)?;
    let calendar = found.config.maintenance.calendar();
    check_region(args.region.as_deref(), &calendar)?;
    let limit = date::to_unix(now).saturating_add(args.within * 86_400);
    let mut planned = Vec::new();
    for certificate in found.certificates() {
        let Some(end) = moment(certificate, "not-after-seconds") else {
            continue;
        };
        if !is_renewed(certificate) || date::to_unix(end) > limit {
            continue;
        }
        let subject = Subject {
            region: certificate["region"].as_str(),
            span: Span::new(moment(certificate, "not-before-seconds"), end),
            end,
            managed: certificate["kind"] == "managed-leaf",
        };
        if let Some(proposal) = calendar.propose(subject, now)
            && args
                .region
                .as_ref()
                .is_none_or(|region| *region == proposal.region)
        {
            planned.push(Planned {
                certificate,
                end,
                proposal,
            });
        }
    }
    planned.sort_by(|one, other| {
        let opens = |planned: &Planned<'_>| planned.proposal.window.opens.timestamp();
        opens(one).cmp(&opens(other))
    });
    if args.ics {
        // The lines end as the format wants it, the last one by the console.
        let text = calendar_file(&planned, now);
        console.line(text.trim_end_matches('\n'));
    } else if console.json {
        let all: Vec<Value> = planned.iter().map(Planned::document).collect();
        console.document(&json!({ "plan": all }));
    } else {
        let head = [
            "RENEW ON",
            "WINDOW (LOCAL)",
            "WINDOW (UTC)",
            "NOTICE BY",
            "ENDS",
            "REGION",
            "NAME",
            "REMARK",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(planned.iter().map(Planned::row));
        table::align(&rows)
            .iter()
            .for_each(|line| console.line(line));
    }
    if let Some(remark) = &found.remark {
        console.complain(remark);
    }
    let late = planned
        .iter()
        .any(|planned| planned.proposal.haste != Haste::None);
    Ok(if late { Exit::Findings } else { Exit::Ok })
}

fn check_region(asked: Option<&str>, calendar: &Calendar) -> Result<(), Failure> {
    let Some(asked) = asked.filter(|asked| !calendar.regions.contains_key(*asked)) else {
        return Ok(());
    };
    let known: Vec<_> = calendar.regions.keys().map(String::as_str).collect();
    Err(Failure::NoRegion {
        asked: asked.to_owned(),
        known: known.join(", "),
    })
}

/// Whether somebody renews it in a window. Keys are rotated, tokens used, lists fetched; and an anchor
/// whose successor is there is only to be taken out.
fn is_renewed(certificate: &Value) -> bool {
    let other = matches!(
        certificate["kind"].as_str(),
        Some("crl" | "key-age" | "oauth-token")
    );
    !other && certificate["superseded"] != true
}

fn moment(certificate: &Value, key: &str) -> Option<SystemTime> {
    date::from_unix(certificate[key].as_i64()?)
}

impl Planned<'_> {
    fn name(&self) -> &str {
        self.certificate["name"].as_str().unwrap_or_default()
    }

    fn remark(&self) -> &'static str {
        match self.proposal.haste {
            Haste::None => "",
            Haste::NoNotice => "no time for the notice; ask for an emergency change",
            Haste::NoWindow => "ends before the next window; renew now",
        }
    }

    fn local(&self) -> (String, String) {
        let form = |at: &jiff::ZonedDateTime| at.strftime("%Y-%m-%d %H:%M").to_string();
        let window = &self.proposal.window;
        (form(&window.opens), form(&window.closes))
    }

    fn row(&self) -> Vec<String> {
        let (opens, closes) = self.local();
        let window = &self.proposal.window;
        let utc = |at: &jiff::ZonedDateTime| at.timestamp().strftime("%m-%d %H:%MZ").to_string();
        let clock = |text: &str| text.get(11..).unwrap_or_default().to_owned();
        vec![
            window.opens.date().to_string(),
            format!(
                "{} - {} {}",
                clock(&opens),
                clock(&closes),
                self.proposal.zone
            ),
            format!("{} - {}", utc(&window.opens), utc(&window.closes)),
            self.proposal.notice_by.to_string(),
            date::text(self.end),
            self.proposal.region.clone(),
            self.name().to_owned(),
            self.remark().to_owned(),
        ]
    }

    fn document(&self) -> Value {
        let (opens, closes) = self.local();
        let window = &self.proposal.window;
        json!({
            "name": self.name(),
            "not-after": date::text(self.end),
            "region": self.proposal.region,
            "zone": self.proposal.zone,
            "renew-on": window.opens.date().to_string(),
            "opens": window.opens.timestamp().to_string(),
            "closes": window.closes.timestamp().to_string(),
            "opens-local": opens,
            "closes-local": closes,
            "notice-by": self.proposal.notice_by.to_string(),
            "haste": self.proposal.haste.word(),
            "owner": self.certificate["owner"],
            "runbook-url": self.certificate["runbook-url"],
        })
    }
}

/// Each renewal, and each last day for a notice.
fn calendar_file(planned: &[Planned<'_>], now: SystemTime) -> String {
    let basic = |at: &jiff::ZonedDateTime| at.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string();
    struct Words {
        identity: String,
        notice_identity: String,
        opens: String,
        closes: String,
        notice_by: String,
        summary: String,
        notice: String,
        description: String,
        region: String,
    }
    let words: Vec<Words> = planned
        .iter()
        .map(|planned| {
            let name = planned.name();
            let end = date::to_unix(planned.end);
            let text = |key: &str| planned.certificate[key].as_str();
            let mut lines = vec![format!("Ends on {}.", date::text(planned.end))];
            lines.extend(text("owner").map(|owner| format!("Owner: {owner}")));
            lines.extend(text("notes").map(str::to_owned));
            lines.extend(text("runbook-url").map(|url| format!("Runbook: {url}")));
            if planned.proposal.haste != Haste::None {
                lines.push(format!("Attention: {}.", planned.remark()));
            }
            Words {
                // Another end is another renewal; the same one moves.
                identity: format!("renew/{name}/{end}"),
                notice_identity: format!("notice/{name}/{end}"),
                opens: basic(&planned.proposal.window.opens),
                closes: basic(&planned.proposal.window.closes),
                notice_by: planned.proposal.notice_by.strftime("%Y%m%d").to_string(),
                summary: format!("Renew {name}"),
                notice: format!("Last day to give notice: renewal of {name}"),
                description: lines.join("\n"),
                region: planned.proposal.region.clone(),
            }
        })
        .collect();
    let mut events = Vec::new();
    for words in &words {
        events.push(ics::Event {
            identity: &words.identity,
            when: ics::When::Span(&words.opens, &words.closes),
            summary: &words.summary,
            description: &words.description,
            category: &words.region,
        });
        events.push(ics::Event {
            identity: &words.notice_identity,
            when: ics::When::Day(&words.notice_by),
            summary: &words.notice,
            description: &words.description,
            category: &words.region,
        });
    }
    let stamp: String = date::text(now)
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (day, time) = stamp.split_at_checked(8).unwrap_or((&stamp, "000000"));
    ics::calendar(&events, &format!("{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_renews_is_planned() {
        let of = |kind: &str, superseded: bool| {
            is_renewed(&json!({ "kind": kind, "superseded": superseded }))
        };
        assert!(of("manual-leaf", false) && of("trust-anchor", false));
        // From a daemon that does not say it.
        assert!(is_renewed(&json!({ "kind": "trust-anchor" })));
        assert!(!of("trust-anchor", true));
        for kind in ["crl", "key-age", "oauth-token"] {
            assert!(!of(kind, false), "{kind}");
        }
    }
}

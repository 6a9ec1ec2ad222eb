//! `xspd provision reconcile`: what BroadWorks and Webex hold differently, and on an operator's word
//! the jobs that mend it.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::operations::Daemon;
use crate::cli::operations::Failure;
use crate::cli::operations::counted;
use crate::cli::operations::make_sure;
use crate::cli::operations::text;
use crate::cli::provision::show::when;
use crate::cli::table::align;
use crate::domain::provisioning::csv;
use crate::domain::provisioning::reconcile::Difference;
use crate::domain::provisioning::reconcile::Row;

/// Between two looks at the progress.
const STEP: Duration = Duration::from_millis(500);

/// What to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this enterprise, as Webex calls it (spEnterpriseId); without it all, one by one.
    #[arg(value_name = "ENTERPRISE")]
    enterprise: Option<String>,
    /// Its cluster, when several have an enterprise of that name.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
    /// Show the last reports; compare nothing anew.
    #[arg(long)]
    last: bool,
    /// Mend what is of these classes, as the CLASS column writes them: each row becomes a job.
    #[arg(long, value_name = "CLASS", num_args = 1.., requires = "enterprise",
        value_parser = Difference::parse)]
    apply: Vec<Difference>,
    /// Do not ask before --apply.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    door: Door,
}

/// Compares: exit 0 when nothing differs, 1 when something does or could not be compared; with
/// --apply 0 when the comparison was whole and every row of the classes became a job, or nothing
/// differed.
pub(super) fn run(args: &Args, console: Console) -> Exit {
    match reconcile(args, console) {
        Ok(exit) => exit,
        Err(failure) => failure.told(console),
    }
}

fn reconcile(args: &Args, console: Console) -> Result<Exit, Failure> {
    let daemon = Daemon::of(&args.door)?;
    let mut begun = None;
    if !args.last {
        let order = json!({"enterprise": args.enterprise, "cluster": args.cluster});
        let said = &daemon.post("/ops/v1/reconcile", &order)?;
        if said["waiting"] == 0 {
            return Ok(nothing(&text(said, "says"), console));
        }
        begun = said["at"].as_u64();
        follow(&daemon, console)?;
    }
    let reports = reports(args, &daemon)?;
    if reports.is_empty() {
        let says = if args.last {
            "No comparison was made since the start."
        } else {
            "No comparison came to its end; the log of the daemon says why."
        };
        nothing(says, console);
        return Ok(if args.last { Exit::Ok } else { Exit::Findings });
    }
    let rows: Vec<(&Value, &Value)> = reports
        .iter()
        .flat_map(|report| of(report, "rows").iter().map(move |row| (report, row)))
        .collect();
    let gaps: Vec<(&Value, String)> = reports
        .iter()
        .filter_map(|report| Some((report, gap(report, begun)?)))
        .collect();
    let in_words = !console.json && !args.csv;
    if console.json {
        if args.apply.is_empty() {
            console.document(&json!({"reports": reports}));
        }
    } else if args.csv {
        print_values(&rows, console);
    } else {
        for report in &reports {
            lines(report).iter().for_each(|line| console.line(line));
        }
    }
    // The rows do not tell what is missing among them; in words it has been told.
    for (report, gap) in &gaps {
        if !in_words || is_older(report, begun) {
            console.complain(format_args!("xspd: {gap}"));
        }
    }
    if !args.apply.is_empty() && reports.iter().any(|report| is_older(report, begun)) {
        let why = "the report is not of this comparison, so nothing is applied; compare again, or \
                   apply the report that is there with --last";
        return Err(Failure::Nothing(why.to_owned()));
    }
    if args.apply.is_empty() {
        return Ok(exit(rows.is_empty() && gaps.is_empty()));
    }
    let applied = apply(args, &daemon, (&reports, &rows), console)?;
    Ok(exit(applied && gaps.is_empty()))
}

const fn exit(well: bool) -> Exit {
    if well { Exit::Ok } else { Exit::Findings }
}

fn nothing(says: &str, console: Console) -> Exit {
    if console.json {
        console.document(&json!({"reports": [], "says": says}));
    } else {
        console.complain(says);
    }
    Exit::Ok
}

/// Whether a report was there before the comparison that was asked for began.
fn is_older(report: &Value, begun: Option<u64>) -> bool {
    let at = report["at"].as_u64().unwrap_or_default();
    begun.is_some_and(|begun| at < begun)
}

/// What a report does not tell: it is not whole, or not of now.
fn gap(report: &Value, begun: Option<u64>) -> Option<String> {
    let (enterprise, cluster) = (text(report, "enterprise"), text(report, "cluster"));
    if is_older(report, begun) {
        let at = report["at"].as_u64().unwrap_or_default();
        return Some(format!(
            "{enterprise} in {cluster} was not compared now; this is the report of {}",
            when(at)
        ));
    }
    (report["complete"] != true).then(|| {
        let problem = text(report, "problem");
        format!("{enterprise} in {cluster}: NOT COMPLETE: {problem}")
    })
}

/// Waits until the comparison is over, and tells how far it is.
fn follow(daemon: &Daemon, console: Console) -> Result<(), Failure> {
    let shows = std::io::stderr().is_terminal();
    let mut said = String::new();
    loop {
        let standing = &daemon.get("/ops/v1/reconcile")?;
        let running = &standing["running"];
        if running.is_null() {
            return Ok(());
        }
        let now = text(running, "says");
        if shows && now != said {
            console.complain(&now);
            said = now;
        }
        std::thread::sleep(STEP);
    }
}

fn reports(args: &Args, daemon: &Daemon) -> Result<Vec<Value>, Failure> {
    let target = |enterprise: &str, cluster: &str| {
        let cluster = if cluster.is_empty() {
            String::new()
        } else {
            format!("?cluster={}", escaped(cluster))
        };
        format!("/ops/v1/reconcile/{}{cluster}", escaped(enterprise))
    };
    if let Some(enterprise) = &args.enterprise {
        let cluster = args.cluster.as_deref().unwrap_or_default();
        return Ok(vec![daemon.get(&target(enterprise, cluster))?]);
    }
    let standing = daemon.get("/ops/v1/reconcile")?;
    let all = of(&standing, "reports").iter();
    all.map(|report| {
        daemon.get(&target(
            &text(report, "enterprise"),
            &text(report, "cluster"),
        ))
    })
    .collect()
}

/// Whether every row of the classes became a job; without one, whether there is none at all.
fn apply(
    args: &Args,
    daemon: &Daemon,
    (reports, rows): (&[Value], &[(&Value, &Value)]),
    console: Console,
) -> Result<bool, Failure> {
    let classes: Vec<&str> = args.apply.iter().map(|class| class.as_str()).collect();
    let chosen = |(_, row): &&(&Value, &Value)| {
        let class = text(row, "class");
        classes.contains(&class.as_str())
    };
    let chosen: Vec<_> = rows.iter().filter(chosen).collect();
    if chosen.is_empty() {
        if console.json {
            console.document(&json!({"reports": reports, "applied": null}));
        }
        console.complain("xspd: no row is of these classes; nothing was changed.");
        return Ok(rows.is_empty());
    }
    let enterprise = args.enterprise.as_deref().unwrap_or_default();
    let classes_named = classes.join(", ");
    let one = format!("row of {classes_named} becomes a job of {enterprise}.");
    let more = format!("rows of {classes_named} become jobs of {enterprise}.");
    let warning = counted(chosen.len(), &one, &more);
    make_sure(console, args.yes, &warning, enterprise)?;
    let cluster = args.cluster.as_deref();
    let cluster = cluster.map_or_else(String::new, |name| format!("?cluster={}", escaped(name)));
    let target = format!("/ops/v1/reconcile/{}/apply{cluster}", escaped(enterprise));
    // What is applied is what was shown.
    let shown = chosen
        .first()
        .map_or(&Value::Null, |(report, _)| &report["at"]);
    let said = &daemon.post(&target, &json!({"classes": classes, "report": shown}))?;
    if console.json {
        console.document(&json!({"reports": reports, "applied": said}));
    } else {
        for line in of(said, "lines") {
            let (user, outcome) = (text(line, "user"), text(line, "outcome"));
            let line = format!("{user}: {outcome}; {}", text(line, "text"));
            if args.csv {
                // What stands on the standard output is one list.
                console.complain(line);
            } else {
                console.line(line);
            }
        }
    }
    Ok(said["refused"].as_u64().unwrap_or_default() == 0)
}

fn of<'a>(said: &'a Value, member: &str) -> &'a [Value] {
    said[member].as_array().map_or(&[], Vec::as_slice)
}

fn number(report: &Value, member: &str, one: &str, more: &str) -> String {
    let count = report[member].as_u64().unwrap_or_default();
    counted(usize::try_from(count).unwrap_or(usize::MAX), one, more)
}

/// The columns of a report.
const COLUMNS: [(&str, &str); 6] = [
    ("USER", "user"),
    ("CLASS", "class"),
    ("BROADWORKS", "broadworks"),
    ("WEBEX", "webex"),
    ("REPAIR", "mend"),
    ("WHAT", "text"),
];

fn lines(report: &Value) -> Vec<String> {
    let at = report["at"].as_u64().map_or_else(String::new, when);
    let webex = if report["webex-users"].is_null() {
        "Webex was not read".to_owned()
    } else {
        let read = number(report, "webex-users", "subscriber", "subscribers");
        format!("{read} in Webex")
    };
    let mut all = vec![format!(
        "{} in {}, compared {at}: {} by {}, {webex}",
        text(report, "enterprise"),
        text(report, "cluster"),
        number(report, "broadworks-users", "user", "users"),
        text(report, "source"),
    )];
    let note = text(report, "note");
    if !note.is_empty() {
        all.push(format!("  Note: {note}"));
    }
    if report["complete"] != true {
        all.push(format!("  NOT COMPLETE: {}", text(report, "problem")));
    }
    let rows = of(report, "rows");
    if rows.is_empty() {
        let says = match (report["complete"] == true, report["webex-users"].is_u64()) {
            (true, _) => "Nothing differs.",
            (false, true) => "What could be compared does not differ.",
            (false, false) => "Nothing can be said of what differs.",
        };
        all.push(format!("  {says}"));
        return all;
    }
    let mut table = vec![COLUMNS.map(|(head, _)| head.to_owned()).to_vec()];
    table.extend(
        rows.iter()
            .map(|row| COLUMNS.map(|(_, key)| text(row, key)).to_vec()),
    );
    all.extend(align(&table).into_iter().map(|line| format!("  {line}")));
    all
}

fn print_values(rows: &[(&Value, &Value)], console: Console) {
    let rows: Vec<Row> = rows
        .iter()
        .filter_map(|(_, row)| serde_json::from_value((*row).clone()).ok())
        .collect();
    console.bytes(&csv::reconciliation(&rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_was_compared_and_what_differs() {
        let report = json!({"enterprise": "SP1+acme", "cluster": "east", "at": 0,
            "broadworks-users": 3, "source": "the records of this daemon", "webex-users": 2,
            "complete": true, "rows": [{"user": "anna@x", "class": "missing",
                "mend": "provision", "text": "no subscriber"}]});
        let said = lines(&report);
        assert_eq!(
            said[0],
            "SP1+acme in east, compared 1970-01-01 00:00:00 UTC: 3 users by the records of this \
             daemon, 2 subscribers in Webex"
        );
        assert!(said[2].contains("missing") && said[2].contains("no subscriber"));
        let broken = json!({"complete": false, "problem": "page 3 was not read", "rows": []});
        let said = lines(&broken);
        assert!(said[0].ends_with("Webex was not read"), "{said:?}");
        assert!(said[1].contains("NOT COMPLETE: page 3"), "{said:?}");
        assert!(said[2].contains("Nothing can be said"), "{said:?}");
        let half = json!({"complete": false, "problem": "no answer", "webex-users": 0,
            "rows": []});
        let said = lines(&half).join("\n");
        assert!(said.contains("0 subscribers in Webex"), "{said}");
        assert!(said.contains("What could be compared"), "{said}");
    }

    #[test]
    fn a_class_that_is_none_is_refused_with_the_list_of_classes() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let of = |class: &str| {
            let words = ["reconcile", "SP1+acme", "--apply", class];
            <Line as clap::Parser>::try_parse_from(words)
        };
        assert_eq!(of("missing").unwrap().args.apply, [Difference::Missing]);
        let refused = of("mising").unwrap_err();
        assert!(refused.use_stderr());
        let text = refused.to_string();
        assert!(text.contains("orphaned, package-differs"), "{text}");
    }

    #[test]
    fn a_gap_of_a_report_is_told() {
        let report = |complete: bool| {
            json!({"enterprise": "SP1+acme", "cluster": "east", "at": 5_000,
                "complete": complete, "problem": "page 3 was not read"})
        };
        assert_eq!(gap(&report(true), Some(5_000)), None);
        assert_eq!(gap(&report(true), None), None);
        let broken = gap(&report(false), None).unwrap();
        assert!(broken.contains("NOT COMPLETE: page 3"), "{broken}");
        let old = gap(&report(true), Some(5_001)).unwrap();
        assert!(old.contains("was not compared now"), "{old}");
    }

    #[test]
    fn another_clusters_report_says_why_broadworks_was_not_asked() {
        let report = json!({"complete": true, "rows": [],
            "note": "cluster west: no application server configured"});
        assert!(lines(&report)[1].contains("Note: cluster west: no application server"));
    }
}

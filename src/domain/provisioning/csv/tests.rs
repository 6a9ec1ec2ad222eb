//! Lists in and out.

use proptest::prelude::*;

use super::*;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::mapping::EarlyValidation;
use crate::domain::provisioning::mapping::TemplateValues;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::reconcile::Difference;
use crate::domain::provisioning::reconcile::Repair;
use crate::domain::provisioning::reconcile::Row;
use crate::domain::provisioning::refusal::RefusalReason;

const HEAD: &str = "user,sp,group,first,last,email,phone,extension,package,action\r\n";

fn template() -> TemplateValues {
    TemplateValues {
        key: TemplateKey::parse("t").unwrap(),
        cluster: ClusterName::parse("c").unwrap(),
        package: Package::Standard,
        language: None,
        timezone: None,
        trusted_email: true,
        enterprise_mode: false,
        early_validation: EarlyValidation::Business,
    }
}

fn lines(rows: &str) -> Vec<Line> {
    import(format!("{HEAD}{rows}").as_bytes()).unwrap()
}

fn fault(row: &str) -> LineFault {
    lines(row).remove(0).row.unwrap_err()
}

#[test]
fn a_list_is_read_line_by_line() {
    let read = lines(
        "u1,sp1,acme,Ann,\"Lee, Jr\",ann@a.de,'+1 (240) 555-1212,,premium,provision\r\n\
         \r\n\
         u2,,,,,,,,,Remove\n\
         u3,,,,,,,,gold,provision\n\
         U1,,,,,,,,,remove\n\
         u5,,,,,,,,basic,move-package\n",
    );
    assert_eq!(read.len(), 5);
    let first = read[0].row.as_ref().unwrap();
    assert_eq!(
        (first.action, first.package),
        (Action::Provision, Some(Package::Premium))
    );
    let wish = first.wish(&template()).unwrap();
    assert_eq!(wish.profile.last_name, "Lee, Jr");
    assert_eq!(wish.profile.phone.as_deref(), Some("+12405551212"));
    assert_eq!(read[1].row.as_ref().unwrap().action, Action::Remove);
    assert_eq!(read[1].number, 4);
    assert_eq!(
        read[2].row.as_ref().unwrap_err(),
        &LineFault::Package("gold".to_owned())
    );
    assert_eq!(read[3].row.as_ref().unwrap_err(), &LineFault::Repeated(2));
    assert_eq!((read[3].number, read[3].user.as_str()), (6, "U1"));
    let last = read[4].row.as_ref().unwrap();
    assert_eq!(
        (last.action, last.package),
        (Action::MovePackage, Some(Package::Basic))
    );
}

#[test]
fn a_wrong_line_is_told_and_stops_no_other() {
    assert_eq!(
        fault("u,s\n"),
        LineFault::Cells {
            found: 2,
            expected: 10
        }
    );
    assert_eq!(
        fault("u,,,,,,,,,fly\n"),
        LineFault::Action("fly".to_owned())
    );
    assert_eq!(fault("u,,,,,,,,,move-package\n"), LineFault::PackageMissing);
    assert_eq!(
        fault("u,,,,,,240555,,,provision\n"),
        LineFault::Number("phone")
    );
    assert!(matches!(fault(",s,,,,,,,,remove\n"), LineFault::User(_)));
    let long = format!("u,,,{},,,,,,provision\n", "x".repeat(2_000));
    assert_eq!(fault(&long), LineFault::Cell("first"));
    let row = lines("u,s,,Ann,Lee,a@b.cd,,12,,provision\n")
        .remove(0)
        .row
        .unwrap();
    let refusal = row.wish(&template()).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::FieldMissing);
    assert_eq!(refusal.detail, "line 2, field group: no value");
    let row = lines(&format!(
        "u,s,g,{},Lee,a@b.cd,,12,,provision\n",
        "x".repeat(31)
    ));
    let refusal = row[0].row.as_ref().unwrap().wish(&template()).unwrap_err();
    assert_eq!(
        refusal.detail,
        "line 2, field first_name: more than 30 characters"
    );
}

#[test]
fn lines_that_an_open_quote_swallows_are_told_and_carried_out_by_nobody() {
    let told = |rows: &str| -> Vec<(u64, String)> {
        let read = import(format!("user,action,first,last\n{rows}").as_bytes()).unwrap();
        let told = read.into_iter().map(|line| {
            let said = line
                .row
                .map_or_else(|fault| fault.to_string(), |_| "read".to_owned());
            (line.number, said)
        });
        told.collect()
    };
    let open = |from: u64, lines: &str| {
        let said = format!("a quote without its end on this line; {lines} not read");
        (from, said)
    };
    let over = |number: u64, from: u64| {
        let said = format!("not read: the quote that begins on line {from} runs over it");
        (number, said)
    };
    let read = |number: u64| (number, "read".to_owned());
    // To the end of the file.
    assert_eq!(
        told("u1,remove,,\nu2,remove,\"Two,\n\nu3,remove,,\nu4,remove,,\n"),
        [
            read(2),
            open(3, "lines 3 to 6 were"),
            over(5, 3),
            over(6, 3)
        ]
    );
    // To another quote, with as many cells as there should be.
    assert_eq!(
        told("u2,provision,\"Two,x\r\nu3,provision,\"Three\",Last\r\nu4,remove,,\r\n"),
        [open(2, "lines 2 to 3 were"), over(3, 2), read(4)]
    );
    // What looks like a line of the list may be a part of somebody's name.
    assert_eq!(
        told("u2,provision,\"Two\nu9,remove,,\",x\n"),
        [open(2, "lines 2 to 3 were"), over(3, 2)]
    );
    // On the last line, with and without an end of the line.
    for end in ["", "\n", "\r\n"] {
        let rows = format!("u1,remove,,\nu2,provision,Two,\"La{end}");
        assert_eq!(told(&rows), [read(2), open(3, "line 3 was")], "{end:?}");
    }
    let endless = format!("user,action\nu,\"x\n{}", "u,remove\n".repeat(10_000));
    assert_eq!(import(endless.as_bytes()).map(|_| ()), Err(NotAList::Lines));
}

#[test]
fn a_place_is_one_or_none_and_no_guess() {
    let of = |word: &str| {
        let list = format!("user,action,place\nu,provision,{word}\n");
        import(list.as_bytes()).unwrap().remove(0).row
    };
    for word in ["true", "YES", "1", "false", "No", "0", ""] {
        assert!(of(word).is_ok(), "{word}");
    }
    for word in ["ja", "perhaps", "x", "2", "tru"] {
        let fault = LineFault::Place {
            column: "place",
            text: word.to_owned(),
        };
        assert_eq!(of(word).unwrap_err(), fault);
    }
}

#[test]
fn a_user_id_that_shows_as_another_is_refused() {
    for id in [
        "anna\u{202e}@x",
        "an\u{200b}na@x",
        "anna@x\u{feff}x",
        "anna\u{ad}@x",
    ] {
        let list = format!("user,action\n{id},remove\n");
        let fault = import(list.as_bytes()).unwrap().remove(0).row.unwrap_err();
        assert!(fault.to_string().contains("cannot be seen"), "{fault}");
    }
}

#[test]
fn empty_lines_before_the_head_are_none() {
    for before in ["\n", "\r\n\r\n", " \n", ";;;\r\n", ",,\n"] {
        let list = format!("{before}user;action\nu;remove\n");
        let read = import(list.as_bytes()).unwrap();
        assert!(read.len() == 1 && read[0].row.is_ok(), "{before:?}");
        let number = before.matches('\n').count() + 2;
        assert_eq!(read[0].number, number as u64, "{before:?}");
    }
}

#[test]
fn lines_have_the_numbers_that_an_editor_shows() {
    for ends in ["\n", "\r\n"] {
        let text =
            "user,last,action\n\nu1,x,remove\nu2,\"a\nb\",remove\n\n\nu3,x,remove\n,,\nu4,,remove";
        let read = import(text.replace('\n', ends).as_bytes()).unwrap();
        let numbers: Vec<u64> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 4, 5, 8, 10], "{ends:?}");
    }
}

#[test]
fn heads_of_spreadsheets_are_understood() {
    let read = import("\u{feff}Action;USER;Template\r\nremove;u;gold\r\n".as_bytes()).unwrap();
    let row = read[0].row.as_ref().unwrap();
    assert_eq!(
        (row.user.as_str(), row.template.as_deref()),
        ("u", Some("gold"))
    );
    for (text, fault) in [
        (&b""[..], NotAList::Empty),
        (b"user\n", NotAList::ColumnMissing("action")),
        (b"action\n", NotAList::ColumnMissing("user")),
        (
            b"user,action,user\n",
            NotAList::ColumnTwice("user".to_owned()),
        ),
        (
            b"user,action,shoe\n",
            NotAList::ColumnUnknown("shoe".to_owned()),
        ),
        (b"user,action\n\xe4,remove\n", NotAList::NotUtf8),
    ] {
        assert_eq!(import(text).map(|_| ()), Err(fault));
    }
    let endless = format!("user,action\n{}", "u,remove\n".repeat(100_001));
    assert_eq!(import(endless.as_bytes()).map(|_| ()), Err(NotAList::Lines));
}

#[test]
fn no_exported_cell_is_a_formula() {
    let row = StatusRow {
        broadworks_id: "=HYPERLINK(\"http://x\")".to_owned(),
        error_text: "-1+1".to_owned(),
        email: "@SUM(A1)".to_owned(),
        package: "premium".to_owned(),
        remedy: "say \"it\",\r\nthen".to_owned(),
        ..StatusRow::default()
    };
    let text = String::from_utf8(statuses([&row])).unwrap();
    let mut lines = text.split("\r\n");
    assert_eq!(
        lines.next(),
        Some(
            "broadworks-id,enterprise,template,package,status,requirement-pending,error-code,\
             error-text,remedy,email,since,tracking-id,request-id"
        )
    );
    assert_eq!(
        lines.next(),
        Some("\"'=HYPERLINK(\"\"http://x\"\")\",,,premium,,,,'-1+1,\"say \"\"it\"\",")
    );
    assert_eq!(lines.next(), Some("then\",'@SUM(A1),,,"));
}

#[test]
fn results_and_differences_are_written_with_their_heads() {
    let result = ImportResult {
        line: 7,
        user: "u".to_owned(),
        result: "refused".to_owned(),
        ..ImportResult::default()
    };
    let text = String::from_utf8(import_results([&result])).unwrap();
    assert_eq!(
        text,
        "line,user,action,result,request-id,detail\r\n7,u,,refused,,\r\n"
    );
    let row = Row {
        enterprise: "sp1+acme".to_owned(),
        user: "u".to_owned(),
        difference: Difference::PackageDiffers,
        subscriber: Some(SubscriberId::parse("id").unwrap()),
        broadworks: "premium".to_owned(),
        webex: "basic".to_owned(),
        repair: Repair::MovePackage {
            to: Package::Premium,
        },
        safe: false,
    };
    let text = String::from_utf8(reconciliation([&row])).unwrap();
    let row = "sp1+acme,u,package-differs,premium,basic,move-package,no,id,premium\r\n";
    assert!(text.ends_with(row), "{text}");
    // As the table and `--apply` call it.
    assert!(
        text.starts_with("enterprise,user,class,broadworks,"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn a_guarded_cell_is_no_formula_and_comes_back(cell in "['=+@\t-]{0,3}\\PC{0,20}") {
        let guarded = guarded(&cell);
        prop_assert!(!guarded.starts_with(FORMULA), "{guarded:?}");
        prop_assert_eq!(unguarded(&guarded), cell);
    }

    #[test]
    fn any_bytes_are_a_list_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(import(&bytes));
        let mut listed = HEAD.as_bytes().to_vec();
        listed.extend_from_slice(&bytes);
        drop(import(&listed));
    }
}

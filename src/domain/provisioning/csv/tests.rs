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
fn lines_have_the_numbers_that_an_editor_shows() {
    for ends in ["\n", "\r\n"] {
        let text =
            "user,last,action\n\nu1,x,remove\nu2,\"a\nb\",remove\n\n\nu3,x,remove\n,,\nu4,,remove";
        let read = import(text.replace('\n', ends).as_bytes()).unwrap();
        let numbers: Vec<u64> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [3, 4, 8, 10], "{ends:?}");
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

use super::*;

fn failure(kind: FailureKind, code: Option<&str>, text: &str) -> CallFailure {
    CallFailure {
        kind,
        code: code.map(str::to_owned),
        text: text.to_owned(),
        ours: None,
        theirs: None,
        retry_after: None,
    }
}

#[test]
fn what_is_built_in_can_be_read_and_every_row_says_what_to_do() {
    let faults = Faults::parse(BUILT_IN).unwrap();
    assert!(faults.rows.len() > 40);
    for (code, row) in &faults.rows {
        assert!(row.action.len() > 20, "{code}");
    }
    for pattern in &faults.patterns {
        assert!(faults.rows.contains_key(&pattern.code), "{pattern:?}");
    }
}

#[test]
fn failures_are_classed_by_code_then_by_pattern_then_by_status() {
    let faults = Faults::default();
    for (kind, code, text, class, named, known) in [
        (
            FailureKind::Status(409),
            Some("2017"),
            "",
            Class::Customer,
            "2017",
            true,
        ),
        (
            FailureKind::Status(400),
            None,
            "Subscriber is in an existing Webex Org.",
            Class::Customer,
            "2017",
            true,
        ),
        (
            FailureKind::Status(400),
            Some("777"),
            "existing webex org",
            Class::Customer,
            "2017",
            true,
        ),
        (
            FailureKind::Status(400),
            Some("777"),
            "strange",
            Class::Data,
            "777",
            false,
        ),
        (
            FailureKind::Status(503),
            Some("777"),
            "strange",
            Class::Transient,
            "777",
            false,
        ),
        (
            FailureKind::Status(503),
            None,
            "",
            Class::Transient,
            "HTTP-503",
            true,
        ),
        (
            FailureKind::Status(599),
            None,
            "",
            Class::Transient,
            "HTTP-599",
            true,
        ),
        (
            FailureKind::Status(418),
            None,
            "",
            Class::Data,
            "HTTP-418",
            true,
        ),
        (
            FailureKind::Status(429),
            Some("2017"),
            "",
            Class::Limit,
            "HTTP-429",
            true,
        ),
        (
            FailureKind::Status(401),
            Some("777"),
            "",
            Class::Auth,
            "HTTP-401",
            true,
        ),
        (
            FailureKind::NoToken,
            None,
            "",
            Class::Auth,
            "NO-TOKEN",
            true,
        ),
        (
            FailureKind::Unanswered,
            None,
            "",
            Class::Transient,
            "UNANSWERED",
            true,
        ),
    ] {
        let judged = faults.judge(&failure(kind, code, text));
        assert_eq!(
            (judged.class, judged.code.as_str(), judged.known),
            (class, named, known)
        );
        assert!(!judged.action.is_empty());
    }
}

#[test]
fn an_operators_file_changes_rows_and_adds_some() {
    let faults = Faults::with(
        r#"
        format = "xspd-faults/1"
        [[fault]]
        code = "10022"
        class = "transient"
        action = "Wait: the nightly job of this provider mends it."
        [[fault]]
        code = "777"
        class = "user"
        action = "The user has to call the help desk."
        [[pattern]]
        text = "Number of the Beast"
        code = "777"
        "#,
    )
    .unwrap();
    let judged = faults.judge(&failure(FailureKind::Status(400), Some("10022"), ""));
    assert_eq!(judged.class, Class::Transient);
    let judged = faults.judge(&failure(
        FailureKind::Status(400),
        None,
        "the number of the beast",
    ));
    assert_eq!((judged.class, judged.code.as_str()), (Class::User, "777"));
    let judged = faults.judge(&failure(FailureKind::Status(400), Some("2017"), ""));
    assert_eq!(judged.class, Class::Customer);
}

#[test]
fn what_is_no_such_file_says_why() {
    let row = "[[fault]]\ncode='1'\nclass='data'\naction='do'\n";
    for (text, wrong) in [
        (String::new(), "it does not say format"),
        (
            format!("format='xspd-faults/1'\n{row}{row}"),
            "the code 1 stands in it twice",
        ),
        (
            "format='xspd-faults/1'\n[[fault]]\ncode='1'\nclass='odd'\naction='a'".to_owned(),
            "it cannot be read",
        ),
        (
            "format='xspd-faults/1'\n[[fault]]\ncode='1'\nclass='data'\naction=' '".to_owned(),
            "a text of the code 1",
        ),
        (
            "format='xspd-faults/1'\nother=1".to_owned(),
            "it cannot be read",
        ),
    ] {
        let refused = Faults::parse(&text).unwrap_err().to_string();
        assert!(refused.starts_with(wrong), "{refused}");
    }
}

#[test]
fn what_webex_says_is_kept_within_bounds() {
    let long = "ü".repeat(5_000);
    let judged = Faults::default().judge(&failure(FailureKind::Status(400), Some(&long), &long));
    assert_eq!(judged.code.chars().count(), MOST_CODE);
    let fault = judged.fault(&long, Moment(1));
    assert_eq!(fault.text.chars().count(), MOST_SAID);
}

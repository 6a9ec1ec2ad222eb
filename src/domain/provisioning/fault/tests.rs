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
    let table = "
        409 2017 - customer 2017 known
        400 - Subscriber_is_in_an_existing_Webex_Org. customer 2017 known
        400 777 existing_webex_org customer 2017 known
        400 777 strange data 777 unknown
        503 777 strange transient 777 unknown
        503 - - transient HTTP-503 known
        599 - - transient HTTP-599 known
        418 - - data HTTP-418 known
        429 2017 - limit HTTP-429 known
        401 777 - auth HTTP-401 known
    ";
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let status = FailureKind::Status(words[0].parse().unwrap());
        let code = Some(words[1]).filter(|code| *code != "-");
        let text = words[2].replace('_', " ");
        let judged = faults.judge(&failure(status, code, &text));
        let known = if judged.known { "known" } else { "unknown" };
        let told = [judged.class.as_str(), judged.code.as_str(), known];
        assert_eq!(told, words[3..], "{line}");
        assert!(!judged.action.is_empty(), "{line}");
    }
    let judged = faults.judge(&failure(FailureKind::NoToken, None, ""));
    assert_eq!(
        (judged.class, judged.code.as_str()),
        (Class::Auth, "NO-TOKEN")
    );
    let judged = faults.judge(&failure(FailureKind::Unanswered, None, ""));
    assert_eq!(judged.class, Class::Transient);
}

#[test]
fn every_code_of_a_directory_sync_has_a_class_and_a_remedy_of_its_own() {
    let again = [
        600_000, 600_001, 600_002, 600_003, 600_005, 600_006, 600_009, 600_013, 600_014, 600_017,
        600_018, 600_019, 600_020, 600_025, 600_026,
    ];
    let for_a_person = [
        600_004, 600_007, 600_008, 600_010, 600_011, 600_012, 600_015, 600_022, 600_023, 600_024,
        600_027, 600_028, 600_029,
    ];
    // Webex names no 600016 and no 600021.
    assert_eq!(again.len() + for_a_person.len(), 28);
    let faults = Faults::default();
    let classed = |codes: &[u32], class| {
        for code in codes {
            let code = code.to_string();
            for status in [404, 409] {
                let kind = FailureKind::Status(status);
                let judged = faults.judge(&failure(kind, Some(&code), "why"));
                assert_eq!((judged.code.as_str(), judged.class), (code.as_str(), class));
                assert!(judged.known, "{code}");
                let of_status = faults.judge(&failure(kind, None, ""));
                assert_ne!(judged.action, of_status.action, "{code}");
                assert!(judged.action.ends_with('.'), "{code}");
            }
        }
    };
    classed(&again, Class::Transient);
    classed(&for_a_person, Class::Data);
    let first = faults.action("600028").unwrap();
    assert!(first.contains("whole directory sync"), "{first}");
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

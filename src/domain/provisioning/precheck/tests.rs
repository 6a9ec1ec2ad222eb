//! Users that differ from a good one in one thing.

use super::*;

fn fine() -> UserFacts {
    UserFacts {
        user: "u1@sp.example".to_owned(),
        first_name: "Ann".to_owned(),
        last_name: "Lee".to_owned(),
        email: Some("ann@acme.example".to_owned()),
        alternate_ids: Some(vec!["Ann@acme.example".to_owned()]),
        phone: Some("+12405551212".to_owned()),
        extension: None,
        service_packs: Some(vec!["UC-Standard".to_owned()]),
        services: Some(vec!["Integrated IMP".to_owned()]),
        imp_active: Some(true),
        trunk: Some(Trunk::No),
        route_list: Some(false),
        direct_route: Some(false),
        is_place: false,
        administrator: Some(false),
    }
}

fn check(change: impl FnOnce(&mut UserFacts)) -> Vec<(Severity, Check)> {
    let mut facts = fine();
    change(&mut facts);
    let policy = PrecheckPolicy {
        trusted_email: true,
        service_packs: vec!["uc-standard".to_owned(), "UC-Premium".to_owned()],
        assigned: false,
    };
    let others = [
        ("u1@sp.example", "ann@acme.example"),
        ("u2@sp.example", "Bob@acme.example"),
    ];
    let findings = precheck(&facts, &policy, others);
    let pair = |finding: &Finding| (finding.severity, finding.what);
    findings.iter().map(pair).collect()
}

#[test]
fn a_user_without_flaws_has_no_findings() {
    assert_eq!(check(|_| {}), []);
}

type Change = fn(&mut UserFacts);

fn expect(table: &[(Change, &[(Severity, Check)])]) {
    for (number, (change, expected)) in table.iter().enumerate() {
        assert_eq!(check(*change), *expected, "row {number}");
    }
}

#[test]
fn each_flaw_of_a_person_is_found_by_its_own_check() {
    use Check as C;
    use Severity::Refused;
    use Severity::Unchecked;
    use Severity::Warning;
    expect(&[
        (
            |u| u.administrator = Some(true),
            &[(Refused, C::Administrator)],
        ),
        (|u| u.administrator = None, &[(Unchecked, C::Administrator)]),
        (|u| u.email = None, &[(Refused, C::Email)]),
        (
            |u| u.email = Some("x".to_owned()),
            &[(Refused, C::Email), (Warning, C::AlternateId)],
        ),
        (
            |u| {
                u.email = Some("a+b@c.de".to_owned());
                u.alternate_ids = Some(vec!["a+b@c.de".to_owned()]);
            },
            &[(Warning, C::EmailPlus)],
        ),
        (
            |u| {
                u.email = Some("BOB@acme.example".to_owned());
                u.alternate_ids = Some(vec!["bob@acme.example".to_owned()]);
            },
            &[(Refused, C::EmailUnique)],
        ),
        (
            |u| u.alternate_ids = Some(Vec::new()),
            &[(Warning, C::AlternateId)],
        ),
        (|u| u.alternate_ids = None, &[(Unchecked, C::AlternateId)]),
        (|u| u.phone = Some(" ".to_owned()), &[(Refused, C::Number)]),
        (|u| u.first_name = "x".repeat(31), &[(Refused, C::Names)]),
        (|u| u.last_name.clear(), &[(Refused, C::Names)]),
        (
            |u| {
                u.is_place = true;
                u.email = None;
                u.alternate_ids = None;
            },
            &[],
        ),
    ]);
}

#[test]
fn each_flaw_of_services_is_found_by_its_own_check() {
    use Check as C;
    use Severity::Refused;
    use Severity::Unchecked;
    expect(&[
        (
            |u| u.service_packs = Some(Vec::new()),
            &[(Refused, C::ServicePack)],
        ),
        (|u| u.service_packs = None, &[(Unchecked, C::ServicePack)]),
        (|u| u.imp_active = Some(false), &[(Refused, C::ImpActive)]),
        (|u| u.imp_active = None, &[(Unchecked, C::ImpActive)]),
        (|u| u.route_list = Some(true), &[(Refused, C::RouteList)]),
        (
            |u| u.direct_route = Some(true),
            &[(Refused, C::DirectRoute)],
        ),
        (
            |u| u.trunk = Some(Trunk::WithSharedCallAppearance),
            &[(Refused, C::TrunkAuthentication)],
        ),
        (
            |u| {
                u.trunk = Some(Trunk::WithSharedCallAppearance);
                u.services = Some(vec!["authentication".to_owned()]);
            },
            &[],
        ),
        (
            |u| u.trunk = Some(Trunk::Only),
            &[
                (Refused, C::TrunkAuthentication),
                (Refused, C::TrunkSharedCallAppearance),
            ],
        ),
        (
            |u| u.trunk = None,
            &[(Unchecked, C::TrunkSharedCallAppearance)],
        ),
    ]);
}

#[test]
fn whoever_is_looked_at_before_the_service_is_assigned_is_not_refused_for_that() {
    let mut facts = fine();
    facts.services = Some(vec!["Voice Messaging User".to_owned()]);
    facts.imp_active = Some(false);
    let of = |assigned| {
        let policy = PrecheckPolicy {
            assigned,
            ..PrecheckPolicy::default()
        };
        let findings = precheck(&facts, &policy, []);
        let may = may_be_subscriber(&findings);
        (findings[0].severity, findings[0].what, may)
    };
    assert_eq!(of(false), (Severity::Note, Check::ImpActive, true));
    assert_eq!(of(true), (Severity::Refused, Check::ImpActive, false));
}

#[test]
fn only_what_is_refused_stands_in_the_way() {
    let of = |change: fn(&mut UserFacts)| {
        let mut facts = fine();
        change(&mut facts);
        may_be_subscriber(&precheck(&facts, &PrecheckPolicy::default(), []))
    };
    assert!(of(|u| u.email = None));
    assert!(of(|u| u.email = Some("x".to_owned())));
    assert!(of(|u| u.imp_active = None));
    assert!(!of(|u| u.imp_active = Some(false)));
}

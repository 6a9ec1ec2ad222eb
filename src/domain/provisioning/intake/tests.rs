use std::sync::Arc;

use super::*;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::policy::EnterpriseForm;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Actual;
use crate::domain::provisioning::record::Progress;
use crate::domain::provisioning::record::Source;

fn settings() -> Settings {
    let mut settings = Settings::default();
    for (name, mode) in [("a", Mode::Api), ("b", Mode::Api), ("r", Mode::Relay)] {
        let template = TemplateKey::parse(name).unwrap();
        let cluster = ClusterName::parse("as").unwrap();
        let policy = Policy::new(template.clone(), cluster, mode, Package::Basic);
        settings.templates.insert(template, Arc::new(policy));
    }
    settings
}

fn user() -> BwUserId {
    BwUserId::parse("Anna@x.example").unwrap()
}

fn key() -> UserKey {
    UserKey::new(ClusterName::parse("as").unwrap(), &user())
}

fn profile() -> Profile {
    Profile {
        user: user(),
        sp: SpId::parse("SP1").unwrap(),
        group: GroupId::parse("Acme").ok(),
        first_name: "Anna".to_owned(),
        last_name: "Adams".to_owned(),
        email: Some("anna@x.example".to_owned()),
        phone: Some("+15550001".to_owned()),
        mobile: None,
        extension: None,
        language: None,
        timezone: None,
        is_place: false,
    }
}

fn request(number: u64) -> RequestId {
    RequestId::parse(&format!("r{number}")).unwrap()
}

fn present(template: &str, profile: Profile, number: u64) -> Wish {
    let template = TemplateKey::parse(template).unwrap();
    Wish::present(key(), template, profile, request(number), Moment(number))
}

fn absent(number: u64) -> Wish {
    let template = TemplateKey::parse("a").ok();
    Wish::absent(key(), template, user(), request(number), Moment(number))
}

/// Writes the verdict down as the store does.
fn accept(held: &mut Held, wish: Wish) -> Desired {
    let verdict = decide(held, wish, &settings());
    let Verdict::Accept {
        desired,
        enterprise,
    } = verdict
    else {
        panic!("not accepted: {verdict:?}");
    };
    held.desired = Some((*desired).clone());
    if enterprise.is_some() {
        held.enterprise = enterprise;
    }
    *desired
}

fn job(desired: &Desired, state: JobState) -> JobRecord {
    JobRecord {
        key: key(),
        request: desired.request.clone(),
        revision: desired.revision,
        state,
        since: Moment(1),
        attempt: 0,
        next: None,
        fault: None,
        actual: Actual::default(),
        tracking: Vec::new(),
        progress: Progress::default(),
    }
}

fn refused(verdict: Verdict) -> Code {
    let Verdict::Refuse(refusal) = verdict else {
        panic!("not refused: {verdict:?}");
    };
    let sentence = &refusal.sentence;
    assert!(sentence.chars().count() <= 120, "{refusal:?}");
    refusal.code
}

#[test]
fn a_repeated_assignment_is_the_same_request_while_its_job_is_open() {
    let mut held = Held::default();
    let first = accept(&mut held, present("a", profile(), 1));
    assert_eq!((first.revision, first.request.as_str()), (1, "r1"));
    let again = decide(&held, present("a", profile(), 2), &settings());
    assert_eq!(
        again,
        Verdict::Same {
            request: request(1)
        }
    );
    held.job = Some(job(&first, JobState::WaitingWebex));
    let again = decide(&held, present("a", profile(), 3), &settings());
    assert_eq!(
        again,
        Verdict::Same {
            request: request(1)
        }
    );
    held.job = Some(job(&first, JobState::Provisioned));
    let after = accept(&mut held, present("a", profile(), 4));
    assert_eq!((after.revision, after.digest), (2, first.digest));
}

#[test]
fn a_repeated_assignment_begins_a_job_anew_that_somebody_has_to_look_at() {
    let mut held = Held::default();
    let first = accept(&mut held, present("a", profile(), 1));
    held.job = Some(job(&first, JobState::Attention));
    let again = accept(&mut held, present("a", profile(), 2));
    assert_eq!((again.revision, again.digest), (2, first.digest));
    assert_eq!(again.request, request(2));
    // That one is under way now.
    let verdict = decide(&held, present("a", profile(), 3), &settings());
    let request = request(2);
    assert_eq!(verdict, Verdict::Same { request });
}

#[test]
fn a_former_user_id_is_forgotten_once_the_new_one_is_settled() {
    let mut held = Held::default();
    let mut renamed = present("a", profile(), 1);
    let former = BwUserId::parse("former@x.example").unwrap();
    renamed.formerly = Some(former.clone());
    let first = accept(&mut held, renamed);
    held.job = Some(job(&first, JobState::WaitingWebex));
    let word = |number| Wish::word(key(), Word::Retry, request(number), Moment(number));
    let second = accept(&mut held, word(2));
    assert_eq!(second.formerly, Some(former));
    held.job = Some(job(&second, JobState::Provisioned));
    assert_eq!(accept(&mut held, word(3)).formerly, None);
}

#[test]
fn what_arrives_last_wins() {
    let mut held = Held::default();
    accept(&mut held, present("a", profile(), 1));
    let gone = accept(&mut held, absent(2));
    assert_eq!(gone.revision, 2);
    assert_eq!(
        gone.enterprise.map(|name| name.to_string()),
        Some("SP1+Acme".to_owned())
    );
    let back = accept(&mut held, present("a", profile(), 3));
    assert_eq!(back.revision, 3);
}

#[test]
fn the_removal_of_an_unknown_user_is_looked_up_or_ignored_as_the_template_says() {
    let mut held = Held::default();
    let gone = accept(&mut held, absent(1));
    assert_eq!(gone.enterprise, None);
    held.job = Some(job(&gone, JobState::Removed));
    assert_eq!(decide(&held, absent(2), &settings()), Verdict::NotPresent);
    let mut ignoring = settings();
    for policy in ignoring.templates.values_mut() {
        Arc::make_mut(policy).remove_unknown = RemoveUnknown::Ignore;
    }
    let verdict = decide(&Held::default(), absent(3), &ignoring);
    assert_eq!(verdict, Verdict::NotPresent);
}

#[test]
fn a_removal_goes_where_the_user_is_whatever_url_it_comes_by() {
    let mut held = Held::default();
    accept(&mut held, present("a", profile(), 1));
    let by_another = |number| Wish {
        template: TemplateKey::parse("b").ok(),
        ..absent(number)
    };
    let gone = accept(&mut held, by_another(2));
    assert_eq!(gone.template.as_str(), "a");
    assert!(matches!(gone.presence, Presence::Absent { .. }));
    held.job = Some(job(&gone, JobState::Removed));
    assert_eq!(
        decide(&held, by_another(3), &settings()),
        Verdict::NotPresent
    );
    // Of somebody who is not known the URL is all there is.
    let unknown = accept(&mut Held::default(), by_another(1));
    assert_eq!(unknown.template.as_str(), "b");
    // Without the template nobody can say at which partner the user is.
    let mut held = Held::default();
    accept(&mut held, present("a", profile(), 1));
    let mut without = settings();
    without.templates.remove(&TemplateKey::parse("a").unwrap());
    let verdict = decide(&held, by_another(2), &without);
    assert_eq!(refused(verdict), Code::TemplateUnknown);
}

#[test]
fn whom_the_bridge_provisioned_is_removed_by_a_template_that_can_or_the_removal_is_refused() {
    let mut held = Held::default();
    accept(&mut held, present("r", profile(), 1));
    let verdict = |settings: &Settings| decide(&held, absent(2), settings);
    // The same partner finds the subscriber, whoever made it.
    let Verdict::Accept { desired, .. } = verdict(&settings()) else {
        panic!("it is not removed");
    };
    assert_eq!(desired.template.as_str(), "a");
    // Another would find nobody, and the template of the bridge only looks on.
    let mut elsewhere = settings();
    let key = TemplateKey::parse("a").unwrap();
    let mut policy = Policy::clone(&elsewhere.templates[&key]);
    policy.partner = crate::domain::provisioning::ids::PartnerName::parse("other").ok();
    elsewhere.templates.insert(key, Arc::new(policy));
    assert_eq!(refused(verdict(&elsewhere)), Code::WordUnfit);
}

#[test]
fn a_person_can_go_after_its_subscription() {
    let mut held = Held::default();
    let gone = accept(&mut held, absent(1));
    let mut record = job(&gone, JobState::Removed);
    record.actual.person = crate::domain::provisioning::ids::PersonId::parse("p").ok();
    held.job = Some(record);
    let wanted = Wanted::Absent {
        user: user(),
        person: Some(true),
    };
    let desired = accept(&mut held, Wish::of(key(), wanted, request(2), Moment(2)));
    assert_eq!(desired.revision, 2);
}

#[test]
fn one_customer_goes_by_one_template() {
    let mut held = Held::default();
    accept(&mut held, present("a", profile(), 1));
    let other = held.enterprise.clone().map(|mut bound| {
        bound.state = EnterpriseState::Ready;
        bound
    });
    let held = Held {
        enterprise: other,
        ..Held::default()
    };
    let verdict = decide(&held, present("b", profile(), 2), &settings());
    assert_eq!(refused(verdict), Code::EnterpriseBound);
}

#[test]
fn a_customer_that_webex_was_not_asked_for_can_be_bound_anew() {
    let mut held = Held::default();
    accept(&mut held, present("a", profile(), 1));
    accept(&mut held, present("b", profile(), 2));
    let bound = held.enterprise.map(|bound| bound.template.to_string());
    assert_eq!(bound, Some("b".to_owned()));
}

#[test]
fn what_could_never_succeed_is_refused_with_what_to_do() {
    let wrong = |change: fn(&mut Profile)| {
        let mut profile = profile();
        change(&mut profile);
        refused(decide(
            &Held::default(),
            present("a", profile, 1),
            &settings(),
        ))
    };
    assert_eq!(wrong(|user| user.phone = None), Code::NumberMissing);
    assert_eq!(wrong(|user| user.email = None), Code::EmailMissing);
    assert_eq!(
        wrong(|user| user.email = Some("a b@x".to_owned())),
        Code::EmailMalformed
    );
    assert_eq!(
        wrong(|user| user.email = Some("a@b@x".to_owned())),
        Code::EmailMalformed
    );
    assert_eq!(
        wrong(|user| user.first_name = " ".to_owned()),
        Code::FieldMissing
    );
    assert_eq!(wrong(|user| user.group = None), Code::FieldMissing);
    let held = Held {
        email_holder: Some(UserKey::new(
            ClusterName::parse("as").unwrap(),
            &BwUserId::parse("bob").unwrap(),
        )),
        ..Held::default()
    };
    let verdict = decide(&held, present("a", profile(), 1), &settings());
    assert_eq!(refused(verdict), Code::EmailHeld);
    let unknown = decide(&Held::default(), present("z", profile(), 1), &settings());
    assert_eq!(refused(unknown), Code::UserUnknown);
}

#[test]
fn relayed_users_are_tracked_whatever_they_look_like() {
    let mut user = profile();
    user.email = None;
    user.group = None;
    let mut held = Held::default();
    let desired = accept(&mut held, present("r", user, 1));
    assert_eq!((desired.enterprise, held.enterprise), (None, None));
}

#[test]
fn words_of_operators_are_revisions_and_have_to_fit() {
    let word = |word, number| Wish::word(key(), word, request(number), Moment(number));
    let mut held = Held::default();
    let verdict = decide(&held, word(Word::Retry, 1), &settings());
    assert_eq!(refused(verdict), Code::UserUnknown);
    let first = accept(&mut held, present("a", profile(), 2));
    let verdict = decide(&held, word(Word::Confirm, 3), &settings());
    assert_eq!(refused(verdict), Code::WordUnfit);
    held.job = Some(job(&first, JobState::Attention));
    let mut other = word(Word::Confirm, 4);
    other.about = Some(request(1));
    assert_eq!(refused(decide(&held, other, &settings())), Code::JobChanged);
    let confirmed = accept(&mut held, word(Word::Confirm, 5));
    // A word about it makes nobody an operator's user.
    assert_eq!(confirmed.source, Source::As);
    assert_eq!(
        (confirmed.revision, confirmed.word),
        (2, Some(Word::Confirm))
    );
    assert_eq!(confirmed.digest, first.digest);
    let cancelled = accept(&mut held, word(Word::Cancel, 6));
    assert_eq!(cancelled.word, Some(Word::Cancel));
    // What the AS repeats after that is wanted again.
    let again = accept(&mut held, present("a", profile(), 7));
    assert_eq!(again.word, None);
    held.job = Some(job(&again, JobState::Provisioned));
    let verdict = decide(&held, word(Word::Cancel, 8), &settings());
    assert_eq!(refused(verdict), Code::WordUnfit);
}

#[test]
fn what_an_operator_chose_lasts_until_the_user_is_removed_or_broadworks_tells_another() {
    let mut held = Held::default();
    accept(&mut held, present("a", profile(), 1));
    let mut moved = Wish::of(key(), Wanted::AsHeld, request(2), Moment(2));
    moved.package = Some(Package::Premium);
    moved.email = Some("other@x.example".to_owned());
    accept(&mut held, moved);
    let mut renamed = profile();
    renamed.last_name = "Brown".to_owned();
    let kept = accept(&mut held, present("a", renamed, 3));
    assert_eq!(kept.package, Some(Package::Premium));
    assert_eq!(kept.email.as_deref(), Some("other@x.example"));
    let mut mailed = profile();
    mailed.email = Some("new@x.example".to_owned());
    let told = accept(&mut held, present("a", mailed, 4));
    assert_eq!((told.package, told.email), (Some(Package::Premium), None));
    accept(&mut held, absent(5));
    let anew = accept(&mut held, present("a", profile(), 6));
    assert_eq!(anew.package, None);
}

#[test]
fn an_address_given_by_hand_is_nobody_elses_whatever_the_template_trusts() {
    let mut settings = settings();
    for policy in settings.templates.values_mut() {
        Arc::make_mut(policy).trusted_email = false;
        Arc::make_mut(policy).early_validation = EarlyValidation::Off;
    }
    let mut held = Held::default();
    let first = accept(&mut held, present("a", profile(), 1));
    held.job = Some(job(&first, JobState::WaitingEmailInput));
    let retry = |email: &str| {
        let mut wish = Wish::word(key(), Word::Retry, request(2), Moment(2));
        wish.email = Some(email.to_owned());
        wish
    };
    let asked = email_of(held.desired.as_ref(), &retry("Bea@x.example"), &settings);
    assert_eq!(asked.as_deref(), Some("bea@x.example"));
    // An address that is not sent is not asked about.
    let of_profile = email_of(None, &present("a", profile(), 3), &settings);
    assert_eq!(of_profile, None);
    let bea = BwUserId::parse("bea@x.example").unwrap();
    held.email_holder = Some(UserKey::new(key().cluster, &bea));
    let verdict = decide(&held, retry("bea@x.example"), &settings);
    assert_eq!(refused(verdict), Code::EmailHeld);
    held.email_holder = None;
    let verdict = decide(&held, retry("nobody"), &settings);
    assert_eq!(refused(verdict), Code::EmailMalformed);
    let verdict = decide(&held, retry("bea@x.example"), &settings);
    assert!(matches!(verdict, Verdict::Accept { .. }), "{verdict:?}");
}

#[test]
fn where_a_user_was_is_kept_beyond_its_removal() {
    let mut held = Held::default();
    let gone = accept(&mut held, absent(1));
    assert_eq!(gone.home(), None);
    let there = accept(&mut held, present("a", profile(), 2));
    assert_eq!(there.was_in, None);
    held.job = Some(job(&there, JobState::Provisioned));
    let gone = accept(&mut held, absent(3));
    assert_eq!(gone.home(), there.home());
    held.job = Some(job(&gone, JobState::Attention));
    let again = accept(
        &mut held,
        Wish::word(key(), Word::Confirm, request(4), Moment(4)),
    );
    assert_eq!(again.home().unwrap().sp.as_str(), "SP1");
}

#[test]
fn customers_are_named_by_their_form() {
    use crate::domain::provisioning::policy::BadForm;
    use crate::domain::provisioning::policy::Case;
    use crate::domain::provisioning::policy::Escape;
    let mut user = profile();
    user.group = GroupId::parse("a+b%").ok();
    let form = |text, case, escape| EnterpriseForm::parse(text, case, escape).unwrap();
    let plain = form("{sp}+{group}", Case::Keep, Escape::None);
    assert_eq!(plain, EnterpriseForm::default());
    assert_eq!(plain.of(&user).unwrap().as_str(), "SP1+a+b%");
    let escaped = form("R/{sp}+{group}", Case::Lower, Escape::Percent);
    assert_eq!(escaped.of(&user).unwrap().as_str(), "r/sp1+a%2bb%25");
    for (text, wrong) in [
        ("{sp", BadForm::Brace),
        ("sp}", BadForm::Brace),
        ("all", BadForm::Constant),
        ("{reseller}+{sp}", BadForm::Unknown("reseller".to_owned())),
    ] {
        let refused = EnterpriseForm::parse(text, Case::Keep, Escape::None);
        assert_eq!(refused, Err(wrong), "{text}");
    }
}

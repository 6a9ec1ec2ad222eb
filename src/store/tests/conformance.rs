//! What every engine has to do, as functions that any of them can be given to.

use std::collections::BTreeSet;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::store::Ask;
use crate::store::Change;
use crate::store::Held;
use crate::store::Keep;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::query::Filter;
use crate::store::tests::made;

/// Every one of them runs them all.
macro_rules! suite {
    ($($name:ident)*) => {
        /// Turns the suite into tests of an engine, which `$open` makes: a store and what must live
        /// as long.
        macro_rules! conforms {
            ($open:path) => {$(
                #[tokio::test]
                async fn $name() {
                    let (store, _alive) = $open();
                    $crate::store::tests::conformance::$name(&store).await;
                }
            )*};
        }
        pub(crate) use conforms;
    };
}

suite! {
    a_wish_is_found_again_word_for_word
    a_refused_wish_keeps_nothing
    later_wishes_see_earlier_ones_of_the_same_batch
    a_rehearsal_decides_as_in_earnest_and_keeps_nothing
    the_enterprise_of_the_user_is_held_when_none_is_asked_for
    users_of_the_bridge_are_found_by_the_customer_that_webex_named
    an_address_has_one_holder_within_a_batch_and_beyond
    a_save_is_kept_whole_or_not_at_all
    a_job_of_an_unknown_user_is_refused
    steps_come_back_in_their_order
    pages_show_every_user_once
    filters_leave_out_what_they_should
    a_new_wish_of_a_finished_user_counts_as_queued
    what_waits_for_someone_is_grouped
    a_start_sees_the_open_users_alone
    history_is_forgotten_by_age_but_not_that_of_open_jobs
    removed_users_are_forgotten_with_their_history
}

/// Keeps a wish as it is.
pub(crate) async fn put(store: &Store, desired: Desired) {
    let ask = Ask::about(desired.key.clone());
    let keep = Keep {
        desired: Some(desired),
        enterprise: None,
    };
    store.accept(ask, move |_| ((), keep)).await.unwrap();
}

pub(crate) async fn put_job(store: &Store, job: JobRecord) {
    let changes = vec![Change::Job(Box::new(job))];
    store.save(changes).await.unwrap();
}

pub(crate) async fn a_wish_is_found_again_word_for_word(store: &Store) {
    let wish = made::wish("Anna", 1, "SP1+Acme");
    put(store, wish.clone()).await;
    let found = store.user(&made::key("ANNA")).await.unwrap().unwrap();
    assert_eq!(found.desired, wish);
    assert_eq!(found.job, None);
    let job = made::job("anna", 1, JobState::Attention);
    put_job(store, job.clone()).await;
    let found = store.user(&made::key("anna")).await.unwrap().unwrap();
    assert_eq!((found.desired, found.job), (wish, Some(job)));
    assert_eq!(store.user(&made::key("bob")).await.unwrap(), None);
}

pub(crate) async fn a_refused_wish_keeps_nothing(store: &Store) {
    let ask = Ask::about(made::key("anna"));
    let verdict = store.accept(ask, |_| ("refused", Keep::default())).await;
    assert_eq!(verdict, Ok("refused"));
    assert_eq!(store.user(&made::key("anna")).await.unwrap(), None);
}

/// Each user, and who had its address when it was decided about.
type Seen = Vec<(u64, Option<UserKey>)>;

pub(crate) async fn a_rehearsal_decides_as_in_earnest_and_keeps_nothing(store: &Store) {
    put(store, made::wish("carl", 1, "SP1")).await;
    // Ben wants Anna's address, Carl's is asked for after Carl has left it.
    let wishes = || {
        let wanted = [
            ("anna", "anna@example.com"),
            ("ben", "anna@example.com"),
            ("carl", "other@example.com"),
            ("dora", "carl@example.com"),
        ];
        wanted.map(|(user, email)| {
            let ask = Ask {
                email: Some(email.to_owned()),
                ..Ask::about(made::key(user))
            };
            let decide = move |held: &Held| {
                let before = held.desired.as_ref().map_or(0, |desired| desired.revision);
                let mut desired = made::wish(user, before + 1, "SP1");
                desired.email = Some(email.to_owned());
                let keep = Keep {
                    desired: held.email_holder.is_none().then_some(desired),
                    enterprise: None,
                };
                ((before, held.email_holder.clone()), keep)
            };
            (ask, decide)
        })
    };
    let rehearsed = store.rehearse(wishes().into()).await.unwrap();
    let rehearsed: Seen = rehearsed.into_iter().map(Result::unwrap).collect();
    for (user, revision) in [
        ("anna", None),
        ("ben", None),
        ("carl", Some(1)),
        ("dora", None),
    ] {
        let found = store.user(&made::key(user)).await.unwrap();
        assert_eq!(found.map(|held| held.desired.revision), revision, "{user}");
    }
    let mut taken = Seen::new();
    for (ask, decide) in wishes() {
        taken.push(store.accept(ask, decide).await.unwrap());
    }
    assert_eq!(rehearsed, taken);
    let anna = Some(made::key("anna"));
    assert_eq!(taken, [(0, None), (0, anna), (1, None), (0, None)]);
}

pub(crate) async fn later_wishes_see_earlier_ones_of_the_same_batch(store: &Store) {
    // All are submitted before the writer runs: one batch, or at most two.
    let wishes = (0..64).map(|_| {
        store.accept(Ask::about(made::key("anna")), |held| {
            let before = held.desired.as_ref().map_or(0, |desired| desired.revision);
            let keep = Keep {
                desired: Some(made::wish("anna", before + 1, "SP1")),
                enterprise: None,
            };
            (before + 1, keep)
        })
    });
    let verdicts = futures_util::future::join_all(wishes).await;
    let revisions: BTreeSet<_> = verdicts.into_iter().map(Result::unwrap).collect();
    assert_eq!(revisions, (1..=64).collect());
    let found = store.user(&made::key("anna")).await.unwrap().unwrap();
    assert_eq!(found.desired.revision, 64);
}

pub(crate) async fn the_enterprise_of_the_user_is_held_when_none_is_asked_for(store: &Store) {
    let record = made::enterprise("SP1+Acme", EnterpriseState::New);
    let keep = Keep {
        desired: Some(made::wish("anna", 1, "SP1+ACME")),
        enterprise: Some(record.clone()),
    };
    let ask = Ask::about(made::key("anna"));
    store.accept(ask.clone(), |_| ((), keep)).await.unwrap();
    let see = |ask| store.accept(ask, |held| (held.enterprise.clone(), Keep::default()));
    assert_eq!(see(ask.clone()).await.unwrap(), Some(record.clone()));
    let named = |name: &str| Ask {
        enterprise: Some(made::enterprise(name, EnterpriseState::New).key),
        ..Ask::about(made::key("bob"))
    };
    assert_eq!(see(named("sp1+acme")).await.unwrap(), Some(record.clone()));
    assert_eq!(see(named("other")).await.unwrap(), None);
    assert_eq!(
        store.enterprises().await.unwrap(),
        std::slice::from_ref(&record)
    );
    assert_eq!(store.enterprise(&record.key).await.unwrap(), Some(record));
}

pub(crate) async fn users_of_the_bridge_are_found_by_the_customer_that_webex_named(store: &Store) {
    let wish = |user, revision| Desired {
        enterprise: None,
        ..made::wish(user, revision, "unused")
    };
    put(store, wish("anna", 1)).await;
    put(store, wish("bob", 1)).await;
    let key = made::enterprise("sp1+acme", EnterpriseState::New).key;
    assert_eq!(store.enterprise(&key).await.unwrap(), None);
    for user in ["anna", "bob"] {
        let mut job = made::job(user, 1, JobState::Provisioned);
        job.actual.enterprise = Some("SP1+Acme".to_owned());
        let changes = vec![Change::Job(Box::new(job))];
        store.save(changes).await.unwrap();
    }
    // A later wish knows no more of it than the first one did.
    put(store, wish("bob", 2)).await;
    let filter = Filter {
        enterprise: Some(key.clone()),
        ..Filter::default()
    };
    let page = store.page(&filter, None, 10).await.unwrap();
    let users: Vec<_> = page.users.iter().map(|user| user.key().user()).collect();
    assert_eq!(users, ["anna", "bob"]);
    let found = store.enterprise(&key).await.unwrap().unwrap();
    assert_eq!(found.sent_as.as_str(), "SP1+Acme");
    assert_eq!(found.state, EnterpriseState::Ready);
    assert_eq!(store.customers().await.unwrap(), [found]);
    // It is nobody's that we began.
    assert_eq!(store.enterprises().await.unwrap(), []);
    let record = made::enterprise("SP1+ACME", EnterpriseState::FirstUser);
    let keep = Keep {
        desired: Some(made::wish("carl", 1, "SP1+ACME")),
        enterprise: Some(record.clone()),
    };
    let ask = Ask::about(made::key("carl"));
    store.accept(ask, |_| ((), keep)).await.unwrap();
    assert_eq!(store.customers().await.unwrap(), [record]);
}

pub(crate) async fn an_address_has_one_holder_within_a_batch_and_beyond(store: &Store) {
    let take = |user: &'static str, address: &'static str| {
        let ask = Ask {
            email: Some(address.to_owned()),
            ..Ask::about(made::key(user))
        };
        store.accept(ask, move |held| {
            let mut desired = made::wish(user, 1, "SP1");
            if let Presence::Present { profile } = &mut desired.presence {
                profile.email = Some(address.to_uppercase());
            }
            let free = held
                .email_holder
                .as_ref()
                .is_none_or(|holder| *holder == desired.key);
            let keep = Keep {
                desired: free.then_some(desired),
                enterprise: None,
            };
            (held.email_holder.clone(), keep)
        })
    };
    let (anna, bob) = tokio::join!(take("anna", "a@b.example"), take("bob", "a@b.example"));
    assert_eq!(anna.unwrap(), None);
    assert_eq!(bob.unwrap(), Some(made::key("anna")));
    let bob = take("bob", "a@b.example").await.unwrap();
    assert_eq!(bob, Some(made::key("anna")));
    // Once she has another, it is free, in the same batch too.
    let (anna, bob) = tokio::join!(take("anna", "c@b.example"), take("bob", "a@b.example"));
    assert_eq!((anna.unwrap(), bob.unwrap()), (None, None));
    let anna = take("anna", "a@b.example").await.unwrap();
    assert_eq!(anna, Some(made::key("bob")));
}

pub(crate) async fn a_save_is_kept_whole_or_not_at_all(store: &Store) {
    put(store, made::wish("anna", 1, "SP1")).await;
    let changes = vec![
        Change::Job(Box::new(made::job("anna", 1, JobState::Submitting))),
        Change::Enterprise(Box::new(made::enterprise("SP1", EnterpriseState::Ready))),
        Change::Job(Box::new(made::job("nobody", 1, JobState::Queued))),
    ];
    assert_eq!(store.save(changes).await, Err(StoreError::UnknownUser));
    let found = store.user(&made::key("anna")).await.unwrap().unwrap();
    assert_eq!(found.job, None);
    assert_eq!(store.enterprises().await.unwrap(), []);
}

pub(crate) async fn a_job_of_an_unknown_user_is_refused(store: &Store) {
    let changes = vec![Change::Step(Box::new(made::step(
        "nobody",
        1,
        JobState::Queued,
    )))];
    assert_eq!(store.save(changes).await, Err(StoreError::UnknownUser));
}

pub(crate) async fn steps_come_back_in_their_order(store: &Store) {
    put(store, made::wish("anna", 1, "SP1")).await;
    put(store, made::wish("bob", 1, "SP1")).await;
    let steps: Vec<_> = (1..=5)
        .map(|at| made::step("anna", at, JobState::Queued))
        .collect();
    let changes = steps.iter().cloned().map(Box::new).map(Change::Step);
    store.save(changes.collect()).await.unwrap();
    assert_eq!(store.history(&made::key("anna")).await.unwrap(), steps);
    assert_eq!(store.history(&made::key("bob")).await.unwrap(), []);
    assert_eq!(store.history(&made::key("nobody")).await.unwrap(), []);
}

pub(crate) async fn pages_show_every_user_once(store: &Store) {
    for number in 0..25 {
        put(store, made::wish(&format!("user{number:02}"), 1, "SP1")).await;
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store
            .page(&Filter::default(), after.as_ref(), 10)
            .await
            .unwrap();
        seen.extend(page.users.iter().map(|user| user.key().user().to_owned()));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
        // What comes between two pages, behind the cursor, moves nothing.
        put(store, made::wish("aaa", 1, "SP1")).await;
    }
    let expected: Vec<_> = (0..25).map(|number| format!("user{number:02}")).collect();
    assert_eq!((seen, pages), (expected, 3));
}

pub(crate) async fn filters_leave_out_what_they_should(store: &Store) {
    put(store, made::wish("anna", 1, "SP1+Acme")).await;
    put(store, made::wish("ann_e", 2, "SP2")).await;
    put(store, made::wish("bob", 3, "SP2")).await;
    put_job(store, made::job("bob", 3, JobState::Provisioned)).await;
    let list = async |filter: Filter| {
        let page = store.page(&filter, None, 100).await.unwrap();
        let names = page.users.iter().map(|user| user.key().user().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let all = Filter::default;
    assert_eq!(list(all()).await, "ann_e anna bob");
    let states = vec![JobState::Queued, JobState::Stalled];
    assert_eq!(list(Filter { states, ..all() }).await, "ann_e anna");
    let user_prefix = Some("ANN_".to_owned());
    assert_eq!(
        list(Filter {
            user_prefix,
            ..all()
        })
        .await,
        "ann_e"
    );
    let enterprise = made::wish("x", 1, "sp1+ACME").enterprise.unwrap();
    let enterprise = Some(EnterpriseKey::new(made::cluster(), &enterprise));
    assert_eq!(
        list(Filter {
            enterprise,
            ..all()
        })
        .await,
        "anna"
    );
    let request = Some(made::request(2));
    assert_eq!(list(Filter { request, ..all() }).await, "ann_e");
    let template = Some(made::wish("x", 1, "s").template);
    let cluster = Some(made::cluster());
    let both = Filter {
        template,
        cluster,
        ..all()
    };
    assert_eq!(list(both.clone()).await, "ann_e anna bob");
    let since = Some(Moment(u64::MAX));
    assert_eq!(list(Filter { since, ..both }).await, "");
}

pub(crate) async fn a_new_wish_of_a_finished_user_counts_as_queued(store: &Store) {
    put(store, made::wish("anna", 1, "SP1")).await;
    put_job(store, made::job("anna", 1, JobState::Provisioned)).await;
    let state = async || {
        let counts = store.counts().await.unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!(counts[0].users, 1);
        let user = store.user(&made::key("anna")).await.unwrap().unwrap();
        assert_eq!(user.state(), counts[0].state);
        assert_eq!(user.since(), counts[0].oldest);
        counts[0].state
    };
    assert_eq!(state().await, JobState::Provisioned);
    put(store, made::wish("anna", 2, "SP1")).await;
    assert_eq!(state().await, JobState::Queued);
    // What is still under way for an older wish is told as it is.
    put_job(store, made::job("anna", 1, JobState::Removing)).await;
    assert_eq!(state().await, JobState::Removing);
}

pub(crate) async fn what_waits_for_someone_is_grouped(store: &Store) {
    for user in ["a", "b", "c", "d", "e"] {
        put(store, made::wish(user, 1, "SP1")).await;
    }
    put_job(store, made::job("a", 1, JobState::Attention)).await;
    put_job(store, made::job("b", 1, JobState::Attention)).await;
    put_job(store, made::job("c", 1, JobState::WaitingConsent)).await;
    put_job(store, made::job("d", 1, JobState::Provisioned)).await;
    let groups = store.attention().await.unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| (group.state, group.fault.as_deref(), group.users))
        .collect();
    let expected = [
        (JobState::Attention, Some("A1103"), 2),
        (JobState::WaitingConsent, None, 1),
    ];
    assert_eq!(told, expected);
}

pub(crate) async fn a_start_sees_the_open_users_alone(store: &Store) {
    for user in ["a", "b", "c"] {
        put(store, made::wish(user, 1, "SP1")).await;
    }
    put_job(store, made::job("a", 1, JobState::Provisioned)).await;
    put_job(store, made::job("b", 1, JobState::WaitingWebex)).await;
    let mut seen = BTreeSet::new();
    let unreadable = store
        .load(|user| {
            seen.insert(user.key().user().to_owned());
        })
        .await;
    assert_eq!(unreadable, Ok(0));
    assert_eq!(seen, ["b", "c"].map(str::to_owned).into());
    let mut all = Vec::new();
    store
        .each(|user| all.push(user.key().user().to_owned()))
        .await
        .unwrap();
    assert_eq!(all, ["a", "b", "c"]);
}

pub(crate) async fn history_is_forgotten_by_age_but_not_that_of_open_jobs(store: &Store) {
    for (user, state) in [("over", JobState::Provisioned), ("open", JobState::Stalled)] {
        put(store, made::wish(user, 1, "SP1")).await;
        put_job(store, made::job(user, 1, state)).await;
        let steps = (1..=10).map(|at| Change::Step(Box::new(made::step(user, at, state))));
        store.save(steps.collect()).await.unwrap();
    }
    assert_eq!(store.prune_steps(Moment(5)).await, Ok(4));
    assert_eq!(store.history(&made::key("over")).await.unwrap().len(), 6);
    assert_eq!(store.history(&made::key("open")).await.unwrap().len(), 10);
    assert_eq!(store.prune_steps(Moment(5)).await, Ok(0));
}

pub(crate) async fn removed_users_are_forgotten_with_their_history(store: &Store) {
    for (user, state) in [("gone", JobState::Removed), ("here", JobState::Provisioned)] {
        put(store, made::wish(user, 1, "SP1")).await;
        put_job(store, made::job(user, 1, state)).await;
        let step = Change::Step(Box::new(made::step(user, u64::MAX >> 2, state)));
        store.save(vec![step]).await.unwrap();
    }
    let before_it = store
        .prune(made::job("gone", 1, JobState::Removed).since)
        .await;
    assert_eq!(before_it.unwrap().users, 0);
    let pruned = store.prune(Moment(1_800_000_000_000)).await.unwrap();
    assert_eq!((pruned.users, pruned.steps), (1, 0));
    assert_eq!(store.user(&made::key("gone")).await.unwrap(), None);
    assert_eq!(store.history(&made::key("gone")).await.unwrap(), []);
    assert_eq!(store.history(&made::key("here")).await.unwrap().len(), 1);
    // The name is free again, and begins anew.
    put(store, made::wish("gone", 1, "SP1")).await;
    assert_eq!(store.history(&made::key("gone")).await.unwrap(), []);
}

//! Checks of all monitored users at once.

use crate::domain::blf::requirements::Check;
use crate::domain::blf::requirements::DIRECTED_CALL_PICKUP;
use crate::domain::blf::requirements::Facts;
use crate::domain::blf::requirements::Person;
use crate::domain::blf::requirements::Reading;
use crate::domain::blf::requirements::Verdict;
use crate::domain::blf::requirements::has;
use crate::domain::blf::requirements::some;

pub(super) fn users_exist(facts: &Facts) -> Check {
    const ID: &str = "monitored-users";
    const QUESTION: &str = "Do the monitored users exist?";
    judge_all(ID, QUESTION, facts, |person| match &person.profile {
        Reading::Got(_) => One::Good,
        Reading::Missing => One::Bad,
        Reading::NotAllowed => One::Unknown,
        Reading::Failed(why) => One::Unread(why),
    })
    .finish(
        "all exist",
        "no such user",
        "take them off the list, or make them again; their lamps stay unknown",
    )
}

pub(super) fn pickup_of_monitored(facts: &Facts) -> Check {
    const ID: &str = "pickup-monitored";
    const QUESTION: &str = "Is Directed Call Pickup assigned to every monitored user?";
    judge_all(ID, QUESTION, facts, |person| match &person.services {
        Reading::Got(services) if has(services, DIRECTED_CALL_PICKUP) => One::Good,
        Reading::Got(_) => One::Bad,
        // That is told by another check.
        Reading::Missing => One::Good,
        Reading::NotAllowed => One::Unknown,
        Reading::Failed(why) => One::Unread(why),
    })
    .finish(
        "assigned to all",
        "not assigned to",
        "assign Directed Call Pickup to them: the guide wants it for all users",
    )
}

pub(super) fn addresses(facts: &Facts) -> Check {
    const ID: &str = "pickup-addresses";
    const QUESTION: &str = "Has every monitored user an extension or a number to pick up from?";
    judge_all(ID, QUESTION, facts, |person| match &person.profile {
        Reading::Got(profile) if profile.has_address => One::Good,
        Reading::Got(_) => One::Bad,
        Reading::Missing => One::Good,
        Reading::NotAllowed => One::Unknown,
        Reading::Failed(why) => One::Unread(why),
    })
    .finish(
        "all have one",
        "neither extension nor number:",
        "give them an extension; DirectedCallPickup names the line by it",
    )
}

/// What a check says of one monitored user.
enum One<'a> {
    Bad,
    Good,
    Unknown,
    Unread(&'a str),
}

/// What a check says of all of them.
struct All<'a> {
    id: &'static str,
    question: &'static str,
    asked: usize,
    bad: Vec<&'a str>,
    unknown: Vec<&'a str>,
    unread: Vec<(&'a str, &'a str)>,
}

fn judge_all<'a>(
    id: &'static str,
    question: &'static str,
    facts: &'a Facts,
    judge: impl Fn(&'a Person) -> One<'a>,
) -> All<'a> {
    let mut all = All {
        id,
        question,
        asked: facts.monitored.len(),
        bad: Vec::new(),
        unknown: Vec::new(),
        unread: Vec::new(),
    };
    for person in &facts.monitored {
        match judge(person) {
            One::Good => {}
            One::Bad => all.bad.push(&person.user),
            One::Unknown => all.unknown.push(&person.user),
            One::Unread(why) => all.unread.push((&person.user, why)),
        }
    }
    all
}

impl All<'_> {
    fn finish(self, good: &str, bad: &str, remedy: &str) -> Check {
        let check = |found: String| Check::ok(self.id, self.question, found);
        if !self.bad.is_empty() {
            return check(format!("{bad} {}", some(&self.bad))).bad(Verdict::Failed, remedy);
        }
        if let Some((user, why)) = self.unread.first() {
            let more = self.unread.len() - 1;
            let more = if more == 0 {
                String::new()
            } else {
                format!(" (and {more} more)")
            };
            return check(format!("{user}: {why}{more}"))
                .bad(Verdict::Failed, "mend that first, then check again");
        }
        if !self.unknown.is_empty() {
            return check(format!("may not be read: {}", some(&self.unknown))).bad(
                Verdict::ByHand,
                "look in CommPilot, or check with the account of [blf.account]",
            );
        }
        if self.asked == 0 {
            return check("nobody to look at".to_owned());
        }
        check(good.to_owned())
    }
}

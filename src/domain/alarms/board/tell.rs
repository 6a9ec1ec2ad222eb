//! What is kept and told of each change.

use std::time::SystemTime;

use crate::domain::alarms::alarm::Alarm;
use crate::domain::alarms::alarm::Entry;
use crate::domain::alarms::alarm::Told;
use crate::domain::alarms::board::Action;
use crate::domain::alarms::board::Board;
use crate::domain::alarms::board::Change;
use crate::domain::alarms::board::Held;
use crate::domain::alarms::board::Phase;
use crate::domain::alarms::board::dated;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::notice::Notice;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::policy::Policy;
use crate::domain::alarms::whose;
use crate::domain::alarms::whose::Whose;
use crate::domain::machine::Now;

impl Board {
    /// Has a change of an alarm kept, and told to whoever is told of it: to nobody while a silence
    /// holds it back.
    pub(super) fn tell(
        &mut self,
        key: &AlarmKey,
        kind: NoticeKind,
        by: Option<(&str, &str)>,
        now: Now,
    ) {
        let silenced = self.is_silenced(key, now);
        let identifier = self.number();
        let Self { held, policy, .. } = self;
        let Some(Held {
            phase: Phase::Raised(raised),
            ..
        }) = held.get_mut(key)
        else {
            return;
        };
        // Who has heard nothing because of a silence hears first that it is there.
        let unheard = raised.alarm.told.is_none() && !silenced;
        let kind = if kind == NoticeKind::Stepped && unheard {
            NoticeKind::Raised
        } else {
            kind
        };
        raised.alarm.identifier = identifier;
        let notice = notice(&raised.alarm, kind, policy, dated(now));
        self.told(key, notice, by, silenced, now);
    }

    /// Takes note of what a notice makes people know, and has it kept and sent.
    fn told(
        &mut self,
        key: &AlarmKey,
        notice: Notice,
        by: Option<(&str, &str)>,
        silenced: bool,
        now: Now,
    ) {
        let remind = now.mono + self.policy.remind_every;
        let Some(Held {
            phase: Phase::Raised(raised),
            ..
        }) = self.held.get_mut(key)
        else {
            return;
        };
        let over = notice.kind.is_end();
        let before = raised.alarm.told.as_ref().map(|told| told.worst);
        // The end of what was told is told, whatever silence there is now.
        let reach = match (over, silenced) {
            (true, _) => before,
            (false, true) => None,
            (false, false) => {
                let alarm = &mut raised.alarm;
                let told = alarm.told.get_or_insert_with(|| Told {
                    at: notice.at,
                    severity: notice.severity,
                    worst: notice.severity,
                    steps: Vec::new(),
                });
                told.note(notice.severity, &notice.step, notice.at);
                raised.remind = remind;
                match notice.kind {
                    // Who is not told of that severity is not reminded of it either.
                    NoticeKind::Reminded => Some(notice.severity),
                    NoticeKind::Raised
                    | NoticeKind::Stepped
                    | NoticeKind::Acknowledged
                    | NoticeKind::Cleared
                    | NoticeKind::Test => Some(told.worst),
                }
            }
        };
        raised.kept = raised.alarm.count;
        let entry = Entry {
            silenced: reach.is_none(),
            notice,
            by: by.map(|(who, _)| who.to_owned()),
            comment: by
                .map(|(_, comment)| comment.to_owned())
                .filter(|comment| !comment.is_empty()),
        };
        self.actions.push_back(Action::Changed(Box::new(Change {
            key: key.clone(),
            alarm: (!over).then(|| raised.alarm.clone()),
            entry: Some(entry),
            reach,
        })));
    }

    /// Has an alarm kept as it is, without a word to anybody.
    pub(super) fn keep(&mut self, key: &AlarmKey) {
        if let Some(Held {
            phase: Phase::Raised(raised),
            ..
        }) = self.held.get_mut(key)
        {
            raised.kept = raised.alarm.count;
            self.actions.push_back(Action::Changed(Box::new(Change {
                key: key.clone(),
                alarm: Some(raised.alarm.clone()),
                entry: None,
                reach: None,
            })));
        }
    }
}

pub(super) fn notice(alarm: &Alarm, kind: NoticeKind, policy: &Policy, at: SystemTime) -> Notice {
    let mut details = alarm.details.clone();
    let runbook = policy.runbook(alarm.key.name);
    if let Some(runbook) = runbook
        && !details.iter().any(|(name, _)| name == "runbook")
    {
        details.push(("runbook".to_owned(), runbook.to_owned()));
    }
    if alarm.flapping {
        details.push((
            "flapping".to_owned(),
            "it comes and goes; it is held until it has been quiet for half an hour".to_owned(),
        ));
    }
    let text = match kind {
        NoticeKind::Cleared => format!("It is over: {}", alarm.text),
        NoticeKind::Acknowledged => match &alarm.ack {
            Some(ack) if ack.comment.is_empty() => {
                format!("{} has it: {}", ack.who, alarm.text)
            }
            Some(ack) => format!("{} has it ({}): {}", ack.who, ack.comment, alarm.text),
            None => alarm.text.clone(),
        },
        NoticeKind::Raised | NoticeKind::Stepped | NoticeKind::Reminded | NoticeKind::Test => {
            alarm.text.clone()
        }
    };
    Notice {
        identifier: alarm.identifier,
        kind,
        key: alarm.key.clone(),
        severity: alarm.severity,
        at,
        since: alarm.since,
        count: alarm.count,
        system: policy.system.clone(),
        text,
        action: match kind {
            NoticeKind::Cleared => "Nothing has to be done.".to_owned(),
            NoticeKind::Raised
            | NoticeKind::Stepped
            | NoticeKind::Reminded
            | NoticeKind::Acknowledged
            | NoticeKind::Test => {
                let whose = Whose::of(&alarm.details);
                whose::action(alarm.key.name, &alarm.step, whose).to_owned()
            }
        },
        step: alarm.step.clone(),
        rule: alarm.rule.clone(),
        ends: alarm.ends,
        details,
        ending: policy.ending.clone(),
    }
}

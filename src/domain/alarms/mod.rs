//! Alarms: what is wrong, how bad, since when, who knows of it, and when it is over. Judgement
//! only; alarms are kept by `store`, carried by `outbound::alerts` and driven by
//! `workers::alarm_desk`.

pub mod alarm;
pub mod appetite;
pub mod board;
pub mod catalogue;
pub mod impact;
pub mod key;
pub mod name;
pub mod notice;
pub mod observation;
pub mod outbox;
pub mod policy;
pub mod refusals;
pub mod severity;
pub mod silence;
pub mod whose;

pub use alarm::Ack;
pub use alarm::Alarm;
pub use alarm::Entry;
pub use appetite::Appetite;
pub use appetite::QuietHours;
pub use board::Board;
pub use impact::CaseLevel;
pub use key::AlarmKey;
pub use key::Object;
pub use name::AlarmName;
pub use notice::Notice;
pub use notice::NoticeKind;
pub use observation::Condition;
pub use observation::Observation;
pub use observation::Present;
pub use policy::Policy;
pub use severity::Severity;
pub use silence::Silence;
pub use whose::Whose;

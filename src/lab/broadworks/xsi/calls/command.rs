//! Commands on one call.

use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Record;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::calls::absolute;
use crate::lab::broadworks::xsi::calls::carry_out;
use crate::lab::broadworks::xsi::calls::done;
use crate::lab::broadworks::xsi::calls::start::address;
use crate::lab::broadworks::xsi::calls::start::given;
use crate::lab::broadworks::xsi::calls::start::started;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::PUT;
use crate::lab::broadworks::xsi::route::UserAsk;

/// A command by its resource.
enum Name {
    BlindTransfer,
    ClientSessionInfo,
    GroupCallPark,
    Hold,
    MuteTransfer,
    Park,
    Reconnect,
    Recording(Record),
    Talk,
    TransmitDtmf,
    VmTransfer,
}

impl Name {
    fn of(path: &str) -> Option<Self> {
        match path {
            "blindtransfer" => Some(Self::BlindTransfer),
            "clientsessioninfo" => Some(Self::ClientSessionInfo),
            "groupcallpark" => Some(Self::GroupCallPark),
            "hold" => Some(Self::Hold),
            "mutetransfer" => Some(Self::MuteTransfer),
            "park" => Some(Self::Park),
            "pauserecording" => Some(Self::Recording(Record::Pause)),
            "reconnect" => Some(Self::Reconnect),
            "record" => Some(Self::Recording(Record::Start)),
            "resumerecording" => Some(Self::Recording(Record::Resume)),
            "stoprecording" => Some(Self::Recording(Record::Stop)),
            "talk" => Some(Self::Talk),
            "transmitdtmf" => Some(Self::TransmitDtmf),
            "vmtransfer" => Some(Self::VmTransfer),
            _ => None,
        }
    }
}

/// `calls/{id}/{command}`, the command in lower case.
pub(super) fn answer(ask: &UserAsk<'_>, call: LegId, command: &str) -> Outcome {
    let named = Name::of(command).ok_or(Fault::UnknownResource)?;
    ask.only(PUT)?;
    let needed = |name: &'static str| {
        let value = given(ask, name).ok_or(Fault::Parameter(name))?;
        Ok::<_, Fault>(value.to_owned())
    };
    let optional = || given(ask, "address").map(str::to_owned);
    let command = match named {
        Name::BlindTransfer => Command::BlindTransfer(call, address(ask)?),
        Name::ClientSessionInfo => Command::Info(call, needed("info")?),
        Name::GroupCallPark => Command::GroupPark(call),
        Name::Hold => Command::Hold(call),
        Name::MuteTransfer => Command::MuteTransfer(call, address(ask)?),
        Name::Park => Command::Park(call, optional()),
        Name::Reconnect => Command::Reconnect(call),
        Name::Recording(record) => Command::Record(call, record),
        Name::Talk => Command::Talk(call),
        Name::TransmitDtmf => Command::SendDigits(call, needed("playdtmf")?),
        Name::VmTransfer => Command::VoiceMailTransfer(call, optional()),
    };
    let reply = carry_out(ask, command)?;
    Ok(match &reply {
        Reply::Done => Answer::done(),
        // Clients read the retrieving address out of the query.
        Reply::Parked { address } => Answer {
            content_location: Some(absolute(
                ask,
                &format!("calls/ParkRetrieve?address={address}"),
            )),
            ..Answer::done()
        },
        Reply::Started { .. } => Answer {
            location: None,
            ..started(ask, &reply)
        },
    })
}

/// `calls/{id}/ConsultTransfer/{other}`.
pub(super) fn consult(ask: &UserAsk<'_>, call: LegId, other: LegId) -> Outcome {
    ask.only(PUT)?;
    done(ask, Command::ConsultTransfer(call, other))
}

//! OCI-P messages cut out of a stream in pieces, and what is read of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::ocip::Answer;
use xspd::domain::ocip::facts;
use xspd::domain::ocip::framing::Framer;

/// The forms whose answers are read.
const FORMS: [&str; 4] = [
    "AuthenticationVerifyRequest22V4",
    "SystemClientIdentityGetListRequest",
    "UserBusyLampFieldGetRequest16sp2",
    "UserGetLoginInfoRequestRI",
];

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how large the pieces are.
    let Some((piece, stream)) = bytes.split_first() else {
        return;
    };
    let whole = messages(stream, stream.len());
    assert_eq!(whole, messages(stream, usize::from(*piece)));
    for message in whole {
        if let Ok(answer) = Answer::parse(&message) {
            let _ = answer.refusal().map(|refusal| refusal.meaning());
            for form in FORMS {
                if let Ok(command) = answer.to_request(form) {
                    let _ = facts::Verified::read(command);
                    let _ = facts::LoginInfo::read(command);
                    let _ = facts::UserDetails::read(command);
                    let _ = facts::BusyLampField::read(command);
                    let _ = facts::client_identities(command);
                }
            }
        }
    }
});

/// Every message before the first fault.
fn messages(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut framer = Framer::default();
    let mut messages = Vec::new();
    for piece in stream.chunks(piece.max(1)) {
        framer.push(piece);
        loop {
            match framer.message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return messages,
            }
        }
    }
    messages
}

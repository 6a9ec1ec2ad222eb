//! Documents as they come over the wire: torn, together, echoed, malformed, too large.

use crate::lab::broadworks::ocip::frame::LIMIT;
use crate::lab::broadworks::ocip::tests::wire::ALICE;
use crate::lab::broadworks::ocip::tests::wire::INVALID;
use crate::lab::broadworks::ocip::tests::wire::NOT_AUTHORIZED;
use crate::lab::broadworks::ocip::tests::wire::Served;
use crate::lab::broadworks::ocip::tests::wire::command;
use crate::lab::broadworks::ocip::tests::wire::document;

#[tokio::test]
async fn torn_and_joined_documents_are_answered_one_by_one() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let test = command("AvailabilityTestRequest", "");
    let all: String = ["a", "b", "c"]
        .map(|session| document(session, &test))
        .concat();
    let (first, rest) = all.split_at(all.len() / 2);
    client.send(first.as_bytes()).await;
    assert_eq!(client.receive().await.unwrap().session, "a");
    for byte in rest.as_bytes() {
        client.send(&[*byte]).await;
    }
    for session in ["b", "c"] {
        let answers = client.receive().await.unwrap();
        assert_eq!(answers.session, session);
        answers.commands[0].expect_success();
    }
}

#[tokio::test]
async fn every_command_of_a_document_is_answered_in_order_with_its_echo() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let get = command("UserGetRequest22", "<userId>nobody</userId>");
    let commands = [
        command("VerifySessionIsValidRequest", "").replace("<command", "<command echo=\"1&quot;\""),
        get.replace("<command", "<command echo=\"2\""),
        command("SystemSoftwareVersionGetRequest", ""),
    ];
    client
        .send(document("lab-1", &commands.concat()).as_bytes())
        .await;
    let answers = client.receive().await.unwrap().commands;
    answers[0].expect_success();
    assert_eq!(answers[1].summary(), "[Error 4008] User not found: nobody");
    assert_eq!(answers[2].text("version"), "24.0");
    let echoes: Vec<_> = answers
        .iter()
        .map(|held| held.0.attribute("echo").unwrap())
        .collect();
    assert_eq!(echoes, ["1\"", "2", ""]);
}

#[tokio::test]
async fn answers_come_in_the_encoding_of_the_request() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let inner = "<userId>noël@customer.example.net</userId>";
    let utf8 = document("lab-1", &command("UserGetRequest22", inner));
    let latin = utf8.replace("UTF-8", "ISO-8859-1");
    let latin: Vec<u8> = latin
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    for (request, label, name) in [
        (utf8.as_bytes(), "encoding=\"UTF-8\"", "Noël".as_bytes()),
        (&latin, "encoding=\"ISO-8859-1\"", b"No\xebl"),
    ] {
        client.send(request).await;
        let answer = client.receive_raw().await.unwrap();
        let has = |part: &[u8]| answer.windows(part.len()).any(|held| held == part);
        assert!(has(label.as_bytes()) && has(name), "{label}");
    }
}

#[tokio::test]
async fn wrong_documents_are_refused_and_the_connection_goes_on() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let good = document("lab-1", &command("VerifySessionIsValidRequest", ""));
    for (wrong, detail) in [
        (
            good.replace("<Broad", "<!DOCTYPE x><Broad"),
            "document type declaration",
        ),
        (good.replace("</command>", ""), "mismatched tags"),
        (good.replace("\"OCI\"", "\"X\""), "protocol"),
        (
            good.replace("Verify", "Verity"),
            "VeritySessionIsValidRequest",
        ),
        (
            good.replace("></command>", "><x/></command>"),
            "'x' is not expected",
        ),
        (
            "<BroadsoftDocument></BroadsoftDocument>".to_owned(),
            "sessionId",
        ),
    ] {
        client.send(wrong.as_bytes()).await;
        let answers = client.receive().await.unwrap();
        assert_eq!(answers.commands[0].summary(), INVALID);
        let found = answers.commands[0].text("detail");
        assert!(found.contains(detail), "{found}");
        client.send(good.as_bytes()).await;
        client.receive().await.unwrap().commands[0].expect_success();
    }
}

#[tokio::test]
async fn a_document_without_end_ends_the_connection() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let (mut reader, mut writer) = client.stream.split();
    let flood = async {
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..=LIMIT / piece.len() {
            if tokio::io::AsyncWriteExt::write_all(&mut writer, &piece)
                .await
                .is_err()
            {
                break;
            }
        }
    };
    let mut rest = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut rest);
    let ((), _) = tokio::join!(flood, read);
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_login_ends_with_its_connection() {
    let served = Served::start().await;
    drop(served.administrator().await);
    let mut client = served.connect().await;
    let answer = client.about("UserGetRequest22", ALICE).await;
    assert_eq!(answer.summary(), NOT_AUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn silent_clients_are_cut() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    assert!(client.rest().await.is_empty());
    let mut client = served.connect().await;
    client.send(b"<BroadsoftDocument").await;
    assert!(client.rest().await.is_empty());
}

//! Users, groups and service providers as they are read and deleted.

use crate::lab::broadworks::ocip::tests::wire::ALICE;
use crate::lab::broadworks::ocip::tests::wire::INVALID;
use crate::lab::broadworks::ocip::tests::wire::Served;

#[tokio::test]
async fn a_profile_has_what_its_version_has() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    for (version, with, without) in [
        (
            "17sp4",
            &[][..],
            &["userId", "impId", "alternateUserId", "allowVideo"][..],
        ),
        (
            "19",
            &["impId"],
            &["userId", "alternateUserId", "allowVideo"],
        ),
        (
            "21sp1",
            &["impId", "alternateUserId"],
            &["userId", "allowVideo"],
        ),
        (
            "22",
            &["userId", "impId", "alternateUserId"],
            &["allowVideo"],
        ),
        (
            "23V2",
            &[
                "userId",
                "impId",
                "alternateUserId",
                "allowVideo",
                "isPlace",
            ],
            &[],
        ),
    ] {
        let answer = client
            .about(&format!("UserGetRequest{version}"), ALICE)
            .await;
        assert_eq!(answer.name(), format!("UserGetResponse{version}"));
        for (name, text) in [
            ("serviceProviderId", "ent1"),
            ("groupId", "hq"),
            ("lastName", "Example"),
            ("firstName", "Renée"),
            ("callingLineIdLastName", "Example"),
            ("callingLineIdFirstName", "Renée"),
            ("phoneNumber", "+1-2405550101"),
            ("extension", "0101"),
            ("callingLineIdPhoneNumber", "+12405550101"),
            ("defaultAlias", ALICE),
            ("emailAddress", "alice@example.net"),
            ("countryCode", "1"),
        ] {
            assert_eq!(answer.text(name), text, "{version} {name}");
        }
        let department = answer.0.child("department").unwrap();
        assert_eq!(department.child_text("name"), Some("Voice"));
        assert_eq!(department.attribute("type"), Some("GroupDepartmentKey"));
        for name in with {
            assert!(answer.has(name), "{version} {name}");
        }
        for name in without {
            assert!(!answer.has(name), "{version} {name}");
        }
    }
    let answer = client.about("UserGetRequest22", "Zoë").await;
    assert_eq!(answer.summary(), "[Error 4008] User not found: Zoë");
    assert_eq!(client.ask("UserGetRequest22", "").await.summary(), INVALID);
}

#[tokio::test]
async fn services_are_told_to_whom_has_them() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let answer = client
        .about("UserIntegratedIMPGetRequest21sp1", ALICE)
        .await;
    assert_eq!(answer.name(), "UserIntegratedIMPGetResponse21sp1");
    assert_eq!(answer.names(), ["isActive", "impId"]);
    assert_eq!(answer.text("impId"), "alice@example.net");
    let field = "UserBusyLampFieldGetRequest16sp2";
    let answer = client.about(field, ALICE).await;
    assert_eq!(answer.name(), "UserBusyLampFieldGetResponse16sp2");
    assert_eq!(answer.text("listURI"), "alice-blf@as.example.net");
    assert_eq!(answer.text("enableCallParkNotification"), "false");
    let (headings, rows) = answer.table("monitoredUserTable");
    assert_eq!((headings.len(), headings[0].as_str()), (12, "User Id"));
    let ids: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids, ["bob@as.example.net", "carol@as.example.net"]);
    assert!(rows.iter().all(|row| row.len() == 12));
    assert_eq!(rows[0][5..7], ["+1-2405550102", "0102"]);
    let answer = client.about(field, "dan@as.example.net").await;
    assert_eq!(
        answer.summary(),
        "[Error 4410] Service not assigned: Busy Lamp Field"
    );
}

#[tokio::test]
async fn service_providers_and_groups_are_told_apart() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    for version in ["17sp1", "22V4"] {
        let name = format!("ServiceProviderGetRequest{version}");
        for (id, enterprise) in [("ent1", true), ("sp1", false)] {
            let inner = format!("<serviceProviderId>{id}</serviceProviderId>");
            let answer = client.ask(&name, &inner).await;
            assert_eq!(answer.name(), name.replace("Request", "Response"));
            let kind = if enterprise {
                "isEnterprise"
            } else {
                "useCustomRoutingProfile"
            };
            assert_eq!(answer.names()[..2], [kind, "defaultDomain"]);
            assert_eq!(answer.text("serviceProviderName"), id);
            assert_eq!(answer.has("serviceProviderId"), version == "22V4");
        }
        let inner = "<serviceProviderId>x</serviceProviderId>";
        let summary = client.ask(&name, inner).await.summary();
        assert!(
            summary.ends_with("Service provider not found: x"),
            "{summary}"
        );
    }
    for version in ["14sp7", "22V5"] {
        let name = format!("GroupGetRequest{version}");
        let inner = "<serviceProviderId>ent1</serviceProviderId><groupId>branch</groupId>";
        let answer = client.ask(&name, inner).await;
        assert_eq!(answer.name(), name.replace("Request", "Response"));
        assert_eq!(answer.text("userCount"), "3");
        assert_eq!(answer.has("groupId"), version == "22V5");
        let inner = "<serviceProviderId>ent1</serviceProviderId><groupId>x</groupId>";
        let summary = client.ask(&name, inner).await.summary();
        assert!(summary.ends_with("Group not found: x"), "{summary}");
    }
}

#[tokio::test]
async fn lists_of_users_are_searched_and_cut() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let criterion = |name: &str, mode: &str, value: &str, any_case: bool| {
        format!(
            "<searchCriteria{name}><mode>{mode}</mode><value>{value}</value>\
             <isCaseInsensitive>{any_case}</isCaseInsensitive></searchCriteria{name}>"
        )
    };
    let group = "<serviceProviderId>ent1</serviceProviderId><GroupId>hq</GroupId>";
    let name = "UserGetListInGroupRequest";
    for (rest, expected) in [
        (String::new(), 7),
        ("<responseSizeLimit>2</responseSizeLimit>".to_owned(), 2),
        (criterion("UserLastName", "Starts With", "b", true), 1),
        (criterion("UserLastName", "Starts With", "b", false), 0),
        (criterion("UserFirstName", "Equal To", "Jürgen", false), 1),
        (criterion("Dn", "Contains", "555010", true), 6),
        (
            criterion("EmailAddress", "Contains", "@example.net", true),
            7,
        ),
        (criterion("Extension", "Equal To", "0107", true), 1),
        (
            criterion("UserId", "Contains", "a", true)
                + &criterion("UserId", "Contains", "b", true),
            2,
        ),
    ] {
        let answer = client.ask(name, &format!("{group}{rest}")).await;
        let (headings, rows) = answer.table("userTable");
        assert_eq!(headings.len(), 13);
        assert!(rows.iter().all(|row| row.len() == 13));
        assert_eq!(rows.len(), expected, "{rest}");
    }
    for bad in [
        "<responseSizeLimit>0</responseSizeLimit>".to_owned(),
        criterion("Dn", "Like", "5", true),
        criterion("Dn", "Contains", "5", true).replace("true", "maybe"),
        criterion("Dn", "Contains", "", true),
        criterion("ExactUserDepartment", "Equal To", "5", true),
    ] {
        let answer = client.ask(name, &format!("{group}{bad}")).await;
        assert_eq!(answer.summary(), INVALID, "{bad}");
    }
    let name = "UserGetListInServiceProviderRequest";
    let inner = "<serviceProviderId>ent1</serviceProviderId>";
    let (headings, rows) = client.ask(name, inner).await.table("userTable");
    assert_eq!((headings.len(), rows.len()), (13, 10));
    assert_eq!(rows[0][..3], [ALICE, "hq", "Example"]);
    let inner = "<serviceProviderId>x</serviceProviderId>";
    assert!(client.ask(name, inner).await.summary().ends_with(": x"));
}

#[tokio::test]
async fn a_deleted_user_is_unknown_everywhere_and_for_good() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    client
        .about("LongLivedTokenRevokeRequest", ALICE)
        .await
        .expect_success();
    client
        .about("UserDeleteRequest", ALICE)
        .await
        .expect_success();
    let gone = format!("[Error 4008] User not found: {ALICE}");
    for name in [
        "UserDeleteRequest",
        "UserGetRequest22",
        "UserGetLoginInfoRequestRI",
    ] {
        assert_eq!(client.about(name, ALICE).await.summary(), gone);
    }
    let served = served.restart().await;
    let mut client = served.administrator().await;
    assert_eq!(
        client.about("UserGetRequest22", ALICE).await.summary(),
        gone
    );
    assert!(!served.lab.delete_user(ALICE).unwrap());
}

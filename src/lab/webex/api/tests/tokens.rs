//! Who is let in.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::api::CLIENT_ID;
use crate::lab::webex::api::CLIENT_SECRET;
use crate::lab::webex::api::REFRESH_TOKEN;
use crate::lab::webex::api::SERVICE_APP;
use crate::lab::webex::api::tests::Reply;
use crate::lab::webex::api::tests::SUBSCRIBERS;
use crate::lab::webex::api::tests::World;

fn get(authorization: &str) -> Request<Full<Bytes>> {
    Request::get(SUBSCRIBERS)
        .header("Host", "localhost")
        .header("Authorization", authorization)
        .header("TrackingID", "BWA_1")
        .body(Full::default())
        .unwrap()
}

async fn exchange(world: &World, secret: &str, refresh: &str) -> Reply {
    let form = format!(
        "grant_type=refresh_token&client_id={CLIENT_ID}&client_secret={secret}\
         &refresh_token={refresh}"
    );
    let request = Request::post("/v1/access_token")
        .header("Host", "localhost")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form)));
    world.ask(request.unwrap()).await
}

#[tokio::test]
async fn only_a_good_token_is_let_in_and_the_call_keeps_its_name() {
    let world = World::start(1).await;
    for authorization in ["Bearer x", "Basic eDp5", ""] {
        let reply = world.ask(get(authorization)).await;
        let (status, _, text) = reply.error();
        assert_eq!(status, 401);
        assert!(text.contains("valid access token"), "{text}");
        assert_eq!(reply.header("trackingid"), Some("BWA_1"));
    }
    let good = format!("Bearer {}", world.api.access_token().unwrap());
    assert_eq!(world.ask(get(&good)).await.status, 200);
    world.control("DELETE", "tokens", &Value::Null);
    assert_eq!(world.ask(get(&good)).await.status, 401);
    let unnamed = world.call("GET", SUBSCRIBERS, &Value::Null).await;
    assert!(unnamed.header("trackingid").unwrap().starts_with("NA_"));
    world.end().await;
}

#[tokio::test]
async fn a_refresh_token_brings_an_access_token_with_its_life() {
    let world = World::start(1).await;
    let reply = exchange(&world, CLIENT_SECRET, REFRESH_TOKEN).await;
    let body = reply.json();
    assert_eq!(body["expires_in"], 1_209_599);
    assert_eq!(body["refresh_token_expires_in"], 7_775_999);
    assert_ne!(body["refresh_token"], REFRESH_TOKEN);
    let token = format!("Bearer {}", body["access_token"].as_str().unwrap());
    assert_eq!(world.ask(get(&token)).await.status, 200);

    assert_eq!(exchange(&world, "x", REFRESH_TOKEN).await.error().0, 401);
    assert_eq!(exchange(&world, CLIENT_SECRET, "x").await.error().0, 400);
    let settings = json!({ "rotation": "strict", "access-token-lifetime": 0 });
    world.control("PUT", "settings", &settings);
    assert_eq!(
        exchange(&world, CLIENT_SECRET, REFRESH_TOKEN)
            .await
            .error()
            .0,
        400
    );
    let newest = body["refresh_token"].as_str().unwrap();
    let body = exchange(&world, CLIENT_SECRET, newest).await.json();
    let token = format!("Bearer {}", body["access_token"].as_str().unwrap());
    assert_eq!(world.ask(get(&token)).await.status, 401, "its life is over");
    world.control("PUT", "refresh-token", &json!({ "good": false }));
    let newest = body["refresh_token"].as_str().unwrap();
    assert_eq!(exchange(&world, CLIENT_SECRET, newest).await.error().0, 400);
    let kept = world.control("GET", "calls", &Value::Null).to_string();
    assert!(!kept.contains(CLIENT_SECRET) && !kept.contains(REFRESH_TOKEN));
    world.end().await;
}

#[tokio::test]
async fn a_service_app_gets_a_token_for_the_partner() {
    let world = World::start(1).await;
    let target = format!("/v1/applications/{SERVICE_APP}/token");
    let mut body = json!({
        "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "targetOrgId": ORGANIZATION,
    });
    let granted = world.good("POST", &target, &body).await;
    assert_eq!(granted["expires_in"], 3600);
    assert_eq!(granted["refresh_token_expires_in"], 7_776_000);
    let token = format!("Bearer {}", granted["access_token"].as_str().unwrap());
    assert_eq!(world.ask(get(&token)).await.status, 200);
    body["targetOrgId"] = "other".into();
    assert_eq!(world.call("POST", &target, &body).await.error().0, 403);
    let other = "/v1/applications/other/token";
    assert_eq!(world.call("POST", other, &body).await.error().0, 404);
    world.end().await;
}

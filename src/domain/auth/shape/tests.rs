//! What is shown, and that nothing else is.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;

fn jws(claims: &Value) -> String {
    let part = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = part(json!({ "alg": "RS256", "kid": "Hunter2Hunter2" }).to_string());
    let claims = part(claims.to_string());
    format!("{header}.{claims}.{}", part("signature".to_owned()))
}

#[test]
fn json_keeps_names_and_loses_values() {
    let text = json!({
        "token": jws(&json!({ "sub": "alice@example.com", "iat": 1_616_017_564_343_u64 })),
        "active": true,
        "ids": [12, 34, "abc"],
        "alice@example.com": null,
        "rate": 1.5,
    });
    let shape = body(Some("application/json"), text.to_string().as_bytes());
    assert_eq!(shape["json"]["active"], "boolean");
    assert_eq!(shape["json"]["rate"], "number");
    assert_eq!(
        shape["json"]["ids"][0],
        json!({ "times": 2, "each": "integer(2 digits)" })
    );
    assert_eq!(shape["json"]["ids"][1], "string(3, text)");
    assert_eq!(shape["json"]["name(17, user-at-host)"], "null");
    let token = &shape["json"]["token"]["jws"];
    assert_eq!(token["header"]["alg"], "RS256");
    assert_eq!(token["header"]["kid"], "string(14, text)");
    assert_eq!(token["claims"]["sub"], "string(17, user-at-host)");
    assert_eq!(token["claims"]["iat"], "integer(13 digits)");
}

#[test]
fn xml_forms_text_and_bytes_have_their_shapes() {
    let xml = r#"<?xml version="1.0"?><r id="abc"><a>1</a><a>2</a><b>x y</b></r>"#;
    let root = &body(None, xml.as_bytes())["xml"];
    assert_eq!(root["element"], "r");
    assert_eq!(root["attributes"]["id"], "string(3, text)");
    assert_eq!(root["children"][0]["each"]["text"], "string(1, digits)");
    assert_eq!(root["children"][1]["element"], "b");
    let form = body(
        Some("application/x-www-form-urlencoded"),
        b"token=a%20b&hunter2secret&user=alice%40as",
    );
    assert_eq!(
        form["form"],
        json!([
            { "name": "token", "value": "string(3, text)" },
            { "name": null, "value": "string(13, text)" },
            { "name": "user", "value": "string(8, user-at-host)" },
        ])
    );
    assert_eq!(body(None, b"true\n")["text"], "string(4, text)");
    assert_eq!(body(None, b" \n"), Value::Null);
    let noise: Vec<u8> = (0..=255).collect();
    let binary = json!({ "length": 256, "entropy": "high" });
    assert_eq!(body(Some("application/json"), &noise)["binary"], binary);
    assert_eq!(body(None, &[0xff; 9])["binary"]["entropy"], "low");
}

#[test]
fn texts_have_a_length_and_a_kind() {
    for (given, shape) in [
        ("", "string(0)"),
        ("1616017564343", "string(13, digits)"),
        ("1eb65fdf-9643-417f-9974-ad72cae0e10f", "string(36, uuid)"),
        ("0123456789abcdef", "string(16, hex)"),
        (
            "abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJKLMNO",
            "string(43, base64url)",
        ),
        ("abcdefghijklmnopqrstuvwx+/==", "string(28, base64)"),
        ("https://a.example.com/x", "string(23, url)"),
        ("alice@as.example.com", "string(20, user-at-host)"),
        ("hello world", "string(11, text)"),
        ("größe", "string(5, unicode)"),
        ("a.b.c", "string(5, text)"),
    ] {
        assert_eq!(text(given), shape, "{given}");
    }
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#);
    let jwe = text(&format!("{header}.a.b.c.d"));
    assert_eq!(jwe["jwe"]["header"]["enc"], "A256GCM");
    assert_eq!(jwe["jwe"]["part-lengths"][1], 1);
}

#[test]
fn a_path_keeps_its_words_and_no_identifier() {
    for (given, shape) in [
        ("/authService/token", "/authService/token"),
        ("/authService/token/", "/authService/token/"),
        (
            "/com.broadsoft.xsi-actions/v2.0/user/alice/profile",
            "/com.broadsoft.xsi-actions/v2.0/user/{string(5, text)}/profile",
        ),
        (
            "/authService/validate/alice%40as",
            "/authService/validate/{string(8, user-at-host)}",
        ),
        ("/x/5551234", "/x/{string(7, digits)}"),
    ] {
        assert_eq!(path(given), shape);
    }
    assert_eq!(method("GET"), "GET");
    assert_eq!(
        query("key=abc"),
        json!([{ "name": "key", "value": "string(3, text)" }])
    );
}

#[test]
fn headers_show_their_names_and_only_harmless_values() {
    let shown = |field: &str, value: &str| header(field, value.as_bytes());
    let is = |value: &str| json!(value);
    assert_eq!(
        shown("Content-Type", "application/json; charset=utf-8")["is"],
        is("application/json; charset=utf-8")
    );
    assert_eq!(shown("content-length", "1234567890")["is"], "1234567890");
    assert_eq!(
        shown("accept", "text/html, */*;q=0.8")["is"],
        "text/html, */*;q=0.8"
    );
    for value in [
        "multipart/x; boundary=hunter2hunter2",
        "a/b; user=alice",
        "a@b",
    ] {
        assert_eq!(shown("content-type", value).get("is"), None, "{value}");
    }
    let basic = shown("Authorization", "Basic YWxpY2U6aHVudGVyMg==");
    assert_eq!(basic["scheme"], "Basic");
    assert_eq!(basic["value"], "string(20, base64url)");
    let token = shown(
        "authorization",
        &format!("bearer {}", jws(&json!({ "sub": "a" }))),
    );
    assert_eq!(token["value"]["jws"]["claims"]["sub"], "string(1, text)");
    assert_eq!(
        shown("authorization", "hunter2 x")["scheme"],
        "string(7, text)"
    );
    assert_eq!(shown("x-user", "alice")["value"], "string(5, text)");
    assert_eq!(header("x-user", b"\xff")["value"], "binary(1)");
}

#[test]
fn a_huge_document_has_a_bounded_shape() {
    let many: Vec<Value> = (0..50_000)
        .map(|n| json!({ format!("k{}", n % 7): n }))
        .collect();
    let shape = body(None, json!(many).to_string().as_bytes()).to_string();
    assert!(shape.len() < 100_000, "{}", shape.len());
}

/// All that is shown of messages which hold a value in every place there is.
fn everything(value: &str) -> String {
    let escaped = format!(
        "%{}",
        value
            .bytes()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .join("%")
    );
    let xml = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    let document = json!({ "a": value, "b": [value], "c": { "d": jws(&json!({ "sub": value })) } });
    let shapes = [
        text(value),
        body(None, document.to_string().as_bytes()),
        body(None, format!("<r a=\"{xml}\"><b>{xml}</b></r>").as_bytes()),
        body(
            Some("application/x-www-form-urlencoded"),
            format!("a={escaped}&{escaped}").as_bytes(),
        ),
        body(Some("text/plain"), value.as_bytes()),
        query(&format!("key={escaped}&{escaped}")),
        Value::String(path(&format!("/authService/user/{escaped}/x"))),
        header("x-value", value.as_bytes()),
        header("content-type", format!("a/b; c={value}").as_bytes()),
        header("authorization", format!("Bearer {value}").as_bytes()),
        header("authorization", value.as_bytes()),
        header("cookie", format!("session={value}").as_bytes()),
    ];
    shapes.iter().map(|shape| format!("{shape}\n")).collect()
}

proptest! {
    #[test]
    fn no_piece_of_a_value_survives(value in "[A-Z0-9~!*@ -]{6,60}|[^\\x00-\\x7f]{6,30}") {
        let shown = everything(&value);
        let characters: Vec<char> = value.chars().collect();
        for piece in characters.windows(4) {
            // Words that the shapes themselves use are no leak of a value.
            let piece: String = piece.iter().collect();
            prop_assert!(
                !shown.contains(&piece) || everything("#").contains(&piece),
                "{piece:?} in {shown}"
            );
        }
    }

    #[test]
    fn values_of_one_kind_and_length_look_the_same(
        length in 4_usize..60,
        a in "[g-z]{60}",
        b in "[g-z]{60}",
    ) {
        let [a, b] = [a, b].map(|word| format!("{}!", &word[..length]));
        prop_assert_eq!(everything(&a), everything(&b));
    }

    #[test]
    fn any_bytes_have_a_shape(bytes: Vec<u8>, declared in ".{0,20}") {
        let shape = body(Some(&declared), &bytes);
        prop_assert!(shape.to_string().len() < 200 + 40 * bytes.len());
        let text = String::from_utf8_lossy(&bytes);
        let bound = 200 + 80 * bytes.len();
        prop_assert!(header(&declared, &bytes).to_string().len() < bound);
        prop_assert!(path(&text).len() < bound);
        prop_assert!(query(&text).to_string().len() < bound);
    }
}

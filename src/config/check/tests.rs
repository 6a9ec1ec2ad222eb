//! What the check promises as a whole; the single cases are fixtures.

use super::*;
use crate::config::ClientCertificates;
use crate::config::Cors;
use crate::config::IdentityMode;
use crate::config::RouteKind;
use crate::config::Rule;
use crate::config::TemplateMode;
use crate::config::write::write;

fn checked(text: &str) -> (Config, Vec<String>) {
    let checked = check(&toml::from_str(text).unwrap());
    (
        checked.config,
        checked.problems.iter().map(ToString::to_string).collect(),
    )
}

fn proven(text: &str) -> Config {
    let (config, problems) = checked(text);
    assert_eq!(problems, [""; 0]);
    config
}

const MTLS: &str = r#"
    [[trust]]
    name = "webex"
    directory = "/etc/xspd/trust"
    [[trust]]
    name = "lab"
    files = ["/etc/xspd/lab.pem"]
    [[pool]]
    name = "xsp"
    upstream = [{ name = "one", url = "http://10.0.0.5:80" }]
    [[route]]
    name = "auth-service"
    require-client-certificate = true
    [[listener]]
    name = "public"
    addresses = ["127.0.0.1:0"]
    client-certificates = "required"
    trust = "webex"
    allowed-identities = ["BWCTIclient.webex.com"]
    [[listener.host]]
    names = ["mtls.Example.com"]
    [[listener.host]]
    names = ["open.example.com", "*"]
    client-certificates = "none"
    routes = ["xsi-actions"]
    [[listener.host]]
    names = ["lab.example.com"]
    trust = "lab"
    allowed-identities = []
    routes = ["auth-service"]
"#;

#[test]
fn hosts_take_over_what_their_listener_says_unless_they_differ() {
    let config = proven(MTLS);
    let [mtls, open, lab] = config.listeners[0].hosts.as_slice() else {
        panic!("three hosts");
    };
    assert_eq!(mtls.names, ["mtls.example.com"]);
    assert_eq!(mtls.client_auth.certificates, ClientCertificates::Required);
    assert_eq!(mtls.client_auth.trust.as_deref(), Some("webex"));
    assert_eq!(mtls.client_auth.identities, ["bwcticlient.webex.com"]);
    assert_eq!(mtls.client_auth.mode, IdentityMode::Enforce);
    // All built-in ones but busy lamps, which nobody named.
    assert_eq!(mtls.routes.len(), BUILT_IN.len() - 1);
    assert_eq!(open.client_auth.certificates, ClientCertificates::None);
    assert_eq!(open.client_auth.trust, None);
    assert_eq!(lab.client_auth.trust.as_deref(), Some("lab"));
    assert_eq!(lab.client_auth.mode, IdentityMode::Observe);
}

#[test]
fn built_in_routes_exist_unwritten_and_change_by_name() {
    let config = proven(MTLS);
    let route = |name: &str| config.routes.get(name).cloned().unwrap();
    assert_eq!(route("async").kind, RouteKind::XsiEvents);
    assert_eq!(route("async").idle_timeout.as_secs(), 3600);
    assert_eq!(route("xsi-actions").prefix, "/com.broadsoft.xsi-actions");
    assert_eq!(route("auth-service").prefix, "/authService");
    assert!(route("auth-service").require_client_certificate);
}

#[test]
fn a_pass_through_needs_neither_pool_nor_route() {
    let config = proven(
        r#"
        [[listener]]
        name = "cti"
        kind = "passthrough"
        addresses = ["127.0.0.1:0"]
        [[listener.passthrough]]
        names = ["cti.example.com", "*"]
        upstreams = ["xsp1.internal:8012", "[::1]:8012"]
        "#,
    );
    assert!(config.pools.is_empty() && config.routes.is_empty());
    assert!(!config.listeners[0].http2);
}

#[test]
fn defaults_are_those_of_the_guides() {
    let config = proven(MTLS);
    assert_eq!(config.policy.call_me_now, Rule::Deny);
    assert_eq!(config.policy.group, Rule::Allow);
    assert_eq!(config.policy.rate, None);
    assert_eq!(config.policy.guessing.map(|g| g.failures), Some(100));
    assert_eq!(config.cors, Cors::Pass);
    assert_eq!(config.listeners[0].tls.suites, suites::ALL);
    assert_eq!(config.listeners[0].limits.connections_per_address, 2_000);
}

#[test]
fn guessing_protection_is_off_with_no_failures() {
    let config = proven(&format!("policy.guessing.failures = 0\n{MTLS}"));
    assert_eq!(config.policy.guessing, None);
}

#[test]
fn what_is_proven_can_be_written_and_proven_again() {
    let config = proven(MTLS);
    let written = toml::to_string(&write(&config)).unwrap();
    assert_eq!(proven(&written), config);
}

#[test]
fn a_secret_written_inline_is_never_repeated() {
    let text = MTLS.replace(
        "names = [\"lab.example.com\"]",
        "names = [\"lab.example.com\"]\ncertificates = [{ chain = \"/c\", key = \"hunter2\" }]",
    );
    let (_, problems) = checked(&text);
    assert_eq!(problems.len(), 1);
    assert!(!problems[0].contains("hunter2"), "{problems:?}");
    assert!(
        problems[0].contains("= …: a secret is never written"),
        "{problems:?}"
    );
}

/// Calls of the Application Server, to be changed by the test.
const CALLED: &str = r#"
    state-dir = "/tmp"
    forwarding.trusted-proxies = ["192.0.2.99"]
    [[listener]]
    name = "provisioning"
    kind = "provisioning"
    addresses = ["127.0.0.1:8450"]
    allow = ["192.0.2.11"]
    [[listener.host]]
    names = ["adapter.example.com"]
    [[template]]
    name = "one"
    mode = "relay"
    bridge-url = "https://bridge.example.com/one"
    account = "a"
    password = "file:/run/a"
    allow = ["192.0.2.12"]
    [[template]]
    name = "two"
    mode = "relay"
    bridge-url = "https://bridge.example.com/two"
    account = "a"
    password = "file:/run/a"
    allow = ["192.0.2.13"]
"#;

#[test]
fn who_is_in_no_list_of_a_listener_or_its_templates_may_not_connect() {
    let may = |config: &Config| {
        let may = |last: u8| {
            let peer = std::net::IpAddr::from([192, 0, 2, last]);
            config.may_connect(&config.listeners[0], peer)
        };
        [11, 12, 13, 14, 99].map(may)
    };
    let config = proven(CALLED);
    assert_eq!(may(&config), [true, true, true, false, true]);
    let without_list_of_one = |mut config: Config| {
        config.templates[0].allow.clear();
        config
    };
    // What a template leaves out is as the listener says.
    let mixed = without_list_of_one(config.clone());
    assert_eq!(may(&mixed), [true, false, true, false, true]);
    let mut templates_only = config;
    templates_only.listeners[0].allow.clear();
    assert_eq!(may(&templates_only), [false, true, true, false, true]);
    // Then everybody may call that template.
    let open = without_list_of_one(templates_only.clone());
    assert_eq!(may(&open), [true; 5]);
    // Nobody calls a template that is only observed.
    let mut observed = open;
    observed.templates[0].mode = TemplateMode::Observe;
    assert_eq!(may(&observed), [false, false, true, false, true]);
    // A listener without lists is for all.
    assert_eq!(may(&proven(MTLS)), [true; 5]);
}

#[test]
fn one_caller_of_the_adapter_leaves_room_for_the_others() {
    let limits = |text: &str| proven(text).listeners[0].limits.clone();
    let held = limits(CALLED);
    assert_eq!(held.connections, 500);
    assert_eq!(held.connections_per_address, 100);
}

#[test]
fn a_small_listener_lowers_the_share_of_one_address() {
    let text = format!("{MTLS}\n[listener.limits]\nconnections = 10");
    assert_eq!(
        proven(&text).listeners[0].limits.connections_per_address,
        10
    );
}

/// A native AuthService, to be changed by the tests.
const NATIVE: &str = r#"
    [[listener]]
    name = "public"
    addresses = ["127.0.0.1:0"]
    [[listener.host]]
    names = ["auth.example.com"]
    routes = ["auth-service"]
    [application-server]
    addresses = ["as1.internal", "[::1]:3209"]
    ca = "/etc/xspd/ca.pem"
    user-id = "xspd"
    password = "env:OCIP"
    [auth-service]
    mode = "native"
    [auth-service.token-management]
    token-duration-in-hours = 720
    [auth-service.identity-providers.cisco]
    ci-cluster = "us-a"
    teams-cluster = "ACHM"
    client-id = "C1"
    client-secret = "env:SECRET"
    federation = { refresh-token = "env:REFRESH" }
"#;

#[test]
fn a_native_auth_service_has_the_defaults_of_the_guides_and_needs_no_pool() {
    let config = proven(NATIVE);
    assert!(config.pools.is_empty());
    assert_eq!(config.routes.keys().collect::<Vec<_>>(), ["auth-service"]);
    let server = config.application_server.unwrap();
    let addresses = [("as1.internal".to_owned(), 2209), ("::1".to_owned(), 3209)];
    assert_eq!(server.addresses, addresses);
    let service = config.auth_service.unwrap();
    assert_eq!(
        service.keys.directory.to_str(),
        Some("/var/lib/xspd/authservice")
    );
    assert_eq!(service.keys.length, 3072);
    assert_eq!(service.tokens.issuer, "BroadWorks");
    assert_eq!(service.tokens.duration.as_secs(), 720 * 3600);
    let cisco = service.cisco.unwrap();
    assert_eq!(cisco.issuer_name, "https://idbroker.webex.com/idb");
    assert_eq!(cisco.issuer_url, cisco.issuer_name);
    assert!(cisco.token_info_url.contains("proxy-a.wbx2.com"));
    assert_eq!(cisco.scopes, ["broadworks-connector:user"]);
}

#[test]
fn without_a_word_the_auth_service_is_relayed() {
    let config = proven(MTLS);
    assert_eq!(
        (config.application_server, config.auth_service),
        (None, None)
    );
}

#[test]
fn what_is_unusual_is_a_warning_and_refuses_nothing() {
    let warnings = |from: &str, to: &str| {
        assert!(NATIVE.contains(from), "{from}");
        let checked = check(&toml::from_str(&NATIVE.replace(from, to)).unwrap());
        assert_eq!(checked.problems, []);
        let warnings: Vec<_> = checked.warnings.iter().map(ToString::to_string).collect();
        warnings.join("\n")
    };
    assert_eq!(warnings("C1", "C2"), "");
    assert_eq!(warnings("hours = 720", "hours = 1440"), "");
    for (from, to, part) in [
        (
            "hours = 720",
            "hours = 719",
            "token-duration-in-hours: short: ",
        ),
        (
            "hours = 720",
            "hours = 1441",
            "token-duration-in-hours: long: ",
        ),
        (
            "us-a",
            "CA",
            "teams-cluster: no guide names the Teams cluster",
        ),
    ] {
        assert!(warnings(from, to).contains(part), "{to}");
    }
    let remote = "[admin]\naddress = '10.0.0.1:9090'\nallow-remote = true\n\
                  [auth-service]\noperator-token = 'env:T'";
    assert!(warnings("[auth-service]", remote).contains("operator-token: goes in clear"));
    let text = format!(
        "{MTLS}\n[application-server]\naddresses = ['127.0.0.1']\ntls = false\nuser-id = 'a'\npassword = 'env:A'\n"
    );
    let checked = check(&toml::from_str(&text).unwrap());
    assert_eq!(checked.problems, []);
    assert!(
        checked.warnings[0]
            .to_string()
            .contains("has no effect while")
    );
}

#[test]
fn explicit_urls_stand_for_one_another_and_lose_their_last_slash() {
    let text = NATIVE
        .replace(
            "ci-cluster = \"us-a\"",
            "issuer-url = \"https://ci.lab:8443/idb/\"",
        )
        .replace(
            "teams-cluster = \"ACHM\"",
            "token-info-url = \"https://ci.lab:8443/info\"",
        );
    let cisco = proven(&text).auth_service.unwrap().cisco.unwrap();
    assert_eq!(cisco.issuer_name, "https://ci.lab:8443/idb");
    assert_eq!(cisco.issuer_url, "https://ci.lab:8443/idb");
}

#[test]
fn mutual_tls_that_only_observes_is_a_warning() {
    let text = NATIVE
        .replace(
            "[[listener.host]]",
            "client-certificates = 'required'\ntrust = 'webex'\n[[listener.host]]",
        )
        .replace(
            "[auth-service]",
            "[auth-service]\nclient-authentication = 'by-host'",
        );
    let text = format!("[[trust]]\nname = 'webex'\ndirectory = '/t'\n{text}");
    let checked = check(&toml::from_str(&text).unwrap());
    assert_eq!(checked.problems, []);
    let warnings: Vec<_> = checked.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("listener.public.host[0].identity-mode: route auth-service"));
}

#[test]
fn a_cluster_with_many_customers_is_warned_of_where_its_url_would_be_a_new_one() {
    let warned = |rest: &str| {
        let text = format!(
            "[[listener]]\nname = 'p'\nkind = 'provisioning'\naddresses = ['127.0.0.1:8450']\n\
             allow = ['192.0.2.1']\n[[listener.host]]\nnames = ['a.example']\n\
             [[template]]\nname = 'acme'\nmode = 'relay'\naccount = 'prov'\n\
             bridge-url = 'https://bridge.example.com/x'\npassword = 'file:/p'\n{rest}"
        );
        let checked = check(&toml::from_str(&text).unwrap());
        let warnings = checked.warnings.iter().map(ToString::to_string);
        let mut ours = warnings.filter(|warning| warning.contains("customers"));
        ours.next().unwrap_or_default()
    };
    let warning = warned("customers = 51\n");
    assert!(
        warning.contains("51 customers") && warning.contains("TAC"),
        "{warning}"
    );
    assert_eq!(warned("customers = 50\n"), "");
    let kept = "customers = 51\nmatch = ['https://a.example/bridge']\n";
    assert_eq!(warned(kept), "");
}

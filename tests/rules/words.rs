//! Every word that an operator can meet in a log, a metric or an exit code stands in the README,
//! in the table where an operator would look for it, and the tables hold no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use xspd::cli::Exit;
use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::CaseLevel;
use xspd::domain::alarms::catalogue;
use xspd::domain::alarms::impact::Impact;
use xspd::domain::alarms::impact::Urgency;
use xspd::domain::auth::answer::AuthReason;
use xspd::domain::auth::ci::grant::GrantFault;
use xspd::domain::auth::ci::refusal::CiRefusal;
use xspd::domain::auth::handshake::HandshakeReason;
use xspd::domain::auth::token::TokenFault;
use xspd::domain::auth::validation::Outcome;
use xspd::domain::blf::notice::WithdrawReason;
use xspd::domain::certs::crl::Crl;
use xspd::domain::certs::inventory::Duty;
use xspd::domain::certs::inventory::Kind;
use xspd::domain::certs::inventory::ObjectId;
use xspd::domain::certs::inventory::Renewing;
use xspd::domain::certs::inventory::Watched;
use xspd::domain::certs::judgement::ChainSeen;
use xspd::domain::certs::judgement::Finding;
use xspd::domain::certs::source::Place;
use xspd::domain::certs::source::PlaceKind;
use xspd::domain::certs::source::SourceFault;
use xspd::domain::certs::watchlist::Absence;
use xspd::domain::certs::watchlist::Action;
use xspd::domain::certs::watchlist::Board;
use xspd::domain::certs::watchlist::Input;
use xspd::domain::certs::watchlist::Round;
use xspd::domain::certs::watchlist::Rules;
use xspd::domain::certs::watchlist::Scan;
use xspd::domain::certs::watchlist::Seen;
use xspd::domain::certs::watchlist::Sighting;
use xspd::domain::certs::watchlist::Watchlist;
use xspd::domain::edge::ending::Ending;
use xspd::domain::edge::reason::Reason;
use xspd::domain::edge::session::BridgeFault;
use xspd::domain::edge::session::SessionEnd;
use xspd::domain::events::channel::Alarm;
use xspd::domain::events::channel::LostReason;
use xspd::domain::events::ending::StreamEnding;
use xspd::domain::events::ending::Unseen;
use xspd::domain::events::whereabouts::Hint;
use xspd::domain::machine::Machine as _;
use xspd::domain::ocip::OcipFailure;
use xspd::domain::ocip::RequestKind;
use xspd::domain::ocir::Effect;
use xspd::domain::ocir::Loss;
use xspd::domain::provisioning::csv;
use xspd::domain::provisioning::operation::Operation;
use xspd::domain::provisioning::refusal::RefusalReason;
use xspd::domain::upstream::Failure;
use xspd::inbound::endpoints::operations::resource;
use xspd::jose::ClientKeyFault;
use xspd::lab::broadworks::events::faults::Fault as EventFault;
use xspd::lab::webex::api::Fault as ApiFault;
use xspd::lab::webex::api::Operation as ApiOperation;
use xspd::lab::webex::identity::Fault;
use xspd::outbound::SendFailure;
use xspd::outbound::broadworks::xsi::XsiFailure;
use xspd::platform::clock;
use xspd::store::StoreError;
use xspd::telemetry::Telemetry;
use xspd::telemetry::adapter::Untracked;
use xspd::telemetry::blf;
use xspd::telemetry::ci;
use xspd::telemetry::webex;
use xspd::workers::blf_tracker;
use xspd::workers::blf_tracker::PickupFailure;

use crate::rules::readme::Table;
use crate::rules::source;
use crate::support::pki::Authority;
use crate::support::pki::Key;

#[test]
fn exit_codes_are_documented() {
    let codes = Exit::ALL.map(|exit| vec![exit.code().to_string(), format!("{exit:?}")]);
    let rows = Table::after("## Exit codes").rows;
    let documented: Vec<_> = rows.into_iter().map(|row| row[..2].to_vec()).collect();
    assert_eq!(documented, codes);
}

#[test]
fn refusals_are_documented_with_their_status() {
    let expected: BTreeSet<_> = Reason::ALL
        .iter()
        .map(|reason| {
            let status = reason.status().as_u16().to_string();
            vec![reason.as_str().to_owned(), status]
        })
        .collect();
    let rows = Table::after("**Every refusal has one word:**").rows;
    let documented: BTreeSet<_> = rows.iter().map(|row| row[..2].to_vec()).collect();
    assert_eq!(documented, expected);
}

#[test]
fn reasons_of_failed_connections_are_documented() {
    let table = Table::after("`reason` of `xspd_handshake_failures_total`");
    table.expect(&HandshakeReason::ALL.map(HandshakeReason::as_str));
    let table = Table::after("`reason` of `xspd_connection_endings_total`");
    table.expect(&Ending::ALL.map(Ending::as_str));
    let mut failures = Failure::ALL.map(Failure::as_str).to_vec();
    failures.push(SendFailure::NoUpstream.as_str());
    Table::after("`reason` of `xspd_upstream_failures_total`").expect(&failures);
}

#[test]
fn words_of_event_channels_are_documented() {
    let hints = Table::after("`hint` of `xspd_event_routing_total` says");
    hints.expect(&Hint::ALL.map(Hint::as_str));
    let endings = Table::after("`reason` of `xspd_event_stream_endings_total`:");
    endings.expect(&StreamEnding::ALL.map(StreamEnding::as_str));
    let unseen = Table::after("`reason` of `xspd_event_documents_unseen_total`;");
    unseen.expect(&Unseen::ALL.map(Unseen::as_str));
}

#[test]
fn reasons_around_cti_sessions_are_documented() {
    let table = Table::after("`reason` of `xspd_cti_session_endings_total`:");
    table.expect(&SessionEnd::ALL.map(SessionEnd::as_str));
    let table = Table::after("`reason` of `xspd_cti_upstream_failures_total`:");
    table.expect(&BridgeFault::ALL.map(BridgeFault::as_str));
}

#[test]
fn refusals_of_the_auth_service_are_documented_with_status_and_error() {
    let expected: BTreeSet<_> = AuthReason::ALL
        .iter()
        .map(|reason| {
            let status = reason.status().as_u16().to_string();
            let error = reason.error().to_owned();
            vec![reason.as_str().to_owned(), status, error]
        })
        .collect();
    let rows = Table::after("`reason` of `xspd_auth_refusals_total`").rows;
    let documented: BTreeSet<_> = rows.iter().map(|row| row[..3].to_vec()).collect();
    assert_eq!(documented, expected);
    let table = Table::after("`outcome` of `xspd_auth_validations_total`");
    table.expect(&Outcome::ALL.map(Outcome::as_str));
}

#[test]
fn codes_of_the_provisioning_adapter_are_documented_with_their_status() {
    let expected: BTreeSet<_> = RefusalReason::ALL
        .iter()
        .map(|reason| vec![reason.code().to_owned(), reason.status().to_string()])
        .collect();
    let rows = Table::after("`code` of `xspd_inbound_provisioning_total`").rows;
    let documented: BTreeSet<_> = rows.iter().map(|row| row[..2].to_vec()).collect();
    assert_eq!(documented, expected);
    // A code that nothing refuses with would send an operator looking for what never happens.
    let sources = source::below("src");
    let own = "src/domain/provisioning/refusal.rs";
    let dead: Vec<_> = RefusalReason::ALL
        .iter()
        .map(|reason| format!("RefusalReason::{reason:?}"))
        .filter(|name| {
            let mut others = sources.iter().filter(|source| !source.path.ends_with(own));
            !others.any(|source| source.code.contains(name))
        })
        .collect();
    assert_eq!(dead, Vec::<String>::new());
    let table = Table::after("the log warns with `reason`:");
    table.expect(&Untracked::ALL.map(Untracked::as_str));
}

#[test]
fn codes_of_jobs_are_documented() {
    let path = source::root().join("src/domain/provisioning/fault/faults.toml");
    let faults = std::fs::read_to_string(path).expect("the table of faults");
    let codes = faults.lines().filter_map(|line| {
        let code = line.strip_prefix("code = \"")?.strip_suffix('"')?;
        code.starts_with('A').then_some(code)
    });
    let table = Table::after("the code of its error that is none of Webex's:");
    table.expect(&codes.collect::<Vec<_>>());
}

#[test]
fn paths_of_the_operations_api_are_documented_with_their_methods() {
    let table = Table::after("everything else that is taken is 200 or 202.");
    let documented: BTreeSet<_> = table.rows.iter().map(|row| row[..2].to_vec()).collect();
    let expected: BTreeSet<_> = resource::PATHS
        .iter()
        .map(|(path, methods)| vec![format!("/ops/v1/{path}"), (*methods).to_owned()])
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn columns_of_an_import_are_documented() {
    let table = Table::after("The columns, in any order; `user` and `action` must be there:");
    table.expect(&csv::columns_of_import());
}

#[test]
fn outcomes_of_ci_are_documented() {
    let mut checks = CiRefusal::WORDS.to_vec();
    checks.push(ci::ACCEPTED);
    Table::after("`outcome` of `xspd_ci_checks_total`").expect(&checks);
    let mut refreshes = GrantFault::ALL.map(GrantFault::as_str).to_vec();
    refreshes.push(ci::REFRESHED);
    Table::after("`outcome` of `xspd_ci_refresh_total`").expect(&refreshes);
}

#[test]
fn requests_to_the_application_server_are_documented_with_their_forms() {
    let requests = Table::after("Requests, `request` of `xspd_ocip_requests_total`");
    let documented: BTreeSet<_> = requests.rows.into_iter().collect();
    let expected: BTreeSet<_> = RequestKind::ALL
        .map(|kind| vec![kind.as_str().to_owned(), kind.versions().join(", ")])
        .into();
    assert_eq!(documented, expected);
    let mut outcomes = OcipFailure::WORDS.to_vec();
    outcomes.push("ok");
    Table::after("`outcome` of `xspd_ocip_requests_total`").expect(&outcomes);
}

#[test]
fn words_of_reports_are_documented() {
    let effects = Table::after("`effect` of `xspd_ocir_reports_total`:");
    effects.expect(&Effect::ALL.map(Effect::as_str));
    let losses = Table::after("`reason` of `xspd_ocir_losses_total`:");
    losses.expect(&Loss::ALL.map(Loss::as_str));
}

#[test]
fn words_of_calls_to_webex_are_documented() {
    let table = |after: &str| Table::after(after);
    table("Calls, `op` of `xspd_webex_requests_total`")
        .expect(&Operation::ALL.map(Operation::as_str));
    table("`code_class` of `xspd_webex_requests_total`").expect(&webex::CLASSES);
    let mut refreshes = GrantFault::ALL.map(GrantFault::as_str).to_vec();
    refreshes.push(webex::REFRESHED);
    table("`outcome` of `xspd_webex_token_refreshes_total`").expect(&refreshes);
}

#[test]
fn words_of_busy_lamps_are_documented() {
    let table = |after: &str| Table::after(after);
    table("Alarms, `reason` of `xspd_blf_alarm`").expect(&Alarm::ALL.map(Alarm::as_str));
    table("`reason` of `xspd_blf_channel_losses_total`").expect(&LostReason::WORDS);
    table("`request` of `xspd_blf_requests_total`").expect(&blf::REQUESTS);
    let mut outcomes = XsiFailure::WORDS.to_vec();
    outcomes.extend([blf::DONE, "ocip"]);
    table("`outcome` of `xspd_blf_requests_total`").expect(&outcomes);
    let reasons = WithdrawReason::ALL.map(WithdrawReason::as_str);
    table("`reason` of `xspd_blf_withdrawals_total`").expect(&reasons);
    let mut pickups = PickupFailure::WORDS.to_vec();
    pickups.push(blf::DONE);
    table("`outcome` of `xspd_blf_pickups_total`").expect(&pickups);
}

#[test]
fn the_catalogue_of_alarms_is_documented_word_for_word() {
    let rows = Table::after("### The catalogue").rows;
    let expected = AlarmName::ALL.iter().map(|name| {
        let entry = catalogue::entry(*name);
        [
            name.word(),
            entry.severity.word(),
            entry.component,
            entry.impact.word(),
            name.meaning(),
            entry.action,
            entry.clears,
        ]
        .map(str::to_owned)
        .to_vec()
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

#[test]
fn the_levels_of_cases_are_documented() {
    let rows = Table::after("as support desks\nhave it:").rows;
    let expected = Urgency::ALL.into_iter().rev().map(|urgency| {
        let impacts = Impact::ALL.into_iter().rev();
        let levels = impacts.map(|impact| CaseLevel::of(impact, urgency).word());
        std::iter::once(urgency.word())
            .chain(levels)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

#[test]
fn faults_of_the_store_are_documented() {
    let table = Table::after("`reason` of `xspd_provisioning_store_failures_total`");
    table.expect(&StoreError::WORDS);
}

#[test]
fn words_of_what_ends_are_documented() {
    Table::after("why a place gave nothing").expect(&SourceFault::WORDS);
    Table::after("beside those of chains").expect(&Finding::WORDS);
}

/// Words of findings about a new certificate that are those of chains and dates, which
/// `xspd check-config` has too.
const OF_CHAINS: [&str; 4] = ["expired", "not-yet-valid", "weak-key", "weak-signature"];

#[test]
fn findings_about_a_new_certificate_are_documented() {
    let file = source::root().join("src/domain/certs/fit.rs");
    let text = std::fs::read_to_string(file).expect("the findings");
    let words = text
        .split_once("fn as_str")
        .and_then(|(_, behind)| behind.split_once("\n    }\n"))
        .expect("the words of findings");
    let words: Vec<_> = words
        .0
        .split("=> \"")
        .skip(1)
        .filter_map(|behind| behind.split('"').next())
        .filter(|word| !OF_CHAINS.contains(word))
        .collect();
    assert!(words.len() > 5, "{words:?}");
    Table::after("What is found has a word in `--json`:").expect(&words);
}

#[test]
fn words_of_refused_tokens_and_client_keys_are_documented() {
    let table = Table::after("the words of refused tokens and client keys");
    table.expect(&TokenFault::ALL.map(TokenFault::as_str));
    let table = Table::after("| `too-long-lived` |");
    table.expect(&ClientKeyFault::ALL.map(ClientKeyFault::as_str));
}

#[test]
fn faults_of_the_lab_are_documented() {
    Table::after("Some of it exists in the lab only")
        .followed_by("| fault |")
        .expect(&Fault::ALL.map(Fault::as_str));
}

#[test]
fn faults_of_the_labs_event_channels_are_documented() {
    Table::after("Its event channels fail on request")
        .followed_by("| fault |")
        .expect(&EventFault::ALL.map(EventFault::as_str));
}

#[test]
fn faults_of_the_labs_provisioning_apis_are_documented() {
    let table = Table::after("Its provisioning APIs fail on request");
    table.expect(&ApiFault::ALL.map(ApiFault::as_str));
    let table = table.followed_by("| operation |");
    table.expect(&ApiOperation::ALL.map(ApiOperation::as_str));
}

#[test]
fn words_of_trust_files_are_documented() {
    Table::after("the words of <code>reason</code>").expect(&trust_words("TrustReason"));
    Table::after("| `weak-signature` | Signed with MD5 or SHA-1. Use")
        .expect(&trust_words("Remark"));
}

#[test]
fn words_of_trust_files_are_found_in_the_source() {
    assert!(trust_words("TrustReason").contains(&"private-key".to_owned()));
    assert!(trust_words("Remark").contains(&"duplicate".to_owned()));
}

/// The words in the `as_str` of an enum that carries facts and so has no list of itself.
fn trust_words(name: &str) -> Vec<String> {
    let head = format!("impl {name} {{");
    source::below("src/domain/certs")
        .iter()
        .filter_map(|source| source.text.split_once(&head))
        .flat_map(|(_, body)| {
            let body = body.split("\n}").next().unwrap_or_default();
            body.lines()
                .filter_map(|line| line.trim().split_once(" => \"")?.1.strip_suffix("\","))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn metrics_are_documented_with_their_labels() {
    let telemetry = Telemetry::new();
    let _series = telemetry.edge.listener(&"l".into());
    telemetry.edge.generation_present("t", "g");
    let _series = telemetry.cti.listener(&"l".into());
    let _series = telemetry.http.series("l", None);
    let _series = telemetry.upstream.series("p", "u");
    telemetry.ocip.series();
    telemetry.provisioning.series();
    telemetry.provisioning.store_reasons(&StoreError::WORDS);
    telemetry.provisioning.partner_series("p");
    telemetry.alarms.sink("s");
    let _series = telemetry.ocir.server("as1");
    telemetry.webex.series();
    telemetry
        .webex
        .refresh_token_known("p", SystemTime::UNIX_EPOCH);
    telemetry.events.upstream_present("u");
    blf_tracker::series(&telemetry.blf, ["u"]);
    let text = telemetry.render();
    let families = families(&text);
    let registered: usize = source::below("src/telemetry")
        .iter()
        .map(|source| source.code.matches("registry.register(").count())
        .sum();
    assert_eq!(families.len(), registered, "a family without a series");

    let documented: BTreeSet<_> = Table::after("## Watch it\n")
        .followed_by("| series |")
        .rows
        .into_iter()
        .map(|row| (row[0].clone(), words(&row[1])))
        .collect();
    assert_eq!(documented, families);
}

#[test]
fn metrics_of_what_ends_are_documented() {
    let telemetry = Telemetry::new();
    telemetry.certificates.publish(&board());
    let families: BTreeSet<_> = families(&telemetry.render())
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("x509_") || name.starts_with("xspd_cert_"))
        .collect();
    let table = Table::after("\"days\nleft\" is for the reader");
    let documented: BTreeSet<_> = table.rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(documented, families);
}

/// A certificate, something that renews itself, a revocation list, and what nobody has seen.
fn board() -> Arc<Board> {
    let now = clock::now();
    let issuer = Authority::new("Public");
    let chain: Vec<Vec<u8>> = issuer
        .server(&["a.test"], Key::P256)
        .chain
        .iter()
        .map(|der| der.to_vec())
        .collect();
    let entry: Arc<str> = "certificate.a".into();
    let watched =
        |name: &str, kind, duty| Watched::new(ObjectId::new(name, ""), &entry, kind, duty);
    let server = Arc::new(watched("a", Kind::ManualLeaf, Duty::Server));
    let seen = ChainSeen::judge(&chain, &server, now.wall).expect("a chain");
    let mut managed = watched("b", Kind::ManagedLeaf, Duty::Server);
    managed.renewal = Some(Renewing::default());
    let day = std::time::Duration::from_secs(86_400);
    let dates = Seen::Dates {
        start: Some(now.wall - day),
        end: Some(now.wall + day),
    };
    let crl = Crl::parse(&issuer.revocation_list()).expect("a list");
    let sighting = |watched: Arc<Watched>, seen| Sighting {
        place: Place::new(PlaceKind::File, watched.id.as_str()),
        watched,
        seen: Ok(seen),
    };
    let list = Arc::new(watched("c", Kind::Crl, Duty::Crl));
    let scan = Scan {
        round: Round::Files,
        entries: std::iter::once((Arc::clone(&entry), Absence::Lost)).collect(),
        sightings: vec![
            sighting(server, Seen::Chain(Arc::new(seen))),
            sighting(Arc::new(managed), dates),
            sighting(list, Seen::Crl(Arc::new(crl))),
            Sighting {
                watched: Arc::new(watched("d", Kind::ManualLeaf, Duty::Server)),
                place: Place::new(PlaceKind::File, "d"),
                seen: Err(SourceFault::Missing),
            },
        ],
    };
    let mut watchlist = Watchlist::new(Rules::default(), now);
    watchlist.handle(Input::Scanned(scan), now);
    let mut last = Arc::default();
    while let Some(action) = watchlist.poll_action() {
        match action {
            Action::Observe(_) => {}
            Action::Publish(board) => last = board,
        }
    }
    last
}

/// Names as Prometheus stores them, and their labels.
fn families(text: &str) -> BTreeSet<(String, BTreeSet<String>)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .map(|(family, kind)| {
            let (name, sample) = match kind {
                "counter" => (format!("{family}_total"), format!("{family}_total")),
                "histogram" => (family.to_owned(), format!("{family}_count")),
                _ => (family.to_owned(), family.to_owned()),
            };
            (name, labels(text, &sample))
        })
        .collect()
}

fn labels(text: &str, sample: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix(sample)?.strip_prefix('{'))
        .flat_map(|line| line.split('"').step_by(2))
        .filter_map(|part| part.trim_start_matches(',').strip_suffix('='))
        .map(str::to_owned)
        .collect()
}

#[test]
fn words_are_kebab_case_and_unique_in_their_enum() {
    let enums: [(&str, Vec<String>); 19] = [
        (
            "HandshakeReason",
            owned(HandshakeReason::ALL.map(HandshakeReason::as_str)),
        ),
        ("Ending", owned(Ending::ALL.map(Ending::as_str))),
        (
            "Reason",
            owned(Reason::ALL.iter().map(|reason| reason.as_str())),
        ),
        (
            "AuthReason",
            owned(AuthReason::ALL.iter().map(|reason| reason.as_str())),
        ),
        ("Outcome", owned(Outcome::ALL.map(Outcome::as_str))),
        ("CiRefusal", owned(CiRefusal::WORDS)),
        ("GrantFault", owned(GrantFault::ALL.map(GrantFault::as_str))),
        ("Hint", owned(Hint::ALL.map(Hint::as_str))),
        (
            "StreamEnding",
            owned(StreamEnding::ALL.map(StreamEnding::as_str)),
        ),
        ("Unseen", owned(Unseen::ALL.map(Unseen::as_str))),
        ("Failure", owned(Failure::ALL.map(Failure::as_str))),
        ("OcipFailure", owned(OcipFailure::WORDS)),
        (
            "RequestKind",
            owned(RequestKind::ALL.map(RequestKind::as_str)),
        ),
        ("Effect", owned(Effect::ALL.map(Effect::as_str))),
        ("Loss", owned(Loss::ALL.map(Loss::as_str))),
        ("TokenFault", owned(TokenFault::ALL.map(TokenFault::as_str))),
        (
            "ClientKeyFault",
            owned(ClientKeyFault::ALL.map(ClientKeyFault::as_str)),
        ),
        ("TrustReason", trust_words("TrustReason")),
        ("Remark", trust_words("Remark")),
    ];
    for (name, words) in enums {
        let unique: BTreeSet<_> = words.iter().collect();
        assert_eq!(unique.len(), words.len(), "{name} has a word twice");
        let odd: Vec<_> = words.iter().filter(|word| !is_kebab_case(word)).collect();
        assert!(odd.is_empty(), "{name}: not kebab-case: {odd:?}");
    }
}

fn owned<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

fn is_kebab_case(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.split('-').all(|part| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            !part.is_empty() && part.chars().all(plain)
        })
}

/// Every `word` of a cell; a cell that is one word has lost its marks.
fn words(cell: &str) -> BTreeSet<String> {
    cell.split(',')
        .map(|word| word.trim().trim_matches('`').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn kebab_case_is_told_from_other_spellings() {
    assert!(
        ["closed", "tls-too-old", "version-1-denied"]
            .into_iter()
            .all(is_kebab_case)
    );
    let others = ["", "a-", "-a", "a--b", "A-b", "a_b", "1-a"];
    assert!(!others.into_iter().any(is_kebab_case));
}

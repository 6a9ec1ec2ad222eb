//! `xspd certs issue-bridge-client`: the certificate that the bridge shows to the CTI interface of
//! an XSP, and what to type there and on the Application Server (Solution Guide, "Configure CTI
//! Interface and Related Configuration").

use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::certs::KeyType;
use crate::cli::certs::Said;
use crate::cli::certs::common_name;
use crate::cli::certs::desk;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::place;
use crate::cli::certs::place::Placed;
use crate::domain::certs::CertificateFacts;
use crate::tls::authority::ClientRequest;
use crate::workers::internal_ca::folder::CaFolder;
use crate::workers::internal_ca::folder::CaProblem;
use crate::workers::internal_ca::folder::Generation;

/// Arguments of `xspd certs issue-bridge-client`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory of `xspd certs init-internal-ca`
    #[arg(long, value_name = "DIR")]
    ca: PathBuf,
    /// Name by which the Application Server is to know the bridge, as a ClientIdentity
    #[arg(long, value_name = "NAME", value_parser = common_name)]
    common_name: String,
    /// Directory for the certificate and its key; made with mode 700 when it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A DNS name in the SAN, may be repeated; an XSP goes by the common name and needs none
    #[arg(long, value_name = "NAME")]
    san: Vec<String>,
    /// How long it is good
    #[arg(long, value_name = "N", default_value_t = 397, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// A purpose of BroadWorks besides clientAuth, as an OID in dots, when the guide of your
    /// release names one; none is known for sure
    #[arg(long, value_name = "OID", value_parser = oid)]
    broadworks_oid: Option<Oid>,
    /// Kind of its key
    #[arg(long, value_name = "KIND", value_enum, default_value = "ecdsa-p256")]
    key_type: KeyType,
    /// Replace the certificate that is there, as for a renewal
    #[arg(long)]
    force: bool,
}

/// The numbers of an OID.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Oid(Vec<u64>);

fn oid(text: &str) -> Result<Oid, String> {
    let form = || "expected numbers with dots, such as 1.3.6.1.4.1.6431.1.1".to_owned();
    let arcs: Vec<u64> = text
        .split('.')
        .map(|arc| arc.parse::<u32>().map(u64::from))
        .collect::<Result<_, _>>()
        .map_err(|_| form())?;
    match arcs.as_slice() {
        // ITU-T X.660: three roots, of which the first two have forty children each.
        [0 | 1, 0..=39, _, ..] | [2, _, _, ..] if arcs.len() <= 32 => Ok(Oid(arcs)),
        _ => Err(form()),
    }
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let folder = CaFolder::new(&args.ca);
    let ca = folder.load(now)?;
    let placed = Placed::prepare(&args.out, place::BRIDGE, place::BRIDGE_KEY, args.force)?;
    let request = ClientRequest {
        common_name: &args.common_name,
        dns_names: &args.san,
        purpose: args.broadworks_oid.as_ref().map(|oid| oid.0.as_slice()),
        days: args.days,
        key: args.key_type.into(),
    };
    let path = folder.certificate(Generation::Current);
    let refused = |error| CaProblem::Bad { path, error };
    let issued = ca.issue_client(&request, now).map_err(refused)?;
    placed.write(&issued)?;
    let facts = &issued.facts;
    let commands = commands(args);
    if console.json {
        let own = json!({
            "certificate": placed.certificate,
            "key": placed.key,
            "issuer": facts.issuer,
            "commands": commands.map(|(place, command)| json!({"on": place, "type": command})),
        });
        return Ok(Said::Document(desk::with(own, &desk::brief(facts))));
    }
    let from = place::absolute(&args.ca)?;
    let lines = words((args, &from), &placed, facts, &commands);
    Ok(Said::Lines(lines))
}

/// What was done, and what is to be done elsewhere.
fn words(
    (args, ca): (&Args, &Path),
    placed: &Placed,
    facts: &CertificateFacts,
    commands: &[(&str, String)],
) -> Vec<String> {
    let path = ca.join(place::CA);
    let mut lines = vec![
        format!("Written: {}", placed.certificate.display()),
        format!("  {}", desk::brief_words(facts)),
        format!(
            "Written: {} (mode 600; the daemon's account must be able to read it)",
            placed.key.display()
        ),
        String::new(),
        format!(
            "Copy {} to /tmp of each XSP|ADP. Then, with bwcli:",
            path.display()
        ),
    ];
    lines.extend(
        commands
            .iter()
            .map(|(place, command)| format!("  {place}: {command}")),
    );
    lines.extend([
        "Restart the XSPs' CTI interface as the guide of your release says. A renewal with the \
         same CA and the same name needs none of this."
            .to_owned(),
        String::new(),
        "In [listener.bridge]:".to_owned(),
        format!(
            "  client-certificate = {{ chain = \"{}\", key = \"file:{}\" }}",
            placed.certificate.display(),
            placed.key.display()
        ),
    ]);
    if args.broadworks_oid.is_none() {
        lines.push(
            "Its only purpose is clientAuth. If the guide of your release asks for a purpose of \
             BroadWorks too, issue it again with --broadworks-oid and --force."
                .to_owned(),
        );
    }
    lines
}

/// Where, and what to type there.
fn commands(args: &Args) -> [(&'static str, String); 3] {
    [
        (
            "each XSP|ADP",
            format!(
                "Interface/CTI/SSLCommonSettings/ClientAuthentication/Trusts> updateTrust \
                 xspdinternalca /tmp/{}",
                place::CA
            ),
        ),
        (
            "each XSP|ADP",
            "System/CommunicationUtility/DefaultSettings/ExternalAuthentication/\
             CertificateAuthentication> set allowClientApp true"
                .to_owned(),
        ),
        (
            "each Application Server",
            format!("System/ClientIdentity> add {}", args.common_name),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_is_numbers_with_dots() {
        assert_eq!(oid("1.3.6.1").unwrap(), Oid(vec![1, 3, 6, 1]));
        for bad in [
            "", "1", "1.2", "3.1.1", "1.40.1", "1.3.x", "1..3", "1.3.-1", "1.3.6.",
        ] {
            assert!(oid(bad).is_err(), "{bad}");
        }
    }
}

//! The one crypto library, narrowed to what a listener allows.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::SupportedCipherSuite;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::aws_lc_rs::kx_group;

use crate::config::Group;
use crate::config::PostQuantum;
use crate::config::TlsParameters;
use crate::config::TlsVersion;

/// A provider with the suites and groups of `parameters`, in their order.
#[must_use]
pub fn provider(parameters: &TlsParameters) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = parameters
        .suites
        .iter()
        .filter_map(|id| suite(*id))
        .collect();
    provider.kx_groups = groups(&parameters.groups, parameters.post_quantum);
    Arc::new(provider)
}

/// The versions at or above the floor.
#[must_use]
pub fn versions(minimum: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match minimum {
        TlsVersion::Tls12 => &FROM_12,
        TlsVersion::Tls13 => &FROM_13,
    }
}

static FROM_12: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
static FROM_13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];

fn suite(id: CipherSuite) -> Option<SupportedCipherSuite> {
    aws_lc_rs::ALL_CIPHER_SUITES
        .iter()
        .copied()
        .find(|suite| suite.suite() == id)
}

fn groups(classical: &[Group], hybrid: PostQuantum) -> Vec<&'static dyn SupportedKxGroup> {
    let classical = classical.iter().map(|group| match group {
        Group::Secp256r1 => kx_group::SECP256R1,
        Group::Secp384r1 => kx_group::SECP384R1,
        Group::X25519 => kx_group::X25519,
    });
    let mut groups: Vec<&'static dyn SupportedKxGroup> = classical.collect();
    match hybrid {
        PostQuantum::Last => groups.push(kx_group::X25519MLKEM768),
        PostQuantum::Off => {}
        PostQuantum::Prefer => groups.insert(0, kx_group::X25519MLKEM768),
    }
    groups
}

//! Chains of hosts with their keys.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use tracing::warn;

use crate::app::material::Loader;
use crate::app::material::OutOfDate;
use crate::app::material::Spot;
use crate::app::material::files_of;
use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::Host;
use crate::config::Listener;
use crate::domain::certs::timeliness::Choice;
use crate::domain::certs::timeliness::InUse;
use crate::domain::certs::timeliness::Timeliness;
use crate::domain::certs::timeliness::choose;
use crate::tls::TlsError;
use crate::tls::pem;
use crate::tls::provider;

impl Loader<'_> {
    pub(super) fn host(&mut self, config: &Config, listener: &Listener, host: &Host) {
        let all = match files_of(config, listener, host, self.now) {
            Ok(all) => all,
            Err(problem) => return self.problems.push(problem),
        };
        let is_generated = host.certificates.is_empty();
        if is_generated {
            *self
                .material
                .self_signed
                .entry(listener.name.clone())
                .or_default() += 1;
            warn!(
                listener = listener.name,
                names = host.names.join(","),
                "No certificate is configured; a generated self-signed one is presented, which \
                 Webex and clients refuse. Set listener.host.certificates."
            );
        }
        let provider = provider::provider(&listener.tls);
        let names = if is_generated { &[][..] } else { &host.names };
        for (nth, files) in all.into_iter().enumerate() {
            let first = host.names.first().cloned().unwrap_or_default();
            let spot = (listener.name.clone(), first, nth);
            if !is_generated {
                self.material.shown.insert(spot.clone(), files.clone());
            }
            if self.material.certificates.contains_key(&files) {
                continue;
            }
            match self.pair(&spot, &files, names, &provider) {
                Ok(certified) => {
                    self.material.certificates.insert(files, certified);
                }
                Err(problem) => {
                    let old = self
                        .proven()
                        .and_then(|old| old.certificates.get(&files))
                        .cloned();
                    if let Some(old) = old {
                        self.material.certificates.insert(files, old);
                    }
                    self.problems.push(problem);
                }
            }
        }
    }

    fn pair(
        &mut self,
        spot: &Spot,
        files: &CertificateFiles,
        names: &[String],
        provider: &CryptoProvider,
    ) -> Result<Arc<CertifiedKey>, TlsError> {
        let fresh = pem::load_server(files, names, provider, self.now)?;
        for warning in fresh.warnings {
            warn!(file = %files.chain.display(), %warning, "Certificate needs a look.");
        }
        let in_use = match self.held(spot, files) {
            None => InUse::Nothing,
            Some(held) if held.cert == fresh.certified.cert => InUse::Same,
            Some(held) => InUse::Other(pem::timeliness(held, self.now)),
        };
        let choice = choose(Timeliness::of(&fresh.out_of_date), in_use);
        for problem in fresh.out_of_date {
            let problem = TlsError::Chain {
                path: files.chain.clone(),
                problem,
            };
            match choice {
                Choice::Keep => return Err(problem),
                Choice::Take | Choice::TakeOutOfDate => {
                    warn!(
                        %problem,
                        "A certificate is presented outside of its dates: nothing better is there."
                    );
                    self.material.out_of_date.push(OutOfDate {
                        path: format!("listener.{}", spot.0),
                        what: problem.to_string(),
                    });
                }
            }
        }
        Ok(fresh.certified)
    }

    /// What is in use for the same files, or shown at the same place.
    fn held(&self, spot: &Spot, files: &CertificateFiles) -> Option<&CertifiedKey> {
        let material = self.in_use()?;
        let of = |files: &CertificateFiles| material.certificates.get(files);
        let held = of(files).or_else(|| of(material.shown.get(spot)?));
        held.map(Arc::as_ref)
    }
}

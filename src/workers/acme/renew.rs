//! One renewal, from the order to the listeners.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering as Memory;
use std::time::SystemTime;

use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Acme;
use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::automatic;
use crate::domain::certs::date;
use crate::domain::certs::renewal::Life;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::workers::acme::AcmeGround;
use crate::workers::acme::Failure;
use crate::workers::acme::Keeper;
use crate::workers::acme::LOOK_AGAIN;
use crate::workers::acme::delivery::Delivered;
use crate::workers::acme::delivery::Delivery;
use crate::workers::acme::delivery::End;
use crate::workers::acme::delivery::Holds;
use crate::workers::acme::order::OrderError;
use crate::workers::acme::order::Ordering;
use crate::workers::acme::state::VALID;
use crate::workers::acme::tell;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::proof::Proof;

/// What is wrong when a new certificate is due at once.
const SHORT: &str = "the new certificate is due for renewal already; compare the clock of this host \
                     with its dates";

impl Keeper {
    pub(super) async fn renew(
        &mut self,
        ground: &AcmeGround,
        config: &Arc<Config>,
        acme: &Acme,
        holds: &Holds,
    ) {
        let now = clock::wall();
        self.status.tried = Some(date::to_unix(now));
        // The order counts even if we do not live to see its end.
        self.remember();
        self.keep(ground).await.ok();
        info!(
            acme = acme.name,
            names = acme.names.join(","),
            "Ordering a certificate."
        );
        let placed = AtomicBool::new(false);
        match self.try_renew(ground, config, acme, holds, &placed).await {
            Ok(Delivered { leaf, end }) => {
                self.status.problem.clear();
                VALID.clone_into(&mut self.status.account_state);
                (ground.observe)(tell::account(acme, &self.status));
                match end {
                    End::InUse(unserved) => self.in_use(ground, acme, &leaf, unserved).await,
                    End::Staged(until) => self.set_aside(acme, &leaf, until),
                }
            }
            Err(problem) => {
                self.status.problem = problem.to_string();
                let failed = RenewalInput::Failed {
                    retry_after: problem.retry_after(),
                    away: problem.is_away() && !placed.load(Memory::Relaxed),
                };
                if problem.is_of_account() {
                    self.check_at = None;
                }
                self.renewal.handle(failed, clock::now());
                error!(
                    acme = acme.name, %problem, failures = self.renewal.failures(),
                    "A certificate could not be renewed; it is tried again. What is served stays."
                );
            }
        }
    }

    async fn try_renew(
        &mut self,
        ground: &AcmeGround,
        config: &Arc<Config>,
        acme: &Acme,
        holds: &Holds,
        placed: &AtomicBool,
    ) -> Result<Delivered, Failure> {
        let mut places = Vec::new();
        for asked in &acme.places {
            let found = place::find(config, asked);
            places.push(found.map_err(|problem| Failure::Other(problem.to_string()))?);
        }
        let account = self.account(ground, acme).await?;
        let ordering = Ordering {
            acme,
            account: &account,
            challenges: &ground.challenges,
            tasks: &ground.tasks,
            // Only of a certificate that is good enough to be renewed at all.
            replaces: self.identifier(),
            placed,
        };
        let (chain, key) = Box::pin(ordering.run()).await?;
        let delivery = Delivery {
            config: Arc::clone(config),
            places,
            name: acme.name.clone(),
            holds: holds.clone(),
        };
        let work = move || delivery.run(&chain, &key, clock::wall());
        let done = ground.tasks.blocking(work).await;
        done.ok_or(OrderError::Stopped)?
    }

    /// It is in its files; these places do not serve it.
    async fn in_use(
        &mut self,
        ground: &AcmeGround,
        acme: &Acme,
        leaf: &CertificateFacts,
        unserved: Vec<(Place, Proof)>,
    ) {
        let before = std::mem::take(&mut self.status.unserved);
        for (place, proof) in unserved {
            let (leaf, wrong) = (leaf.fingerprint.to_string(), proof.to_string());
            (ground.observe)(automatic::not_deployed(&place.name, &leaf, &wrong));
            self.status.unserved.push(place.name);
        }
        for place in before {
            if !self.status.unserved.contains(&place) {
                (ground.observe)(automatic::deployed(&place));
            }
        }
        self.glance_at = Some(clock::mono() + LOOK_AGAIN);
        self.status.renewed = Some(date::to_unix(clock::wall()));
        self.status.fingerprint = leaf.fingerprint.to_string();
        let renewed = RenewalInput::Renewed(Life::from(leaf));
        self.renewal.handle(renewed, clock::now());
        let short = self.renewal.failures() > 0;
        if short {
            SHORT.clone_into(&mut self.status.problem);
        }
        // Whoever reads that it is renewed finds it so.
        self.remember();
        self.keep(ground).await.ok();
        info!(
            acme = acme.name,
            fingerprint = %leaf.fingerprint,
            not_after = date::text(leaf.not_after),
            "Renewed."
        );
        if short {
            error!(acme = acme.name, "Renewed, but {SHORT}.");
        }
    }

    /// It is staged: somebody went back to the one before, and that is not undone.
    fn set_aside(&mut self, acme: &Acme, leaf: &CertificateFacts, until: SystemTime) {
        warn!(
            acme = acme.name,
            fingerprint = %leaf.fingerprint,
            not_after = date::text(leaf.not_after),
            until = date::text(until),
            "A new certificate came, and somebody had gone back to the one before meanwhile: it is \
             staged and not activated. What is served stays."
        );
        let aside = RenewalInput::SetAside(until);
        self.renewal.handle(aside, clock::now());
    }
}

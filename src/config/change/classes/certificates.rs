//! The classes of the watch over certificates: all of it changes while running.

use crate::config::Certificate;
use crate::config::Certificates;
use crate::config::Config;
use crate::config::InternalCa;
use crate::config::Maintenance;
use crate::config::MaintenanceRegion;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

/// How it is watched, what is watched besides, and when renewals are made.
type Parts<'a> = (&'a Certificates, &'a [Certificate], &'a Maintenance);

pub(super) fn all(at: &mut At<'_>, (rules, watched, renewals): Parts<'_>, new: &Config) {
    at.inside("certificates", rules, &new.certificates, certificates);
    let old = watched.iter().map(|held| (&held.name, held));
    let others = new.watched_certificates.iter();
    let others = others.map(|held| (&held.name, held));
    at.named("certificate", old, others, ChangeClass::Live, certificate);
    at.inside("maintenance", renewals, &new.maintenance, maintenance);
}

fn certificates(at: &mut At<'_>, old: &Certificates, new: &Certificates) {
    compare!(at, Certificates, old, new;
        Live scan_interval "scan-interval",
        Live probe_interval "probe-interval",
        Live probe_timeout "probe-timeout",
        Live probe_concurrency "probe-concurrency",
        Live probe_listeners "probe-listeners",
        Live probe_upstreams "probe-upstreams",
        Live largest_file "largest-file",
        Live most_files "most-files",
        Live lost_after "lost-after",
        Live deploy_grace "deploy-grace",
        Live nodes_grace "nodes-grace",
        Live clock_tolerance "clock-tolerance",
        Live key_lifetime "key-lifetime",
        Live oauth_lifetime "oauth-lifetime",
        Live manual "manual",
        Live managed "managed",
        Live trust_anchor "trust-anchor",
        Live oauth_token "oauth-token",
        Live key_age "key-age",
        Live crl "crl",
        Live crl_files "crl-files",
        Live prober "prober-url",
    );
}

/// A section that comes or goes is one change.
pub(super) fn internal_ca(at: &mut At<'_>, old: &Option<InternalCa>, new: &Option<InternalCa>) {
    let (Some(old), Some(new)) = (old, new) else {
        at.compare(
            "directory",
            &old.is_some(),
            &new.is_some(),
            ChangeClass::Live,
        );
        return;
    };
    compare!(at, InternalCa, old, new;
        Live directory "directory",
        Live renew "renew",
        Live client_lifetime "client-lifetime",
        Live try_first "try-first",
    );
}

fn certificate(at: &mut At<'_>, old: &Certificate, new: &Certificate) {
    compare!(at, Certificate, old, new;
        Live name "name",
        Live role "role",
        Live managed "managed",
        Live public "public",
        Live files "files",
        Live password "password",
        Live probe "probe",
        Live server_name "server-name",
        Live hosts "hosts",
        Live not_before "not-before",
        Live not_after "not-after",
        Live owner "owner",
        Live notes "notes",
        Live runbook_url "runbook-url",
        Live region "region",
        Live bands "bands",
    );
}

fn maintenance(at: &mut At<'_>, old: &Maintenance, new: &Maintenance) {
    let Maintenance {
        default_region,
        notice_business_days,
        managed_least_days,
        managed_most_days,
        holidays,
        regions,
    } = old;
    let live = ChangeClass::Live;
    at.compare("default-region", default_region, &new.default_region, live);
    let notice = &new.notice_business_days;
    at.compare("notice-business-days", notice_business_days, notice, live);
    let least = &new.managed_least_days;
    at.compare("managed-least-days", managed_least_days, least, live);
    let most = &new.managed_most_days;
    at.compare("managed-most-days", managed_most_days, most, live);
    at.compare("holidays", holidays, &new.holidays, live);
    let (old, new) = (regions.iter(), new.regions.iter());
    at.named("region", old, new, live, region);
}

fn region(at: &mut At<'_>, old: &MaintenanceRegion, new: &MaintenanceRegion) {
    let MaintenanceRegion {
        zone,
        opens,
        closes,
        days,
        region: _,
    } = old;
    let live = ChangeClass::Live;
    at.compare("zone", zone, &new.zone, live);
    at.compare("opens", opens, &new.opens, live);
    at.compare("closes", closes, &new.closes, live);
    at.compare("days", days, &new.days, live);
}

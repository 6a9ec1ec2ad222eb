//! Whether the files that a configuration names are there and may be used. What is in them is
//! judged by the rooms that read them.

use std::fs;
use std::path::Path;

use crate::config::AuthService;
use crate::config::Blf;
use crate::config::CertificateFiles;
use crate::config::Config;
use crate::config::Environment;
use crate::config::Problem;
use crate::config::Template;
use crate::config::WebexGrant;
use crate::config::WebexPartner;
use crate::config::WebexProxy;
use crate::config::secret::SecretRef;

/// Longest provisioning password (OCI schema).
const PASSWORD_LENGTH: usize = 20;

/// Every file problem of a proven configuration. Blocks on the file system.
///
/// The state directory may be missing (systemd and the daemon create it), but not be a file.
pub(super) fn check_files_with(config: &Config, environment: &Environment) -> Vec<Problem> {
    let mut check = Check {
        environment,
        problems: Vec::new(),
    };
    check.own_directory("state-dir", &config.state_dir);
    for (name, set) in &config.trust {
        for (at, file) in set.files.iter().enumerate() {
            check.file(&format!("trust.{name}.files[{at}]"), file);
        }
        if let Some(directory) = &set.directory {
            check.directory(&format!("trust.{name}.directory"), directory);
        }
    }
    for (pool, upstream) in config
        .pools
        .values()
        .flat_map(|pool| pool.upstreams.iter().map(move |upstream| (pool, upstream)))
    {
        let Some(tls) = &upstream.tls else { continue };
        let path = format!("pool.{}.upstream.{}", pool.name, upstream.name);
        if let Some(ca) = &tls.ca {
            check.file(&format!("{path}.ca"), ca);
        }
        if let Some(files) = &tls.client_certificate {
            check.certificate(&format!("{path}.client-certificate"), files);
        }
    }
    if let Some(server) = &config.application_server {
        let path = "application-server";
        if let Some(tls) = &server.tls {
            check.file(&format!("{path}.ca"), &tls.ca);
        }
        check.secret(&format!("{path}.password"), &server.password);
    }
    if let Some(blf) = &config.blf {
        check.blf("blf", blf);
    }
    if let Some(service) = &config.auth_service {
        check.auth_service("auth-service", service);
    }
    check.provisioning(config);
    check.alarm_sinks(config);
    for listener in &config.listeners {
        for (at, host) in listener.hosts.iter().enumerate() {
            for (index, files) in host.certificates.iter().enumerate() {
                let name = &listener.name;
                let path = format!("listener.{name}.host[{at}].certificates[{index}]");
                check.certificate(&path, files);
            }
        }
        if let Some(tls) = listener
            .bridge
            .as_ref()
            .and_then(|bridge| bridge.tls.as_ref())
        {
            let path = format!("listener.{}.bridge", listener.name);
            if let Some(ca) = &tls.ca {
                check.file(&format!("{path}.ca"), ca);
            }
            if let Some(files) = &tls.client_certificate {
                check.certificate(&format!("{path}.client-certificate"), files);
            }
        }
    }
    check.problems
}

struct Check<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// Reports, partners, templates and what operators show.
    fn provisioning(&mut self, config: &Config) {
        for server in config.ocir.iter().flat_map(|ocir| &ocir.servers) {
            if let Some(tls) = &server.tls {
                self.file(&format!("ocir.as.{}.ca", server.name), &tls.ca);
            }
        }
        for acme in &config.acme {
            let path = format!("acme.{}", acme.name);
            if let Some(ca) = &acme.ca {
                self.file(&format!("{path}.ca"), ca);
            }
            if let Some(external) = &acme.external {
                self.secret(&format!("{path}.eab-secret"), &external.secret);
            }
            if let Some(hook) = &acme.dns_hook {
                let program = "a program that the daemon may run";
                self.readable(&format!("{path}.dns-hook"), hook, program);
            }
        }
        for partner in config.webex_partners.values() {
            self.webex_partner(partner);
        }
        if let Some(table) = &config.provisioning.error_table {
            self.text("provisioning.error-table", table);
        }
        if let Some(token) = &config.provisioning.operations.operator_token {
            self.secret("provisioning.operations.operator-token", token);
        }
        for template in &config.templates {
            self.template(&format!("template.{}", template.name), template);
        }
    }

    fn note(&mut self, path: &str, file: &Path, what: impl Into<String>, expected: &str) {
        let problem = Problem::new(path, what).expected(expected);
        let value = format!("{:?}", file.display().to_string());
        self.problems.push(problem.value(value));
    }

    fn file(&mut self, path: &str, file: &Path) {
        self.readable(path, file, "a PEM file that the daemon may read");
    }

    fn text(&mut self, path: &str, file: &Path) {
        self.readable(path, file, "a TOML file that the daemon may read");
    }

    fn readable(&mut self, path: &str, file: &Path, expected: &str) {
        match fs::metadata(file) {
            Ok(facts) if !facts.is_file() => self.note(path, file, "not a regular file", expected),
            Ok(_) => {
                if let Err(error) = fs::File::open(file) {
                    self.note(path, file, format!("cannot be read: {error}"), expected);
                }
            }
            Err(error) => self.note(path, file, format!("cannot be read: {error}"), expected),
        }
    }

    fn directory(&mut self, path: &str, directory: &Path) {
        if let Err(error) = fs::read_dir(directory) {
            let what = format!("cannot be listed: {error}");
            self.note(
                path,
                directory,
                what,
                "a directory that the daemon may read",
            );
        }
    }

    fn auth_service(&mut self, path: &str, service: &AuthService) {
        if let Some(token) = &service.operator_token {
            self.secret(&format!("{path}.operator-token"), token);
        }
        // Before `xspd keys generate` it may be missing; there are no tokens then.
        self.own_directory(
            &format!("{path}.key-management.directory"),
            &service.keys.directory,
        );
        let Some(cisco) = &service.cisco else { return };
        let path = format!("{path}.identity-providers.cisco");
        self.secret(&format!("{path}.client-secret"), &cisco.client_secret);
        if let Some(ca) = &cisco.ca {
            self.file(&format!("{path}.ca"), ca);
        }
        let token = &cisco.federation.refresh_token;
        self.secret(&format!("{path}.federation.refresh-token"), token);
    }

    fn blf(&mut self, path: &str, blf: &Blf) {
        if let Some(account) = &blf.account {
            self.secret(&format!("{path}.account.password"), &account.password);
        }
        if let Some(webhook) = &blf.webhook {
            self.secret(&format!("{path}.webhook.secret"), &webhook.secret);
            if let Some(ca) = &webhook.ca {
                self.file(&format!("{path}.webhook.ca"), ca);
            }
        }
    }

    fn alarm_sinks(&mut self, config: &Config) {
        if let Some(token) = &config.alarms.operator_token {
            self.secret("alarms.operator-token", token);
        }
        for sink in &config.alarm_sinks {
            let path = format!("alarm-sink.{}", sink.name);
            for (key, secret) in sink.way.secrets() {
                self.secret(&format!("{path}.{key}"), secret);
            }
            for (key, file) in sink.way.files() {
                self.file(&format!("{path}.{key}"), file);
            }
        }
    }

    fn webex_partner(&mut self, partner: &WebexPartner) {
        let path = format!("webex-partner.{}", partner.name);
        let mut secret = |key: &str, secret: &SecretRef| {
            self.secret(&format!("{path}.{key}"), secret);
        };
        secret("client-secret", &partner.client_secret);
        match &partner.grant {
            WebexGrant::Integration { refresh_token } => secret("refresh-token", refresh_token),
            WebexGrant::ServiceApp {
                refresh_token,
                application_token,
                application_id: _,
                target_org_id: _,
            } => {
                if let Some(token) = refresh_token {
                    secret("refresh-token", token);
                }
                if let Some(token) = application_token {
                    secret("application-token", token);
                }
            }
        }
        if let WebexProxy::Through {
            credentials: Some(credentials),
            ..
        } = &partner.proxy
        {
            secret("proxy-credentials", credentials);
        }
        if let Some(ca) = &partner.ca {
            self.file(&format!("{path}.ca"), ca);
        }
    }

    fn template(&mut self, path: &str, template: &Template) {
        if let Some(held) = &template.credentials {
            self.password(&format!("{path}.password"), &held.password);
        }
        if let Some(held) = &template.relay.credentials {
            self.password(&format!("{path}.relay.password"), &held.password);
        }
        if let Some(ca) = &template.relay.ca {
            self.file(&format!("{path}.relay.ca"), ca);
        }
        if let Some(mapping) = &template.mapping {
            self.text(&format!("{path}.mapping"), mapping);
        }
    }

    /// One that the Application Server must be able to store.
    fn password(&mut self, path: &str, secret: &SecretRef) {
        self.secret(path, secret);
        let Ok(password) = secret.read_from(self.environment) else {
            return;
        };
        let text = std::str::from_utf8(password.expose()).map(str::trim_end);
        let length = text.map_or(0, |text| text.chars().count());
        if !(1..=PASSWORD_LENGTH).contains(&length) {
            let what = "the Application Server cannot store this password";
            let problem = Problem::new(path, what);
            let expected = format!("1 to {PASSWORD_LENGTH} characters of UTF-8");
            self.problems.push(problem.expected(expected));
        }
    }

    fn secret(&mut self, path: &str, secret: &SecretRef) {
        if let Err(error) = secret.read_from(self.environment) {
            let problem = Problem::new(path, error.to_string());
            let expected = "a secret that only the daemon may read";
            self.problems.push(problem.expected(expected));
        }
    }

    /// One that the daemon makes, so it may be missing.
    fn own_directory(&mut self, path: &str, directory: &Path) {
        if fs::metadata(directory).is_ok_and(|facts| !facts.is_dir()) {
            self.note(
                path,
                directory,
                "not a directory",
                "a directory, or none yet",
            );
        }
    }

    fn certificate(&mut self, path: &str, files: &CertificateFiles) {
        self.file(&format!("{path}.chain"), &files.chain);
        if let Err(error) = files.key.read_from(self.environment) {
            let problem = Problem::new(format!("{path}.key"), error.to_string());
            let expected = "a private key that only the daemon may read";
            self.problems.push(problem.expected(expected));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::check::check;
    use crate::config::raw::Raw;

    fn problems(directory: &Path) -> Vec<String> {
        let text = format!(
            r#"
            [[trust]]
            name = "webex"
            files = ["{d}/trust.pem"]
            directory = "{d}/trust"
            [[pool]]
            name = "xsp"
            upstream = [{{ name = "one", url = "https://x", ca = "{d}/ca.pem" }}]
            [[listener]]
            name = "public"
            addresses = ["127.0.0.1:0"]
            [[listener.host]]
            names = ["*"]
            certificates = [{{ chain = "{d}/chain.pem", key = "file:{d}/key.pem" }}]
            "#,
            d = directory.display()
        );
        let raw: Raw = toml::from_str(&text).unwrap();
        let checked = check(&raw);
        assert_eq!(checked.problems, []);
        let problems = check_files_with(&checked.config, &Environment::default());
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_missing_file_is_named_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let problems = problems(directory.path());
        let paths: Vec<_> = problems
            .iter()
            .map(|p| p.split([' ', ':']).next().unwrap())
            .collect();
        assert_eq!(
            paths,
            [
                "trust.webex.files[0]",
                "trust.webex.directory",
                "pool.xsp.upstream.one.ca",
                "listener.public.host[0].certificates[0].chain",
                "listener.public.host[0].certificates[0].key",
            ]
        );
    }

    #[test]
    fn the_secrets_of_the_auth_service_are_looked_at_before_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let d = directory.path().display();
        fs::write(directory.path().join("authservice"), "not a directory").unwrap();
        let text = format!(
            r#"
            state-dir = "{d}"
            [[listener]]
            name = "public"
            addresses = ["127.0.0.1:0"]
            [[listener.host]]
            names = ["*"]
            routes = ["auth-service"]
            [application-server]
            addresses = ["as1.internal"]
            ca = "{d}/ca.pem"
            user-id = "xspd"
            password = "file:{d}/password"
            [auth-service]
            mode = "native"
            operator-token = "file:{d}/operator"
            [auth-service.identity-providers.cisco]
            ci-cluster = "EU"
            teams-cluster = "AFRA"
            ca = "{d}/ci.pem"
            client-id = "C1"
            client-secret = "env:SECRET"
            federation = {{ refresh-token = "cred:refresh" }}
            "#
        );
        let checked = check(&toml::from_str(&text).unwrap());
        assert_eq!(checked.problems, []);
        let problems = check_files_with(&checked.config, &Environment::default());
        let paths: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "application-server.ca",
                "application-server.password",
                "auth-service.operator-token",
                "auth-service.key-management.directory",
                "auth-service.identity-providers.cisco.client-secret",
                "auth-service.identity-providers.cisco.ca",
                "auth-service.identity-providers.cisco.federation.refresh-token",
            ]
        );
    }

    #[test]
    fn files_that_are_there_are_fine_but_a_shared_key_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::create_dir(path("trust")).unwrap();
        for name in ["trust.pem", "ca.pem", "chain.pem", "key.pem"] {
            fs::write(path(name), "pem").unwrap();
        }
        let mode = |mode| {
            fs::set_permissions(path("key.pem"), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o600);
        assert_eq!(problems(directory.path()), [""; 0]);
        mode(0o644);
        let shared = problems(directory.path());
        assert_eq!(shared.len(), 1, "{shared:?}");
        assert!(shared.concat().contains("run: chmod 600 "), "{shared:?}");
    }
}

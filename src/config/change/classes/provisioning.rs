//! Classes of provisioning. Everything can change while running; a call under way keeps the rules
//! that it began with.

use crate::config::Capture;
use crate::config::Provisioning;
use crate::config::SpEnterpriseIdForm;
use crate::config::Template;
use crate::config::TemplateRelay;
use crate::config::TemplateResponse;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;
use crate::config::change::classes::operations::allowed;

pub(super) fn provisioning(at: &mut At<'_>, old: &Provisioning, new: &Provisioning) {
    compare!(at, Provisioning, old, new;
        Live answer_within "answer-within",
        Live rate "requests-per-second",
        Live error_table "error-table",
        Live jobs "jobs";
        capture "capture" kept,
        operations "operations" allowed,
    );
}

fn kept(at: &mut At<'_>, old: &Capture, new: &Capture) {
    compare!(at, Capture, old, new;
        Live what "what",
        Live ring "ring",
        Live body_bytes "body-bytes",
        Live keep "keep",
        Live max_age "max-age",
        Live personal_data "personal-data",
    );
}

pub(super) fn templates(at: &mut At<'_>, old: &[Template], new: &[Template]) {
    // The store is opened at the start, when there is something to keep.
    let (was, is) = (old.is_empty(), new.is_empty());
    at.compare("template", &was, &is, ChangeClass::Restart);
    let old = old.iter().map(|template| (&template.name, template));
    let new = new.iter().map(|template| (&template.name, template));
    at.named("template", old, new, ChangeClass::Live, template);
}

fn template(at: &mut At<'_>, old: &Template, new: &Template) {
    compare!(at, Template, old, new;
        Live name "name",
        Live mode "mode",
        Live matches "match",
        Live cluster "cluster",
        Live customers "customers",
        Live partner "partner",
        Live provisioning_id "provisioning-id",
        Live bridge_url "bridge-url",
        Live credentials "account",
        Live allow "allow",
        Live enterprise_mode "enterprise-mode",
        Live trusted_email "trusted-email",
        Live package "package",
        Live language "language",
        Live timezone "timezone",
        Live early_validation "early-validation",
        Live precheck "precheck",
        Live precheck_policy "precheck-policy",
        Live on_remove "on-remove",
        Live remove_unknown "remove-unknown",
        Live user_id_change "user-id-change",
        Live stage_basic_first "stage-basic-first",
        Live capture "capture",
        Live mapping "mapping";
        sp_enterprise_id "sp-enterprise-id" enterprise,
        relay "relay" way,
        response "response" answers,
    );
}

fn enterprise(at: &mut At<'_>, old: &SpEnterpriseIdForm, new: &SpEnterpriseIdForm) {
    compare!(at, SpEnterpriseIdForm, old, new;
        Live format "format",
        Live case "case",
        Live escape "escape",
    );
}

fn way(at: &mut At<'_>, old: &TemplateRelay, new: &TemplateRelay) {
    compare!(at, TemplateRelay, old, new;
        Live on_unreachable "on-unreachable",
        Live connect_timeout "connect-timeout",
        Live total_timeout "total-timeout",
        Live ca "ca",
        Live credentials "account",
    );
}

fn answers(at: &mut At<'_>, old: &TemplateResponse, new: &TemplateResponse) {
    compare!(at, TemplateResponse, old, new;
        Live status "accepted.status",
        Live content_type "accepted.content-type",
        Live body "accepted.body",
        Live error_content_type "error.content-type",
        Live error_body "error.body",
    );
}

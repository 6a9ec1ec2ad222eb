//! The classes of Webex partner accounts: a changed one takes the place of the old one, which
//! finishes what it has under way.

use crate::config::WebexPartner;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn partner(at: &mut At<'_>, old: &WebexPartner, new: &WebexPartner) {
    compare!(at, WebexPartner, old, new;
        Live name "name",
        Live base_url "base-url",
        Live grant "auth",
        Live client_id "client-id",
        Live client_secret "client-secret",
        Live org_id "org-id",
        Live proxy "proxy",
        Live ca "ca",
        Live connect_timeout "connect-timeout",
        Live answer_timeout "answer-timeout",
        Live total_timeout "total-timeout",
        Live in_flight "in-flight",
        Live requests_per_second "requests-per-second",
    );
}

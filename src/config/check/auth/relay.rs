//! What has no effect while the AuthService is relayed.

use crate::config::check::at::At;
use crate::config::raw;

/// Refuses every key that only the native AuthService has: whoever wrote it believes it in force.
pub(super) fn has_no_effect(at: &At<'_>, raw: &raw::AuthService) {
    let raw::AuthService {
        mode: _,
        client_authentication,
        basic,
        asserted_user_header,
        response_format,
        allow_rsa_oaep_sha1,
        foreign_bearer,
        administrators,
        operator_token,
        farm_identities,
        token_management,
        key_management,
        revocation,
        login_token,
        identity_providers,
    } = raw;
    let written = [
        ("client-authentication", client_authentication.is_some()),
        ("basic", basic.is_some()),
        ("asserted-user-header", asserted_user_header.is_some()),
        ("response-format", response_format.is_some()),
        ("allow-rsa-oaep-sha1", allow_rsa_oaep_sha1.is_some()),
        ("foreign-bearer", foreign_bearer.is_some()),
        ("administrators", administrators.is_some()),
        ("operator-token", operator_token.is_some()),
        ("farm-identities", farm_identities.is_some()),
        ("token-management", token_management.is_some()),
        ("key-management", key_management.is_some()),
        ("revocation", revocation.is_some()),
        ("login-token", login_token.is_some()),
        ("identity-providers", identity_providers.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key).refuse(
            "has no effect while the AuthService of the XSP is relayed",
            "`mode = \"native\"`, or no such key",
        );
    }
}

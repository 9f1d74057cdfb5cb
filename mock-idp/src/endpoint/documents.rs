//! What anybody may read: the metadata.

use serde_json::{Value, json};

use super::authorize::RESPONSE_MODES;
use crate::client::credential_methods;
use crate::issuer::Issuer;
use crate::jose::{merge, object};
use crate::presented::ALGORITHMS;
use crate::settings::TokenType;
use crate::{dpop, quirks, token};

/// One document that is good as RFC 8414 metadata and as OpenID Connect discovery.
pub(crate) fn metadata(issuer: &Issuer) -> Value {
    let config = issuer.config();
    let methods = credential_methods();
    let mut document = object(json!({
        "issuer": issuer.url(),
        "authorization_endpoint": issuer.endpoint_url("authorize"),
        "token_endpoint": issuer.endpoint_url("token"),
        "jwks_uri": issuer.endpoint_url("jwks"),
        "userinfo_endpoint": issuer.endpoint_url("userinfo"),
        "introspection_endpoint": issuer.endpoint_url("introspect"),
        "revocation_endpoint": issuer.endpoint_url("revoke"),
        "scopes_supported": config.scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": RESPONSE_MODES,
        "grant_types_supported": token::grant_types(&config),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": methods[1..],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [config.alg.name()],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "auth_time", "at_hash", "name", "email"],
        "prompt_values_supported": ["none", "login", "consent"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }));
    if config.dcr {
        document.insert("registration_endpoint".to_owned(), issuer.endpoint_url("register").into());
    }
    if config.iss_in_response {
        document.insert("authorization_response_iss_parameter_supported".to_owned(), true.into());
    }
    if config.exchange.enabled && config.exchange.requested_types.contains(&TokenType::IdJag) {
        // Draft on identity and authorization chaining across domains.
        document
            .insert("identity_chaining_requested_token_types_supported".to_owned(), json!([TokenType::IdJag.urn()]));
    }
    if config.dpop.enabled {
        document.insert("dpop_signing_alg_values_supported".to_owned(), json!(dpop::algs()));
    }
    if config.par.enabled {
        let url = issuer.endpoint_url("par");
        document.insert("pushed_authorization_request_endpoint".to_owned(), url.into());
        document.insert("require_pushed_authorization_requests".to_owned(), config.par.required.into());
    }
    quirks::published(&config.quirks, &mut document);
    merge(&mut document, &config.metadata);
    document.into()
}

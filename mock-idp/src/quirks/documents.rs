//! Which documents and endpoints there are.

use serde_json::{Map, Value};

use super::{Place, Quirks};
use crate::request::Request;
use crate::script::Endpoint;

/// Whether the provider has an endpoint, or a document at the place where it was asked for.
pub(crate) fn offers(quirks: &Quirks, endpoint: Endpoint, request: &Request) -> bool {
    let inserted = request.path().starts_with("/.well-known/");
    // At the root both kinds of URL are the same.
    let root = inserted && request.path().matches('/').count() == 2;
    let places: &[Place] = match (endpoint, inserted) {
        (Endpoint::Metadata, true) if root => &[Place::OauthInserted, Place::OauthAppended],
        (Endpoint::Discovery, true) if root => &[Place::OidcInserted, Place::OidcAppended],
        (Endpoint::Metadata, true) => &[Place::OauthInserted],
        (Endpoint::Metadata, false) => &[Place::OauthAppended],
        (Endpoint::Discovery, true) => &[Place::OidcInserted],
        (Endpoint::Discovery, false) => &[Place::OidcAppended],
        // Nobody has it but whoever says where.
        (Endpoint::Tokeninfo, _) => return quirks.paths.contains_key(endpoint.name()),
        _ => return !quirks.absent.iter().any(|absent| absent == endpoint.name()),
    };
    quirks.documents.is_empty() || places.iter().any(|place| quirks.documents.contains(place))
}

/// Takes out of the metadata what the provider does not tell, or does not have.
pub(crate) fn published(quirks: &Quirks, document: &mut Map<String, Value>) {
    let dropped = |member: &str| quirks.metadata_drop.iter().any(|drop| drop == member);
    let absent = |member: &str| {
        let of = |(endpoint, prefix): &(&str, &str)| {
            quirks.absent.iter().any(|absent| absent == endpoint) && member.starts_with(prefix)
        };
        MEMBERS.iter().any(of)
    };
    document.retain(|member, _| !dropped(member) && !absent(member));
}

/// Endpoints, and how the members begin that speak of them.
const MEMBERS: [(&str, &str); 3] =
    [("introspect", "introspection_endpoint"), ("revoke", "revocation_endpoint"), ("userinfo", "userinfo_endpoint")];

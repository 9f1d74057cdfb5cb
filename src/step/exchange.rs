//! `exchange`: a token exchange request (RFC 8693 section 2.1).

use serde_json::{Map, Value, json};

use super::args::Args;
use super::context::Context;
use super::token;

/// Posts a token exchange; what the case leaves out is filled in honestly.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let mut params = Map::new();
    let mut put = |name: &str, value: Option<Value>| params.extend(value.map(|v| (name.to_owned(), v)));
    let subject = args.text("subject-token");
    put(
        "subject_token_type",
        args.get("subject-token-type").cloned().or_else(|| subject.as_ref().map(|_| json!(ACCESS_TOKEN))),
    );
    put("subject_token", subject.map(Value::from));
    put(
        "actor_token_type",
        args.get("actor-token-type").cloned().or_else(|| args.get("actor-token").map(|_| json!(ACCESS_TOKEN))),
    );
    put("actor_token", args.get("actor-token").cloned());
    put("requested_token_type", args.get("requested-token-type").cloned());
    put("audience", args.get("audience").cloned());
    put("resource", args.get("resource").cloned());
    params.extend(args.table("params"));
    let mut request = Map::new();
    request.insert("grant".into(), json!("urn:ietf:params:oauth:grant-type:token-exchange"));
    request.insert("params".into(), Value::Object(params));
    let mut drop = args.list("drop");
    if args.get("resource").is_none() {
        // The honest default of `token` is for grants of this resource; an exchange names its target by itself.
        request.insert("resource".into(), json!([]));
    }
    for name in ["client", "scope", "auth", "duplicate", "url", "dpop"] {
        request.extend(args.get(name).map(|v| (name.to_owned(), v.clone())));
    }
    drop.retain(|name| !name.is_empty());
    request.insert("drop".into(), json!(drop));
    token::perform(context, Args::new(&request)).await
}

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

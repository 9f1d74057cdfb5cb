//! What counts as refused, verb by verb; a crash never does.

use serde_json::Value;

use crate::fact;
use crate::suite::Verb;

/// What a request that ought to be refused met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It got what it asked for; in words.
    Accepted(String),
    /// 5xx or a dropped connection; in words.
    Crashed(String),
    /// It was refused.
    Refused,
}

/// Classifies the facts of a step that ought to be refused.
///
/// `authorize`, `login`, `consent`, `callback`: no code goes anywhere, no push is taken if that is all there is to do, and the browser is sent neither to an unregistered
/// place nor, but for `callback`, on to the identity provider (where a step stops at that hop). `token`, `exchange`: 4xx and no token. `call`: 4xx and no result. `register`: 4xx and no client. `manage`, `fetch`: 4xx.
/// `repeat`: nothing succeeded.
#[must_use]
pub fn refusal(verb: Verb, facts: &Value) -> Refusal {
    let words = || fact::summary(facts);
    let crashed = facts["crash"] == true;
    let status = facts["status"].as_u64().unwrap_or(0);
    let accepted = match verb {
        Verb::Authorize | Verb::Login | Verb::Consent | Verb::Callback => {
            let at = facts["stopped-at"].as_str().unwrap_or_default();
            facts["codes"].as_array().is_some_and(|c| !c.is_empty())
                || ["elsewhere", "callback", "pushed"].contains(&at)
                // An answer that was thrown away may be asked for again, by a request of its own.
                || at == "upstream" && verb != Verb::Callback
        }
        Verb::Token | Verb::Exchange => facts["granted"] == true,
        Verb::Call => facts["served"] == true,
        Verb::Register => facts["client"]["id"].is_string(),
        Verb::Manage => (200..300).contains(&status),
        Verb::Repeat => facts["succeeded"].as_u64().unwrap_or(0) > 0,
        Verb::Drive => facts["mcp"]["served"].as_u64().is_some_and(|served| served > 0),
        Verb::Discover | Verb::Fetch | Verb::Mutate | Verb::Wait => (200..400).contains(&status),
    };
    if accepted {
        return Refusal::Accepted(words());
    }
    if crashed {
        return Refusal::Crashed(words());
    }
    let answers_with_status = matches!(verb, Verb::Token | Verb::Exchange | Verb::Call | Verb::Register | Verb::Manage);
    if answers_with_status
        && !(400..500).contains(&status)
        && status != 501
        && facts["rpc-error"].is_null()
        && facts["tool-error"] != true
    {
        // 200 without a token, 302 to a page: neither what was asked for nor a refusal that a client can read.
        return if (300..400).contains(&status) || status < 300 && verb != Verb::Call {
            Refusal::Refused
        } else {
            Refusal::Accepted(words())
        };
    }
    Refusal::Refused
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_method_that_a_server_does_not_know_is_refused() {
        let facts = |crash: bool| json!({ "status": 501, "crash": crash, "served": false });
        assert_eq!(refusal(Verb::Call, &facts(false)), Refusal::Refused);
        assert_eq!(refusal(Verb::Call, &facts(true)), Refusal::Crashed("501".into()));
    }

    #[test]
    fn a_crash_is_no_refusal() {
        assert_eq!(refusal(Verb::Token, &json!({ "status": 500, "crash": true })), Refusal::Crashed("500".into()));
        assert_eq!(
            refusal(Verb::Call, &json!({ "dropped": "closed", "crash": true })),
            Refusal::Crashed("closed".into())
        );
    }

    #[test]
    fn a_token_in_hand_is_accepted_whatever_the_status() {
        assert!(matches!(refusal(Verb::Token, &json!({ "status": 400, "granted": true })), Refusal::Accepted(_)));
        assert_eq!(
            refusal(Verb::Token, &json!({ "status": 400, "granted": false, "error": "invalid_grant" })),
            Refusal::Refused
        );
    }

    #[test]
    fn a_redirect_to_a_stranger_is_accepted_even_without_a_code() {
        assert!(matches!(
            refusal(Verb::Authorize, &json!({ "stopped-at": "elsewhere", "codes": [] })),
            Refusal::Accepted(_)
        ));
        assert_eq!(
            refusal(Verb::Authorize, &json!({ "stopped-at": "page", "status": 400, "codes": [] })),
            Refusal::Refused
        );
        assert_eq!(
            refusal(Verb::Authorize, &json!({ "stopped-at": "error", "error": "invalid_request", "codes": [] })),
            Refusal::Refused
        );
    }

    #[test]
    fn a_call_is_refused_by_status_or_by_a_json_rpc_error() {
        assert_eq!(refusal(Verb::Call, &json!({ "status": 401 })), Refusal::Refused);
        assert_eq!(refusal(Verb::Call, &json!({ "status": 200, "rpc-error": { "code": -32001 } })), Refusal::Refused);
        assert!(matches!(refusal(Verb::Call, &json!({ "status": 202 })), Refusal::Accepted(_)));
    }
}

//! `wait`: lets time pass, in a bounded way.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::Args;
use super::context::Context;

/// Waits `seconds` (at most [`LONGEST`]), or until the target may fetch our identity provider's keys again (`keys`).
pub async fn perform(context: &Context, args: Args<'_>) -> Result<Value, String> {
    let cooldown = context.world.idp.as_ref().filter(|_| args.flag("keys")).map(|idp| idp.cooldown.as_secs_f64());
    let cooldown = cooldown.map(|cooldown| cooldown + (cooldown / 10.0).min(0.1));
    let seconds = cooldown.or_else(|| args.get("seconds").and_then(Value::as_f64)).unwrap_or(1.0).max(0.0);
    if seconds > LONGEST.as_secs_f64() {
        return Err(format!("wait {seconds} seconds: the longest wait of a case is {} seconds", LONGEST.as_secs()));
    }
    let wait = Duration::from_secs_f64(seconds);
    tokio::time::sleep(wait).await;
    Ok(json!({ "waited-ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }))
}

/// The longest wait of one step.
const LONGEST: Duration = Duration::from_secs(120);

//! `wait`: lets time pass, in a bounded way.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::Args;
use super::context::Context;
use super::noted::part;
use crate::target::IdJagWants;

/// Waits `seconds` (at most [`LONGEST`]), until the grace for used refresh tokens is over (`grace`), until the target may fetch our
/// identity provider's keys again (`keys`), until a time has come (`past`), or for what the target may do by itself (`requests`).
pub async fn perform(context: &Context, args: Args<'_>) -> Result<Value, String> {
    let number = |name| args.get(name).and_then(Value::as_f64);
    let cooldown = context.world.idp.as_ref().filter(|_| args.flag("keys")).map(|idp| idp.cooldown.as_secs_f64());
    let cooldown = cooldown.map(|cooldown| cooldown + (cooldown / 10.0).min(0.1));
    let grace = args.flag("grace").then(|| {
        let grace = part!(context.world.recipe, refresh_grace).unwrap_or_default();
        if grace.is_zero() { 0.0 } else { grace.as_secs_f64() + TICK.as_secs_f64() }
    });
    let past = number("past").map(|time| remaining(context, time));
    let own = number("requests");
    let seconds = cooldown.or(grace).or(past).or(own).or_else(|| number("seconds")).unwrap_or(1.0).max(0.0);
    if seconds > LONGEST.as_secs_f64() {
        if cooldown.is_some() {
            return Err(format!("{TOO_LONG}: {seconds} seconds, of {}", LONGEST.as_secs()));
        }
        return Err(format!("wait {seconds} seconds: the longest wait of a case is {} seconds", LONGEST.as_secs()));
    }
    let wait = Duration::from_secs_f64(seconds);
    match own {
        _ if wait.is_zero() => {}
        // What has not happened yet does not happen by moving a clock.
        Some(_) => tokio::time::sleep(wait).await,
        None if context.world.clock.passes() => context.world.clock.wait(wait).await,
        None => {
            // A target that has gone meanwhile is not waited for.
            let ends = tokio::time::Instant::now() + wait;
            while let Some(left) =
                ends.checked_duration_since(tokio::time::Instant::now()).filter(|left| !left.is_zero())
            {
                if let Some(gone) = context.world.http.is_dead() {
                    return Err(format!("wait {seconds} seconds: {gone}"));
                }
                context.world.clock.wait(left.min(LOOK)).await;
            }
        }
    }
    Ok(json!({ "waited-ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }))
}

/// Seconds until a time that a token names is over for everybody.
fn remaining(context: &Context, time: f64) -> f64 {
    let leeway = part!(context.world.exchange, wants).id_jag.as_ref().map_or(IdJagWants::LEEWAY, |wants| wants.leeway);
    time + leeway.as_secs_f64() - context.world.clock.now().as_secs_f64() + TICK.as_secs_f64()
}

/// Servers may read their clock in whole seconds, rounded.
const TICK: Duration = Duration::from_millis(600);

/// How often a wait looks whether the target is still there.
const LOOK: Duration = Duration::from_secs(1);

/// The longest wait of one step.
pub const LONGEST: Duration = Duration::from_secs(120);

/// Why cases that wait for keys do not apply.
pub const TOO_LONG: &str = "the cool-down for keys (profile: upstream.jwks-cooldown) is longer than a case may wait";

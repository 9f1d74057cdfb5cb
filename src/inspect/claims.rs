//! Claims in words: times, spans, lists.

use jiff::Timestamp;
use serde_json::Value;

/// A NumericDate (RFC 7519 section 2), whole seconds; fractions are cut off.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.abs() < 1e15)?;
        #[expect(clippy::cast_possible_truncation, reason = "within these bounds every whole number is exact")]
        Some(number.trunc() as i64)
    })
}

/// A number that is no such moment: after everything that a calendar knows, or before it. No number at all is neither.
pub(super) fn beyond(value: &Value) -> Option<Beyond> {
    let number = value.as_f64().filter(|_| seconds(value).is_none())?;
    Some(if number > 0.0 { Beyond::After } else { Beyond::Before })
}

/// On which side of the calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Beyond {
    After,
    Before,
}

/// `2026-11-21 10:40:00 UTC, in 9 min 30 s`.
pub(super) fn moment(at: i64, now: i64) -> String {
    let day = Timestamp::from_second(at).map_or_else(
        |_| "beyond the calendar".to_owned(),
        |time| time.to_string().replace('T', " ").replace('Z', " UTC"),
    );
    match at.saturating_sub(now) {
        0 => format!("{day}, now"),
        ahead @ 1.. => format!("{day}, in {}", span(ahead)),
        past => format!("{day}, {} ago", span(past.saturating_neg())),
    }
}

/// `45 s`, `9 min 30 s`, `1 h`, `30 d 4 h`: the two largest units.
pub(super) fn span(seconds: i64) -> String {
    let mut parts = Vec::new();
    let mut rest = seconds.max(0);
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        if rest >= length && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / length));
            rest %= length;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A text as it is, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(moment(0, 90), "1970-01-01 00:00:00 UTC, 1 min 30 s ago");
        assert_eq!(moment(1_795_257_600, 1_795_257_000), "2026-11-21 10:40:00 UTC, in 10 min");
        assert!(moment(i64::MAX / 2, 0).starts_with("beyond the calendar"));
        assert!(moment(i64::MIN, 90).ends_with(" ago"));
        let spans: Vec<String> = [0, 59, 3_600, 3_601, 90_061].into_iter().map(span).collect();
        assert_eq!(spans, ["0 s", "59 s", "1 h", "1 h", "1 d 1 h"]);
        assert_eq!((seconds(&json!(1.9)), seconds(&json!("1")), seconds(&json!(-5))), (Some(1), None, Some(-5)));
    }
}

//! TOML as a tree with places, and its values as JSON.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// A key with its place.
pub(super) type Key<'i> = Spanned<Cow<'i, str>>;

/// A value with its place.
pub(super) type Item<'i> = Spanned<DeValue<'i>>;

/// The entries of a table in the order of the file.
pub(super) fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Item<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// From the start of a key to the end of its value, or the key alone where the value is spread over several lines.
pub(super) fn whole(key: &Key<'_>, item: &Item<'_>) -> Range<usize> {
    key.span().start..key.span().end.max(item.span().end)
}

/// The value as JSON, or the place of a number that JSON cannot hold.
pub(super) fn json(item: &Item<'_>) -> Result<Value, Range<usize>> {
    let unfit = || item.span();
    Ok(match item.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(digits) => Value::Number(integer(digits).ok_or_else(unfit)?),
        DeValue::Float(digits) => Value::Number(float(digits.as_str()).ok_or_else(unfit)?),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        DeValue::Table(table) => Value::Object(object(table)?),
    })
}

/// The table as a JSON object in the order of the file, or the place of a number that JSON cannot hold.
pub(super) fn object(table: &DeTable<'_>) -> Result<Map<String, Value>, Range<usize>> {
    entries(table).into_iter().map(|(key, item)| Ok((key.get_ref().to_string(), json(item)?))).collect()
}

/// What a value is, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The value as a number, for bounds.
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(digits) => integer(digits)?.as_f64(),
        DeValue::Float(digits) => float(digits.as_str())?.as_f64(),
        _ => None,
    }
}

fn integer(digits: &DeInteger<'_>) -> Option<Number> {
    let text = digits.as_str();
    let signed = i64::from_str_radix(text, digits.radix()).map(Number::from);
    signed.ok().or_else(|| u64::from_str_radix(text, digits.radix()).ok().map(Number::from))
}

fn float(digits: &str) -> Option<Number> {
    Number::from_f64(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    fn read(text: &str) -> Result<Value, Range<usize>> {
        object(DeTable::parse(text).expect("TOML").get_ref()).map(Value::Object)
    }

    #[test]
    fn keeps_the_order_and_the_numbers() {
        let read = read("b = 1_000\na = [0x1f, -2, 1.5]\nc.d = true\nc.a = 'x'\nn = 18446744073709551615\n");
        let wanted =
            value!({ "b": 1000, "a": [31, -2, 1.5], "c": { "d": true, "a": "x" }, "n": 18446744073709551615u64 });
        assert_eq!(read.as_ref().ok().map(Value::to_string), Some(wanted.to_string()));
    }

    #[test]
    fn refuses_numbers_that_json_cannot_hold() {
        assert_eq!(read("a = [1, nan]"), Err(8..11));
        assert!(read("a = 99999999999999999999").is_err());
    }
}

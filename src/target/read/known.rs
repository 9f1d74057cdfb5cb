//! `[[known-failure]]`: every entry with a reason and a last day.

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::super::KnownFailure;
use super::Reading;
use crate::rule::reader::Section;

pub(super) fn failures(document: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<KnownFailure> {
    let Some(entry) = document.take("known-failure") else {
        return Vec::new();
    };
    let span = entry.span();
    let DeValue::Array(items) = entry.into_inner() else {
        let message = "known failures are written [[known-failure]], each with its own header";
        reading.slips.add("type", span, message, "expected [[known-failure]]");
        return Vec::new();
    };
    items
        .into_iter()
        .filter_map(|item| {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => failure(Section::new("known-failure".to_owned(), table, span), reading),
                other => document.mistyped("known-failure", "a table", &other, span, &mut reading.slips),
            }
        })
        .collect()
}

fn failure(mut section: Section<'_>, reading: &mut Reading<'_>) -> Option<KnownFailure> {
    let rule = section.text("rule", &mut reading.slips);
    let named = rule.is_some() || section.has("case");
    let case = reading.glob(&mut section, "case");
    let variant = reading.glob(&mut section, "variant");
    let reason = section.required_text("reason", &mut reading.slips);
    let until = until(&mut section, reading);
    if !named {
        section.missing("rule", &mut reading.slips);
    }
    let span = rule.as_ref().map_or_else(|| section.span(), Spanned::span);
    section.finish(&mut reading.slips);
    Some(KnownFailure {
        rule: rule.map(Spanned::into_inner),
        case,
        variant,
        reason: reason?.into_inner(),
        until: until?,
        span,
    })
}

/// A date of TOML, or the same as a text.
fn until(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<Date> {
    let Some(entry) = section.take("until") else {
        section.missing("until", &mut reading.slips);
        return None;
    };
    let span = entry.span();
    let text = match entry.into_inner() {
        DeValue::Datetime(time) if time.time.is_none() => time.to_string(),
        DeValue::Datetime(_) => {
            reading.slips.add("date", span, "`known-failure.until` is a day without a time", "such as 2027-01-31");
            return None;
        }
        DeValue::String(text) => text.into_owned(),
        other => return section.mistyped("until", "a date", &other, span, &mut reading.slips),
    };
    match text.parse::<Date>() {
        Ok(date) => Some(date),
        Err(_) => {
            reading.slips.add("date", span, format!("`{text}` is not a date"), "such as 2027-01-31");
            None
        }
    }
}

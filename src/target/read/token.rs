//! `[token]`: what honest tokens look like.

use toml::de::DeValue;

use super::super::TokenLook;
use super::Reading;
use super::value::json_object;
use crate::rule::reader::Section;

pub(super) fn look(mut section: Section<'_>, reading: &mut Reading<'_>) -> TokenLook {
    let default = TokenLook::default();
    let claims = section.take("claims").and_then(|entry| {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => Some(json_object(table)),
            other => section.mistyped("claims", "a table", &other, span, &mut reading.slips),
        }
    });
    let look = TokenLook {
        audience: reading.text(&mut section, "audience"),
        scope_claim: reading.text(&mut section, "scope-claim").unwrap_or(default.scope_claim),
        typ: reading.text(&mut section, "typ"),
        claims: claims.unwrap_or_default(),
    };
    section.finish(&mut reading.slips);
    look
}

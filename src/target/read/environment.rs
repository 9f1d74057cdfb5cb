//! `[upstream]`, `[launch]`, `[limits]`: what stands around the target.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use serde_json::Map;
use toml::Spanned;
use toml::de::DeValue;

use super::super::profile::{loopback_addresses, names_url};
use super::super::{Launch, Limits, Secret, StopSignal, Upstream, UpstreamUser, UpstreamWorkload};
use super::Reading;
use super::value::json_object;
use crate::rule::reader::Section;

pub(super) fn upstream(mut section: Section<'_>, folder: &Path, reading: &mut Reading<'_>) -> Option<Upstream> {
    let listen = section.required_text("listen", &mut reading.slips).and_then(|text| reading.address(&text));
    let ca_file = reading.text(&mut section, "ca-file").map(|file| folder.join(file));
    let path = section.text("issuer-path", &mut reading.slips);
    if let Some(path) = path.as_ref().filter(|path| !path.get_ref().starts_with('/')) {
        let message = format!("`{}` must start with a slash", section.path("issuer-path"));
        reading.slips.add("path", path.span(), message, format!("/{}", path.get_ref()));
    }
    let client_id = reading.text_or_variable(&mut section, "client-id");
    let client_secret = reading.secret(&mut section, "client-secret");
    let alg = section.text("alg", &mut reading.slips);
    if let Some(alg) = alg.as_ref().filter(|alg| !ALGORITHMS.contains(&alg.get_ref().as_str())) {
        reading.slips.unknown(alg.span(), "signature algorithm", alg.get_ref(), &ALGORITHMS);
    }
    let audience = reading.text(&mut section, "audience");
    let jwks_cooldown = reading.duration(&mut section, "jwks-cooldown").unwrap_or(Upstream::JWKS_COOLDOWN);
    let personality = section.text("personality", &mut reading.slips);
    let personalities = mock_idp::Personality::names();
    if let Some(word) = personality.as_ref().filter(|word| !personalities.contains(&word.get_ref().as_str())) {
        reading.slips.unknown(word.span(), "personality", word.get_ref(), &personalities);
    }
    let paths = upstream_paths(&mut section, reading);
    let clients = section.text("clients", &mut reading.slips);
    if let Some(clients) = clients.as_ref().filter(|clients| !CLIENTS.contains(&clients.get_ref().as_str())) {
        reading.slips.unknown(clients.span(), "kind of clients", clients.get_ref(), &CLIENTS);
    }
    let scopes = section.texts("scopes", &mut reading.slips).unwrap_or_default();
    let users = upstream_users(&mut section, reading);
    let employee = reading.text(&mut section, "employee");
    let workload = upstream_workload(&mut section, reading);
    section.finish(&mut reading.slips);
    Some(Upstream {
        listen: listen?,
        ca_file,
        issuer_path: path.map(Spanned::into_inner).unwrap_or_default(),
        client_id,
        client_secret,
        alg: alg.map(Spanned::into_inner),
        audience,
        jwks_cooldown,
        personality: personality.map(Spanned::into_inner),
        paths,
        registers: clients.is_some_and(|clients| clients.get_ref() == CLIENTS[1]),
        scopes: scopes.into_iter().map(Spanned::into_inner).collect(),
        users,
        employee,
        workload,
    })
}

fn upstream_paths(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<(String, String)> {
    let Some(mut paths) = section.section("paths", &mut reading.slips) else {
        return Vec::new();
    };
    let known = mock_idp::Endpoint::ALL.map(mock_idp::Endpoint::name);
    let mut found = Vec::new();
    for (name, entry) in paths.drain() {
        if !known.contains(&name.get_ref().as_str()) {
            reading.slips.unknown(name.span(), "endpoint", name.get_ref(), &known);
        }
        if let Some(path) = paths.as_text(name.get_ref(), entry, &mut reading.slips) {
            found.push((name.into_inner(), path.into_inner()));
        }
    }
    found
}

fn upstream_workload(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<UpstreamWorkload> {
    let mut workload = section.section("workload", &mut reading.slips)?;
    let subject = workload.required_text("subject", &mut reading.slips).map(Spanned::into_inner);
    let mut claims = Map::new();
    if let Some(entry) = workload.take("claims") {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => claims = json_object(table),
            other => workload.mistyped("claims", "a table of claims", &other, span, &mut reading.slips).unwrap_or(()),
        }
    }
    workload.finish(&mut reading.slips);
    Some(UpstreamWorkload { subject: subject?, claims })
}

fn upstream_users(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<UpstreamUser> {
    let Some(mut users) = section.section("users", &mut reading.slips) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, entry) in users.drain() {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(claims) => {
                found.push(UpstreamUser { name: name.into_inner(), claims: json_object(claims) });
            }
            other => {
                users.mistyped(name.get_ref(), "a table of claims", &other, span, &mut reading.slips).unwrap_or(())
            }
        }
    }
    found
}

/// `placed`: the profile says itself where the target is, so that its ready line need not.
pub(super) fn launch(
    mut section: Section<'_>,
    folder: &Path,
    placed: bool,
    reading: &mut Reading<'_>,
) -> Option<Launch> {
    let command = reading.texts(&mut section, "command");
    if command.first().is_none_or(String::is_empty) {
        section.missing("command", &mut reading.slips);
    }
    let ready = ready(&mut section, placed, reading);
    let cwd = reading.text(&mut section, "cwd").map_or_else(|| folder.to_owned(), |cwd| folder.join(cwd));
    let env = variables(&mut section, reading);
    let timeout = reading.duration(&mut section, "timeout").unwrap_or(READY_TIMEOUT);
    let stop = section.word("stop", &mut reading.slips).unwrap_or(StopSignal::Term);
    section.finish(&mut reading.slips);
    let cwd = if cwd.as_os_str().is_empty() { PathBuf::from(".") } else { cwd };
    Some(Launch { command, ready: ready?, cwd, env, timeout, stop })
}

/// The pattern must say which part of the line is the URL, unless that is known.
fn ready(section: &mut Section<'_>, placed: bool, reading: &mut Reading<'_>) -> Option<Regex> {
    let text = section.text("ready", &mut reading.slips);
    let (pattern, span) = match &text {
        Some(text) => (text.get_ref().as_str(), text.span()),
        None => (READY, section.span()),
    };
    match Regex::new(pattern) {
        Ok(regex) if placed || names_url(&regex) => Some(regex),
        Ok(_) => {
            let message = format!("`{}` does not say where the URL is", section.path("ready"));
            let help = "name the group: \"READY (?<url>\\\\S+)\", or give [target] an mcp-url, or an issuer alone";
            reading.slips.advise("pattern", span, message, "no group named url", help);
            None
        }
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or("not a regular expression").trim_start_matches("error: ");
            let message = format!("`{}` is not a regular expression", section.path("ready"));
            reading.slips.add("pattern", span, message, reason);
            None
        }
    }
}

fn variables(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<(String, Secret)> {
    let Some(mut env) = section.section("env", &mut reading.slips) else {
        return Vec::new();
    };
    let entries = env.drain();
    entries
        .into_iter()
        .filter_map(|(name, entry)| {
            let path = env.path(name.get_ref());
            Some((name.into_inner(), reading.setting(&path, entry)?))
        })
        .collect()
}

pub(super) fn limits(section: Option<Section<'_>>, reading: &mut Reading<'_>) -> Limits {
    let mut limits = Limits::for_target(reading.local);
    let Some(mut section) = section else {
        return limits;
    };
    let mut number = |key, range| section.number(key, range, &mut reading.slips);
    if let Some(rate) = number("requests-per-second", 0..100_001) {
        limits.requests_per_second = u32::try_from(rate).ok().filter(|rate| *rate > 0);
    }
    if let Some(registrations) = number("registrations", 0..1_000_001) {
        limits.registrations = u32::try_from(registrations).unwrap_or(u32::MAX);
    }
    if let Some(bytes) = number("max-body", 1024..(1 << 30)) {
        limits.max_body = bytes;
    }
    limits.jobs = number("jobs", 1..257).and_then(|jobs| usize::try_from(jobs).ok());
    limits.timeout = reading.duration(&mut section, "timeout").unwrap_or(limits.timeout);
    limits.max_retry_after = reading.duration(&mut section, "max-retry-after").unwrap_or(limits.max_retry_after);
    limits.source_addresses = source_addresses(&mut section, reading);
    section.finish(&mut reading.slips);
    limits
}

/// A count, or the addresses themselves. Only for targets on this machine: elsewhere one run is one address.
fn source_addresses(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<IpAddr> {
    let key = "source-addresses";
    let Some(entry) = section.take(key) else {
        return Vec::new();
    };
    let span = entry.span();
    if !reading.local {
        let message = format!("`{}` is for loopback targets", section.path(key));
        reading.slips.add("loopback", span, message, "this target is not on this machine");
        return Vec::new();
    }
    match entry.into_inner() {
        DeValue::Integer(count) => match count.as_str().parse::<u8>().ok().filter(|count| (1..255).contains(count)) {
            Some(count) => loopback_addresses(count),
            None => {
                reading.slips.add("range", span, format!("`{}` is out of range", section.path(key)), "from 1 to 254");
                Vec::new()
            }
        },
        DeValue::Array(items) => {
            let texts: Vec<_> =
                items.into_iter().filter_map(|item| section.as_text(key, item, &mut reading.slips)).collect();
            texts.iter().filter_map(|text| loopback_address(text, reading)).collect()
        }
        other => section
            .mistyped(key, "a count or a list of addresses", &other, span, &mut reading.slips)
            .unwrap_or_default(),
    }
}

fn loopback_address(text: &Spanned<String>, reading: &mut Reading<'_>) -> Option<IpAddr> {
    let address = text.get_ref().parse::<IpAddr>().ok().filter(IpAddr::is_loopback);
    if address.is_none() {
        let message = format!("`{}` is not a loopback address", text.get_ref());
        reading.slips.add("address", text.span(), message, "expected 127.x.y.z or ::1");
    }
    address
}

/// What a target prints unless the profile says otherwise.
const READY: &str = r"READY (?<url>\S+)";

const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Which clients the upstream takes: any, or those that registered.
const CLIENTS: [&str; 2] = ["any", "registered"];
/// What the upstream can sign with.
const ALGORITHMS: [&str; 10] =
    ["ES256", "ES384", "EdDSA", "HS256", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

//! Reads a profile: one file a section; all slips at once.

mod client;
mod environment;
mod exchange;
mod known;
mod target;
mod token;
mod value;

use std::path::Path;

use super::profile::is_loopback;
use super::{Profile, Target};
use crate::diag::{Diagnostic, Source};
use crate::rule::reader::{Section, Slips};

pub(super) use self::value::web_url;

/// What every section reader needs: where to complain, how to look into the environment, and whether the target is on
/// this machine (secrets may then stand in the file).
struct Reading<'a> {
    slips: Slips,
    env: &'a dyn Fn(&str) -> Option<String>,
    local: bool,
}

/// See [`Profile::parse`].
pub(super) fn profile(source: Source, env: &dyn Fn(&str) -> Option<String>) -> Result<Profile, Vec<Diagnostic>> {
    let mut reading = Reading { slips: Slips::new(source.clone()), env, local: true };
    let text = source.text.clone();
    let mut document = reading.slips.parse(&text);
    if !reading.slips.is_empty() {
        mask_by_name(&text, &mut reading.slips);
        return Err(reading.slips.into_found());
    }
    let folder = Path::new(&source.name).parent().unwrap_or(Path::new("")).to_owned();
    let profile = sections(&mut document, &mut reading, &folder);
    document.finish(&mut reading.slips);
    if profile.as_ref().is_some_and(wants_missing_ca) {
        let at = text.rfind(CA_FILE).unwrap_or_default();
        let message = format!("`{CA_FILE}` is filled in from `upstream.ca-file`, which is missing");
        let help = "with ca-file = \"idp-ca.pem\" in [upstream] our identity provider speaks https (docs/proxies.md)";
        reading.slips.advise("missing", at..at + CA_FILE.len(), message, "", help);
    }
    let shown = reading.slips.shown_source();
    let found = reading.slips.into_found();
    match profile {
        Some(profile) if found.is_empty() => Ok(Profile { source: shown, ..profile }),
        _ => Err(found),
    }
}

/// Whether a launched target is told of a certificate that nobody makes.
fn wants_missing_ca(profile: &Profile) -> bool {
    let is_made = profile.upstream.as_ref().is_some_and(|upstream| upstream.ca_file.is_some());
    let Some(launch) = profile.launch.as_ref().filter(|_| !is_made) else { return false };
    let values = launch.env.iter().map(|(_, value)| value.expose());
    launch.command.iter().map(String::as_str).chain(values).any(|word| word.contains(CA_FILE))
}

/// Every section, read in an order that lets later ones know what they must; `None` only if `[target]` is missing.
fn sections(document: &mut Section<'_>, reading: &mut Reading<'_>, folder: &Path) -> Option<Profile> {
    let stated = document.section("target", &mut reading.slips);
    let launch = document.section("launch", &mut reading.slips);
    let place = target::place(stated, launch.is_some(), reading);
    let url = place.as_ref().and_then(|target| target.mcp_url.as_deref().or(target.issuer.as_deref()));
    let placed = url.is_some() || place.as_ref().is_some_and(Target::is_client);
    reading.local = url.and_then(|url| web_url(url).ok()).is_none_or(|url| is_loopback(&url));

    let mut section = |key| document.section(key, &mut reading.slips);
    let (registration, login) = (section("registration"), section("login"));
    let (upstream, limits) = (section("upstream"), section("limits"));
    let (abilities, scopes) = (section("abilities"), section("scopes"));
    let exchange = section("exchange");
    let token = section("token");
    let provisioning = section("provisioning");
    let known = known::failures(document, reading);
    Some(Profile {
        launch: launch.and_then(|section| environment::launch(section, folder, placed, reading)),
        registration: registration.map(|section| client::registration(section, reading)).unwrap_or_default(),
        login: login.map(|section| client::login(section, reading)).unwrap_or_default(),
        upstream: upstream.and_then(|section| environment::upstream(section, folder, reading)),
        exchange: exchange.map(|section| exchange::exchange(section, reading)),
        token: token.map(|section| token::look(section, reading)).unwrap_or_default(),
        provisioning: provisioning.map(|section| target::provisioning(section, reading)).unwrap_or_default(),
        limits: environment::limits(limits, reading),
        abilities: abilities.map(|section| target::abilities(section, reading)).unwrap_or_default(),
        scopes: scopes.map(|section| target::scopes(section, reading)).unwrap_or_default(),
        known_failures: known,
        source: Source::new("", ""),
        target: place?,
    })
}

/// Blots out what stands behind `=` on lines that speak of secrets: in a file that is no TOML, nobody knows which text
/// is one.
fn mask_by_name(text: &str, slips: &mut Slips) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        if let Some(at) = line.find('=').filter(|_| SECRET_NAMES.iter().any(|name| lower.contains(name))) {
            slips.mask(start + at + 1..start + line.trim_end().len().max(at + 1));
        }
        start += line.len();
    }
}

const CA_FILE: &str = "{ca-file}";
const SECRET_NAMES: [&str; 4] = ["fields", "password", "secret", "token"];

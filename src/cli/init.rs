//! `authspec init URL`: writes a profile from what discovery finds.

use authspec::diag;
use authspec::run::{self, Helpers, Options};
use authspec::target::init::{InitFacts, LoginHint, write};
use authspec::target::{Profile, RegistrationHow};
use serde_json::Value;

use super::{BLOCKED, InitArgs, OK, USAGE, runtime, text};

/// Discovers, writes the profile and gives the exit code.
pub fn main(args: &InitArgs) -> u8 {
    let profile = match Profile::for_url(&args.url) {
        Ok(profile) => profile,
        Err(reason) => {
            text::error(&format!("{} is no usable URL: {reason}", args.url));
            return USAGE;
        }
    };
    let seen = runtime().block_on(async { run::look(&profile, &Helpers::default(), &Options::default(), None).await });
    let seen = match seen {
        Ok(seen) => seen,
        Err(not_started) => {
            text::error(&not_started.message);
            return BLOCKED;
        }
    };
    let facts = facts(&args.url, &seen);
    let next = if facts.login == LoginHint::Approves { "read it" } else { "fill in the users" };
    let content = write(&facts);
    for note in &seen.notes {
        text::remark(&format!("note: {}", diag::escape(note)));
    }
    match &args.output {
        None => text::line(content.trim_end()),
        Some(path) if path.exists() => {
            text::error(&format!(
                "{} exists already and is left as it is: name another file with -o, or remove it",
                path.display()
            ));
            return USAGE;
        }
        Some(path) => {
            if let Err(error) = authspec::report::write(path, &content) {
                text::error(&error.to_string());
                return USAGE;
            }
            text::remark(&format!("{} is written: {next}, then `authspec run {}`", path.display(), path.display()));
        }
    }
    OK
}

fn facts(url: &str, seen: &run::Preflight) -> InitFacts {
    let world = &seen.world;
    let mut ways = Vec::new();
    if seen.abilities.has("metadata-document") {
        ways.push(RegistrationHow::MetadataDocument);
    }
    if seen.abilities.has("dynamic-registration") {
        ways.push(RegistrationHow::Dynamic);
    }
    let listed = world.found.prm.as_ref().and_then(|p| p["scopes_supported"].as_array().cloned()).unwrap_or_default();
    let login = if seen.abilities.has("authorization-code") && !seen.abilities.has("login-page") {
        LoginHint::Approves
    } else {
        LoginHint::Unknown
    };
    InitFacts {
        mcp_url: url.to_owned(),
        name: String::new(),
        issuer: world.found.metadata.is_object().then(|| world.found.issuer.clone()),
        roles: seen.roles.clone(),
        // Only a call that was served shows which one it speaks.
        mcp_version: seen.abilities.has("call").then_some(world.version),
        registration: ways,
        scopes: listed.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        login,
        upstream: None,
    }
}

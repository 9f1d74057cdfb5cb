//! Personalities: the documented habits of well-known providers, as sets of settings.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::IssuerConfig;
use crate::issuer::Issuer;
use crate::jose::{merge, object};

/// The habits of one provider: what they are, where they are documented, and the settings that have them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Personality {
    /// Another personality that this one departs from.
    #[serde(default)]
    pub base: Option<String>,
    /// What it is called: `entra`, `keycloak`.
    pub name: String,
    /// Its quirks.
    #[serde(default)]
    pub quirk: Vec<Quirk>,
    /// JSON Merge Patch (RFC 7396) over the settings of an issuer.
    pub settings: Map<String, Value>,
    /// Which provider, and which of its configurations.
    pub title: String,
}

/// One habit that matters to MCP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quirk {
    /// What goes wrong with MCP servers and clients because of it.
    pub breaks: String,
    /// The settings, by their dotted paths, that have the habit: it is told only where one of them is there.
    pub by: Vec<String>,
    /// Where it is documented: title and section.
    pub source: String,
    /// The habit.
    pub what: String,
}

impl Personality {
    /// All of them, by name.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The names, for messages.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        ALL.iter().map(|personality| personality.name.as_str()).collect()
    }

    /// The personality of that name.
    ///
    /// # Errors
    /// There is none; says which there are.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        ALL.iter()
            .find(|personality| personality.name == name)
            .ok_or_else(|| format!("no personality is called `{name}`: there are {}", Self::names().join(", ")))
    }

    /// The settings of an issuer with this personality and nothing else.
    ///
    /// # Panics
    /// Never: the built-in personalities are read in a test.
    #[must_use]
    pub fn config(&self) -> IssuerConfig {
        let mut config = IssuerConfig::default();
        self.apply(&mut config).expect("the built-in personalities fit the settings");
        config
    }

    /// Puts the habits over settings; what they do not speak of stays.
    ///
    /// # Errors
    /// The settings of the personality do not fit: none of the built-in ones.
    pub fn apply(&self, config: &mut IssuerConfig) -> Result<(), String> {
        if let Some(base) = &self.base {
            Self::find(base)?.apply(config)?;
        }
        let wrong = |error: serde_json::Error| format!("personality `{}`: {error}", self.name);
        let mut settings = object(serde_json::to_value(&*config).map_err(wrong)?);
        merge(&mut settings, &self.settings);
        *config = serde_json::from_value(settings.into()).map_err(wrong)?;
        Ok(())
    }

    /// Its quirks and those of its base, the base's first.
    #[must_use]
    pub fn quirks(&self) -> Vec<&Quirk> {
        let base = self.base.as_deref().and_then(|base| Self::find(base).ok());
        base.map(Self::quirks).unwrap_or_default().into_iter().chain(&self.quirk).collect()
    }
}

impl Issuer {
    /// Takes on the habits of a provider, over the settings as they are.
    pub fn personality(&self, personality: &Personality) {
        let settings = personality.clone();
        self.configure(|config| settings.apply(config).expect("the built-in personalities fit the settings"));
    }
}

/// A new personality is a file and a line here.
static ALL: LazyLock<Vec<Personality>> = LazyLock::new(|| {
    let files = [
        include_str!("../personalities/auth0.toml"),
        include_str!("../personalities/cognito.toml"),
        include_str!("../personalities/entra.toml"),
        include_str!("../personalities/entra-v1.toml"),
        include_str!("../personalities/github.toml"),
        include_str!("../personalities/google.toml"),
        include_str!("../personalities/keycloak.toml"),
        include_str!("../personalities/okta.toml"),
        include_str!("../personalities/strict.toml"),
    ];
    files.iter().map(|file| toml::from_str(file).expect("the built-in personalities are well-formed")).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_personality_fits_the_settings_and_every_quirk_has_a_source() {
        for personality in Personality::all() {
            let mut config = IssuerConfig::default();
            personality.apply(&mut config).expect("it fits");
            let settings = serde_json::to_value(&config).expect("settings are JSON");
            for (endpoint, paths) in &config.quirks.paths {
                assert!(
                    crate::Endpoint::parse(endpoint).is_ok() && !paths.is_empty(),
                    "{}: {endpoint}",
                    personality.name
                );
            }
            for quirk in &personality.quirk {
                assert!(!quirk.source.is_empty() && !quirk.breaks.is_empty() && !quirk.by.is_empty(), "{}", quirk.what);
                for path in &quirk.by {
                    let pointer = format!("/{}", path.replace('.', "/"));
                    assert!(settings.pointer(&pointer).is_some(), "{}: {path} is no setting", personality.name);
                }
            }
        }
        assert!(Personality::find("entra").is_ok());
        assert!(Personality::find("entre").expect_err("unknown").contains("entra"));
    }
}

//! The requirement table: which sentences of which documents bind whom, since when, and how to mend a breach.

mod load;
pub mod reader;
pub mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::words::words;
use crate::diag::Diagnostic;

words! {
    /// A published version of the MCP specification; later versions are greater.
    pub enum McpVersion as "MCP version" {
        /// The first version with an authorization page; the MCP server is its own authorization server.
        V2025_03_26 = "2025-03-26",
        /// Introduces protected resource metadata (RFC 9728) and resource indicators (RFC 8707).
        V2025_06_18 = "2025-06-18",
        /// Introduces client ID metadata documents and scope challenges.
        V2025_11_25 = "2025-11-25",
        /// Introduces `iss` validation, issuer-bound credentials and the stateless wire.
        V2026_07_28 = "2026-07-28",
    }
}

impl McpVersion {
    /// The newest version this harness knows.
    pub const NEWEST: Self = Self::V2026_07_28;
}

words! {
    /// The part a target plays, and therefore who a rule speaks to.
    pub enum Role as "role" {
        /// The MCP server as an OAuth protected resource.
        ResourceServer = "resource-server",
        /// Issues tokens.
        AuthorizationServer = "authorization-server",
        /// An authorization server facade in front of an upstream identity provider.
        Proxy = "proxy",
        /// Trades tokens for tokens (RFC 8693).
        TokenExchange = "token-exchange",
        /// An MCP client.
        Client = "client",
    }
}

words! {
    /// The keyword of a rule (RFC 2119, RFC 8174).
    pub enum Level as "level" {
        /// An absolute requirement.
        Must = "MUST",
        /// An absolute prohibition.
        MustNot = "MUST NOT",
        /// Recommended.
        Should = "SHOULD",
        /// Not recommended.
        ShouldNot = "SHOULD NOT",
        /// Optional; what is seen is recorded and never fails.
        May = "MAY",
    }
}

impl Level {
    /// Whether a breach fails the target (`MUST`, `MUST NOT`); otherwise it only warns or is recorded.
    pub const fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }
}

words! {
    /// Who has to change something when a rule is broken.
    pub enum Party as "party" {
        /// The maintainers of the authorization server.
        AuthorizationServer = "authorization-server",
        /// The maintainers of the MCP client.
        Client = "client",
        /// Whoever deploys the target: TLS, gateway, configuration.
        Operator = "operator",
        /// The maintainers of the OAuth proxy.
        Proxy = "proxy",
        /// The maintainers of the MCP server.
        ResourceServer = "resource-server",
        /// The maintainers of the token-exchange service.
        TokenExchange = "token-exchange",
    }
}

impl Party {
    /// The party in running text: `authorization server`.
    pub fn in_words(self) -> String {
        self.as_str().replace('-', " ")
    }
}

impl From<Role> for Party {
    fn from(role: Role) -> Self {
        match role {
            Role::ResourceServer => Self::ResourceServer,
            Role::AuthorizationServer => Self::AuthorizationServer,
            Role::Proxy => Self::Proxy,
            Role::TokenExchange => Self::TokenExchange,
            Role::Client => Self::Client,
        }
    }
}

/// Since when, or under which condition, a rule binds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Versions {
    /// In these MCP versions only; never empty, ascending.
    Listed(Vec<McpVersion>),
    /// The rule comes from an RFC alone and binds whoever implements that RFC, in every MCP version.
    RfcOnly,
    /// The rule belongs to an MCP extension, named without its `ext:` prefix.
    Extension(String),
}

impl Versions {
    /// Whether the rule binds a target that speaks `version`. Rules of RFCs and extensions always bind: whether the
    /// target implements them is a question of abilities.
    pub fn binds(&self, version: McpVersion) -> bool {
        match self {
            Self::Listed(versions) => versions.contains(&version),
            Self::RfcOnly | Self::Extension(_) => true,
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(versions) if versions.len() == McpVersion::ALL.len() => f.write_str("all"),
            Self::Listed(versions) => {
                let words: Vec<&str> = versions.iter().map(|version| version.as_str()).collect();
                f.write_str(&words.join(", "))
            }
            Self::RfcOnly => f.write_str("rfc-only"),
            Self::Extension(name) => write!(f, "ext:{name}"),
        }
    }
}

impl Serialize for Versions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Listed(versions) if versions.len() < McpVersion::ALL.len() => versions.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value.as_str() {
            None => serde_json::from_value(value).map(Self::Listed).map_err(serde::de::Error::custom),
            Some("all") => Ok(Self::Listed(McpVersion::ALL.to_vec())),
            Some("rfc-only") => Ok(Self::RfcOnly),
            Some(word) => match word.strip_prefix("ext:") {
                Some(name) => Ok(Self::Extension(name.to_owned())),
                None => Err(serde::de::Error::custom(format!("unknown versions \"{word}\""))),
            },
        }
    }
}

/// One normative sentence.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Rule {
    /// Stable name, such as `token.code-one-time`.
    pub id: String,
    /// Who the rule speaks to.
    pub role: Role,
    /// How strongly.
    pub level: Level,
    /// Since when.
    pub versions: Versions,
    /// Document and section.
    pub source: String,
    /// The requirement, in one sentence.
    pub requirement: String,
    /// What can be seen from outside.
    pub observable: String,
    /// What a test of it needs, in prose.
    pub needs: String,
    /// Who has to change something when it is broken.
    pub party: Party,
    /// What to change, in one imperative sentence of at most 200 characters.
    pub remedy: String,
}

/// The whole requirement table, with the list of rules that no case judges and why. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    table: Arc<Table>,
}

#[derive(Debug, Default)]
struct Table {
    rules: Vec<Rule>,
    by_id: BTreeMap<String, usize>,
    not_tested: Vec<(String, String)>,
}

impl Rules {
    /// The table inside the binary.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Rules> = OnceLock::new();
        EMBEDDED.get_or_init(|| {
            load::embedded().unwrap_or_else(|slips| panic!("embedded rules:\n{}", crate::diag::render(&slips, false)))
        })
    }

    /// The table of a suites folder: `DIR/rules/*.toml` and `DIR/not-tested.tsv`. A folder without `rules` uses the
    /// embedded table.
    ///
    /// # Errors
    /// All slips of all files.
    pub fn load(dir: &Path) -> Result<Self, Vec<Diagnostic>> {
        load::folder(dir)
    }

    /// The rule of that name.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.table.by_id.get(id).map(|&index| &self.table.rules[index])
    }

    /// All rules: files in alphabetical order, rules in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.table.rules.iter()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.table.rules.len()
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.table.rules.is_empty()
    }

    /// Rules that no case judges, each with the reason.
    pub fn not_tested(&self) -> &[(String, String)] {
        &self.table.not_tested
    }
}

//! The verbs of the case language and the kinds that their arguments have.

use std::fmt;
use std::str::FromStr;

use super::verbs;

/// What a step does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Verb {
    /// Reads the 401 challenge, the protected resource metadata (RFC 9728) and the server metadata (RFC 8414, OIDC).
    Discover,
    /// Becomes a client: dynamic registration (RFC 7591), metadata document, or preset.
    Register,
    /// Reads, updates or deletes a registration (RFC 7592).
    Manage,
    /// Opens an authorization request in a browser.
    Authorize,
    /// Answers a login page.
    Login,
    /// Answers a consent page.
    Consent,
    /// Delivers the held answer of an identity provider.
    Callback,
    /// Posts to the token endpoint.
    Token,
    /// Exchanges a token (RFC 8693).
    Exchange,
    /// Sends an MCP request.
    Call,
    /// Sends any other request to the target.
    Fetch,
    /// Changes one thing in hand.
    Mutate,
    /// Does one verb several times, at once or in a row.
    Repeat,
    /// Starts the MCP client under test against a server of ours.
    Drive,
    /// Lets time pass.
    Wait,
}

impl Verb {
    /// Every verb, in the order in which a flow uses them.
    pub const ALL: [Self; 15] = [
        Self::Discover,
        Self::Register,
        Self::Manage,
        Self::Authorize,
        Self::Login,
        Self::Consent,
        Self::Callback,
        Self::Token,
        Self::Exchange,
        Self::Call,
        Self::Fetch,
        Self::Mutate,
        Self::Repeat,
        Self::Drive,
        Self::Wait,
    ];

    /// The key of the verb in a case file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Call => "call",
            Self::Callback => "callback",
            Self::Consent => "consent",
            Self::Discover => "discover",
            Self::Drive => "drive",
            Self::Exchange => "exchange",
            Self::Fetch => "fetch",
            Self::Login => "login",
            Self::Manage => "manage",
            Self::Mutate => "mutate",
            Self::Register => "register",
            Self::Repeat => "repeat",
            Self::Token => "token",
            Self::Wait => "wait",
        }
    }

    /// One sentence on what the verb does when no argument is given.
    pub fn doc(self) -> &'static str {
        verbs::doc(self)
    }

    /// The arguments that the verb takes.
    pub fn arguments(self) -> &'static [Argument] {
        verbs::arguments(self)
    }

    /// The argument called `name`.
    pub fn argument(self, name: &str) -> Option<&'static Argument> {
        self.arguments().iter().find(|argument| argument.name == name)
    }

    /// Whether a browser acts, so that `browser.*` is a fact.
    pub fn has_browser(self) -> bool {
        matches!(self, Self::Authorize | Self::Login | Self::Consent | Self::Callback)
    }

    /// Whether `expect.refused` says something about the verb.
    pub fn can_be_refused(self) -> bool {
        !matches!(self, Self::Discover | Self::Drive | Self::Mutate | Self::Wait)
    }

    /// Whether `repeat` can hold the verb.
    pub fn can_be_repeated(self) -> bool {
        matches!(self, Self::Authorize | Self::Call | Self::Exchange | Self::Fetch | Self::Register | Self::Token)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Verb {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|verb| verb.name() == name).ok_or(())
    }
}

/// One argument of a verb.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// The key.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// What the value of an argument must be. A text that is one variable (`$code`) passes for every kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Any value.
    Any,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List,
    /// A number.
    Number,
    /// `true`, `false`, or a table with these keys.
    Parts(&'static [&'static str]),
    /// A table.
    Table,
    /// A text.
    Text,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any value"),
            Self::Bool => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::List => f.write_str("a list"),
            Self::Number => f.write_str("a number"),
            Self::Parts(parts) => write!(f, "true, false, or a table of {}", parts.join(", ")),
            Self::Table => f.write_str("a table"),
            Self::Text => f.write_str("a text"),
        }
    }
}

/// What of a fact `min` and `max` can measure.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Measure {
    /// The number of different members of a list.
    Distinct,
    /// The same as `EntropyBits` where a value may come again.
    DistinctEntropyBits,
    /// An upper bound of the randomness of a text; of a list, the least of its members, common parts left out, and none if one comes twice.
    EntropyBits,
    /// The number of members of a list or an object, of characters of anything else.
    Length,
}

impl Measure {
    /// Every measure, in order of name.
    pub const ALL: [Self; 4] = [Self::Distinct, Self::DistinctEntropyBits, Self::EntropyBits, Self::Length];

    /// The word of the measure in a case file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Distinct => "distinct",
            Self::DistinctEntropyBits => "distinct-entropy-bits",
            Self::EntropyBits => "entropy-bits",
            Self::Length => "length",
        }
    }

    /// What it measures, in one line.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Distinct => "the number of different members of a list",
            Self::DistinctEntropyBits => "the same as `entropy-bits`, of the different members of a list",
            Self::EntropyBits => {
                "an upper bound of a text's randomness; of a list, the least, common parts left out, and 0 if one comes twice"
            }
            Self::Length => "the members of a list or an object, the characters of anything else",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Measure {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|measure| measure.name() == name).ok_or(())
    }
}

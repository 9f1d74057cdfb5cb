//! Closed vocabularies: an enum whose variants each have one spelling in files, output and JSON.

/// Declares an enum of fixed words with `ALL`, `as_str`, `Display`, `FromStr` and serde by the same spelling.
///
/// A word that is not in the list is an error of the form `unknown KIND "WORD"`; callers that have a place in a file
/// look the nearest word up in `ALL` themselves.
macro_rules! words {
    ($(#[$outer:meta])* $vis:vis enum $name:ident as $kind:literal { $($(#[$inner:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        $vis enum $name { $($(#[$inner])* $variant),+ }

        impl $name {
            /// Every word, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// What the words are called in a complaint.
            pub const KIND: &'static str = $kind;

            /// The one spelling of this word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str() == word)
                    .ok_or_else(|| format!("unknown {} \"{word}\"", $kind))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $crate::rule::words::Word for $name {
            const KIND: &'static str = $kind;
            fn all() -> &'static [Self] {
                Self::ALL
            }
            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

pub(crate) use words;

/// What a reader of files needs to know of a vocabulary.
pub trait Word: Copy + 'static {
    /// What the words are called in a complaint, such as `role`.
    const KIND: &'static str;
    /// Every word, in declaration order.
    fn all() -> &'static [Self];
    /// The spelling of this word.
    fn word(self) -> &'static str;
}

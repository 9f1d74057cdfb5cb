//! The system under test as its operator describes it: the profile, and how to start and stop it.

mod exchange;
pub mod init;
mod known;
pub mod launch;
pub mod login;
mod profile;
mod read;
mod secret;

pub use self::exchange::{Exchange, ExchangeWants, IdJagWants, SubjectFrom};
pub use self::known::KnownFailure;
pub use self::launch::Launch;
pub use self::profile::{
    Abilities, ApplicationType, AuthMethod, DocumentHost, FormHints, Limits, Login, LoginHow, PresetClient, Profile,
    Registration, RegistrationHow, Scopes, Stated, StopSignal, Target, TokenLook, Tool, Upstream, UpstreamUser,
    UpstreamWorkload, User,
};
pub use self::secret::Secret;

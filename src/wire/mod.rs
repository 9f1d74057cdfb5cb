//! Everything that goes over the network: the HTTP client with its bounds, the browser, the recorder, and documents
//! served to the target.

mod body;
mod browser;
mod failure;
mod form;
pub mod host;
mod html;
mod http;
mod initiator;
mod jar;
mod limits;
mod markup;
mod navigation;
mod page;
mod peers;
mod recorder;

pub use browser::{Browser, End, Visit};
pub use form::{Button, Field, Form};
pub use http::Http;
pub use jar::{Cookie, Jar, Received};
pub use limits::Limits;
pub use page::{Link, Page};
pub use recorder::{Answer, Wire};

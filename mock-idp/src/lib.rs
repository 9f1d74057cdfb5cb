//! The mock identity provider.

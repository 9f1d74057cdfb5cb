//! The harness's own servers that a profile asks for.

use std::sync::Arc;

use super::Helpers;
use crate::target::Profile;
use crate::wire::host::DocumentHost;

impl Helpers {
    /// Starts what a profile needs: a document host always, our identity provider with a section `[upstream]`.
    ///
    /// # Errors
    /// If an address cannot be bound; says which.
    pub async fn for_profile(profile: &Profile) -> Result<Helpers, String> {
        let host =
            DocumentHost::start().await.map_err(|e| format!("the document host cannot listen on loopback: {e}"))?;
        let mut helpers = Helpers { host: Some(Arc::new(host)), idp: None };
        if let Some(upstream) = &profile.upstream {
            let options = mock_idp::Options { addr: upstream.listen, ..mock_idp::Options::default() };
            let idp = mock_idp::MockIdp::start(options).await.map_err(|e| {
                format!("our identity provider cannot listen on {} (profile section [upstream]): {e}", upstream.listen)
            })?;
            let issuer = idp.issuer(upstream.issuer_path.trim_start_matches('/'));
            if let Some(alg) = &upstream.alg {
                let alg = mock_idp::Alg::parse(alg).ok_or_else(|| {
                    format!("our identity provider cannot sign with {alg}: it knows RS256, ES256, EdDSA")
                })?;
                issuer.configure(|config| config.alg = alg);
            }
            helpers.idp = Some((idp, issuer));
        }
        Ok(helpers)
    }
}

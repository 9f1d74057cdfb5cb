//! The harness's own servers that a profile asks for.

use std::sync::Arc;

use super::Helpers;
use crate::step::Driven;
use crate::target::Profile;
use crate::target::launch::Browser;
use crate::wire::host::DocumentHost;

impl Helpers {
    /// Starts what a profile needs: a document host always, our identity provider with a section `[upstream]`.
    ///
    /// # Errors
    /// If an address cannot be bound; says which.
    pub async fn for_profile(profile: &Profile) -> Result<Helpers, String> {
        let host =
            DocumentHost::start().await.map_err(|e| format!("the document host cannot listen on loopback: {e}"))?;
        let mut helpers = Helpers { host: Some(Arc::new(host)), ..Helpers::default() };
        if let Some(upstream) = &profile.upstream {
            let tls = upstream.ca_file.is_some();
            let options = mock_idp::Options { addr: upstream.listen, tls, ..mock_idp::Options::default() };
            let idp = mock_idp::MockIdp::start(options).await.map_err(|e| {
                format!("our identity provider cannot listen on {} (profile section [upstream]): {e}", upstream.listen)
            })?;
            if let (Some(file), Some(ca)) = (&upstream.ca_file, idp.ca_pem()) {
                std::fs::write(file, ca)
                    .map_err(|e| format!("{} cannot be written (profile: upstream.ca-file): {e}", file.display()))?;
            }
            let issuer = idp.issuer(upstream.issuer_path.trim_start_matches('/'));
            if let Some(name) = &upstream.personality {
                issuer.personality(mock_idp::Personality::find(name)?);
            }
            issuer.configure(|config| {
                for (endpoint, path) in &upstream.paths {
                    config.quirks.paths.entry(endpoint.clone()).or_default().insert(0, path.clone());
                }
            });
            if let Some(alg) = &upstream.alg {
                let alg = mock_idp::Alg::parse(alg).ok_or_else(|| {
                    format!("our identity provider cannot sign with {alg}: it knows RS256, ES256, EdDSA")
                })?;
                issuer.configure(|config| config.alg = alg);
            }
            // A second key, so that a target can be tried with an algorithm for which the key set names none.
            issuer.publish_alg(mock_idp::Alg::Rs256);
            if let Some(id) = &upstream.client_id {
                let secret = upstream.client_secret.as_ref().map_or("", |s| s.expose());
                client(&issuer, id, secret);
            }
            users(&issuer, profile);
            issuer.configure(|config| {
                // What cases make up (`authorize/scope-unknown`) is nobody's: a proxy that asks for it does not get it.
                config.denied_scopes = vec!["authspec".to_owned(), "authorspec".to_owned()];
                if upstream.audience.is_some() {
                    config.default_audience.clone_from(&upstream.audience);
                    // A target that names a resource would get tokens for that, whatever the profile says.
                    if config.resources == mock_idp::ResourcePolicy::Any {
                        config.resources = mock_idp::ResourcePolicy::Ignore;
                    }
                }
                config.users.extend(upstream.users.iter().map(|user| {
                    let mut known = mock_idp::User::new(&user.name);
                    known.claims.extend(user.claims.clone());
                    known
                }));
            });
            helpers.idp = Some((idp, issuer));
        }
        Ok(helpers)
    }

    /// With the program of the profile as the client under test, and an authorization server for it. It opens URLs with this
    /// browser, unless the profile gives it one.
    ///
    /// # Errors
    /// If the profile does not say how the client is started, or no port can be had.
    pub async fn for_client(mut self, profile: &Profile, browser: Browser) -> Result<Helpers, String> {
        let mut launch = profile.launch.clone().ok_or(
            "the profile does not say how the client is started: section [launch], command = [\"my-client\", \"{url}\"], \
             where {url} is the MCP server that it is to talk to",
        )?;
        browser.give(&mut launch.env);
        self.client = Some(Driven::program(launch, browser));
        if self.idp.is_none() {
            let idp = mock_idp::MockIdp::start(mock_idp::Options::default()).await;
            let idp = idp.map_err(|e| format!("our authorization server cannot listen on loopback: {e}"))?;
            self.idp = Some((idp.clone(), idp.issuer("")));
        }
        Ok(self)
    }
}

/// Presets the client that a proxy is at our identity provider. It may use PKCE as it likes: what it makes of it is for the
/// cases to see.
pub fn client(issuer: &mock_idp::Issuer, id: &str, secret: &str) {
    issuer.add_client(mock_idp::Client {
        any_loopback_redirect: true,
        any_pkce: true,
        ..mock_idp::Client::confidential(id, secret, &[])
    });
}

/// Makes our identity provider the one that a transparent proxy passes its clients on to: it takes registered clients only,
/// knows the scopes of the profile, makes tokens for this resource, and leaves `iss` out of its answers, because it
/// answers clients that know the proxy as issuer.
pub fn registrar(issuer: &mock_idp::Issuer, profile: &Profile, resource: &str) {
    let Some(upstream) = profile.upstream.as_ref().filter(|upstream| upstream.registers) else { return };
    issuer.configure(|config| {
        config.unknown_clients = false;
        config.iss_in_response = false;
        config.remember_consent = false;
        config.resources = mock_idp::ResourcePolicy::Only(vec![resource.to_owned()]);
        config.default_audience = Some(upstream.audience.clone().unwrap_or_else(|| resource.to_owned()));
        if let Some(first) = upstream.scopes.first() {
            config.any_scope = false;
            config.default_scope.clone_from(first);
            config.scopes.clone_from(&upstream.scopes);
        }
    });
    for preset in profile.registration.client.iter().chain(&profile.registration.other) {
        let secret = preset.secret.as_ref().map_or("", |secret| secret.expose());
        let uris: Vec<&str> = profile.registration.redirect_uris.iter().map(String::as_str).collect();
        issuer.add_client(match secret {
            "" => mock_idp::Client::public(&preset.id, &uris),
            secret => mock_idp::Client::confidential(&preset.id, secret, &uris),
        });
    }
}

/// Makes the API behind a gateway take tokens for the issuer and for whatever names the gateway as well, and the issuer exchange for
/// clients without credentials: what a gateway does wrong must not be stopped by the others' care, or it could not be told from one
/// that does not work. What it sends to authenticate is seen, and not
/// checked, unless it is a proxy as well.
pub fn careless_api(issuer: &mock_idp::Issuer, gateway: &[&str], is_proxy: bool) {
    let own = issuer.url();
    issuer.configure(|config| {
        let unasked = config.default_audience.clone();
        for audience in gateway.iter().copied().chain([own.as_str()]).chain(unasked.as_deref()) {
            if !audience.is_empty() && !config.api.audiences.iter().any(|known| known == audience) {
                config.api.audiences.push(audience.to_owned());
            }
        }
        config.exchange.public_clients = true;
        for client in config.clients.iter_mut().filter(|_| !is_proxy) {
            client.auth = mock_idp::ClientAuth::Anything;
        }
    });
}

/// Who logs in at the target logs in at our identity provider, with the same words.
pub fn users(issuer: &mock_idp::Issuer, profile: &Profile) {
    issuer.configure(|config| {
        let named = |name: &str| profile.login.users.iter().any(|u| u.username.as_deref().unwrap_or(&u.name) == name);
        config.users.retain(|user| !named(&user.username));
        config.users.extend(profile.login.users.iter().map(|user| {
            let mut known = mock_idp::User::new(user.username.as_deref().unwrap_or(&user.name));
            if let Some(password) = &user.password {
                password.expose().clone_into(&mut known.password);
            }
            known
        }));
    });
}

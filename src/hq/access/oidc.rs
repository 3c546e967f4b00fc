//! Signing in at a provider of OpenID Connect: authorization code with PKCE, state and nonce.
//!
//! What is not obvious: nobody gets an account by signing in elsewhere. An administrator makes the account with an e-mail address; the first
//! sign-in with that address, which the provider says it has verified, binds the account to the provider's subject. From then on only the
//! subject counts: whoever is given the address later does not get the account.

use super::accounts::email_address;
use super::{Origin, note};
use crate::hq::store::accounts as table;
use crate::hq::store::{Store, StoreError};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The provider answers a question within this, or not at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys and addresses are asked for again so often: providers change their keys.
const ASKED_EVERY: Duration = Duration::from_secs(3600);
/// After a failure, and at most, doubling in between.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Where one signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// What the button says.
    pub title: String,
    /// The provider: the address below which `/.well-known/openid-configuration` stands.
    pub issuer: String,
    /// As whom head office is registered there.
    pub client_id: String,
    /// With what it proves that; none for a public client.
    pub client_secret: Option<String>,
}

impl fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcSettings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why nobody signs in this way now.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider has not been reached yet.
    #[error("the sign-in service {issuer} cannot be reached; try again, or sign in with a password")]
    Away {
        /// The provider.
        issuer: String,
    },
    /// It answers, and not as it should; or somebody else wrote its answer.
    #[error("signing in at {issuer} failed: {what}")]
    Answer {
        /// The provider.
        issuer: String,
        /// What is wrong.
        what: String,
    },
}

/// What the browser keeps between leaving and coming back.
#[derive(Clone)]
pub struct Pending {
    state: String,
    nonce: String,
    verifier: String,
}

/// Who signed in, as the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The provider.
    pub issuer: String,
    /// Whom it means, for ever.
    pub subject: String,
    /// Their address, where the provider says that it has verified it.
    pub verified_email: Option<String>,
}

/// The provider, as far as it is known.
pub struct Oidc {
    settings: OidcSettings,
    http: reqwest::Client,
    known: RwLock<Option<Arc<CoreProviderMetadata>>>,
}

impl Oidc {
    /// A provider that has not been asked yet; see [`keep_known`](Self::keep_known).
    ///
    /// # Errors
    /// Where there is no TLS on this machine.
    pub fn new(settings: OidcSettings) -> Result<Self, reqwest::Error> {
        // Followed redirects would let a provider send this machine's requests anywhere.
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(redirects).timeout(PATIENCE).build()?;
        Ok(Self { settings, http, known: RwLock::default() })
    }

    /// What the button says.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.settings.title
    }

    /// Asks the provider for its addresses and keys: now, again from time to time, and after a failure sooner. Never ends.
    pub async fn keep_known(&self) {
        let (first, longest) = AGAIN_AFTER;
        let mut again = first;
        loop {
            match self.discover().await {
                Ok(()) => {
                    again = first;
                    tokio::time::sleep(ASKED_EVERY).await;
                }
                Err(fault) => {
                    tracing::warn!("{fault}; it is asked again in {} s", again.as_secs());
                    tokio::time::sleep(again).await;
                    again = (again * 2).min(longest);
                }
            }
        }
    }

    async fn discover(&self) -> Result<(), OidcError> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|fault| self.wrong(&fault))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http).await;
        let found = found.map_err(|fault| self.wrong(&fault))?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(found));
        Ok(())
    }

    /// Where to send a browser, and what it keeps; `back` is where the provider sends it then.
    ///
    /// # Errors
    /// [`OidcError`] while the provider is not known.
    pub fn begin(&self, back: &str) -> Result<(String, Pending), OidcError> {
        let metadata = self.provider()?;
        let id = ClientId::new(self.settings.client_id.clone());
        let back = RedirectUrl::new(back.to_owned()).map_err(|fault| self.wrong(&fault))?;
        let client = CoreClient::from_provider_metadata((*metadata).clone(), id, None).set_redirect_uri(back);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let code = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(code, CsrfToken::new_random, Nonce::new_random);
        let request = request.add_scope(Scope::new("email".to_owned())).set_pkce_challenge(challenge);
        let (address, state, nonce) = request.url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        };
        Ok((address.into(), pending))
    }

    /// Who came back with this code.
    ///
    /// # Errors
    /// [`OidcError`] where the provider does not answer, or what it says does not hold.
    pub async fn finish(&self, back: &str, code: String, pending: Pending) -> Result<Subject, OidcError> {
        let metadata = self.provider()?;
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let back = RedirectUrl::new(back.to_owned()).map_err(|fault| self.wrong(&fault))?;
        let client =
            CoreClient::from_provider_metadata((*metadata).clone(), id, secret).set_redirect_uri(back);
        let request =
            client.exchange_code(AuthorizationCode::new(code)).map_err(|fault| self.wrong(&fault))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(pending.verifier));
        let answer = request.request_async(&self.http).await.map_err(|fault| self.wrong(&fault))?;
        let token = answer.id_token().ok_or_else(|| self.wrong(&"it sent no ID token"))?;
        // Signed with a key of its own; the client's secret is no proof of who wrote a token.
        let verifier = client.id_token_verifier().set_allowed_algs(SIGNED_BY);
        let claims =
            token.claims(&verifier, &Nonce::new(pending.nonce)).map_err(|fault| self.wrong(&fault))?;
        let subject = claims.subject().clone();
        let mut email = verified(claims.email(), claims.email_verified());
        if email.is_none()
            && let Ok(request) = client.user_info(answer.access_token().clone(), Some(subject.clone()))
        {
            let info: CoreUserInfoClaims =
                request.request_async(&self.http).await.map_err(|fault| self.wrong(&fault))?;
            email = verified(info.email(), info.email_verified());
        }
        let issuer = claims.issuer().to_string();
        Ok(Subject { issuer, subject: subject.to_string(), verified_email: email })
    }

    fn provider(&self) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone().ok_or_else(|| OidcError::Away { issuer: self.settings.issuer.clone() })
    }

    /// With what lies behind: libraries say "request failed" and keep the reason to themselves.
    fn wrong(&self, fault: &dyn fmt::Display) -> OidcError {
        OidcError::Answer { issuer: self.settings.issuer.clone(), what: fault.to_string() }
    }
}

const SIGNED_BY: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

fn verified(email: Option<&openidconnect::EndUserEmail>, is_verified: Option<bool>) -> Option<String> {
    let email = email.filter(|_| is_verified == Some(true))?;
    email_address(email.as_str()).ok()
}

impl Pending {
    /// As the browser keeps it.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        [self.state.as_str(), &self.nonce, &self.verifier].join(".")
    }

    /// What the browser kept, where it belongs to this answer of the provider.
    #[must_use]
    pub fn of_cookie(cookie: &str, state: &str) -> Option<Self> {
        let mut parts = cookie.splitn(3, '.').map(str::to_owned);
        let pending = Self { state: parts.next()?, nonce: parts.next()?, verifier: parts.next()? };
        let is_same = crate::site::till::same_secret(state.as_bytes(), pending.state.as_bytes());
        (is_same && !pending.state.is_empty()).then_some(pending)
    }
}

/// The account of who signed in elsewhere: the one that is bound to them, or the one that was invited by their address and is bound to
/// nobody yet. None where there is neither, or where it is disabled.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub fn account_of(store: &Store, who: &Subject, from: Origin<'_>) -> Result<Option<i64>, StoreError> {
    let subject = (who.issuer.as_str(), who.subject.as_str());
    let (found, why) = match store.read(|all| table::by_subject(all, subject.0, subject.1))? {
        Some((account_id, false)) => (Some(account_id), ""),
        Some((_, true)) => (None, "oidc: the account is disabled"),
        None => match &who.verified_email {
            None => (None, "oidc: no verified e-mail address"),
            Some(email) => {
                let bound = store.write::<_, StoreError>(|all| Ok(table::bind(all, email, subject)?))?;
                (bound, "oidc: nobody was invited by this address")
            }
        },
    };
    if found.is_none() {
        note(store, from, (None, "sign_in_failed", why))?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_browser_kept_is_taken_for_its_own_answer_only() {
        let pending =
            Pending { state: "abc".to_owned(), nonce: "n-1".to_owned(), verifier: "v.w".to_owned() };
        let back = Pending::of_cookie(&pending.to_cookie(), "abc").unwrap();
        assert_eq!((back.nonce.as_str(), back.verifier.as_str()), ("n-1", "v.w"));
        for (cookie, state) in [("abc.n.v", "abd"), ("abc.n.v", ""), (".n.v", ""), ("abc.n", "abc"), ("", "")]
        {
            assert!(Pending::of_cookie(cookie, state).is_none(), "{cookie} {state}");
        }
    }

    #[test]
    fn an_address_that_is_not_verified_is_none() {
        let email = openidconnect::EndUserEmail::new("Ann@Example.com".to_owned());
        assert_eq!(verified(Some(&email), Some(true)).as_deref(), Some("ann@example.com"));
        assert_eq!(verified(Some(&email), Some(false)), None);
        assert_eq!(verified(Some(&email), None), None);
        assert_eq!(verified(None, Some(true)), None);
    }
}

//! What the API answers where it cannot do what was asked: a status, a key for the pages' catalogue and a sentence for people.
//!
//! What is not obvious: a store that one may not read and a store that does not exist give the same [`Fault::not_found`], and what
//! fails inside is logged here and told to nobody else.

use crate::hq::store::StoreError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::{Content, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// A fault, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    status: StatusCode,
    body: FaultBody,
    retry_after_s: Option<u64>,
}

/// The body of every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct FaultBody {
    /// Names the fault, for programs and for translations.
    #[schema(value_type = String, example = "not_found")]
    key: Cow<'static, str>,
    /// Says what is wrong and what to do, in English.
    #[schema(value_type = String)]
    text: Cow<'static, str>,
}

impl Fault {
    /// Any fault. The text says what is wrong and what to do, and holds no secret.
    #[must_use]
    pub fn new(status: StatusCode, key: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        let body = FaultBody { key: key.into(), text: text.into() };
        Self { status, body, retry_after_s: None }
    }

    /// 400: what was asked cannot be understood.
    #[must_use]
    pub fn bad(key: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, key, text)
    }

    /// 401: nobody is signed in.
    #[must_use]
    pub fn unknown_caller() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign_in",
            "sign in, or send a token as `Authorization: Bearer TOKEN`",
        )
    }

    /// 403: somebody is, and may not.
    #[must_use]
    pub fn forbidden(key: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, key, text)
    }

    /// 404: not there, or not for this account; which of the two is told to nobody.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or not for this account")
    }

    /// 409: what is stored is against it.
    #[must_use]
    pub fn conflict(key: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, key, text)
    }

    /// 422: understood, and against a rule.
    #[must_use]
    pub fn refused(key: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, key, text)
    }

    /// 429: too often.
    #[must_use]
    pub fn too_often(retry_after_s: u64) -> Self {
        let text = format!("that is too often; try again in {retry_after_s} s");
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_often", text);
        Self { retry_after_s: Some(retry_after_s), ..fault }
    }

    /// 503: not now.
    #[must_use]
    pub fn busy() -> Self {
        let fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "head office is busy; try again");
        Self { retry_after_s: Some(2), ..fault }
    }

    /// 500: our fault. `what` goes to the log, and nowhere else.
    #[must_use]
    pub fn inside(what: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request failed: {what}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "inside", "head office failed at this; its log says why")
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Self {
        if fault.is_transient() {
            tracing::warn!(%fault, "a request is told to come again");
            return Self::busy();
        }
        Self::inside(&fault)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// For `responses(..)` of a route: what every route may answer instead of what was asked for.
pub struct Faults;

impl IntoResponses for Faults {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let known = [
            ("400", "What was asked cannot be understood."),
            ("401", "Nobody is signed in."),
            ("403", "The account, or the kind of token, may not do this."),
            ("404", "There is no such thing, or not for this account."),
            ("405", "The address does not take this method."),
            ("408", "The request took too long to arrive, or to be answered."),
            ("409", "What is stored is against it."),
            ("413", "The body is too large."),
            ("415", "The body is of another type than this address takes."),
            ("422", "It is understood, and against a rule."),
            ("429", "Too often; the header `retry-after` says when to try again."),
            ("500", "Head office failed at it."),
            ("503", "Head office is busy, or a part of it is not there."),
        ];
        let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Fault"))));
        let response = |text: &str| {
            ResponseBuilder::new().description(text).content("application/json", content.clone()).build()
        };
        known.map(|(status, text)| (status.to_owned(), RefOr::T(response(text)))).into()
    }
}

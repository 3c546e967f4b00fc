//! What a request brings: path, query and body, where a fault is answered like every other.
//!
//! They are axum's extractors under the same names; only what they say when something is wrong differs.

use super::faults::Fault;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// Names in the address.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// What follows the `?`.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// A body of JSON.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            // A name that cannot be one names nothing.
            Err(PathRejection::FailedToDeserializePathParams(_)) => Err(Fault::not_found()),
            Err(fault) => Err(Fault::inside(&fault)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let asked: Result<_, QueryRejection> = axum::extract::Query::from_request_parts(parts, state).await;
        match asked {
            Ok(axum::extract::Query(asked)) => Ok(Self(asked)),
            Err(fault) => Err(Fault::bad("query", fault.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(fault)) => Err(Fault::refused("body", fault.body_text())),
            Err(fault) => Err(Fault::new(fault.status(), "body", fault.body_text())),
        }
    }
}

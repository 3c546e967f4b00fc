//! Displays and their comparison.

use super::caller::Caller;
use super::csv::{Cell, Table, Tabular};
use super::faults::{Fault, Faults};
use super::input::Query;
use super::{Answer, Service};
use crate::hq::report::days::parse_day;
use crate::hq::report::displays::{self as report, DisplayComparison, Displays, MOST_DISPLAYS, Question};
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Days on each side of a change, unless it is told: three weeks.
const USUAL_DAYS: i64 = 21;

/// Of which chain.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// The chain; all that may be read unless given.
    #[param(example = "acme")]
    tenant: Option<String>,
}

/// What is compared.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Compared {
    /// Which question.
    #[param(inline)]
    kind: Kind,
    /// `before_after` and `against`: the display.
    display: Option<i64>,
    /// `against`: the other one.
    other: Option<i64>,
    /// `test_control`: displays that were changed, with commas between them.
    #[param(example = "1,2,3")]
    displays: Option<String>,
    /// `test_control`: displays that were not.
    #[param(example = "4,5,6")]
    controls: Option<String>,
    /// `test_control`: first business day after the change.
    changed: Option<String>,
    /// Days on each side, 21 unless given.
    days: Option<i64>,
    /// `against`: first business day.
    from: Option<String>,
    /// `against`: last one.
    to: Option<String>,
}

/// Which question.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    BeforeAfter,
    Against,
    TestControl,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_csv))
        .routes(routes!(compare))
        .routes(routes!(compare_csv))
}

impl Compared {
    fn question(self) -> Result<Question, Fault> {
        let days = self.days.unwrap_or(USUAL_DAYS);
        Ok(match self.kind {
            Kind::BeforeAfter => Question::BeforeAfter { display: needed("display", self.display)?, days },
            Kind::Against => Question::Against {
                display: needed("display", self.display)?,
                other: needed("other", self.other)?,
                range: (self.from, self.to),
            },
            Kind::TestControl => Question::TestControl {
                displays: numbers("displays", self.displays.as_deref())?,
                controls: numbers("controls", self.controls.as_deref())?,
                changed: parse_day(&needed("changed", self.changed)?)?,
                days,
            },
        })
    }
}

fn needed<T>(name: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::bad("query", format!("{name}: is needed for this kind of comparison")))
}

fn numbers(name: &str, text: Option<&str>) -> Result<Vec<i64>, Fault> {
    let text = needed(name, text)?;
    let numbers = text.split(',').take(MOST_DISPLAYS + 1).map(|number| number.trim().parse().ok());
    let numbers: Option<Vec<i64>> = numbers.collect();
    numbers.ok_or_else(|| {
        Fault::bad("query", format!("{name}: give numbers of displays with commas between them"))
    })
}

async fn listed(service: &Service, caller: &Caller, asked: Listed) -> Result<Displays, Fault> {
    let scope = caller.readable();
    service.ask(move |store| report::displays(store, &scope, asked.tenant.as_deref())).await
}

async fn compared(service: &Service, caller: &Caller, asked: Compared) -> Result<DisplayComparison, Fault> {
    let (scope, now, question) = (caller.readable(), caller.at(), asked.question()?);
    service.ask(move |store| report::compare(store, &scope, &question, now)).await
}

/// The displays of the stores that the account may read
#[utoipa::path(get, path = "/api/v1/displays", tag = "displays", params(Listed), responses((status = 200, body = Displays), Faults))]
async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Listed>,
) -> Answer<Displays> {
    Ok(axum::Json(listed(&service, &caller, asked).await?))
}

/// The displays as a table
#[utoipa::path(get, path = "/api/v1/displays.csv", tag = "displays", params(Listed), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn list_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Listed>,
) -> Result<Table, Fault> {
    Ok(listed(&service, &caller, asked).await?.table())
}

/// Whether a display stops more people than before, than another one, or than control stores let expect
#[utoipa::path(get, path = "/api/v1/displays/compare", tag = "displays", params(Compared), responses((status = 200, body = DisplayComparison), Faults))]
async fn compare(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Compared>,
) -> Answer<DisplayComparison> {
    Ok(axum::Json(compared(&service, &caller, asked).await?))
}

/// The measures of a comparison as a table
#[utoipa::path(get, path = "/api/v1/displays/compare.csv", tag = "displays", params(Compared), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn compare_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<Compared>,
) -> Result<Table, Fault> {
    Ok(compared(&service, &caller, asked).await?.table())
}

impl Tabular for Displays {
    fn table(&self) -> Table {
        let columns =
            vec!["id", "tenant", "store", "name", "title", "zone", "category", "items", "from", "to"];
        let row = |of: &report::Display| -> Vec<Cell> {
            vec![
                of.id.into(),
                (&of.tenant).into(),
                (&of.store).into(),
                (&of.name).into(),
                (&of.title).into(),
                (&of.zone).into(),
                of.category.as_ref().into(),
                (&of.items.join(" ")).into(),
                (&of.from).into(),
                of.to.as_ref().into(),
            ]
        };
        Table { name: "displays", columns, rows: self.displays.iter().map(row).collect() }
    }
}

impl Tabular for DisplayComparison {
    fn table(&self) -> Table {
        let columns = vec!["measure", "before", "after", "difference", "low", "high", "clear"];
        let row = |of: &report::Measure| -> Vec<Cell> {
            let part = |of: &report::Measure, part: fn(&report::Interval) -> f64| {
                of.difference.as_ref().map(part).into()
            };
            vec![
                of.measure.into(),
                of.before.into(),
                of.after.into(),
                part(of, |d| d.value),
                part(of, |d| d.low),
                part(of, |d| d.high),
                of.clear.into(),
            ]
        };
        Table { name: "display-comparison", columns, rows: self.measures.iter().map(row).collect() }
    }
}

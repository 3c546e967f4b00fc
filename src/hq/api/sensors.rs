//! Other sensors of a store beside its cameras.

use super::caller::Caller;
use super::csv::{Cell, Table, Tabular};
use super::faults::{Fault, Faults};
use super::input::{Path, Query};
use super::names::Named;
use super::stores::{Days, of_store};
use super::{Answer, Service};
use crate::hq::report::sensors::{self as report, Sensors};
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(sensors)).routes(routes!(sensors_csv))
}

async fn made(service: &Service, caller: &Caller, named: Named, days: Days) -> Result<Sensors, Fault> {
    let work = move |store: &crate::hq::store::Store, found: crate::hq::report::stores::Found| {
        let range = days.of(&found)?;
        report::sensors(store, found, range)
    };
    of_store(service, caller, (named.tenant, named.store), work).await
}

/// Door sensors and beacons of a store beside its cameras, by day and by hour of the day
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/sensors", tag = "reports", params(Named, Days), responses((status = 200, body = Sensors), Faults))]
async fn sensors(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(days): Query<Days>,
) -> Answer<Sensors> {
    Ok(axum::Json(made(&service, &caller, named, days).await?))
}

/// Their days as a table
#[utoipa::path(get, path = "/api/v1/stores/{tenant}/{store}/sensors.csv", tag = "reports", params(Named, Days), responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn sensors_csv(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(named): Path<Named>,
    Query(days): Query<Days>,
) -> Result<Table, Fault> {
    Ok(made(&service, &caller, named, days).await?.table())
}

impl Tabular for Sensors {
    fn table(&self) -> Table {
        let columns = vec![
            "box",
            "sensor",
            "kind",
            "camera",
            "line",
            "zone",
            "what",
            "day",
            "sensor_count",
            "camera_count",
            "difference",
            "hours",
            "open_hours",
            "apart",
        ];
        let rows = self.sensors.iter().flat_map(|of| {
            of.days.iter().map(|day| -> Vec<Cell> {
                vec![
                    (&of.box_name).into(),
                    (&of.sensor).into(),
                    (&of.kind).into(),
                    of.camera.as_ref().into(),
                    of.line.as_ref().into(),
                    of.zone.as_ref().into(),
                    of.what.into(),
                    (&day.day).into(),
                    day.both.sensor.into(),
                    day.both.camera.into(),
                    day.both.difference.into(),
                    i64::from(day.both.hours).into(),
                    i64::from(day.both.open_hours).into(),
                    day.apart.into(),
                ]
            })
        });
        Table { name: "sensors", columns, rows: rows.collect() }
    }
}

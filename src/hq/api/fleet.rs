//! The boxes and the alerts of the stores that the account may read.

use super::caller::Caller;
use super::csv::{Cell, Table, Tabular};
use super::faults::{Fault, Faults};
use super::{Answer, Service};
use crate::hq::report::fleet::{self as report, Alerts, Fleet};
use axum::extract::State;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(fleet))
        .routes(routes!(fleet_csv))
        .routes(routes!(alerts))
        .routes(routes!(alerts_csv))
}

async fn fleet_made(service: &Service, caller: &Caller) -> Result<Fleet, Fault> {
    let (scope, now) = (caller.readable(), caller.at());
    service.ask(move |store| report::fleet(store, &scope, now)).await
}

async fn alerts_made(service: &Service, caller: &Caller) -> Result<Alerts, Fault> {
    let (scope, now) = (caller.readable(), caller.at());
    service.ask(move |store| report::alerts(store, &scope, now)).await
}

/// The boxes: who is offline, whose data is late, what is missing
#[utoipa::path(get, path = "/api/v1/fleet", tag = "fleet", responses((status = 200, body = Fleet), Faults))]
async fn fleet(State(service): State<Arc<Service>>, caller: Caller) -> Answer<Fleet> {
    Ok(axum::Json(fleet_made(&service, &caller).await?))
}

/// The boxes as a table
#[utoipa::path(get, path = "/api/v1/fleet.csv", tag = "fleet", responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn fleet_csv(State(service): State<Arc<Service>>, caller: Caller) -> Result<Table, Fault> {
    Ok(fleet_made(&service, &caller).await?.table())
}

/// Alerts that are open, and recent ones
#[utoipa::path(get, path = "/api/v1/alerts", tag = "fleet", responses((status = 200, body = Alerts), Faults))]
async fn alerts(State(service): State<Arc<Service>>, caller: Caller) -> Answer<Alerts> {
    Ok(axum::Json(alerts_made(&service, &caller).await?))
}

/// The alerts as a table
#[utoipa::path(get, path = "/api/v1/alerts.csv", tag = "fleet", responses((status = 200, body = String, content_type = "text/csv"), Faults))]
async fn alerts_csv(State(service): State<Arc<Service>>, caller: Caller) -> Result<Table, Fault> {
    Ok(alerts_made(&service, &caller).await?.table())
}

impl Tabular for Fleet {
    fn table(&self) -> Table {
        let columns = vec![
            "tenant",
            "store",
            "box",
            "state",
            "since_ms",
            "software",
            "watermark",
            "highest",
            "last_record_ms",
            "lag_s",
            "late",
            "missing_records",
            "cameras_down",
            "problems",
            "temperature_c",
            "disk_free",
            "memory_free",
            "least_fps",
            "clock_ok",
            "config_desired",
            "config_in_force",
            "config_status",
            "certificate_until_ms",
        ];
        let row = |of: &report::BoxReport| -> Vec<Cell> {
            let missing: i64 = of.missing.iter().map(|[first, last]| last - first + 1).sum();
            let down = of.cameras.iter().filter(|camera| camera.state != "up").count();
            let problems: Vec<&str> = of.problems.iter().map(|problem| problem.about.as_str()).collect();
            let health = of.health.as_ref();
            let whole = |bytes: Option<u64>| bytes.and_then(|bytes| i64::try_from(bytes).ok());
            let fps = health.and_then(|of| of.cameras.iter().map(|camera| camera.fps).min_by(f64::total_cmp));
            vec![
                (&of.tenant).into(),
                (&of.store).into(),
                (&of.box_name).into(),
                of.state.into(),
                of.since_ms.into(),
                of.software.as_ref().into(),
                of.watermark.into(),
                of.highest.into(),
                of.last_record_ms.into(),
                of.lag_s.into(),
                of.late.into(),
                missing.into(),
                (down as i64).into(),
                (&problems.join("; ")).into(),
                health.and_then(|of| of.temperature_c).into(),
                whole(health.and_then(|of| of.disk_free)).into(),
                whole(health.and_then(|of| of.memory_free)).into(),
                fps.into(),
                health.map_or(Cell::Empty, |of| of.clock_ok.into()),
                of.config.desired.into(),
                whole(of.config.in_force).into(),
                of.config.status.map_or(Cell::Empty, Cell::from),
                of.certificate_until_ms.into(),
            ]
        };
        Table { name: "fleet", columns, rows: self.boxes.iter().map(row).collect() }
    }
}

impl Tabular for Alerts {
    fn table(&self) -> Table {
        let columns = vec!["id", "rule", "tenant", "store", "about", "began_ms", "ended_ms"];
        let row = |of: &report::Alert| -> Vec<Cell> {
            vec![
                of.id.into(),
                (&of.rule).into(),
                (&of.tenant).into(),
                (&of.store).into(),
                (&of.about).into(),
                of.began_ms.into(),
                of.ended_ms.into(),
            ]
        };
        Table { name: "alerts", columns, rows: self.alerts.iter().map(row).collect() }
    }
}

//! What a camera tells, as the store takes it.
//!
//! Crossings are not among it: the minutes of the lines hold them, parts and corrections included, and nobody is counted twice.

use super::{Door, DoorMinute, StoreInput};
use crate::analytics::{LineMinute, ZoneMinute};
use crate::ids::CameraId;
use crate::pipeline::CameraEvent;
use crate::time::nearest_minutes;

impl StoreInput {
    /// What an event of a camera is to the store; none where it is nothing to it.
    #[must_use]
    pub fn of_camera(camera: &CameraId, event: &CameraEvent) -> Option<Self> {
        match event {
            CameraEvent::Minute(minute) => Some(Self::Minute(door_minute(camera, minute))),
            CameraEvent::ZoneMinute(minute) => seen_at_once(minute),
            _ => None,
        }
    }

    /// The same with what the box's clock labelled moved by `by_ms`, to the nearest minute: the clock was wrong. What others said of
    /// the time stays.
    #[must_use]
    pub fn shifted(mut self, by_ms: i64) -> Self {
        match &mut self {
            Self::Minute(minute) => {
                minute.start = minute.start.moved_by_ms(nearest_minutes(by_ms));
                minute.part |= by_ms != 0;
            }
            Self::SeenAtOnce { start, .. } => *start = start.moved_by_ms(nearest_minutes(by_ms)),
            Self::Till(_) | Self::Staffing(_) => {}
        }
        self
    }
}

fn door_minute(camera: &CameraId, minute: &LineMinute) -> DoorMinute {
    DoorMinute {
        door: Door { camera: camera.clone(), line: minute.line.clone(), role: minute.role },
        start: minute.start,
        entries: minute.entries,
        exits: minute.exits,
        staff_in: i32::try_from(minute.visitors.staff_in).unwrap_or(i32::MAX),
        staff_out: i32::try_from(minute.visitors.staff_out).unwrap_or(i32::MAX),
        reentries: minute.visitors.reentries,
        passersby: minute.visitors.passersby,
        seen: minute.seen,
        valid: minute.valid,
        part: minute.part,
    }
}

/// Zones may overlap, and so may cameras: the fullest one is what is sure.
fn seen_at_once(minute: &ZoneMinute) -> Option<StoreInput> {
    let present = minute.present.filter(|_| minute.valid)?;
    let people = present.max;
    Some(StoreInput::SeenAtOnce { start: minute.start, people })
}

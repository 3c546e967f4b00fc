//! What one camera tells by the quarter of an hour: how people moved, and where they were.

use super::CameraEvent;
use crate::analytics::{
    Flow, FlowQuarter, FlowStep, Heat, HeatQuarter, Manner, Place, PlaceNames, QuarterSettings,
};
use crate::count::{Crossing, Direction, LineRole};
use crate::geom::PictureSize;
use crate::ids::LineId;
use crate::time::FrameTime;
use crate::visitors::Visitors;
use crate::zones::{Ground, Standing};
use std::time::Duration;

/// Longest time for which one sighting may stand: somebody who was hidden may have been anywhere.
const LONGEST_STEP: Duration = Duration::from_secs(2);

/// Quarters told at one time; more only after an outage.
const FEW: usize = 4;

/// Flow and heat map, where they are wanted.
#[derive(Clone)]
pub(super) struct Quarters {
    flow: Option<Flow>,
    heat: Option<Heat>,
    // Kept between frames for their memory.
    flows: Vec<FlowQuarter>,
    heats: Vec<HeatQuarter>,
}

impl Quarters {
    /// Frames further apart than `longest_gap` leave a gap; steps may be told up to `hold` late.
    pub(super) fn new(
        settings: QuarterSettings,
        names: PlaceNames,
        start: FrameTime,
        (longest_gap, hold): (Duration, Duration),
    ) -> Self {
        Self {
            flow: settings.flow.then(|| Flow::new(names, start, longest_gap, hold)),
            heat: settings.heat.map(|heat| Heat::new(heat, start, longest_gap)),
            flows: Vec::with_capacity(FEW),
            heats: Vec::with_capacity(FEW),
        }
    }

    pub(super) fn frame(
        &mut self,
        at: FrameTime,
        picture: PictureSize,
        ground: &Ground,
        out: &mut Vec<CameraEvent>,
    ) {
        if let Some(flow) = &mut self.flow {
            flow.frame(at);
        }
        if let Some(heat) = &mut self.heat {
            heat.frame(at, picture, ground.floor(), &mut self.heats);
        }
        self.give_out(out);
    }

    pub(super) fn interrupted(&mut self) {
        self.flow.iter_mut().for_each(Flow::interrupted);
        self.heat.iter_mut().for_each(Heat::interrupted);
    }

    pub(super) fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.flow.iter_mut().for_each(|flow| flow.moved(since, now));
        self.heat.iter_mut().for_each(|heat| heat.moved(since, now));
    }

    pub(super) fn in_place(&mut self, now: FrameTime) {
        self.flow.iter_mut().for_each(|flow| flow.in_place(now));
        self.heat.iter_mut().for_each(|heat| heat.in_place(now));
    }

    pub(super) fn see(&mut self, standing: &Standing, visitors: &Visitors) {
        let Some(heat) = &mut self.heat else { return };
        let Some((passed, stands)) = visitors.last_step(standing.track) else { return };
        let manner = if stands { Manner::Dwelling } else { Manner::Passing };
        heat.see(standing, passed.min(LONGEST_STEP), manner);
    }

    /// A way through a door is a step; staff take none.
    pub(super) fn crossing(
        &mut self,
        crossing: &Crossing,
        visitors: &Visitors,
        lines: &[(LineId, LineRole)],
    ) {
        let Some(line) = lines.iter().position(|(id, _)| *id == crossing.line) else { return };
        if visitors.is_staff(crossing.track) || !matches!(lines[line].1, LineRole::Door | LineRole::Goods) {
            return;
        }
        let place = match crossing.direction {
            Direction::In => Place::In(line),
            Direction::Out => Place::Out(line),
        };
        self.step(FlowStep { track: crossing.track, place, at: crossing.at });
    }

    pub(super) fn step(&mut self, step: FlowStep) {
        if let Some(flow) = &mut self.flow {
            flow.step(step);
        }
    }

    pub(super) fn close(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        if let Some(flow) = &mut self.flow {
            flow.close(now, &mut self.flows);
        }
        if let Some(heat) = &mut self.heat {
            heat.close(now, &mut self.heats);
        }
        self.give_out(out);
    }

    pub(super) fn finish(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        if let Some(flow) = &mut self.flow {
            flow.finish(now, &mut self.flows);
        }
        if let Some(heat) = &mut self.heat {
            heat.finish(now, &mut self.heats);
        }
        self.give_out(out);
    }

    fn give_out(&mut self, out: &mut Vec<CameraEvent>) {
        out.extend(self.flows.drain(..).map(CameraEvent::Flow));
        out.extend(self.heats.drain(..).map(CameraEvent::Heat));
    }
}

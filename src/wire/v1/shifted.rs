//! Facts whose clock was wrong, moved to where it should have been.

use super::Fact;
use crate::analytics::QUARTER;
use crate::time::{nearest, nearest_minutes};

impl Fact {
    /// The same with every time that the box's clock gave moved by `by_ms`.
    ///
    /// Moments move by exactly that. Minutes and quarters of an hour start at whole ones, so they move to the nearest, and each becomes
    /// a part: what was counted after the clock was set may lie in the same one. Sums stay what they are. What a till or a sensor says of
    /// the time is not the box's and stays; so do periods, which are made by a clock that is known only.
    #[must_use]
    pub fn shifted(self, by_ms: i64) -> Self {
        if by_ms == 0 {
            return self;
        }
        let mut fact = self.into_part();
        let moved = |at_ms: &mut i64| *at_ms = at_ms.saturating_add(by_ms);
        let minute = |start_ms: &mut i64| *start_ms = start_ms.saturating_add(nearest_minutes(by_ms));
        let quarter_ms = i64::try_from(QUARTER.as_millis()).unwrap_or(i64::MAX);
        let quarter = |at_ms: &mut i64| *at_ms = at_ms.saturating_add(nearest(by_ms, quarter_ms));
        match &mut fact {
            Self::Crossing(crossing) => [&mut crossing.at_ms, &mut crossing.run].into_iter().for_each(moved),
            Self::Minute(of) => {
                minute(&mut of.start_ms);
                moved(&mut of.run);
            }
            Self::Staff(staff) => [&mut staff.since_ms, &mut staff.run].into_iter().for_each(moved),
            Self::Flow(flow) => {
                [&mut flow.start_ms, &mut flow.end_ms].into_iter().for_each(quarter);
                moved(&mut flow.run);
            }
            Self::Heat(heat) => {
                [&mut heat.start_ms, &mut heat.end_ms].into_iter().for_each(quarter);
                moved(&mut heat.run);
            }
            Self::CameraCondition(of) => {
                [&mut of.at_ms, &mut of.since_ms, &mut of.run].into_iter().for_each(moved);
            }
            Self::Visit(visit) => {
                [&mut visit.enter_ms, &mut visit.leave_ms, &mut visit.maker.run].into_iter().for_each(moved);
            }
            Self::ZoneMinute(of) => {
                minute(&mut of.start_ms);
                moved(&mut of.maker.run);
            }
            Self::Queue(queue) => {
                [&mut queue.joined_ms, &mut queue.left_ms, &mut queue.maker.run].into_iter().for_each(moved);
                queue.served_ms.iter_mut().for_each(moved);
            }
            Self::QueueMinute(of) => {
                minute(&mut of.start_ms);
                moved(&mut of.maker.run);
            }
            Self::Alert(of) => {
                [&mut of.at_ms, &mut of.since_ms, &mut of.maker.run].into_iter().for_each(moved);
            }
            Self::Alarm(of) => {
                [&mut of.at_ms, &mut of.since_ms, &mut of.maker.run].into_iter().for_each(moved);
            }
            Self::Occupancy(of) => minute(&mut of.start_ms),
            Self::TillRejected(rejected) => moved(&mut rejected.at_ms),
            Self::Gap(_) | Self::Period(_) | Self::Transaction(_) | Self::SensorCount(_) => {}
        }
        fact
    }
}

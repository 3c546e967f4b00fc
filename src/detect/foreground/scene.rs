//! From one small picture and its flow to the people in it.
//!
//! ```text
//! picture -> background -> what differs -> remembered walkers take their px -> what is left -> new walkers
//! flow    ------------------------------>  and are carried along
//! ```
//!
//! Not obvious: a walker who has never walked is remembered and not believed. A stand, a door that opened and the
//! hole that somebody leaves who stood there from the start all differ from the background; none of them
//! walks, so the background takes them in after a while. Who has walked is held out of the background
//! for [`LONGEST_STAND_S`].

use super::background::{Background, steepness};
use super::mask::{Blobs, Mask};
use super::size::{PersonSize, SizeModel};
use super::split;
use super::walker::{Owned, Walker};

/// People remembered at most: more do not fit into a picture.
const MOST_WALKERS: usize = 64;
/// Who has walked and stands is no ground for this long, seconds.
const LONGEST_STAND_S: f32 = 600.0;
/// Who has not walked is no ground either for this long, seconds: they may have only just come in.
const BENEFIT_OF_DOUBT_S: f32 = 0.6;
/// A walker owns px up to this many half sizes away ...
const OWNS_WITHIN: f32 = 1.8;
/// ... and nobody new begins within this many.
const KEEPS_NEW_AWAY_WITHIN: f32 = 1.35;
/// The background is not learned within this many half sizes of somebody.
const HELD_WITHIN: f32 = 1.5;
/// What the colour of a px says about its owner, against its distance.
const COLOUR_WEIGHT: f32 = 0.5;
/// Within this squared distance a px is the walker's whatever its colour: hair is not clothes.
const CORE: f32 = 0.3;
/// Below this much off, in units of `CLEAR_COLOUR`, a px may be a walker's own.
const OWN_COLOUR: f32 = 1.0;
/// Colours that differ by this much of 255 are clearly different.
const CLEAR_COLOUR: f32 = 60.0;
/// The flow is taken within this share of the half sizes: at the rim it is the neighbours'.
const FLOW_WITHIN: f32 = 0.8;
/// Two who were seen to go opposite ways pass each other for this long, seconds.
const PASSING_TAKES_S: f32 = 1.0;
/// Of somebody whom another passes, the flow is believed where it comes from this share of the px; where it comes from
/// fewer, it is mixed with how they walked.
const ENOUGH_FLOW: f32 = 0.6;
/// A new walker fills at least this share of the expected ellipse.
const LEAST_NEW_SHARE: f32 = 0.45;
/// Somebody of whose ellipse less than this share is seen is hidden, ...
const LEAST_SEEN_SHARE: f32 = 0.25;
/// ... and forgotten after this, seconds.
const LONGEST_HIDDEN_S: f32 = 0.35;
/// Two whose middles are nearer than this share of their sizes are one.
const SAME_WITHIN: f32 = 0.35;
/// The light changed where the share of px that differ rises by this from one frame to the next.
const LIGHT_JUMP: f32 = 0.4;
/// Longest gap over which somebody is carried, seconds.
const LONGEST_GAP_S: f32 = 2.0;
/// A hole has edges in the ground that are this many times as steep as those in the picture ...
const GHOST_STEEPNESS: f32 = 1.3;
/// ... at this many px of its rim ...
const LEAST_EDGE_PX: f32 = 12.0;
/// ... for this long, seconds.
const GHOST_AFTER_S: f32 = 0.2;
/// A blob that fills its upright box like this and is that many people large is a door or a lamp's patch.
const PANEL_FILL: f32 = 0.9;
const PANEL_PEOPLE: f32 = 1.3;
/// One person reaches no farther in a blob than this many of their heights.
const LONGEST_PERSON: f32 = 1.6;
/// Who has walked has left their first place but for this share.
const MOST_KEPT_SHARE: f32 = 0.35;

/// One picture, made small.
#[derive(Debug, Clone, Copy)]
pub(super) struct SmallView<'a> {
    /// `(height, width, 3)`: blue, green, red.
    pub(super) bgr: &'a [u8],
    /// `(height, width, 2)`: how many px each px has come to the right and down since the view before.
    pub(super) flow: &'a [[f32; 2]],
}

/// What the camera has seen so far.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    width: usize,
    height: usize,
    background: Background,
    pub(super) sizes: SizeModel,
    pub(super) walkers: Vec<Walker>,
    has_ground: bool,
    differing_share: f32,
    held: Mask,
    differs: Mask,
    rest: Mask,
    blobs: Blobs,
    /// Index of the walker who owns each px, and how near they are.
    owner: Vec<u8>,
    nearness: Vec<f32>,
    spare: Vec<u8>,
    flow_x: Vec<f32>,
    flow_y: Vec<f32>,
    points: Vec<(f32, f32)>,
    centres: Vec<(f32, f32)>,
}

/// No walker owns this px.
const NOBODY: u8 = u8::MAX;

impl Scene {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            background: Background::default(),
            sizes: SizeModel::new(width, height),
            walkers: Vec::with_capacity(MOST_WALKERS),
            has_ground: false,
            differing_share: 0.0,
            held: Mask::new(width, height),
            differs: Mask::new(width, height),
            rest: Mask::new(width, height),
            blobs: Blobs::default(),
            owner: vec![NOBODY; width * height],
            nearness: vec![0.0; width * height],
            spare: Vec::new(),
            flow_x: Vec::new(),
            flow_y: Vec::new(),
            points: Vec::new(),
            centres: Vec::new(),
        }
    }

    /// Looks at the next picture, `seconds` after the one before. `expected` says how large somebody is at a place.
    pub(super) fn step(
        &mut self,
        view: SmallView<'_>,
        seconds: f32,
        expected: &dyn Fn(&SizeModel, f32, f32) -> PersonSize,
    ) {
        if !self.has_ground || seconds > LONGEST_GAP_S {
            return self.begin(view.bgr);
        }
        self.hold_walkers();
        self.background.step(view.bgr, seconds, &self.held, &mut self.differs);
        self.differs.open(1, &mut self.spare);
        self.differs.close(2, &mut self.spare);
        let share = self.differs.share();
        if share - self.differing_share > LIGHT_JUMP {
            return self.begin(view.bgr);
        }
        self.differing_share = share;
        let before: [(f32, f32); MOST_WALKERS] =
            std::array::from_fn(|i| self.walkers.get(i).map_or((0.0, 0.0), |w| (w.x, w.y)));
        self.carry(view, seconds);
        self.share_out(view.bgr);
        self.sum_up(view.bgr);
        for (index, before) in before.iter().enumerate().take(self.walkers.len()) {
            let (here, others) = (&self.walkers[index], self.walkers.iter().enumerate());
            let in_crowd = others.filter(|(other, _)| *other != index).any(|(_, other)| here.touches(other));
            let size = expected(&self.sizes, here.x, here.y);
            self.walkers[index].settle(*before, in_crowd, size, seconds);
        }
        self.believe_walkers();
        self.learn_sizes(seconds);
        self.lay_ghosts(view.bgr, seconds);
        self.forget(seconds);
        self.begin_walkers(view.bgr, expected);
    }

    /// Takes the picture for ground, with nobody in it.
    fn begin(&mut self, bgr: &[u8]) {
        self.background.relearn(bgr);
        self.walkers.clear();
        self.has_ground = true;
        self.differing_share = 0.0;
    }

    fn hold_walkers(&mut self) {
        self.held.px.fill(0);
        let is_held = |walker: &&Walker| {
            let patience_s = if walker.has_walked { LONGEST_STAND_S } else { BENEFIT_OF_DOUBT_S };
            walker.rests_s < patience_s
        };
        for walker in self.walkers.iter().filter(is_held) {
            let held = &mut self.held;
            each_within(walker, HELD_WITHIN, (self.width, self.height), |px, _| held.px[px] = 1);
        }
    }

    /// Whether somebody passes a walker, and nobody else is near: in a crowd nobody can tell whose the flow is, and how somebody
    /// walked before says little of where the others push them.
    fn is_passed_by_one(&self, index: usize) -> bool {
        let walker = &self.walkers[index];
        let others = self.walkers.iter().enumerate().filter(|(other, _)| *other != index);
        let mut near = others.map(|(_, other)| other).filter(|other| walker.touches(other));
        matches!((near.next(), near.next()), (Some(other), None) if walker.is_passed_by(other))
    }

    /// Carries each walker by the flow of those px in it that have their colour: whoever stands in front has another.
    fn carry(&mut self, view: SmallView<'_>, seconds: f32) {
        for index in 0..self.walkers.len() {
            let passed = self.is_passed_by_one(index);
            let walker = &mut self.walkers[index];
            walker.passing_s = if passed { PASSING_TAKES_S } else { walker.passing_s - seconds };
            let (flow_x, flow_y, differs) = (&mut self.flow_x, &mut self.flow_y, &self.differs);
            let mut within = 0.0_f32;
            flow_x.clear();
            flow_y.clear();
            each_within(walker, FLOW_WITHIN, (self.width, self.height), |px, _| {
                within += 1.0;
                if differs.px[px] != 0
                    && colour_off(&walker.colour, &view.bgr[3 * px..3 * px + 3]) < OWN_COLOUR
                {
                    flow_x.push(view.flow[px][0]);
                    flow_y.push(view.flow[px][1]);
                }
            });
            let by = (flow_x.len() > 6).then(|| (median(flow_x), median(flow_y)));
            let seen = flow_x.len() as f32 / (ENOUGH_FLOW * within).max(1.0);
            walker.carry(by, if walker.passing_s > 0.0 { seen.min(1.0) } else { 1.0 }, seconds);
        }
    }

    /// Gives each px that is not ground to the nearest walker, by place and colour.
    fn share_out(&mut self, bgr: &[u8]) {
        self.owner.fill(NOBODY);
        self.nearness.fill(OWNS_WITHIN * OWNS_WITHIN);
        for (index, walker) in self.walkers.iter().enumerate() {
            let (owner, nearness, differs) = (&mut self.owner, &mut self.nearness, &self.differs);
            each_within(walker, OWNS_WITHIN, (self.width, self.height), |px, reach| {
                if differs.px[px] == 0 {
                    return;
                }
                let colour = || colour_off(&walker.colour, &bgr[3 * px..3 * px + 3]);
                let near = if reach < CORE { reach } else { reach + COLOUR_WEIGHT * colour() };
                if near < nearness[px] {
                    // There are fewer walkers than `NOBODY`.
                    (nearness[px], owner[px]) = (near, index as u8);
                }
            });
        }
    }

    fn sum_up(&mut self, bgr: &[u8]) {
        let width = self.width;
        let light = |px: usize| bgr[3 * px..3 * px + 3].iter().map(|value| f32::from(*value)).sum::<f32>();
        self.walkers.iter_mut().for_each(|walker| walker.owned = Owned::default());
        for px in 0..self.owner.len() {
            let Some(walker) = self.walkers.get_mut(usize::from(self.owner[px])) else { continue };
            let (column, row) = (px % width, px / width);
            let (x, y) = (column as f32, row as f32);
            let inside = walker.reach(x, y) < 1.0;
            let owned = &mut walker.owned;
            owned.px += 1.0;
            owned.x += x;
            owned.y += y;
            owned.inside += f32::from(u8::from(inside));
            for (sum, value) in owned.colour.iter_mut().zip(&bgr[3 * px..]) {
                *sum += f32::from(*value);
            }
            let inner = column > 0 && row > 0 && column + 1 < width && row + 1 < self.height;
            let differs = &self.differs.px;
            if inner && [px - 1, px + 1, px - width, px + width].iter().any(|near| differs[*near] == 0) {
                owned.edge += 1.0;
                owned.edge_in_picture += steepness(light, px, width);
                owned.edge_in_ground += self.background.steepness(px, width);
            }
        }
        for (index, walker) in self.walkers.iter_mut().enumerate() {
            let (owner, mut free) = (&self.owner, [0.0; 3]);
            each_within(walker, 1.0, (width, self.height), |px, _| {
                if owner[px] == NOBODY || usize::from(owner[px]) == index {
                    let [count, x, y] = &mut free;
                    (*count, *x, *y) = (*count + 1.0, *x + (px % width) as f32, *y + (px / width) as f32);
                }
            });
            walker.owned.free = free;
        }
    }

    /// Believes those who have come far and left their place: to the ground, or to somebody else who walks.
    fn believe_walkers(&mut self) {
        for index in 0..self.walkers.len() {
            let walker = &self.walkers[index];
            if walker.has_walked || !walker.has_come_far() {
                continue;
            }
            let mut place = walker.clone();
            (place.x, place.y) = place.start;
            let (mut px_of_place, mut px_kept) = (0.0_f32, 0.0_f32);
            each_within(&place, 1.0, (self.width, self.height), |px, _| {
                let owner = usize::from(self.owner[px]);
                let others = self.walkers.get(owner).is_some_and(|other| owner != index && other.has_walked);
                let kept = self.differs.px[px] != 0
                    && !others
                    && walker.reach((px % self.width) as f32, (px / self.width) as f32) > 1.0;
                px_of_place += 1.0;
                px_kept += f32::from(u8::from(kept));
            });
            self.walkers[index].has_walked = px_kept <= MOST_KEPT_SHARE * px_of_place;
        }
    }

    /// Learns how large one person is from those who walk alone, wholly in the picture.
    fn learn_sizes(&mut self, seconds: f32) {
        let (width, height) = (self.width as f32, self.height as f32);
        for (index, walker) in self.walkers.iter().enumerate() {
            let [across, down] = [walker.half_width, walker.half_height].map(|half| 1.5 * half);
            let inside =
                walker.x > across && walker.x < width - across && walker.y > down && walker.y < height - down;
            let mut others = self.walkers.iter().enumerate().filter(|(other, _)| *other != index);
            let walks = walker.has_walked && walker.rests_s < 1.0;
            if inside && walks && !others.any(|(_, other)| walker.touches(other)) {
                self.sizes.learn(walker.x, walker.y, walker.owned.px, seconds);
            }
        }
    }

    /// Takes holes for ground. Somebody who was part of it from the start and left shows as a hole, whose edges
    /// are in the ground and not in the picture.
    fn lay_ghosts(&mut self, bgr: &[u8], seconds: f32) {
        for (index, walker) in self.walkers.iter_mut().enumerate() {
            let owned = &walker.owned;
            let is_hole =
                owned.edge >= LEAST_EDGE_PX && owned.edge_in_ground > GHOST_STEEPNESS * owned.edge_in_picture;
            walker.ghost_s = if is_hole { walker.ghost_s + seconds } else { 0.0 };
            if walker.ghost_s < GHOST_AFTER_S {
                continue;
            }
            walker.hidden_s = f32::MAX;
            let (owner, background, differs) = (&self.owner, &mut self.background, &mut self.differs);
            each_within(walker, OWNS_WITHIN + 0.2, (self.width, self.height), |px, _| {
                if usize::from(owner[px]) == index {
                    background.relearn_px(bgr, px);
                    differs.px[px] = 0;
                }
            });
        }
    }

    /// Forgets who has gone, and who is somebody else.
    fn forget(&mut self, seconds: f32) {
        let (width, height) = (self.width as f32, self.height as f32);
        self.walkers.retain_mut(|walker| {
            let seen = walker.seen_share() > LEAST_SEEN_SHARE;
            walker.hidden_s =
                if seen && walker.hidden_s < f32::MAX { 0.0 } else { walker.hidden_s + seconds };
            let beyond = |at: f32, half: f32, side: f32| at < -0.3 * half || at > side + 0.3 * half;
            walker.hidden_s <= LONGEST_HIDDEN_S
                && !beyond(walker.x, walker.half_width, width)
                && !beyond(walker.y, walker.half_height, height)
        });
        self.walkers.sort_by(|a, b| b.has_walked.cmp(&a.has_walked).then(b.age_s.total_cmp(&a.age_s)));
        let mut kept = 0;
        for at in 0..self.walkers.len() {
            let (x, y) = (self.walkers[at].x, self.walkers[at].y);
            // `reach` is in half sizes.
            let same = |other: &Walker| other.reach(x, y) < (2.0 * SAME_WITHIN).powi(2);
            if !self.walkers[..kept].iter().any(same) {
                self.walkers.swap(kept, at);
                kept += 1;
            }
        }
        self.walkers.truncate(kept);
    }

    /// Begins walkers where something is left that nobody owns.
    fn begin_walkers(&mut self, bgr: &[u8], expected: &dyn Fn(&SizeModel, f32, f32) -> PersonSize) {
        self.rest.clone_from(&self.differs);
        for walker in &self.walkers {
            let rest = &mut self.rest;
            each_within(walker, KEEPS_NEW_AWAY_WITHIN, (self.width, self.height), |px, _| rest.px[px] = 0);
        }
        self.rest.open(2, &mut self.spare);
        self.blobs.find(&self.rest, 12);
        for blob in &self.blobs.all {
            self.points.clear();
            let width = self.width;
            let place = |px: &u32| ((*px as usize % width) as f32, (*px as usize / width) as f32);
            self.points.extend(self.blobs.px(blob).iter().map(place));
            let middle = (0.5 * (blob.left + blob.right) as f32, 0.5 * (blob.top + blob.bottom) as f32);
            let size = expected(&self.sizes, middle.0, middle.1);
            let (one, area) = (std::f32::consts::FRAC_PI_4 * size.width * size.height, blob.area() as f32);
            let (columns, rows) = blob.size();
            let is_panel = area > PANEL_FILL * (columns * rows) as f32 && area > PANEL_PEOPLE * one;
            let people = split::people_in(area, one);
            let is_strip = columns.max(rows) as f32 > LONGEST_PERSON * size.height * people as f32;
            if area < LEAST_NEW_SHARE * one || is_panel || is_strip || people == 0 {
                continue;
            }
            split::split(&self.points, people, size.height / size.width, &mut self.centres);
            for (x, y) in self.centres.drain(..) {
                if self.walkers.len() < MOST_WALKERS {
                    let mut walker = Walker::new(x, y, expected(&self.sizes, x, y), [0.0; 3]);
                    walker.colour = mean_colour(&walker, bgr, (self.width, self.height));
                    self.walkers.push(walker);
                }
            }
        }
    }
}

/// Calls `visit(px, reach)` for each px of the picture within `scale` half sizes of a walker.
fn each_within(
    walker: &Walker,
    scale: f32,
    (width, height): (usize, usize),
    mut visit: impl FnMut(usize, f32),
) {
    let [columns, rows] = walker.window(scale, width, height);
    for row in rows {
        for column in columns.clone() {
            let reach = walker.reach(column as f32, row as f32);
            if reach < scale * scale {
                visit(row * width + column, reach);
            }
        }
    }
}

fn colour_off(colour: &[f32; 3], bgr: &[u8]) -> f32 {
    let off = colour.iter().zip(bgr).map(|(colour, value)| (colour - f32::from(*value)).abs()).sum::<f32>();
    (off / (3.0 * CLEAR_COLOUR)).min(2.0)
}

fn mean_colour(walker: &Walker, bgr: &[u8], size: (usize, usize)) -> [f32; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0.0_f32);
    each_within(walker, 1.0, size, |px, _| {
        count += 1.0;
        for (sum, value) in sum.iter_mut().zip(&bgr[3 * px..]) {
            *sum += f32::from(*value);
        }
    });
    sum.map(|sum| sum / count.max(1.0))
}

/// The middle value; orders `values` in part. They are not empty.
fn median(values: &mut [f32]) -> f32 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

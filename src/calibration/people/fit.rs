//! The fit itself: which camera makes these boxes people of usual height.
//!
//! Unknown are the focal length, the tilt, the roll and the height over the floor. From a coarse grid of cameras the
//! best ones are refined by Levenberg-Marquardt with Tukey's biweight; what is known beforehand of lens and roll
//! enters as if it were measured. The grid is searched with a few of the boxes and the last step alone takes all: that
//! is why a camera can afford to try while it counts.

use super::sample::{Person, Sample};
use super::{PERSON_M, PERSON_SPREAD_M};
use crate::calibration::pose::{CameraPose, focal_px};
use crate::calibration::{Fit, Floor, Method};
use crate::geom::{ImagePoint, PictureSize};
use nalgebra::{Matrix4, Vector4};

/// What is known of the lens before any box is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LensPrior {
    /// Nothing: any of the lenses that shop cameras are sold with.
    Typical,
    /// The horizontal field of view, degrees, as the camera's data sheet has it.
    FieldOfView(f64),
}

/// Why the boxes give no floor yet.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotYet {
    /// Too few boxes.
    #[error("{seen} boxes of people were seen, {MIN_BOXES} are needed; let it watch longer")]
    Boxes {
        /// How many there are.
        seen: u64,
    },
    /// They stand in too few places.
    #[error("people were seen in {seen} places of the picture, {MIN_PLACES} are needed; let it watch longer")]
    Places {
        /// How many there are.
        seen: usize,
    },
    /// They are all at about the same distance.
    #[error(
        "everybody looks about equally tall (the nearest {ratio:.2} times the farthest, {MIN_HEIGHT_RATIO} is needed): \
        it needs people both near and far"
    )]
    Flat {
        /// Height of the near ones over that of the far ones.
        ratio: f64,
    },
    /// They do not behave like people who stand on a floor.
    #[error(
        "only {percent} % of the boxes fit people on one floor, {MIN_FITTING_PERCENT} % are needed; \
        a camera that looks straight down, or stairs, cannot be calibrated this way: use points or mounting"
    )]
    Misfit {
        /// How many fit.
        percent: u32,
    },
    /// The camera looks down too steeply for heights to say anything.
    #[error(
        "it seems to look {tilt_deg:.0} degrees down, and heights say too little beyond {MAX_TILT_DEG}; \
        use points or mounting"
    )]
    LooksDown {
        /// How far.
        tilt_deg: f64,
    },
    /// Another floor would explain them nearly as well.
    #[error(
        "distances would be off by {percent} %, at most {MAX_UNSURE_PERCENT} % is of use; let it watch longer"
    )]
    Unsure {
        /// By how much, one standard deviation.
        percent: u32,
    },
}

const MIN_BOXES: u64 = 100;
const MIN_PLACES: usize = 10;
/// A place counts with this many boxes.
const BOXES_OF_A_PLACE: usize = 3;
/// Below it, the noise of boxes makes a horizon out of nothing.
const MIN_HEIGHT_RATIO: f64 = 1.12;
/// Of boxes that are people, some two thirds to nine tenths are whole and upright.
const MIN_FITTING_PERCENT: u32 = 50;
/// A box fits when its height is this near to the predicted one (natural logarithm of the ratio).
const FITTING: f64 = 0.2;
const MAX_TILT_DEG: f64 = 55.0;
const MAX_UNSURE_PERCENT: u32 = 30;

/// How far a box is from the height of a usual person, natural logarithm: a person's own height (0.053) and the
/// detector's edges, which are good to some 6 % of the height.
const NOISE: f64 = 0.08;
/// A box further off than this many `NOISE` has no weight (Tukey's 4.685, for 95 % efficiency).
const TUKEY: f64 = 4.685;
/// Boxes of one place come from a few people: this many of them say as much as one person.
const BOXES_A_PERSON: f64 = 6.0;

/// Boxes that the grid of cameras is searched with: it only has to be right about the valley.
const BOXES_OF_A_SEARCH: usize = 48;
/// Boxes that the best of the grid are refined with, before all of them are taken.
const BOXES_OF_A_SKETCH: usize = 192;

/// Focal length over the picture's width: lenses of 45 to 100 degrees lie within one standard deviation around 67.
const TYPICAL_FOCAL: f64 = 0.75;
const TYPICAL_FOCAL_SPREAD: f64 = 0.4;
/// A data sheet rounds, and a stream is often cropped.
const GIVEN_FOCAL_SPREAD: f64 = 0.03;
/// Cameras are screwed on upright, give or take, radians.
const ROLL_SPREAD: f64 = 0.05;

/// Focal length, tilt, roll and height: `[ln(focal / width), tilt, roll, ln(height_m)]`.
type Guess = Vector4<f64>;

/// What is minimised.
struct Problem<'a> {
    picture: PictureSize,
    people: &'a [Person],
    /// What the guess is expected to be, and how strongly.
    prior: Guess,
    prior_weight: Vector4<f64>,
}

/// Makes a floor of a sample.
pub(super) fn fit(picture: PictureSize, lens: LensPrior, sample: &Sample) -> Result<Floor, NotYet> {
    if sample.seen() < MIN_BOXES {
        return Err(NotYet::Boxes { seen: sample.seen() });
    }
    let seen = sample.places_with(BOXES_OF_A_PLACE);
    if seen < MIN_PLACES {
        return Err(NotYet::Places { seen });
    }
    let people: Vec<Person> = sample.people().copied().collect();
    let problem = Problem::new(picture, lens, &people);
    let sketch = problem.sketch();
    // Where a few hundred people stand on no floor, all of them do not either.
    fitting(&problem.pose(&sketch), &thinned(&people, BOXES_OF_A_SKETCH))?;
    let found = problem.refined(sketch, 1e-9);
    let pose = problem.pose(&found);
    let fitting = fitting(&pose, &people)?;
    if pose.tilt_deg() > MAX_TILT_DEG {
        return Err(NotYet::LooksDown { tilt_deg: pose.tilt_deg() });
    }
    let unsure = problem.unsureness(&found);
    if unsure.is_nan() || unsure > 0.01 * f64::from(MAX_UNSURE_PERCENT) {
        return Err(NotYet::Unsure { percent: (100.0 * unsure.clamp(0.0, 9.99)) as u32 });
    }
    let floor_from_image =
        pose.floor_from_image(picture).map_err(|_no_floor| NotYet::Misfit { percent: 0 })?;
    let metres = fitting.iter().map(|error| PERSON_M * error).collect();
    let fit = Fit { distance_share: Some(unsure), ..Fit::of_distances(metres) };
    Ok(Floor::new(floor_from_image).of_picture(picture).made(Method::People, fit))
}

/// How far the boxes that fit are from the predicted height (natural logarithm of the ratio), where enough of them do.
fn fitting(pose: &CameraPose, people: &[Person]) -> Result<Vec<f64>, NotYet> {
    let ratio = height_ratio(pose, people);
    if ratio < MIN_HEIGHT_RATIO {
        return Err(NotYet::Flat { ratio });
    }
    let errors = people.iter().filter_map(|person| misfit(pose, person)).map(f64::abs);
    let fitting: Vec<f64> = errors.filter(|error| *error < FITTING).collect();
    let percent = (100 * fitting.len() / people.len()) as u32;
    if percent < MIN_FITTING_PERCENT {
        return Err(NotYet::Misfit { percent });
    }
    Ok(fitting)
}

/// At most `most` people, evenly from all places.
fn thinned(people: &[Person], most: usize) -> Vec<Person> {
    people.iter().copied().step_by(people.len().div_ceil(most).max(1)).collect()
}

/// Natural logarithm of seen over predicted height; none where no person could stand.
fn misfit(pose: &CameraPose, person: &Person) -> Option<f64> {
    let predicted = pose.upright_px(person.foot, PERSON_M)?;
    (predicted > 1.0).then(|| (person.height_px / predicted).ln())
}

/// How much taller the near people look than the far ones, from the tenth to the ninetieth in a hundred.
fn height_ratio(pose: &CameraPose, people: &[Person]) -> f64 {
    let fits = |person: &&Person| misfit(pose, person).is_some_and(|error| error.abs() < FITTING);
    let mut predicted: Vec<f64> = people
        .iter()
        .filter(fits)
        .filter_map(|person| misfit(pose, person).map(|error| person.height_px / error.exp()))
        .collect();
    predicted.sort_by(f64::total_cmp);
    let at = |share: f64| predicted.get((share * predicted.len() as f64) as usize).copied();
    at(0.9).zip(at(0.1)).map_or(1.0, |(near, far)| near / far)
}

impl<'a> Problem<'a> {
    fn new(picture: PictureSize, lens: LensPrior, people: &'a [Person]) -> Self {
        let width = f64::from(picture.width);
        let (focal, spread) = match lens {
            LensPrior::Typical => (TYPICAL_FOCAL, TYPICAL_FOCAL_SPREAD),
            LensPrior::FieldOfView(degrees) => (focal_px(picture, degrees) / width, GIVEN_FOCAL_SPREAD),
        };
        // Tilt and height are not known beforehand; the weak pull only keeps the equations solvable.
        let prior = Guess::new(focal.ln(), 0.3, 0.0, 3f64.ln());
        let spreads = Vector4::new(spread, 1.0, ROLL_SPREAD, 2.0);
        Self { picture, people, prior, prior_weight: spreads.map(|spread| 1.0 / (spread * spread)) }
    }

    fn pose(&self, guess: &Guess) -> CameraPose {
        let focal_px = guess[0].exp() * f64::from(self.picture.width);
        CameraPose::from_angles(self.picture, focal_px, guess[3].exp(), guess[1], guess[2])
    }

    /// Tukey's loss over the boxes, in units where the prior's is half a square.
    fn cost(&self, guess: &Guess) -> f64 {
        let pose = self.pose(guess);
        let boxes: f64 = self.people.iter().map(|person| loss(misfit(&pose, person))).sum();
        let away = guess - self.prior;
        boxes / BOXES_A_PERSON + 0.5 * away.component_mul(&away).dot(&self.prior_weight)
    }

    /// The best camera for some of the people.
    fn sketch(&self) -> Guess {
        let few = thinned(self.people, BOXES_OF_A_SEARCH);
        let search = Problem { people: &few, ..*self };
        let mut starts: Vec<(f64, Guess)> = self.starts().map(|guess| (search.cost(&guess), guess)).collect();
        starts.sort_by(|one, other| one.0.total_cmp(&other.0));
        starts.truncate(4);
        let more = thinned(self.people, BOXES_OF_A_SKETCH);
        let sketch = Problem { people: &more, ..*self };
        let refined = starts.into_iter().map(|(_, guess)| sketch.refined(guess, 1e-4));
        let best = refined.min_by(|one, other| sketch.cost(one).total_cmp(&sketch.cost(other)));
        best.unwrap_or(self.prior)
    }

    /// Cameras of all kinds that shops have: three lenses, tilts to 70 degrees, 1 to 14 m high.
    fn starts(&self) -> impl Iterator<Item = Guess> {
        let lenses = [-0.5, 0.0, 0.5].map(|step| self.prior[0] + step / self.prior_weight[0].sqrt());
        lenses.into_iter().flat_map(|lens| {
            (-2..=23).flat_map(move |tilt| {
                (0..14).map(move |height| {
                    Guess::new(lens, (3.0 * f64::from(tilt)).to_radians(), 0.0, 0.2 * f64::from(height))
                })
            })
        })
    }

    /// Levenberg-Marquardt with reweighting, until a step makes less than `least_gain` of the cost good.
    fn refined(&self, mut guess: Guess, least_gain: f64) -> Guess {
        let mut damping = 1e-3;
        let mut cost = self.cost(&guess);
        for _ in 0..60 {
            let (normal, gradient) = self.normal_equations(&guess);
            let damped = normal + Matrix4::from_diagonal(&(normal.diagonal() * damping));
            let Some(step) = damped.lu().solve(&gradient) else { break };
            let next = guess - step;
            let next_cost = self.cost(&next);
            if next_cost < cost {
                let gained = cost - next_cost;
                (guess, cost, damping) = (next, next_cost, (damping * 0.3).max(1e-9));
                if gained < least_gain * cost {
                    break;
                }
            } else {
                damping *= 8.0;
                if damping > 1e6 {
                    break;
                }
            }
        }
        guess
    }

    /// The matrix and the gradient of the weighted squares around `guess`.
    fn normal_equations(&self, guess: &Guess) -> (Matrix4<f64>, Vector4<f64>) {
        const STEP: f64 = 1e-5;
        let pose = self.pose(guess);
        let moved: [CameraPose; 4] = std::array::from_fn(|index| {
            let mut beside = *guess;
            beside[index] += STEP;
            self.pose(&beside)
        });
        let mut normal = Matrix4::from_diagonal(&self.prior_weight);
        let mut gradient = (guess - self.prior).component_mul(&self.prior_weight);
        for person in self.people {
            let Some(error) = misfit(&pose, person) else { continue };
            let weight = weight(error) / (NOISE * NOISE * BOXES_A_PERSON);
            if weight <= 0.0 {
                continue;
            }
            let slope = Vector4::from_fn(|index, _| {
                misfit(&moved[index], person).map_or(0.0, |beside| (beside - error) / STEP)
            });
            normal += slope * slope.transpose() * weight;
            gradient += slope * (error * weight);
        }
        (normal, gradient)
    }

    /// One standard deviation of a distance on the floor, as a share of it, with the focal length taken as
    /// known: the largest over where people stand near, in between and far.
    fn unsureness(&self, found: &Guess) -> f64 {
        let (normal, _) = self.normal_equations(found);
        // Tilt, roll and height; the lens is a matter of its own.
        let Some(covariance) = normal.fixed_view::<3, 3>(1, 1).try_inverse() else { return f64::NAN };
        let mut feet: Vec<[f64; 2]> = self.people.iter().map(|person| person.foot).collect();
        feet.sort_by(|one, other| one[1].total_cmp(&other[1]));
        let probes = [0.1, 0.5, 0.9].map(|share| feet[(share * feet.len() as f64) as usize]);
        let worst = probes.iter().map(|foot| self.share_at(found, &covariance, *foot)).fold(0.0, f64::max);
        worst.hypot(PERSON_SPREAD_M / PERSON_M / (self.people.len() as f64 / BOXES_A_PERSON).sqrt())
    }

    fn share_at(&self, found: &Guess, covariance: &nalgebra::Matrix3<f64>, foot: [f64; 2]) -> f64 {
        const STEP: f64 = 1e-5;
        let foot = ImagePoint::new(foot[0] as f32, foot[1] as f32);
        let distance = |guess: &Guess| -> Option<f64> {
            let at = self.pose(guess).floor_from_image(self.picture).ok()?.apply(foot)?;
            Some(at.x_m.hypot(at.y_m).ln())
        };
        let slope = nalgebra::Vector3::from_fn(|index, _| {
            let mut beside = *found;
            beside[index + 1] += STEP;
            distance(&beside).zip(distance(found)).map_or(f64::INFINITY, |(far, near)| (far - near) / STEP)
        });
        (slope.transpose() * covariance * slope)[0].sqrt()
    }
}

/// Tukey's biweight; a person where none can stand costs as much as any far-off one.
fn loss(error: Option<f64>) -> f64 {
    let limit = TUKEY * TUKEY / 6.0;
    let Some(error) = error else { return limit };
    let share = (error / (NOISE * TUKEY)).powi(2);
    if share < 1.0 { limit * (1.0 - (1.0 - share).powi(3)) } else { limit }
}

fn weight(error: f64) -> f64 {
    let share = (error / (NOISE * TUKEY)).powi(2);
    if share < 1.0 { (1.0 - share).powi(2) } else { 0.0 }
}

//! The network, and the foreground where the network sees nobody.
//!
//! A network's box is kept as it is: it says where a person begins and ends, which a blob does not. A box of the
//! foreground that lies on none of them is added with a lower score: it may be a cart.

use super::{DetectError, Detection, Detector, nms};
use crate::capture::Picture;
use crate::time::FrameTime;
use std::time::Duration;

/// Two boxes are of one person where they share more than this of the smaller one.
const SAME_PERSON_SHARE: f32 = 0.3;
/// What is left of the score of a box that only the foreground gives.
const UNSEEN_BY_NETWORK: f32 = 0.75;

/// Two detectors as one: `first` wins.
pub struct FusedDetector {
    first: Box<dyn Detector>,
    second: Box<dyn Detector>,
    added: Vec<Detection>,
    model: String,
}

impl FusedDetector {
    /// The people of `first`, and those of `second` whom it does not see.
    #[must_use]
    pub fn new(first: Box<dyn Detector>, second: Box<dyn Detector>) -> Self {
        let model = format!("{}+{}", first.model(), second.model());
        Self { first, second, added: Vec::new(), model }
    }
}

impl Detector for FusedDetector {
    fn detect(
        &mut self,
        picture: &Picture,
        at: FrameTime,
        out: &mut Vec<Detection>,
    ) -> Result<(), DetectError> {
        // Both see every picture, whatever becomes of one of them: the second one remembers.
        let looked = self.second.detect(picture, at, &mut self.added);
        self.first.detect(picture, at, out)?;
        looked?;
        let seen = out.len();
        for found in &self.added {
            let score = found.score * UNSEEN_BY_NETWORK;
            match out[..seen].iter_mut().find(|known| is_same(known, found)) {
                // From above networks see people weakly: who is surely there must not be lost to a weak box.
                Some(known) => known.score = known.score.max(score),
                None => out.push(Detection { score, ..*found }),
            }
        }
        nms::sort_best_first(out);
        Ok(())
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn inference_cpu(&self) -> Duration {
        self.first.inference_cpu() + self.second.inference_cpu()
    }
}

fn is_same(one: &Detection, other: &Detection) -> bool {
    let smaller = one.bbox.area().min(other.bbox.area());
    one.bbox.intersection(&other.bbox) > SAME_PERSON_SHARE * smaller
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::ImageBox;

    struct Scripted(&'static str, Vec<Detection>);

    impl Detector for Scripted {
        fn detect(&mut self, _: &Picture, _: FrameTime, out: &mut Vec<Detection>) -> Result<(), DetectError> {
            out.clone_from(&self.1);
            Ok(())
        }

        fn model(&self) -> &str {
            self.0
        }

        fn inference_cpu(&self) -> Duration {
            Duration::from_secs(1)
        }
    }

    fn at(left: f32, score: f32) -> Detection {
        Detection { bbox: ImageBox::from_left_top_size(left, 0.0, 10.0, 20.0), score }
    }

    fn check(network: &[Detection], foreground: &[Detection], expected: &[Detection]) {
        let first = Box::new(Scripted("net", network.to_vec()));
        let mut both = FusedDetector::new(first, Box::new(Scripted("ground", foreground.to_vec())));
        let mut found = Vec::new();
        both.detect(&Picture::default(), FrameTime::default(), &mut found).unwrap();
        assert_eq!(found, expected);
        assert_eq!((both.model(), both.inference_cpu()), ("net+ground", Duration::from_secs(2)));
    }

    #[test]
    fn the_networks_box_wins_where_both_see_somebody() {
        check(&[at(0.0, 0.5)], &[at(3.0, 0.6)], &[at(0.0, 0.5)]);
    }

    #[test]
    fn a_weak_box_of_the_network_is_as_sure_as_the_foreground_is_of_it() {
        check(&[at(0.0, 0.2)], &[at(3.0, 0.8)], &[at(0.0, 0.6)]);
    }

    #[test]
    fn whom_only_the_foreground_sees_is_added_with_a_lower_score() {
        check(&[at(0.0, 0.4)], &[at(50.0, 0.8), at(8.0, 0.4)], &[at(50.0, 0.6), at(0.0, 0.4), at(8.0, 0.3)]);
    }

    #[test]
    fn two_of_the_foreground_are_not_weighed_against_each_other() {
        check(&[], &[at(0.0, 0.8), at(3.0, 0.8)], &[at(0.0, 0.6), at(3.0, 0.6)]);
    }
}

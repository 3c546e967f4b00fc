//! One small random generator, for spreading attempts and for drawing samples; for nothing secret.
//!
//! SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The generator. Equal seeds give equal numbers.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, 0 up to and without 1.
    pub fn next_share(&mut self) -> f64 {
        self.state = self.state.wrapping_add(STEP);
        // The upper 53 bits are exact in an f64.
        (mixed(self.state) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The `number`-th that the seed 0 gives: scatters consecutive numbers evenly.
#[must_use]
pub const fn scattered(number: u64) -> u64 {
    mixed(number.wrapping_mul(STEP))
}

const fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        assert_eq!([1, 2].map(scattered), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn every_number_is_a_share() {
        let mut random = SplitMix64::new(7);
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&random.next_share())));
    }
}

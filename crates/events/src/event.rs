//! The event as the sequences builder takes it: 16 bytes, ordered the way it is reduced.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU64;

use foldhash::quality::FixedState;

use crate::index::EnrolmentIndex;

/// Hashes the keys. They are compared within one run of the program and never kept, so the hash may change with its crate.
const HASHING: FixedState = FixedState::with_seed(0x5747_4159);

/// Identifies the object acted on, by 48 bits of a hash. Two objects of one learner's week share a key with a chance of
/// about n² / 2⁴⁹ for n objects: 2·10⁻⁹ at a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(NonZeroU64);

impl ObjectKey {
    /// Returns the key of an object's id. An empty id is no object.
    #[must_use]
    pub fn from_id(id: &[u8]) -> Option<Self> {
        if id.is_empty() {
            return None;
        }
        let mut hasher = HASHING.build_hasher();
        hasher.write(id);
        let hash = hasher.finish();
        // 0 stands for "no object" inside an event.
        Some(Self(NonZeroU64::new(hash >> 16).unwrap_or(NonZeroU64::MIN)))
    }

    /// Returns the key as a number, of 48 bits spread evenly, for tables that need no hashing of their own.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// Returns the key back from [`ObjectKey::bits`]; 0 is no object.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match NonZeroU64::new(bits) {
            Some(key) => Some(Self(key)),
            None => None,
        }
    }
}

/// Says as how many events one event counts, in eight bits: 1 to 191 as they are, then 64 greater weights. These are spread
/// so that any count up to a million is the sum of few. A row that counts as a million events then takes no memory to speak
/// of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight(u8);

impl Weight {
    /// Stands for one event.
    pub const ONE: Self = Self(1);
    const EXACT: u64 = 192;

    /// Returns the greatest weight that is at most `count`, which is at least 1.
    #[must_use]
    pub fn at_most(count: u64) -> Self {
        if count < Self::EXACT {
            return Self(count as u8);
        }
        let above = (Self::EXACT as u8..=u8::MAX).rev().map(Self).find(|weight| u64::from(weight.count()) <= count);
        above.unwrap_or(Self(Self::EXACT as u8 - 1))
    }

    /// Returns the number of events it counts as.
    #[must_use]
    #[inline]
    pub const fn count(self) -> u32 {
        match self.0.checked_sub(Self::EXACT as u8) {
            None => self.0 as u32,
            // 8 to 15 times a power of 4 from 32 up.
            Some(step) => (8 + step as u32 % 8) << (5 + step / 8 * 2),
        }
    }
}

/// Describes something a learner did. Ordered by enrolment, time, kind, object, weight, so that sorting events sorts them by
/// learner and time. Equal events cannot be told apart whatever order they came in.
///
/// Layout, from the high bits: enrolment 32, seconds 32 (offset by 2³¹), kind 8, object 48, weight 8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event(u128);

impl Event {
    /// Makes an event of `enrolment`, `seconds` after its course's start, of the source's kind
    /// number `kind`, on `object`, counting as `weight` events.
    #[must_use]
    pub const fn new(
        enrolment: EnrolmentIndex,
        seconds: i32,
        kind: u8,
        object: Option<ObjectKey>,
        weight: Weight,
    ) -> Self {
        let object = match object {
            Some(key) => key.bits(),
            None => 0,
        };
        let shifted = (seconds as u32) ^ (1 << 31);
        let low = ((kind as u64) << 56) | (object << 8) | weight.0 as u64;
        Self(((enrolment.0 as u128) << 96) | ((shifted as u128) << 64) | low as u128)
    }

    /// Returns the event of another enrolment, and of the kind `kind`.
    #[must_use]
    pub(crate) const fn moved(self, enrolment: EnrolmentIndex, kind: u8) -> Self {
        Self::new(enrolment, self.seconds(), kind, self.object(), Weight(self.0 as u8))
    }

    /// Returns the enrolment.
    #[must_use]
    pub const fn enrolment(self) -> EnrolmentIndex {
        EnrolmentIndex((self.0 >> 96) as u32)
    }

    /// Returns seconds after the course's start; negative before it.
    #[must_use]
    pub const fn seconds(self) -> i32 {
        (((self.0 >> 64) as u32) ^ (1 << 31)) as i32
    }

    /// Returns the source's kind number.
    #[must_use]
    pub const fn kind(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// Returns the object acted on.
    #[must_use]
    pub const fn object(self) -> Option<ObjectKey> {
        ObjectKey::from_bits((self.0 as u64 >> 8) & ((1 << 48) - 1))
    }

    /// Returns the number of events it counts as.
    #[must_use]
    #[inline]
    pub const fn weight(self) -> u32 {
        Weight(self.0 as u8).count()
    }

    /// Returns the event as bytes, for spilling to disk.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// Returns the event back from [`Event::to_bytes`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("enrolment", &self.enrolment())
            .field("seconds", &self.seconds())
            .field("kind", &self.kind())
            .field("object", &self.object())
            .field("weight", &self.weight())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_grow_and_any_count_is_the_sum_of_few() {
        let counts: Vec<u32> = (0..=u8::MAX).map(|code| Weight(code).count()).collect();
        assert!(counts.windows(2).all(|pair| pair[0] < pair[1]), "{counts:?}");
        for count in (1..3_000).chain([65_535, 999_999, 1_000_000]) {
            let (mut left, mut parts) = (count, 0);
            while left > 0 {
                left -= u64::from(Weight::at_most(left).count());
                parts += 1;
            }
            assert!(parts <= 12, "{count} is the sum of {parts}");
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(enrolment: u32, seconds: i32, kind: u8, id: Vec<u8>, weight: u8) {
            let object = ObjectKey::from_id(&id);
            let weight = Weight(weight);
            let event = Event::new(EnrolmentIndex(enrolment), seconds, kind, object, weight);
            prop_assert_eq!(event.enrolment(), EnrolmentIndex(enrolment));
            prop_assert_eq!(event.seconds(), seconds);
            prop_assert_eq!(event.kind(), kind);
            prop_assert_eq!(event.object(), object);
            prop_assert_eq!(event.weight(), weight.count());
            prop_assert_eq!(Event::from_bytes(event.to_bytes()), event);
        }

        #[test]
        fn order_is_enrolment_then_time(a: (u32, i32, u8), b: (u32, i32, u8)) {
            let event = |(enrolment, seconds, kind)| Event::new(EnrolmentIndex(enrolment), seconds, kind, None, Weight::ONE);
            prop_assert_eq!(event(a).cmp(&event(b)), a.cmp(&b));
        }
    }
}

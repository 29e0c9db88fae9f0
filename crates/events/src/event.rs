//! The event as the sequences builder takes it: 16 bytes, ordered the way it is reduced.

use std::fmt;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// Keys are compared within one run of the program and never kept, so the hash may change with its crate.
const HASHING: FixedState = FixedState::with_seed(0x5747_4159);

/// What was acted on, reduced to 48 bits of a hash. Two objects of one learner's week share a key with a chance of
/// about n² / 2⁴⁹ for n objects: 2·10⁻⁹ at a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(u64);

impl ObjectKey {
    /// The key of an object's id. An empty id is no object.
    #[must_use]
    pub fn of(id: &[u8]) -> Option<Self> {
        if id.is_empty() {
            return None;
        }
        let mut hasher = HASHING.build_hasher();
        hasher.write(id);
        let hash = hasher.finish();
        // 0 stands for "no object" inside an event.
        Some(Self((hash >> 16).max(1)))
    }
}

/// Greatest weight of one event; a row that counts as more becomes several events.
pub const MAX_WEIGHT: u8 = u8::MAX;

/// Something a learner did. Ordered by enrolment, time, kind, object, weight, so that sorting events sorts them by
/// learner and time, and equal events cannot be told apart whatever order they came in.
///
/// Layout, from the high bits: enrolment 32, seconds 32 (offset by 2³¹), kind 8, object 48, weight 8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event(u128);

impl Event {
    /// An event of `enrolment` (index into the roster), `seconds` after its course's start, of the source's kind
    /// number `kind`, on `object`, counting as `weight` events.
    #[must_use]
    pub const fn new(enrolment: u32, seconds: i32, kind: u8, object: Option<ObjectKey>, weight: u8) -> Self {
        let object = match object {
            Some(ObjectKey(key)) => key,
            None => 0,
        };
        let shifted = (seconds as u32) ^ (1 << 31);
        let low = ((kind as u64) << 56) | (object << 8) | weight as u64;
        Self(((enrolment as u128) << 96) | ((shifted as u128) << 64) | low as u128)
    }

    /// The event of another enrolment, and of the kind `kind`.
    #[must_use]
    pub(crate) const fn moved(self, enrolment: u32, kind: u8) -> Self {
        Self::new(enrolment, self.seconds(), kind, self.object(), self.weight())
    }

    /// Index of the enrolment in the roster.
    #[must_use]
    pub const fn enrolment(self) -> u32 {
        (self.0 >> 96) as u32
    }

    /// Seconds after the course's start; negative before it.
    #[must_use]
    pub const fn seconds(self) -> i32 {
        (((self.0 >> 64) as u32) ^ (1 << 31)) as i32
    }

    /// The source's kind number.
    #[must_use]
    pub const fn kind(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// What was acted on.
    #[must_use]
    pub const fn object(self) -> Option<ObjectKey> {
        match (self.0 as u64 >> 8) & ((1 << 48) - 1) {
            0 => None,
            key => Some(ObjectKey(key)),
        }
    }

    /// How many events it counts as.
    #[must_use]
    pub const fn weight(self) -> u8 {
        self.0 as u8
    }

    /// The event as bytes, for spilling to disk.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The event back from [`Event::to_bytes`].
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

    proptest! {
        #[test]
        fn what_goes_in_comes_out(enrolment: u32, seconds: i32, kind: u8, id: Vec<u8>, weight: u8) {
            let object = ObjectKey::of(&id);
            let event = Event::new(enrolment, seconds, kind, object, weight);
            prop_assert_eq!(event.enrolment(), enrolment);
            prop_assert_eq!(event.seconds(), seconds);
            prop_assert_eq!(event.kind(), kind);
            prop_assert_eq!(event.object(), object);
            prop_assert_eq!(event.weight(), weight);
            prop_assert_eq!(Event::from_bytes(event.to_bytes()), event);
        }

        #[test]
        fn order_is_enrolment_then_time(a: (u32, i32, u8), b: (u32, i32, u8)) {
            let event = |(enrolment, seconds, kind)| Event::new(enrolment, seconds, kind, None, 1);
            prop_assert_eq!(event(a).cmp(&event(b)), a.cmp(&b));
        }
    }
}

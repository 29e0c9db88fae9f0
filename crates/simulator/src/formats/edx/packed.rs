//! Entries of all learners packed into 16 bytes each, whose order as numbers is the order of the log.

use super::entry::{Entry, EntryKind};
use crate::course::Object;
use crate::damage::Damage;
use crate::event::AccountUser;
use crate::formats::layout::SimulatedEnrolment;

const KIND_BITS: u32 = 5;
const DETAIL_BITS: u32 = 8;
const OBJECT_BITS: u32 = 14;
const BY_BITS: u32 = 1;
const DAMAGE_BITS: u32 = 2;
const SEQUENCE_BITS: u32 = 32 - 2;
/// Counts the bits below the sequence number.
const WHAT_BITS: u32 = KIND_BITS + DETAIL_BITS + OBJECT_BITS + BY_BITS + DAMAGE_BITS;

const _: () = assert!(EntryKind::COUNT <= 1 << KIND_BITS && 64 + SEQUENCE_BITS + WHAT_BITS <= 128);

/// Holds an entry with its sort key: second, enrolment, and its number within the enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    /// Seconds from the first instant of the log.
    pub(super) second: u32,
    /// Place in the [`EnrolmentTable`].
    pub(super) enrolment: u32,
    /// Number within the enrolment, below 2^30, which no enrolment comes near.
    pub(super) sequence: u32,
    pub(super) entry: Entry,
    pub(super) damage: Option<Damage>,
}

impl Packed {
    /// Packs the entry.
    pub(super) fn to_bits(self) -> u128 {
        let Entry { object, kind, detail, by } = self.entry;
        let damage = self.damage.map_or(0, |damage| damage as u128 + 1);
        let mut bits = u128::from(self.second) << 32 | u128::from(self.enrolment);
        bits = bits << SEQUENCE_BITS | u128::from(self.sequence);
        bits = bits << KIND_BITS | kind.number() as u128;
        bits = bits << DETAIL_BITS | u128::from(detail);
        bits = bits << OBJECT_BITS | u128::from(object);
        bits = bits << BY_BITS | by as u128;
        bits << DAMAGE_BITS | damage
    }

    /// Unpacks an entry.
    pub(super) fn from_bits(mut bits: u128) -> Self {
        let mut take = |count: u32| {
            let low = (bits & ((1 << count) - 1)) as u32;
            bits >>= count;
            low
        };
        let damage = take(DAMAGE_BITS);
        let by = if take(BY_BITS) == 0 { AccountUser::Owner } else { AccountUser::Companion };
        let object: Object = take(OBJECT_BITS);
        let detail = take(DETAIL_BITS) as u8;
        let kind = EntryKind::from_number(take(KIND_BITS) as usize);
        let sequence = take(SEQUENCE_BITS);
        let enrolment = take(32);
        let second = take(32);
        let damage = damage.checked_sub(1).map(|damage| Damage::ALL[damage as usize]);
        Self { second, enrolment, sequence, entry: Entry { object, kind, detail, by }, damage }
    }
}

/// Returns the second of a packed entry, from the first instant of the log.
pub(super) fn second_of(bits: u128) -> u32 {
    (bits >> (32 + SEQUENCE_BITS + WHAT_BITS)) as u32
}

/// Holds the properties of an enrolment that its lines show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Enrolment {
    /// Number of the learner, from 0.
    pub(super) learner: u64,
    /// Place of the course among the courses.
    pub(super) course: u32,
    /// Error of the device's clock in seconds.
    pub(super) skew_seconds: i32,
}

impl Enrolment {
    pub(super) fn new(one: &SimulatedEnrolment<'_>) -> Self {
        Self { learner: one.learner.number, course: one.course as u32, skew_seconds: one.history.skew_seconds }
    }
}

/// Lists the enrolments by place. Held in memory: 16 bytes each.
#[derive(Debug)]
pub(crate) struct EnrolmentTable {
    enrolments: Vec<Enrolment>,
}

impl EnrolmentTable {
    /// Counts the bytes of an enrolment.
    const ENTRY: usize = 16;

    /// Reads the table from the bytes that [`push`](Self::push) appended.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (entries, rest) = bytes.as_chunks::<{ Self::ENTRY }>();
        assert!(rest.is_empty(), "a table of enrolments holds whole entries");
        let enrolment = |entry: &[u8; Self::ENTRY]| {
            let [l0, l1, l2, l3, l4, l5, l6, l7, c0, c1, c2, c3, s0, s1, s2, s3] = *entry;
            Enrolment {
                learner: u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]),
                course: u32::from_le_bytes([c0, c1, c2, c3]),
                skew_seconds: i32::from_le_bytes([s0, s1, s2, s3]),
            }
        };
        Self { enrolments: entries.iter().map(enrolment).collect() }
    }

    /// Appends an enrolment to the bytes of a table.
    pub(super) fn push(out: &mut Vec<u8>, one: &SimulatedEnrolment<'_>) {
        let Enrolment { learner, course, skew_seconds } = Enrolment::new(one);
        out.extend_from_slice(&learner.to_le_bytes());
        out.extend_from_slice(&course.to_le_bytes());
        out.extend_from_slice(&skew_seconds.to_le_bytes());
    }

    /// Returns the enrolment at a place.
    pub(super) fn get(&self, place: u32) -> Enrolment {
        self.enrolments[place as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed() -> impl Strategy<Value = Packed> {
        let place = (any::<u32>(), any::<u32>(), 0u32..1 << SEQUENCE_BITS);
        let what = (0..EntryKind::COUNT, any::<u8>(), 0u32..1 << OBJECT_BITS, any::<bool>(), 0usize..4);
        (place, what).prop_map(|((second, enrolment, sequence), (kind, detail, object, owner, damage))| Packed {
            second,
            enrolment,
            sequence,
            entry: Entry {
                object,
                kind: EntryKind::from_number(kind),
                detail,
                by: if owner { AccountUser::Owner } else { AccountUser::Companion },
            },
            damage: Damage::ALL.get(damage).copied(),
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_and_in_order(one in packed(), other in packed()) {
            prop_assert_eq!(Packed::from_bits(one.to_bits()), one);
            prop_assert_eq!(second_of(one.to_bits()), one.second);
            let key = |packed: &Packed| (packed.second, packed.enrolment, packed.sequence);
            if key(&one) != key(&other) {
                prop_assert_eq!(key(&one) < key(&other), one.to_bits() < other.to_bits());
            }
        }
    }

    #[test]
    fn every_object_of_the_longest_course_fits() {
        use crate::course::Course;
        assert!(Course::assignment(103) < 1 << OBJECT_BITS);
    }
}

//! Ids that R wrote as round numbers, `1e+05`, beside the same ones in full: nothing tells that they are the same, and the user
//! is told.

use rustc_hash::FxHashSet;

use crate::cells::whole_number;
use crate::notice::Notice;
use crate::roster::Roster;

/// Returns the notice about ids of learners or enrolments that come both as R writes round numbers and in full.
pub(crate) fn notice(roster: &Roster) -> Option<Notice> {
    let enrolments = &roster.enrolments;
    let all = || enrolments.places().flat_map(|place| [enrolments.id(place), enrolments.learner(place)]);
    let in_full: FxHashSet<String> = all().filter_map(in_full).collect();
    let ids = all().filter(|id| in_full.contains(*id)).collect::<FxHashSet<_>>().len() as u64;
    (ids > 0).then_some(Notice::RoundNumbers { ids })
}

/// Returns the number that an id is which is written with an exponent.
fn in_full(id: &str) -> Option<String> {
    let is_one =
        id.starts_with(|sign: char| sign.is_ascii_digit()) && id.bytes().any(|byte| matches!(byte, b'e' | b'E'));
    whole_number(id.as_bytes()).filter(|_| is_one).map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolments::Enrolments;
    use crate::index::CourseIndex;

    #[test]
    fn a_round_number_beside_the_same_in_full_is_noticed() {
        let roster = |learners: &[&str]| {
            let mut enrolments = Enrolments::default();
            learners.iter().for_each(|learner| enrolments.push_named(&format!("C/{learner}"), learner, CourseIndex(0)));
            Roster { enrolments, ..Roster::default() }
        };
        assert_eq!(notice(&roster(&["1e+05", "100000", "2e+05", "300000"])), Some(Notice::RoundNumbers { ids: 1 }));
        assert_eq!(notice(&roster(&["1.5E3", "1500", "1e+05", "100000"])), Some(Notice::RoundNumbers { ids: 2 }));
        assert_eq!(notice(&roster(&["1e+05", "eve", "1", "e5", "1e5x"])), None);
    }
}

//! Dealing out the places.
//!
//! A contact helps most where it is open whether the learner stays: of 53,000 students, mailing those of the worst forecasts first
//! did harm, and those in the middle gained (Athey, Keleher and Spiess 2023, "Machine learning who to nudge"). So the places go to
//! a band in the middle until effects are estimated: first to learners of whom a reason is sure, since a message that names the
//! missed thing helped (Kurtz and others 2022), and among these by p (1 - p) in steps, then by the size of the reason. From then on
//! they go by estimated effect. Some places
//! are drawn at random from the rest of the band, with a known probability, so that effects can be estimated later.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use super::candidate::{Candidate, CandidateForecast};
use super::rank::Rank;
use super::settings::WorklistSettings;
use crate::reasons::TOLD_CHANGE;

/// Says what was decided of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// A place on the list.
    Act {
        /// From 1, in its tutor's list.
        place: usize,
        /// Why the place is this learner's.
        selection: ChosenBy,
        /// The probability with which the learner was to get a place.
        propensity: f64,
    },
    /// A word of praise.
    Praise {
        /// From 1, in its tutor's list.
        place: usize,
    },
    /// In the band, and others come first.
    NoPlace {
        /// The probability with which the learner was to get a place.
        propensity: f64,
    },
    /// None of these, whoever else there is.
    None(WhyNot),
}

impl Decision {
    /// Returns why the learner is on no list; `None` for those who are on one.
    #[must_use]
    pub const fn why_not(self) -> Option<WhyNot> {
        match self {
            Self::Act { .. } | Self::Praise { .. } => None,
            Self::NoPlace { .. } => Some(WhyNot::NoPlace),
            Self::None(why) => Some(why),
        }
    }
}

/// Says why a learner got a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// In the band, with a sure reason before others, and nearest to one half.
    Benefit,
    /// The largest estimated effect.
    Uplift,
    /// Drawn at random from the rest of the band.
    Exploration,
}

impl ChosenBy {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Benefit => "benefit",
            Self::Uplift => "uplift",
            Self::Exploration => "exploration",
        }
    }
}

/// Says why a learner got no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// There is no forecast; the status says why.
    NoForecast,
    /// The course is over.
    CourseOver,
    /// The learner has been in the course for too few whole weeks.
    NotEnoughData,
    /// The learner was on the list before, and is back.
    Back,
    /// The last contact was a few days ago.
    Contacted,
    /// The forecast is below the band.
    BelowBand,
    /// The forecast is above the band.
    AboveBand,
    /// Contact is not expected to help.
    NoGain,
    /// In the band, and others come first.
    NoPlace,
}

impl WhyNot {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::NoForecast => "no_forecast",
            Self::CourseOver => "course_over",
            Self::NotEnoughData => "not_enough_data",
            Self::Back => "back",
            Self::Contacted => "contacted",
            Self::BelowBand => "below_band",
            Self::AboveBand => "above_band",
            Self::NoGain => "no_gain",
            Self::NoPlace => "no_place",
        }
    }

    /// Describes it for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NoForecast => "without a forecast",
            Self::CourseOver => "in a course that is over",
            Self::NotEnoughData => "too new: not enough data yet",
            Self::Back => "back since the last list",
            Self::Contacted => "contacted a few days ago",
            Self::BelowBand => "at less risk than the band",
            Self::AboveBand => "at more risk than the band",
            Self::NoGain => "no gain expected from contact",
            Self::NoPlace => "in the band, without a place",
        }
    }
}

/// Lists the places of the candidates who may get a place, whoever else there is.
#[must_use]
pub fn open_to_contact(candidates: &[Candidate], settings: &WorklistSettings) -> Vec<usize> {
    (0..candidates.len()).filter(|&at| why_not(&candidates[at], settings).is_none()).collect()
}

/// Decides about every candidate, in their order. Each tutor has `capacity` places; all learners are of one where they are not
/// dealt out. Draws depend on the seed, the tutor and the candidates alone.
#[must_use]
pub fn choose(candidates: &[Candidate], settings: &WorklistSettings, capacity: usize) -> Vec<Decision> {
    let decide = |one| why_not(one, settings).map_or(Decision::NoPlace { propensity: 0.0 }, Decision::None);
    let mut decisions: Vec<Decision> = candidates.iter().map(decide).collect();
    let mut tutors: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (at, one) in candidates.iter().enumerate() {
        tutors.entry(one.tutor.as_deref()).or_default().push(at);
    }
    for (tutor, members) in tutors {
        let mut open: Vec<(usize, Rank)> = members
            .iter()
            .filter(|&&at| matches!(decisions[at], Decision::NoPlace { .. }))
            .filter_map(|&at| Some((at, Rank::of(candidates[at].forecast.as_ref().ok()?))))
            .collect();
        open.sort_by(|(a, rank_a), (b, rank_b)| rank_b.compare(rank_a).then(a.cmp(b)));
        let explored = if open.len() > capacity { drawn_places(capacity, settings.exploration) } else { 0 };
        let mut rest = open.split_off(open.len().min(capacity - explored));
        let mut rng = stream(settings.seed, tutor);
        let propensity = if rest.is_empty() { 0.0 } else { explored as f64 / rest.len() as f64 };
        for &(at, _) in &rest {
            decisions[at] = Decision::NoPlace { propensity };
        }
        let drawn: Vec<usize> = (0..explored).map(|_| rest.swap_remove(below(&mut rng, rest.len())).0).collect();
        let by_benefit = open.iter().map(|&(at, _)| {
            let estimated = candidates[at].forecast.as_ref().is_ok_and(|forecast| forecast.uplift.is_some());
            (at, if estimated { ChosenBy::Uplift } else { ChosenBy::Benefit }, 1.0)
        });
        let drawn = drawn.into_iter().map(|at| (at, ChosenBy::Exploration, propensity));
        for (place, (at, selection, propensity)) in by_benefit.chain(drawn).enumerate() {
            decisions[at] = Decision::Act { place: place + 1, selection, propensity };
        }
        let praised = praise(candidates, &members, &decisions, settings);
        for (place, at) in praised.into_iter().enumerate() {
            decisions[at] = Decision::Praise { place: place + 1 };
        }
    }
    decisions
}

/// Counts the places that are drawn at random: a share of all, and one at least where there is more than one place.
fn drawn_places(capacity: usize, share: f64) -> usize {
    let drawn = (capacity as f64 * share).floor() as usize;
    if share > 0.0 && capacity > 1 { drawn.max(1) } else { drawn }
}

/// Returns why a candidate can't get a place, whoever else there is.
fn why_not(one: &Candidate, settings: &WorklistSettings) -> Option<WhyNot> {
    let Ok(forecast) = &one.forecast else { return Some(WhyNot::NoForecast) };
    let is_paused = |forecast: &CandidateForecast| {
        let (last, now) = (one.contacts.last()?, forecast.cut_off_day?);
        Some(now - last.day < i64::from(settings.pause_days))
    };
    if forecast.weeks_left == 0 {
        Some(WhyNot::CourseOver)
    } else if forecast.weeks_in_course < settings.least_weeks {
        Some(WhyNot::NotEnoughData)
    } else if one.is_back() {
        Some(WhyNot::Back)
    } else if is_paused(forecast) == Some(true) {
        Some(WhyNot::Contacted)
    } else if let Some(uplift) = forecast.uplift {
        (uplift.effect <= 0.0).then_some(WhyNot::NoGain)
    } else if forecast.p_dropout < settings.band_from {
        Some(WhyNot::BelowBand)
    } else if forecast.p_dropout > settings.band_to {
        Some(WhyNot::AboveBand)
    } else {
        None
    }
}

/// Picks those who deserve a word: present, at little risk, and doing better than a week before by most.
fn praise(
    candidates: &[Candidate],
    members: &[usize],
    decisions: &[Decision],
    settings: &WorklistSettings,
) -> Vec<usize> {
    let gain = |&at: &usize| {
        let one = &candidates[at];
        let forecast = one.forecast.as_ref().ok()?;
        let is_open = matches!(decisions[at], Decision::None(WhyNot::BelowBand | WhyNot::NoGain | WhyNot::Back));
        let fell = forecast.p_before? - forecast.p_dropout;
        let is_here = !one.is_named_by_rule() && forecast.p_dropout < settings.band_from;
        (is_open && is_here && fell >= TOLD_CHANGE).then_some((at, fell))
    };
    let mut found: Vec<(usize, f64)> = members.iter().filter_map(gain).collect();
    found.sort_by(|(a, gain_a), (b, gain_b)| gain_b.total_cmp(gain_a).then(a.cmp(b)));
    found.into_iter().take(settings.praise).map(|(at, _)| at).collect()
}

fn stream(seed: u64, tutor: Option<&str>) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&[u8::from(tutor.is_some())]);
    hasher.update(tutor.unwrap_or_default().as_bytes());
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// Draws a whole number below `bound`.
fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    // The bias of the high-multiply method is below 2⁻³² × the bound.
    ((u64::from(rng.next_u32()) * bound as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use staycast_weeks::{CutOff, Exclusion};

    use super::super::candidate::{Contact, Uplift, WasListed};
    use super::*;

    fn candidate(number: usize, p: f64) -> Candidate {
        Candidate {
            course_id: "c".to_owned(),
            enrolment_id: format!("e{number}"),
            learner_id: format!("l{number}"),
            tutor: None,
            trained_on: false,
            forecast: Ok(CandidateForecast {
                seen: CutOff::after_weeks(4).unwrap(),
                p_dropout: p,
                p_before: None,
                weeks_in_course: 4,
                weeks_left: 6,
                likely_left_after: None,
                cut_off_day: Some(16_028),
                uplift: None,
                reason_size: Some(0.5),
            }),
            days_since_last: Some(2.0),
            contacts: Vec::new(),
            was_listed: None,
        }
    }

    fn of(one: &mut Candidate) -> &mut CandidateForecast {
        one.forecast.as_mut().unwrap()
    }

    fn no_exploration() -> WorklistSettings {
        WorklistSettings { exploration: 0.0, ..WorklistSettings::default() }
    }

    #[test]
    fn places_go_to_the_middle_and_not_to_the_worst() {
        let all: Vec<Candidate> =
            [0.95, 0.5, 0.31, 0.75, 0.1, 0.45].into_iter().enumerate().map(|(at, p)| candidate(at, p)).collect();
        let act = |place| Decision::Act { place, selection: ChosenBy::Benefit, propensity: 1.0 };
        assert_eq!(
            choose(&all, &no_exploration(), 3),
            [
                Decision::None(WhyNot::AboveBand),
                act(1),
                // Nearer to one half than 0.75 is.
                act(3),
                Decision::NoPlace { propensity: 0.0 },
                Decision::None(WhyNot::BelowBand),
                act(2),
            ]
        );
    }

    #[test]
    fn a_small_list_has_a_drawn_place_too() {
        assert_eq!([1, 2, 3, 10, 40].map(|capacity| drawn_places(capacity, 0.2)), [0, 1, 1, 2, 8]);
        assert_eq!(drawn_places(10, 0.0), 0);
        assert_eq!(drawn_places(1, 1.0), 1);
    }

    #[test]
    fn learners_of_whom_a_reason_is_sure_come_first() {
        let mut all: Vec<Candidate> = [0.5, 0.6, 0.4].into_iter().enumerate().map(|(at, p)| candidate(at, p)).collect();
        of(&mut all[0]).reason_size = None;
        let act = |place| Decision::Act { place, selection: ChosenBy::Benefit, propensity: 1.0 };
        assert_eq!(choose(&all, &no_exploration(), 3), [act(3), act(1), act(2)]);
        // Of those in the middle, the largest reason first; whose risk fell much comes after.
        of(&mut all[2]).reason_size = Some(0.9);
        assert_eq!(choose(&all, &no_exploration(), 3), [act(3), act(2), act(1)]);
        of(&mut all[2]).p_before = Some(0.55);
        assert_eq!(choose(&all, &no_exploration(), 3), [act(3), act(1), act(2)]);
    }

    #[test]
    fn who_is_new_back_or_contacted_gets_no_place() {
        let mut all: Vec<Candidate> = (0..6).map(|at| candidate(at, 0.5)).collect();
        of(&mut all[0]).weeks_in_course = 1;
        all[1].was_listed = Some(WasListed { week: 3, p_dropout: 0.6 });
        // Not back: no visit since then. And back, but at more risk than then.
        all[2].was_listed = Some(WasListed { week: 3, p_dropout: 0.6 });
        all[2].days_since_last = Some(8.0);
        all[3].was_listed = Some(WasListed { week: 3, p_dropout: 0.4 });
        all[4].contacts = vec![Contact { day: 16_022, action: "message".to_owned() }];
        all[5].forecast = Err(Exclusion::Withdrawn);
        let why = |decision: &Decision| decision.why_not();
        let found: Vec<_> = choose(&all, &no_exploration(), 10).iter().map(why).collect();
        assert_eq!(
            found,
            [
                Some(WhyNot::NotEnoughData),
                Some(WhyNot::Back),
                None,
                None,
                Some(WhyNot::Contacted),
                Some(WhyNot::NoForecast)
            ]
        );
        // A week after the contact there may be another.
        all[4].contacts[0].day = 16_021;
        assert_eq!(why(&choose(&all, &no_exploration(), 10)[4]), None);
        of(&mut all[4]).weeks_left = 0;
        assert_eq!(why(&choose(&all, &no_exploration(), 10)[4]), Some(WhyNot::CourseOver));
    }

    #[test]
    fn estimated_effects_come_before_the_band() {
        let mut all: Vec<Candidate> =
            [0.5, 0.95, 0.1].into_iter().enumerate().map(|(at, p)| candidate(at, p)).collect();
        for (one, effect) in all.iter_mut().zip([-0.02, 0.01, 0.08]) {
            of(one).uplift = Some(Uplift { effect, standard_error: 0.01 });
        }
        let act = |place| Decision::Act { place, selection: ChosenBy::Uplift, propensity: 1.0 };
        assert_eq!(choose(&all, &no_exploration(), 5), [Decision::None(WhyNot::NoGain), act(2), act(1)]);
        // Who has no estimate comes after those who have one.
        of(&mut all[0]).uplift = None;
        let last = Decision::Act { place: 3, selection: ChosenBy::Benefit, propensity: 1.0 };
        assert_eq!(choose(&all, &no_exploration(), 5), [last, act(2), act(1)]);
    }

    #[test]
    fn praise_is_for_those_who_are_here_and_do_better() {
        let mut all: Vec<Candidate> = (0..4).map(|at| candidate(at, 0.1)).collect();
        for (one, before) in all.iter_mut().zip([0.16, 0.4, 0.05, 0.3]) {
            of(one).p_before = Some(before);
        }
        all[3].days_since_last = Some(9.0);
        let settings = WorklistSettings { praise: 5, ..no_exploration() };
        assert_eq!(
            choose(&all, &settings, 5),
            [
                Decision::Praise { place: 2 },
                Decision::Praise { place: 1 },
                Decision::None(WhyNot::BelowBand),
                Decision::None(WhyNot::BelowBand)
            ]
        );
    }

    proptest! {
        #[test]
        fn lists_are_no_longer_than_the_capacity_and_propensities_are_what_they_say(
            count in 0_usize..60,
            capacity in 1_usize..30,
            exploration in 0.0_f64..=1.0,
            tutors in 1_usize..4,
            seed in any::<u64>(),
        ) {
            let all: Vec<Candidate> = (0..count)
                .map(|at| Candidate { tutor: Some(format!("t{}", at % tutors)), ..candidate(at, (at as f64 * 0.37) % 1.0) })
                .collect();
            let settings = WorklistSettings { exploration, seed, ..WorklistSettings::default() };
            let decisions = choose(&all, &settings, capacity);
            prop_assert_eq!(&decisions, &choose(&all, &settings, capacity));
            for tutor in 0..tutors {
                let here: Vec<(&Candidate, &Decision)> =
                    all.iter().zip(&decisions).skip(tutor).step_by(tutors).collect();
                let in_band = |one: &Candidate| {
                    let p = one.forecast.as_ref().unwrap().p_dropout;
                    (settings.band_from..=settings.band_to).contains(&p)
                };
                let open = here.iter().filter(|(one, _)| in_band(one)).count();
                let (mut places, mut left_out) = (Vec::new(), Vec::new());
                let (mut drawn, mut chance) = (0, None);
                for (one, decision) in &here {
                    if let Decision::NoPlace { propensity } = decision {
                        left_out.push(*propensity);
                    }
                    if let Decision::Act { place, selection, propensity } = decision {
                        prop_assert!(in_band(one));
                        places.push(*place);
                        if *selection == ChosenBy::Exploration {
                            drawn += 1;
                            chance = Some(*propensity);
                        } else {
                            prop_assert_eq!(*propensity, 1.0);
                        }
                    }
                }
                places.sort_unstable();
                prop_assert_eq!(&places, &(1..=open.min(capacity)).collect::<Vec<_>>());
                let explored = if open > capacity { drawn_places(capacity, exploration) } else { 0 };
                prop_assert_eq!(drawn, explored);
                if let Some(chance) = chance {
                    let rest = open - (capacity - explored);
                    prop_assert!((chance - explored as f64 / rest as f64).abs() < 1e-12);
                    // Who was not drawn could have been.
                    prop_assert!(left_out.iter().all(|&propensity| propensity == chance), "{:?}", left_out);
                }
            }
        }
    }

    #[test]
    fn everybody_of_the_rest_is_drawn_as_often_as_said() {
        let all: Vec<Candidate> = (0..20).map(|at| candidate(at, 0.5)).collect();
        let mut times = [0_u32; 20];
        for seed in 0..4_000 {
            let settings = WorklistSettings { exploration: 0.5, seed, ..WorklistSettings::default() };
            for (times, decision) in times.iter_mut().zip(choose(&all, &settings, 8)) {
                *times += u32::from(matches!(decision, Decision::Act { .. }));
            }
        }
        // Four by benefit, equal ones in their order; four of sixteen at random.
        assert_eq!(times[..4], [4_000; 4]);
        assert!(times[4..].iter().all(|&times| (880..1_120).contains(&times)), "{times:?}");
    }
}

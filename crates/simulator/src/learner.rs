//! Learners: their traits and the courses they take.

use crate::checked::Simulation;
use crate::random::Draws;

/// Holds the traits of a learner in every course. They are never written to the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Traits {
    /// Learner's share of motivation, standard normal.
    pub(crate) motivation: f64,
    /// Prior knowledge, standard normal.
    pub(crate) prior_knowledge: f64,
    /// Commitments besides courses, standard normal.
    pub(crate) commitments: f64,
    /// Speed; 1 is average.
    pub(crate) pace: f64,
    /// Preferred hour of day, UTC.
    pub(crate) hour: f64,
}

/// Holds a learner with the courses taken.
#[derive(Debug)]
pub(crate) struct Learner {
    /// Number, from 0.
    pub(crate) number: u64,
    pub(crate) traits: Traits,
    /// Numbers of the courses, increasing.
    pub(crate) courses: Vec<usize>,
    /// Rest of the learner's random stream.
    rest: Draws,
}

/// Holds demographics. Only education is related to leaving, through prior knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demographics {
    /// One of two genders.
    pub(crate) gender: bool,
    /// Number of the region, below 5.
    pub(crate) region: usize,
    /// Level of education, from 0, lowest, to 4.
    pub(crate) education: usize,
    /// Band of deprivation, from 0, most, to 9; unknown for some.
    pub(crate) deprivation: Option<usize>,
    /// Number of the age band, below 3, youngest first.
    pub(crate) age: usize,
    pub(crate) disability: bool,
}

/// Lists the prior knowledge, after noise, from which each further level of education is reached.
const EDUCATION_FROM: [f64; 4] = [-2.2, -0.4, 0.8, 2.2];
/// Lists the cumulative shares of the age bands.
const AGES: [f64; 3] = [0.70, 0.98, 1.0];

/// Draws in a row that may hit a course already taken; then the first free course is taken.
const TRIES: u32 = 64;

/// Draws the number of courses of a learner. It is the first draw of the stream, so that enrolments can be counted cheaply.
fn course_count(simulation: &Simulation, draws: &mut Draws) -> usize {
    let extra = draws.poisson(simulation.config.enrolment.extra_courses_mean) as usize;
    (1 + extra).min(simulation.courses.len())
}

/// Counts the enrolments of a learner.
pub(crate) fn count_enrolments(simulation: &Simulation, number: u64) -> u64 {
    course_count(simulation, &mut simulation.streams.learner(number)) as u64
}

impl Learner {
    /// Draws the learner with a number, from 0.
    pub(crate) fn new(simulation: &Simulation, number: u64) -> Self {
        let config = &simulation.config;
        let mut draws = simulation.streams.learner(number);
        let count = course_count(simulation, &mut draws);
        let traits = Traits {
            motivation: draws.normal(),
            prior_knowledge: draws.normal(),
            commitments: draws.normal(),
            pace: (config.traits.pace_spread * draws.normal()).exp(),
            hour: config.activity.day_hours[draws.pick(&simulation.hour_shares)],
        };
        let mut courses: Vec<usize> = Vec::with_capacity(count);
        while courses.len() < count {
            let drawn = (0..TRIES).map(|_| draws.pick(&simulation.popularity));
            let free = { drawn }.find(|course| !courses.contains(course));
            let next = free.or_else(|| (0..simulation.courses.len()).find(|course| !courses.contains(course)));
            courses.extend(next);
        }
        courses.sort_unstable();
        Self { number, traits, courses, rest: draws }
    }

    /// Draws the learner's demographics.
    pub(crate) fn demographics(&self) -> Demographics {
        let mut draws = self.rest.clone();
        let schooling = self.traits.prior_knowledge + draws.normal();
        Demographics {
            gender: draws.chance(0.5),
            region: draws.below(5) as usize,
            education: EDUCATION_FROM.partition_point(|&from| from <= schooling),
            deprivation: (!draws.chance(0.03)).then(|| draws.below(10) as usize),
            age: draws.pick(&AGES),
            disability: draws.chance(0.1),
        }
    }

    /// Counts the learner's other courses that overlap a course in time.
    pub(crate) fn parallel_courses(&self, simulation: &Simulation, course: usize) -> usize {
        let days = 7 * i64::from(simulation.config.weeks);
        let start = |course: usize| simulation.courses[course].start_day;
        let overlaps = |other: usize| other != course && (start(other) - start(course)).abs() < days;
        self.courses.iter().filter(|&&other| overlaps(other)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimulatorConfig;

    fn simulation(change: impl Fn(&mut SimulatorConfig)) -> Simulation {
        let mut config = SimulatorConfig::default();
        change(&mut config);
        config.validate().unwrap()
    }

    #[test]
    fn courses_are_distinct_and_counted() {
        let simulation = simulation(|config| config.enrolment.extra_courses_mean = 2.0);
        let mut most = 0;
        for number in 0..500 {
            let learner = Learner::new(&simulation, number);
            assert!(learner.courses.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(learner.courses.iter().all(|&course| course < 6));
            assert_eq!(learner.courses.len() as u64, count_enrolments(&simulation, number));
            most = most.max(learner.courses.len());
        }
        assert_eq!(most, 6, "with a mean of 3 somebody of 500 takes them all");
    }

    #[test]
    fn a_course_nobody_chooses_is_still_found() {
        let simulation = simulation(|config| {
            config.enrolment.extra_courses_mean = 20.0;
            config.enrolment.popularity_spread = 3.0;
        });
        for number in 0..50 {
            assert_eq!(Learner::new(&simulation, number).courses, [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn only_courses_of_the_same_time_are_parallel() {
        let simulation = simulation(|_| {});
        let learner = Learner { courses: vec![0, 1, 2], ..Learner::new(&simulation, 0) };
        // Courses 0 and 1 are a week apart, 2 is of the next wave.
        assert_eq!(learner.parallel_courses(&simulation, 0), 1);
        assert_eq!(learner.parallel_courses(&simulation, 1), 1);
        assert_eq!(learner.parallel_courses(&simulation, 2), 0);
    }
}

//! Courses: their dates, their objects, and when these are released.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::config::{DisciplineConfig, SimulatorConfig};
use crate::random::{Draws, Streams};

/// Counts the objects that exist from the beginning: the course itself, its about page, its info page, its wiki.
const FIXED: u32 = 4;
const SEQUENTIALS: u32 = 3;
const VERTICALS: u32 = 3;
/// Counts the units (a vertical with a video and a problem) in a chapter.
pub(crate) const UNITS: u32 = SEQUENTIALS * VERTICALS;
/// Counts the objects of a chapter: chapter and discussion, then the sequentials, then three objects a unit, then the
/// quiz and the assignment.
const PER_CHAPTER: u32 = 2 + SEQUENTIALS + 3 * UNITS + 2;
/// Counts the seconds of a day.
pub(crate) const DAY: i32 = 86_400;

/// Numbers an object within its course, and its position in [`Course::ids`].
pub(crate) type Object = u32;

/// Describes one run of a course.
#[derive(Debug)]
pub(crate) struct Course {
    /// Id, as in `computing-1`.
    pub(crate) id: String,
    /// First day.
    pub(crate) start: Date,
    /// First day, counted from the first course's.
    pub(crate) start_day: i64,
    /// Weekday of the first day, 0 = Monday.
    pub(crate) start_weekday: u32,
    /// Difficulty in standard deviations from the average course.
    pub(crate) difficulty: f64,
    /// Weight in learners' choice of courses.
    pub(crate) popularity: f64,
    /// Weights of video, problem, discussion, wiki and browsing among the items of a session.
    pub(crate) mix: [f64; 5],
    /// Number of chapters; one is released each week.
    pub(crate) chapters: u32,
    /// Number of chapters from one assignment to the next.
    assignment_weeks: u32,
    /// Place of the discipline among the disciplines.
    pub(crate) discipline: usize,
    /// Each object's identifier: 32 letters and digits, as in KDD Cup 2015.
    pub(crate) ids: Vec<[u8; 32]>,
}

/// Names the category of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Course,
    About,
    CourseInfo,
    StaticTab,
    Chapter,
    Discussion,
    Sequential,
    Vertical,
    Video,
    Problem,
    Quiz,
    Assignment,
}

impl Course {
    fn new(config: &SimulatorConfig, first_start: Date, index: usize, streams: &Streams) -> Self {
        let kinds = config.disciplines.len();
        let discipline: &DisciplineConfig = &config.disciplines[index % kinds];
        let calendar = &config.calendar;
        let waves = u64::from(calendar.waves);
        let courses = u64::from(config.courses);
        // Wave w holds the courses from ceil(w · courses / waves) on, so waves differ by one course at most.
        let wave = index as u64 * waves / courses;
        let in_wave = index as u64 - (wave * courses).div_ceil(waves);
        let stagger = in_wave % u64::from(calendar.stagger_courses) * u64::from(calendar.stagger_days);
        let start_day = (wave * 7 * u64::from(calendar.wave_gap_weeks) + stagger) as i64;
        let start = first_start.saturating_add(start_day.days());
        let mut draws = streams.course(index);
        let difficulty = discipline.difficulty + config.traits.course_difficulty_spread * draws.normal();
        let popularity = (config.enrolment.popularity_spread * draws.normal()).exp();
        Self {
            id: format!("{}-{}", discipline.name, index / kinds + 1),
            start,
            start_day,
            start_weekday: start.weekday().to_monday_zero_offset() as u32,
            difficulty,
            popularity,
            mix: [discipline.video, discipline.problem, discipline.discussion, discipline.wiki, discipline.browse],
            chapters: config.weeks,
            assignment_weeks: config.assessment.assignment_weeks,
            discipline: index % kinds,
            ids: (0..FIXED + config.weeks * PER_CHAPTER).map(|_| identifier(&mut draws)).collect(),
        }
    }

    /// Makes all courses of a configuration, in order.
    pub(crate) fn all(config: &SimulatorConfig, first_start: Date, streams: &Streams) -> Vec<Self> {
        (0..config.courses as usize).map(|index| Self::new(config, first_start, index, streams)).collect()
    }

    /// Numbers the course itself.
    pub(crate) const COURSE: Object = 0;
    /// Numbers the page that describes the course.
    pub(crate) const ABOUT: Object = 1;
    /// Numbers the page of news and handouts.
    pub(crate) const COURSE_INFO: Object = 2;
    /// Numbers the wiki.
    pub(crate) const WIKI: Object = 3;

    /// Returns the object of a chapter.
    pub(crate) fn chapter(chapter: u32) -> Object {
        FIXED + chapter * PER_CHAPTER
    }

    /// Returns the discussion of a chapter.
    pub(crate) fn discussion(chapter: u32) -> Object {
        Self::chapter(chapter) + 1
    }

    /// Returns the `n`th sequential of a chapter, from 0.
    pub(crate) fn sequential(chapter: u32, n: u32) -> Object {
        Self::chapter(chapter) + 2 + n
    }

    /// Returns the sequential that holds a unit.
    pub(crate) fn sequential_of(chapter: u32, unit: u32) -> Object {
        Self::sequential(chapter, unit / VERTICALS)
    }

    /// Returns the vertical of a unit.
    pub(crate) fn vertical(chapter: u32, unit: u32) -> Object {
        Self::chapter(chapter) + 2 + SEQUENTIALS + 3 * unit
    }

    /// Returns the video of a unit.
    pub(crate) fn video(chapter: u32, unit: u32) -> Object {
        Self::vertical(chapter, unit) + 1
    }

    /// Returns the problem of a unit.
    pub(crate) fn problem(chapter: u32, unit: u32) -> Object {
        Self::vertical(chapter, unit) + 2
    }

    /// Returns chapter and sequential of the page that an object is on; `None` for objects of the whole course. The quiz and
    /// the assignment are on the chapter's last page, its discussion on the first.
    pub(crate) fn page_of(object: Object) -> Option<(Object, Object)> {
        let within = object.checked_sub(FIXED)?;
        let chapter = within / PER_CHAPTER;
        let nth = match within % PER_CHAPTER {
            0 | 1 => 0,
            within if within < 2 + SEQUENTIALS => within - 2,
            within if within < PER_CHAPTER - 2 => (within - 2 - SEQUENTIALS) / 3 / VERTICALS,
            _ => SEQUENTIALS - 1,
        };
        Some((Self::chapter(chapter), Self::sequential(chapter, nth)))
    }

    /// Returns the number, from 1, of the vertical in its sequential that an object is in; 1 for objects in none.
    pub(crate) fn position(object: Object) -> u32 {
        match Self::describe(object).0 {
            Category::Vertical | Category::Video | Category::Problem => {
                let unit = ((object - FIXED) % PER_CHAPTER - 2 - SEQUENTIALS) / 3;
                unit % VERTICALS + 1
            }
            _ => 1,
        }
    }

    /// Returns the last day, which belongs to the course.
    pub(crate) fn last_day(&self) -> Date {
        self.start.saturating_add((7 * i64::from(self.chapters) - 1).days())
    }

    /// Returns the quiz of a chapter.
    pub(crate) fn quiz(chapter: u32) -> Object {
        Self::chapter(chapter) + PER_CHAPTER - 2
    }

    /// Returns the assignment of a chapter, which exists if [`has_assignment`](Self::has_assignment) says so.
    pub(crate) fn assignment(chapter: u32) -> Object {
        Self::chapter(chapter) + PER_CHAPTER - 1
    }

    /// Tells whether a chapter ends with an assignment.
    pub(crate) fn has_assignment(&self, chapter: u32) -> bool {
        (chapter + 1).is_multiple_of(self.assignment_weeks)
    }

    /// Lists all objects, in order of their numbers.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Object> {
        let exists = |object: Object| match Self::describe(object) {
            (Category::Assignment, Some(chapter)) => self.has_assignment(chapter),
            _ => true,
        };
        (0..self.ids.len() as u32).filter(move |&object| exists(object))
    }

    /// Returns the category of an object and the week of its release; `None` for pages without a release time.
    pub(crate) fn describe(object: Object) -> (Category, Option<u32>) {
        if object < FIXED {
            return match object {
                Self::COURSE => (Category::Course, Some(0)),
                Self::ABOUT => (Category::About, None),
                Self::COURSE_INFO => (Category::CourseInfo, None),
                _ => (Category::StaticTab, None),
            };
        }
        let chapter = (object - FIXED) / PER_CHAPTER;
        let category = match (object - FIXED) % PER_CHAPTER {
            0 => Category::Chapter,
            1 => Category::Discussion,
            within if within < 2 + SEQUENTIALS => Category::Sequential,
            within if within == PER_CHAPTER - 2 => Category::Quiz,
            within if within == PER_CHAPTER - 1 => Category::Assignment,
            within => match (within - 2 - SEQUENTIALS) % 3 {
                0 => Category::Vertical,
                1 => Category::Video,
                _ => Category::Problem,
            },
        };
        (category, Some(chapter))
    }

    /// Lists the objects directly below one.
    pub(crate) fn children(&self, object: Object) -> Vec<Object> {
        let (category, chapter) = Self::describe(object);
        let chapter = chapter.unwrap_or(0);
        match category {
            Category::Course => (0..self.chapters).map(Self::chapter).collect(),
            Category::Chapter => std::iter::once(Self::discussion(chapter))
                .chain((0..SEQUENTIALS).map(|n| Self::sequential(chapter, n)))
                .chain([Self::quiz(chapter)])
                .chain(self.has_assignment(chapter).then(|| Self::assignment(chapter)))
                .collect(),
            Category::Sequential => {
                let n = object - Self::sequential(chapter, 0);
                (n * VERTICALS..(n + 1) * VERTICALS).map(|unit| Self::vertical(chapter, unit)).collect()
            }
            Category::Vertical => vec![object + 1, object + 2],
            _ => Vec::new(),
        }
    }

    /// Tells whether a day, counted from the start, is a Saturday or Sunday.
    pub(crate) fn is_weekend(&self, day: i32) -> bool {
        (day + self.start_weekday as i32).rem_euclid(7) >= 5
    }
}

/// Draws 32 letters and digits. Two identifiers are practically never equal, with 62^32 possible ones.
fn identifier(draws: &mut Draws) -> [u8; 32] {
    const SIGNS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::array::from_fn(|_| SIGNS[draws.below(62) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_form_a_tree() {
        let config = SimulatorConfig { weeks: 3, ..SimulatorConfig::default() };
        let course = &Course::all(&config, Date::constant(2024, 1, 15), &Streams::new(1))[0];
        let mut parents = vec![0; course.ids.len()];
        for object in course.objects() {
            for child in course.children(object) {
                assert!(child > object, "{child} below {object}");
                parents[child as usize] += 1;
            }
        }
        // The course and the three pages have no parent, all else has one.
        assert_eq!(&parents[..4], &[0; 4]);
        assert!(course.objects().skip(4).all(|object| parents[object as usize] == 1), "{parents:?}");
        assert_eq!(parents.iter().sum::<usize>(), course.objects().count() - 4);
        assert_eq!(Course::describe(Course::video(2, 8)), (Category::Video, Some(2)));
        assert_eq!(Course::describe(Course::problem(0, 0)), (Category::Problem, Some(0)));
        assert_eq!(Course::describe(Course::sequential_of(1, 5)), (Category::Sequential, Some(1)));
        for unit in 0..UNITS {
            let page = Some((Course::chapter(1), Course::sequential_of(1, unit)));
            let on_it = [Course::vertical(1, unit), Course::video(1, unit), Course::problem(1, unit)];
            assert!(on_it.into_iter().all(|object| Course::page_of(object) == page), "unit {unit}");
            assert!(on_it.into_iter().all(|object| Course::position(object) == unit % VERTICALS + 1), "unit {unit}");
        }
        assert_eq!(Course::page_of(Course::WIKI), None);
        assert_eq!(Course::page_of(Course::quiz(2)), Some((Course::chapter(2), Course::sequential(2, 2))));
        assert_eq!(Course::page_of(Course::sequential(2, 1)), Some((Course::chapter(2), Course::sequential(2, 1))));
        assert_eq!(Course::describe(Course::quiz(1)), (Category::Quiz, Some(1)));
        assert_eq!(Course::describe(Course::assignment(2)), (Category::Assignment, Some(2)));
        assert_eq!(Course::assignment(2) as usize + 1, course.ids.len());
        let assignments = |weeks: u32| {
            let mut config = SimulatorConfig { weeks: 8, ..SimulatorConfig::default() };
            config.assessment.assignment_weeks = weeks;
            let course = &Course::all(&config, Date::constant(2024, 1, 15), &Streams::new(1))[0];
            (0..8).filter(|&chapter| course.has_assignment(chapter)).collect::<Vec<_>>()
        };
        assert_eq!((assignments(4), assignments(3), assignments(9)), (vec![3, 7], vec![2, 5], vec![]));
    }

    #[test]
    fn waves_leave_room_to_train_before_the_test() {
        let config = SimulatorConfig::default();
        let courses = Course::all(&config, Date::constant(2024, 1, 15), &Streams::new(1));
        let days: Vec<i64> = courses.iter().map(|course| course.start_day).collect();
        assert_eq!(days, [0, 7, 98, 105, 196, 203]);
        assert_eq!(courses[2].start, Date::constant(2024, 4, 22));
        assert_eq!(courses[0].start_weekday, 0);
        assert!(courses[0].is_weekend(5) && courses[0].is_weekend(-1) && !courses[0].is_weekend(7));
        let ids: Vec<&str> = courses.iter().map(|course| course.id.as_str()).collect();
        let expected = ["computing-1", "humanities-1", "mathematics-1", "business-1", "computing-2", "humanities-2"];
        assert_eq!(ids, expected);
    }
}

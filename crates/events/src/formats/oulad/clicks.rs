//! `studentVle.csv`, and what `vle.csv` says of the sites clicked on.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::activity::Activity;
use crate::cells::{is_missing, whole_id, whole_number};
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::file_head::FileHead;
use crate::formats::fields::{LogHeader, MOST_COLUMNS, each_line, read_log_header, split};
use crate::formats::pair_lookup::PairLookup;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::intake::{EventRow, Intake};
use crate::kind::EventKind;
use crate::not_yet_known::{NOT_YET_KNOWN, NotYetKnown};
use crate::releases::Releases;
use crate::roster::{ListedObject, Roster};
use crate::row_limits::ObjectNaming;
use crate::table::{Header, Refusal, Table};
use crate::tally::{Reason, Tally, shape};
use crate::text::{LineParser, TextFile};
use crate::time::DAY_SECONDS;

const COLUMNS: [&str; 6] = ["code_module", "code_presentation", "id_student", "id_site", "date", "sum_click"];

/// Names the kind of clicks on sites of a type that the format's description does not list. It is one kind: what a table says
/// in place of a type names no column.
const UNLISTED_TYPE: &str = "unlisted_type";

/// Names the kind of clicks on sites that no table names.
const UNKNOWN_SITE: &str = "unknown_site";

/// Lists the 20 activity types that occur in the published `vle.csv`, and the activity of each.
const TYPES: [(&str, Activity); 20] = [
    ("dataplus", Activity::Access),
    ("dualpane", Activity::Access),
    ("externalquiz", Activity::Problem),
    ("folder", Activity::Download),
    ("forumng", Activity::Discussion),
    ("glossary", Activity::Wiki),
    ("homepage", Activity::Navigate),
    ("htmlactivity", Activity::Access),
    ("oucollaborate", Activity::Live),
    ("oucontent", Activity::Access),
    ("ouelluminate", Activity::Live),
    ("ouwiki", Activity::Wiki),
    ("page", Activity::Access),
    ("questionnaire", Activity::Other),
    ("quiz", Activity::Problem),
    ("repeatactivity", Activity::Access),
    ("resource", Activity::Download),
    ("sharedsubpage", Activity::Navigate),
    ("subpage", Activity::Navigate),
    ("url", Activity::Access),
];

const UNLISTED_KIND: u8 = TYPES.len() as u8;
const UNKNOWN_SITE_KIND: u8 = UNLISTED_KIND + 1;

/// The number of the kind of submissions.
pub(super) const SUBMISSION_KIND: u8 = UNLISTED_KIND + 2;

/// Holds the type and planned week of each site. A site takes 17 bytes and, as a hash map's room is doubled, up to twice as
/// many.
#[derive(Debug, Default)]
pub(super) struct Sites {
    by_course: Vec<FxHashMap<ObjectKey, Site>>,
    /// Types by the number that sites bear for theirs.
    types: Vec<Type>,
}

/// Holds a type of sites.
#[derive(Debug)]
enum Type {
    /// The kind of clicks on sites of a type that the format's description lists.
    Listed(u8),
    /// The name of another type.
    Unlisted(String),
}

/// Bounds the week that a site may be planned for: one this far from the start is a mistake.
const GREATEST_WEEK: i64 = 520;

/// Holds a site as `vle.csv` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Site {
    /// Number of its type, by the order in which types come first.
    type_: u32,
    /// First week it is planned for.
    week_from: Option<i16>,
}

impl Site {
    /// Returns first day of the first week it is planned for. Weeks are numbered from 1: in the published tables half
    /// of the clicks on sites planned for week 1 fall in the first seven days or before, and those on sites planned for
    /// week 2 come eight days later.
    fn planned_day(&self) -> Option<i64> {
        self.week_from.map(|week| 7 * (i64::from(week) - 1))
    }
}

impl Sites {
    /// Reads `vle.csv`, and lists its sites in `listed` where they are to be named.
    pub(super) fn read(
        files: &[Arc<FileHead>],
        index: &PairLookup,
        naming: ObjectNaming,
        listed: &mut Vec<ListedObject>,
        tables: &mut Tally,
    ) -> Result<Self, ReadError> {
        let mut by_course: Vec<FxHashMap<ObjectKey, Site>> = vec![FxHashMap::default(); index.courses()];
        let mut types: FxHashMap<String, u32> = FxHashMap::default();
        for file in files {
            let table = Table::open(file, "sites", file.delimiter(), Header::Present)?;
            let site = table.require(&["id_site"])?;
            let module = table.require(&["code_module"])?;
            let presentation = table.require(&["code_presentation"])?;
            let type_ = table.require(&["activity_type"])?;
            let week_from = table.find(&["week_from"])?;
            table.rows(tables, |row| {
                let id = row.id(site, "id_site")?;
                let type_ = row.id(type_, "activity_type")?;
                let week_from = week_from.map_or(Ok(None), |column| row.integer(column, "week_from"))?;
                if let Some(week) = week_from.filter(|week| !(-GREATEST_WEEK..=GREATEST_WEEK).contains(week)) {
                    return Err(Refusal::new(Reason::BadValue, format!("week_from {week} is out of all bounds")));
                }
                let course_id = format!("{}-{}", row.text(module), row.text(presentation));
                let Some(course) = index.course(course_id.as_bytes()) else {
                    let what =
                        format!("a course of shape `{}` that is not in the courses table", shape(course_id.as_bytes()));
                    return Err(Refusal::new(Reason::UnknownCourse, what));
                };
                let named = TYPES.iter().find(|(name, _)| *name == type_).map(|&(_, activity)| activity);
                let next = types.len() as u32;
                let type_ = match types.get(type_) {
                    Some(&number) => number,
                    None => *types.entry(type_.to_owned()).or_insert(next),
                };
                let Some(object) = ObjectKey::from_id(id.as_bytes()) else { return Ok(()) };
                let site = Site { type_, week_from: week_from.map(|week| week as i16) };
                match by_course[course.as_usize()].entry(object) {
                    Entry::Vacant(room) => {
                        room.insert(site);
                        if naming == ObjectNaming::Kept {
                            listed.push(ListedObject { course, object, id: id.into(), activity: named });
                        }
                        Ok(())
                    }
                    Entry::Occupied(known) if *known.get() == site => {
                        Err(Refusal::new(Reason::Repeated, "the site again"))
                    }
                    Entry::Occupied(_) => {
                        let what = "the site again, of another type or week; the first is used";
                        Err(Refusal::new(Reason::Contradiction, what))
                    }
                }
            })?;
        }
        Ok(Self::new(by_course, types))
    }

    fn new(by_course: Vec<FxHashMap<ObjectKey, Site>>, types: FxHashMap<String, u32>) -> Self {
        let mut in_order: Vec<(u32, String)> = types.into_iter().map(|(type_, number)| (number, type_)).collect();
        in_order.sort_unstable();
        let listed = |type_: &str| TYPES.iter().position(|(name, _)| *name == type_);
        let of_name = |(_, type_): (u32, String)| match listed(&type_) {
            Some(kind) => Type::Listed(kind as u8),
            None => Type::Unlisted(type_),
        };
        Self { by_course, types: in_order.into_iter().map(of_name).collect() }
    }

    /// Tells when each site is released, as far as the source tells: at the start of the first week it is planned for.
    pub(super) fn releases(&self, roster: &Roster) -> Releases {
        let sites = self.by_course.iter().zip((0..).map(CourseIndex)).flat_map(|(sites, course)| {
            let start = roster.courses[course.as_usize()].start_seconds();
            sites.iter().map(move |(&object, site)| (course, object, start, site))
        });
        let release = |(course, object, start, site): (CourseIndex, ObjectKey, i64, &Site)| {
            Some(((course, object), start + site.planned_day()? * DAY_SECONDS))
        };
        sites.filter_map(release).collect()
    }

    /// Returns the type of a site, where a table names it.
    fn type_of(&self, course: CourseIndex, site: Option<ObjectKey>) -> Option<&Type> {
        let site = self.by_course[course.as_usize()].get(&site?)?;
        self.types.get(site.type_ as usize)
    }

    /// Returns kind of a click on a site.
    fn kind(&self, course: CourseIndex, site: Option<ObjectKey>) -> u8 {
        match self.type_of(course, site) {
            Some(Type::Listed(kind)) => *kind,
            Some(Type::Unlisted(_)) => UNLISTED_KIND,
            None => UNKNOWN_SITE_KIND,
        }
    }

    /// Returns what a click of a kind whose activity is not known is called: by the type of the site, which the format does
    /// not list, or as one on a site that no table names.
    fn unlisted_name(&self, course: CourseIndex, site: Option<ObjectKey>) -> &str {
        match self.type_of(course, site) {
            Some(Type::Unlisted(name)) => name,
            _ => UNKNOWN_SITE,
        }
    }

    /// Returns all kinds by number: the format's types, unlisted types, unknown sites, submissions.
    pub(super) fn kinds() -> Vec<EventKind> {
        let mut kinds: Vec<EventKind> = TYPES.iter().map(|&(name, activity)| EventKind::new(name, activity)).collect();
        kinds.push(EventKind::new(UNLISTED_TYPE, Activity::Other));
        kinds.push(EventKind::new(UNKNOWN_SITE, Activity::Other));
        kinds.push(EventKind::new("submission", Activity::Submission));
        kinds
    }
}

pub(super) fn open(
    head: &FileHead,
    pairs: &Arc<PairLookup>,
    sites: &Arc<Sites>,
    later: &Arc<NotYetKnown>,
) -> Result<TextFile<ClickParser>, ReadError> {
    let LogHeader { table, rows, width, delimiter } = read_log_header(head, "clicks")?;
    let mut places = [0; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = table.require(&[name])?;
    }
    let [module, presentation, student, site, date, clicks] = places;
    let parser = ClickParser {
        pairs: Arc::clone(pairs),
        sites: Arc::clone(sites),
        later: Arc::clone(later),
        width,
        delimiter,
        module,
        presentation,
        student,
        site,
        date,
        clicks,
    };
    Ok(TextFile::new(head, rows, parser))
}

#[derive(Debug)]
pub(super) struct ClickParser {
    pairs: Arc<PairLookup>,
    sites: Arc<Sites>,
    later: Arc<NotYetKnown>,
    width: usize,
    delimiter: u8,
    module: usize,
    presentation: usize,
    student: usize,
    site: usize,
    date: usize,
    clicks: usize,
}

/// Holds the course and student of the row before: the table stands in runs of one student.
#[derive(Default)]
struct Before<'b> {
    module: &'b [u8],
    presentation: &'b [u8],
    course_id: Vec<u8>,
    course: Option<CourseIndex>,
    student: &'b [u8],
    enrolment: Option<EnrolmentIndex>,
}

impl LineParser for ClickParser {
    fn parse(&self, block: &[u8], intake: &mut Intake<'_>) {
        let mut before = Before::default();
        each_line(block, intake, |line, number, intake| self.line(line, number, &mut before, intake));
    }
}

impl ClickParser {
    fn line<'b>(&self, line: &'b [u8], number: u64, before: &mut Before<'b>, intake: &mut Intake<'_>) {
        let mut fields = [&b""[..]; MOST_COLUMNS];
        let count = split(line, self.delimiter, &mut fields);
        if count != self.width {
            let what = || format!("{count} fields where the header has {}", self.width);
            return intake.refuse(Reason::Malformed, number, what);
        }
        self.find(&fields, before);
        let (Some(course), Some(enrolment)) = (before.course, before.enrolment) else {
            return self.refuse_stranger(before, number, intake);
        };
        let seen = |place: usize| shape(fields[place]);
        let Some(day) = whole_number(fields[self.date]) else {
            return intake.refuse(Reason::BadTime, number, || match fields[self.date] {
                b"" => "no date".to_owned(),
                _ => format!("date of shape `{}` is not a day's number", seen(self.date)),
            });
        };
        let Some(count) = whole_number(fields[self.clicks]).and_then(|count| u64::try_from(count).ok()) else {
            let what = || format!("sum_click of shape `{}` is not a whole number from 0 up", seen(self.clicks));
            return intake.refuse(Reason::BadCount, number, what);
        };
        let start = intake.course_start(enrolment);
        let Some(instant) = day.checked_mul(DAY_SECONDS).and_then(|seconds| start.checked_add(seconds)) else {
            return intake.refuse(Reason::ImplausibleTime, number, || format!("day {day} is out of all bounds"));
        };
        let object = intake.object(whole_id(fields[self.site]));
        let kind = self.sites.kind(course, object);
        let used = intake.parsed.tally.used;
        intake.take_row(EventRow { line: number, enrolment, instant, kind, object, count });
        if kind >= UNLISTED_KIND && intake.parsed.tally.used > used {
            intake.note_unknown_kind_of(self.sites.unlisted_name(course, object).as_bytes(), enrolment);
        }
    }

    /// Makes `before` say what this row names.
    fn find<'b>(&self, fields: &[&'b [u8]; MOST_COLUMNS], before: &mut Before<'b>) {
        let (module, presentation) = (fields[self.module], fields[self.presentation]);
        let student = fields[self.student];
        let same_course = before.module == module && before.presentation == presentation;
        if same_course && before.student == student {
            return;
        }
        if !same_course {
            (before.module, before.presentation) = (module, presentation);
            before.course_id.clear();
            before.course_id.extend_from_slice(module);
            before.course_id.push(b'-');
            before.course_id.extend_from_slice(presentation);
            before.course = self.pairs.course(&before.course_id);
        }
        before.student = student;
        before.enrolment = before.course.and_then(|course| self.pairs.enrolment(course, whole_id(student)));
    }

    fn refuse_stranger(&self, before: &Before<'_>, number: u64, intake: &mut Intake<'_>) {
        if [before.student, before.module, before.presentation].iter().any(|id| id.is_empty() || is_missing(id)) {
            intake.refuse(Reason::MissingId, number, || "no id_student, code_module or code_presentation".to_owned());
        } else if before.course.is_none() {
            let id = String::from_utf8_lossy(&before.course_id);
            intake.refuse(Reason::UnknownCourse, number, || {
                format!("a course of shape `{}` that is not in the courses table", shape(id.as_bytes()))
            });
        } else if self.later.has_pair(&before.course_id, whole_id(before.student)) {
            intake.refuse(Reason::AfterAsOf, number, || NOT_YET_KNOWN.to_owned());
        } else {
            let what = || "its student is not in the students table for its course".to_owned();
            intake.refuse(Reason::UnknownEnrolment, number, what);
        }
    }
}

//! Who is forecast at which week, and which of these rows have a known outcome to learn from.

use staycast_evaluation::proxy::{ProxyRule, days_inactive, proxy_label};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, Exclusion, WeekIndex, standing};

/// Holds how every enrolment stands at every cut-off, and its outcome. A cut-off is stored under the week that it ends.
#[derive(Clone, Debug)]
pub(crate) struct Examples {
    last: CutOff,
    exclusion: Vec<Option<Exclusion>>,
    label: Vec<Option<bool>>,
    /// By enrolment: the latest cut-off that is whole, observed and before the label's own window.
    last_cut_off: Vec<Option<CutOff>>,
    /// By enrolment without a known outcome: the label that stands for it in training, and the latest cut-off at which it
    /// may.
    proxy: Vec<Option<(bool, CutOff)>>,
}

impl Examples {
    /// Looks at all enrolments of `data` at the cut-offs up to `last`.
    pub(crate) fn new(data: &Dataset, last: CutOff) -> Self {
        let rows =
            data.enrolment_indices().flat_map(|enrolment| CutOff::up_to(last).map(move |cut_off| (enrolment, cut_off)));
        let rule = data.manifest.labels.rule;
        let last_of_course = |enrolment| data.course_of(enrolment).last_cut_off(rule).map(|found| found.min(last));
        Self {
            last,
            exclusion: rows.map(|(enrolment, cut_off)| standing(data, enrolment, cut_off).exclusion()).collect(),
            label: data.enrolments.iter().map(|row| row.dropout).collect(),
            last_cut_off: data.enrolment_indices().map(last_of_course).collect(),
            proxy: vec![None; data.enrolments.len()],
        }
    }

    /// Lets inactivity stand for dropout in training, where the outcome is not known yet.
    pub(crate) fn with_proxies(mut self, data: &Dataset, rule: ProxyRule) -> Self {
        let proxies = data.enrolment_indices().map(|enrolment| match self.label(enrolment) {
            Some(_) => None,
            None => proxy(data, enrolment, rule),
        });
        self.proxy = proxies.collect();
        self
    }

    /// Returns the last cut-off looked at.
    pub(crate) fn last_cut_off(&self) -> CutOff {
        self.last
    }

    /// Returns the number of weeks looked at.
    pub(crate) fn weeks(&self) -> usize {
        self.last.count()
    }

    /// Lists the weeks looked at.
    pub(crate) fn week_indices(&self) -> impl DoubleEndedIterator<Item = WeekIndex> + Clone + use<> {
        self.last.weeks_seen()
    }

    /// Tells whether the enrolment dropped out, where known.
    #[inline]
    pub(crate) fn label(&self, enrolment: EnrolmentIndex) -> Option<bool> {
        self.label[enrolment.as_usize()]
    }

    /// Returns the label that training takes: the outcome or, where it is not known, its proxy if there is one.
    pub(crate) fn training_label(&self, enrolment: EnrolmentIndex) -> Option<bool> {
        self.label(enrolment).or(self.proxy[enrolment.as_usize()].map(|(label, _)| label))
    }

    /// Tells whether training may take [`Examples::training_label`] at the end of `week`.
    pub(crate) fn is_trainable(&self, enrolment: EnrolmentIndex, week: WeekIndex) -> bool {
        match self.proxy[enrolment.as_usize()] {
            Some((_, last)) => last.sees(week) && self.is_known(enrolment, week),
            None => self.is_learnable(enrolment, week),
        }
    }

    /// Counts the enrolments of `enrolments` that have a proxy in place of a known outcome.
    pub(crate) fn count_proxies(&self, enrolments: &[EnrolmentIndex]) -> usize {
        enrolments.iter().filter(|enrolment| self.proxy[enrolment.as_usize()].is_some()).count()
    }

    /// Returns why the enrolment is not forecast at the end of `week`; `None` where it is.
    #[inline]
    pub(crate) fn exclusion(&self, enrolment: EnrolmentIndex, week: WeekIndex) -> Option<Exclusion> {
        self.exclusion[enrolment.as_usize() * self.weeks() + week.position()]
    }

    /// Tells whether the row at the end of `week` may be learnt from: the enrolment is known by then, its outcome is known
    /// now, and nothing of the outcome had been seen by then.
    pub(crate) fn is_learnable(&self, enrolment: EnrolmentIndex, week: WeekIndex) -> bool {
        let is_before_outcome = || self.last_cut_off[enrolment.as_usize()].is_some_and(|last| last.sees(week));
        self.label(enrolment).is_some() && is_before_outcome() && self.is_known(enrolment, week)
    }

    /// Tells whether the enrolment is known of by the end of `week`, withdrawn or not.
    fn is_known(&self, enrolment: EnrolmentIndex, week: WeekIndex) -> bool {
        matches!(self.exclusion(enrolment, week), None | Some(Exclusion::Withdrawn))
    }

    /// Tells whether the row is one to judge a forecast by: learnable, and not withdrawn already.
    pub(crate) fn is_evaluable(&self, enrolment: EnrolmentIndex, week: WeekIndex) -> bool {
        self.is_learnable(enrolment, week) && self.exclusion(enrolment, week).is_none()
    }
}

/// Returns the label that stands for an unknown outcome, and the latest cut-off at which it may: all as of the end of the
/// last week that was observed whole, since inactivity is known at the ends of weeks.
fn proxy(data: &Dataset, enrolment: EnrolmentIndex, rule: ProxyRule) -> Option<(bool, CutOff)> {
    let (row, course) = (data.enrolment(enrolment), data.course_of(enrolment));
    let observed = course.last_observed()?.min(CutOff::after_weeks(data.weeks)?);
    let weeks = course.week_grid();
    let as_of = f64::from(weeks.end_day(observed));
    let since_last = data.feature("days_since_last").map(|column| data.week(enrolment, observed.last_week())[column]);
    let inactive = days_inactive(
        since_last.filter(|days| !days.is_nan()).map(f64::from),
        as_of,
        row.enrolled_day.map(|day| as_of - day),
    );
    let label = proxy_label(inactive, (f64::from(weeks.days()) - as_of) / 7.0, rule)?;
    let allowed = |cut_off: &CutOff| rule.allows_cutoff(as_of - f64::from(weeks.end_day(*cut_off)));
    CutOff::up_to(observed).rev().find(allowed).map(|last| (label, last))
}

/// Returns the column of the feature that tells in which weeks learners were active; `None` where `data` lacks it.
pub(crate) fn activity_column(data: &Dataset) -> Option<usize> {
    const FEATURE: &str = "days_since_last";
    data.feature(FEATURE).filter(|_| data.manifest.available_features().any(|name| name == FEATURE))
}

/// Tells, by enrolment and week up to `last`, whether the learner was active in the week after that; `None` where that
/// week was not observed, or the course has none. `None` altogether when `data` lacks the days since the last event.
pub(crate) fn active_next_week(
    data: &Dataset,
    enrolments: &[EnrolmentIndex],
    last: CutOff,
) -> Option<Vec<Option<bool>>> {
    let column = activity_column(data)?;
    let active = |enrolment: EnrolmentIndex, cut_off: CutOff| {
        let course = data.course_of(enrolment);
        let observed = course.observed_weeks.min(course.weeks) as usize;
        let next_week = WeekIndex::from_position(cut_off.count());
        let days = f64::from(course.week_grid().week_days(next_week));
        // Null, no event yet, compares false.
        (next_week.position() < observed.min(data.weeks))
            .then(|| f64::from(data.week(enrolment, next_week)[column]) <= days)
    };
    let rows =
        enrolments.iter().flat_map(|&enrolment| CutOff::up_to(last).map(move |cut_off| active(enrolment, cut_off)));
    Some(rows.collect())
}

//! Places of courses and enrolments in a roster. They are counted from 0 in the order of the roster's lists.

/// Numbers a course by its place in [`Roster::courses`](crate::Roster::courses).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CourseIndex(pub u32);

/// Numbers an enrolment by its place in [`Roster::enrolments`](crate::Roster::enrolments).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnrolmentIndex(pub u32);

impl CourseIndex {
    /// Returns the place as an index of a list that has an item for each course.
    #[must_use]
    #[inline]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl EnrolmentIndex {
    /// Returns the place as an index of a list that has an item for each enrolment.
    #[must_use]
    #[inline]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

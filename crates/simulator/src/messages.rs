//! Messages to learners, and what they do: the odds of being active rise for some weeks, most for learners of middle risk.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::MessagesConfig;
use crate::error::SimulateError;

/// Names the file of the true effects, which is written beside the log where there are messages.
pub const EFFECTS_FILE: &str = "message_effects.csv";
/// Holds its header.
pub(crate) const EFFECTS_HEADER: &str =
    "enrollment_id,week,messaged,p_active_without,p_active_with,p_dropout_without,p_dropout_with\n";
/// Names the arm of a randomised experiment whose learners get no message.
const HOLDOUT: &str = "holdout";

/// Lists who gets a message, and after how many weeks of the course.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages {
    /// By enrolment id, as the reader of the format gives it.
    by_enrolment: BTreeMap<String, Message>,
}

/// Says when a message is sent, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message {
    /// Weeks before it: the first week that it changes, 0-based.
    pub(crate) week: usize,
    /// Whether it is sent. Where not, only the truth of what it would do is written.
    pub(crate) is_sent: bool,
}

impl Messages {
    /// Reads a CSV file with the columns `enrolment_id` and `week`, and perhaps `arm`: the arm `holdout` gets no message. The
    /// assignments of an experiment are such a file.
    ///
    /// # Errors
    /// [`SimulateError::Messages`], naming the row and what is wrong.
    pub fn read(path: &Path) -> Result<Self, SimulateError> {
        let wrong = |what: String| SimulateError::Messages { path: path.to_owned(), what };
        let mut reader = csv::Reader::from_path(path).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => wrong(format!("cannot be read: {error}")),
            _ => wrong("is no CSV".to_owned()),
        })?;
        let header = reader.headers().map_err(|_| wrong("is no CSV".to_owned()))?.clone();
        let find = |name: &str| header.iter().position(|column| column == name);
        let due = |name: &str| find(name).ok_or_else(|| wrong(format!("has no column `{name}`")));
        let (enrolment, week, arm) = (due("enrolment_id")?, due("week")?, find("arm"));
        let mut by_enrolment = BTreeMap::new();
        for (number, record) in (1..).zip(reader.records()) {
            let record = record.map_err(|_| wrong(format!("row {number} is no row of such a table")))?;
            let week = record[week].parse().ok().filter(|week| *week > 0);
            let week = week.ok_or_else(|| wrong(format!("row {number}: `week` is no number of weeks from 1")))?;
            let is_sent = arm.is_none_or(|arm| &record[arm] != HOLDOUT);
            if by_enrolment.insert(record[enrolment].to_owned(), Message { week, is_sent }).is_some() {
                return Err(wrong(format!("row {number}: its enrolment is there twice")));
            }
        }
        Ok(Self { by_enrolment })
    }

    /// Counts the rows.
    pub(crate) fn len(&self) -> u64 {
        self.by_enrolment.len() as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_enrolment.is_empty()
    }

    /// Returns what there is for an enrolment.
    pub(crate) fn of(&self, id: &[u8]) -> Option<Message> {
        self.by_enrolment.get(std::str::from_utf8(id).ok()?).copied()
    }
}

/// Raises the odds of being active in some steps of an enrolment's chain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Boost {
    /// Steps into the weeks that change.
    pub(crate) steps: std::ops::Range<usize>,
    /// Factor on the odds.
    pub(crate) odds_ratio: f64,
}

impl Boost {
    /// Makes the boost of a message before `week` to a learner whose probability of dropout is `p_dropout` then.
    pub(crate) fn new(config: &MessagesConfig, week: usize, p_dropout: f64) -> Self {
        let [from, below] = config.band;
        let share = if (from..below).contains(&p_dropout) { 1.0 } else { config.outside };
        // The step before a week leads into it.
        let first = week.saturating_sub(1);
        Self { steps: first..first + config.weeks as usize, odds_ratio: (config.odds_ratio.ln() * share).exp() }
    }

    /// Returns the probability of being active that `p` becomes.
    pub(crate) fn raised(&self, p: f64) -> f64 {
        let odds = self.odds_ratio * p;
        odds / (odds + 1.0 - p)
    }
}

/// Holds what a message does to an enrolment, sent or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MessageTruth {
    /// Weeks before the message.
    pub(crate) week: usize,
    pub(crate) is_sent: bool,
    /// Probability of an event in the week after, without the message and with it.
    pub(crate) p_active: [f64; 2],
    /// Probability of dropout, without and with.
    pub(crate) p_dropout: [f64; 2],
}

impl MessageTruth {
    /// Appends the row of the enrolment `id`.
    pub(crate) fn push(&self, out: &mut Vec<u8>, id: &[u8]) {
        out.extend_from_slice(id);
        let Self { week, is_sent, p_active, p_dropout } = self;
        let row = format!(
            ",{week},{},{:.6},{:.6},{:.6},{:.6}\n",
            u8::from(*is_sent),
            p_active[0],
            p_active[1],
            p_dropout[0],
            p_dropout[1]
        );
        out.extend_from_slice(row.as_bytes());
    }
}

/// Sums what messages do.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct MessageCounts {
    /// Enrolments with a truth.
    pub(crate) rows: u64,
    /// Messages sent.
    pub(crate) sent: u64,
    /// Sums over all rows of what a message adds to the probability of being active, and of dropping out.
    pub(crate) active_added: f64,
    pub(crate) dropout_added: f64,
}

impl MessageCounts {
    pub(crate) fn add(&mut self, truth: &MessageTruth) {
        self.rows += 1;
        self.sent += u64::from(truth.is_sent);
        self.active_added += truth.p_active[1] - truth.p_active[0];
        self.dropout_added += truth.p_dropout[1] - truth.p_dropout[0];
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sent += other.sent;
        self.active_added += other.active_added;
        self.dropout_added += other.dropout_added;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Messages, String> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("writable");
        Messages::read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn messages_are_read_from_assignments_and_from_plain_lists() {
        let assigned = read("course_id,enrolment_id,week,arm\nc,1,4,message\nc,2,4,holdout\n").expect("messages");
        assert_eq!(assigned.of(b"1"), Some(Message { week: 4, is_sent: true }));
        assert_eq!(assigned.of(b"2"), Some(Message { week: 4, is_sent: false }));
        assert_eq!(assigned.of(b"3"), None);
        assert_eq!(read("enrolment_id,week\n1,2\n").expect("messages").len(), 1);
    }

    #[test]
    fn what_is_wrong_with_messages_is_named_and_nobody_with_it() {
        for (text, part) in [
            ("enrolment,week\nsecret,1\n", "no column `enrolment_id`"),
            ("enrolment_id,week\nsecret,0\n", "row 1: `week`"),
            ("enrolment_id,week\nsecret,soon\n", "row 1: `week`"),
            ("enrolment_id,week\nsecret,1\nsecret,2\n", "row 2: its enrolment is there twice"),
            ("enrolment_id,week\nsecret,1,3\n", "row 1 is no row"),
        ] {
            let error = read(text).expect_err(part);
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn those_of_middle_risk_gain_most() {
        let config = crate::SimulatorConfig::default().messages;
        let ratio = |p_dropout| Boost::new(&config, 4, p_dropout).odds_ratio;
        assert!((ratio(0.5) - 1.8).abs() < 1e-12 && (ratio(0.9) - 1.8_f64.powf(0.3)).abs() < 1e-12);
        assert_eq!(Boost::new(&config, 4, 0.5).steps, 3..4, "the step into week 4");
        assert!((Boost { steps: 0..1, odds_ratio: 2.0 }.raised(0.5) - 2.0 / 3.0).abs() < 1e-12);
    }
}

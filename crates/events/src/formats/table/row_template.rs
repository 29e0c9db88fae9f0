//! How a row of the log is made out of the columns of its file: which rows count, what several columns are together,
//! what the file's name tells.

use super::mapped_row::{EventMeasures, Field, Fields, MOST_EVENTS, MappedRow, ROLES, Role, RowSink};
use super::pattern;
use crate::cells::{is_missing, whole_id};
use crate::intake::Intake;
use crate::tally::Reason;

/// Names a column of the log that the mapping names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Column {
    /// Its name.
    pub(in crate::formats) name: String,
    /// Whether files may lack it; its row are then empty.
    pub(in crate::formats) may_lack: bool,
}

impl Column {
    /// Returns the column that the mapping writes as `written`: a name, or a name and `?` for a column that may be
    /// missing.
    pub(in crate::formats) fn parse(written: &str) -> Self {
        match written.strip_suffix('?') {
            Some(name) => Self { name: name.to_owned(), may_lack: true },
            None => Self { name: written.to_owned(), may_lack: false },
        }
    }
}

/// Says where the text of a role stands: in one or several columns, and what stands before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::formats) struct Part {
    /// A text that comes first.
    pub(in crate::formats) prefix: Option<String>,
    /// Places in [`RowTemplate::columns`].
    pub(in crate::formats) columns: Vec<usize>,
    /// Signs at the first of which each column's text is cut off.
    pub(in crate::formats) until: Vec<u8>,
    /// Whether `5.0` is `5` in its columns.
    pub(in crate::formats) numbers: bool,
}

/// Numbers the columns of [`EventMeasures`] by their places in [`RowTemplate::columns`].
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::formats) struct MeasureColumns {
    pub(in crate::formats) count: Option<usize>,
    pub(in crate::formats) seconds: Option<usize>,
}

/// Selects rows by a column's words: to be kept, or to be set aside.
#[derive(Clone, Debug)]
pub(in crate::formats) struct Filter {
    /// Place in [`RowTemplate::columns`].
    pub(in crate::formats) column: usize,
    /// Name of the column.
    pub(in crate::formats) name: String,
    /// Words, or patterns with `*` and `?`.
    pub(in crate::formats) words: Vec<String>,
    /// Whether rows with one of the words are those that count.
    pub(in crate::formats) keeps: bool,
}

impl Filter {
    /// Tells whether a row with `text` in the column counts. A word for a missing value, such as `NA`, is an empty text,
    /// unless it is one of the filter's own words; `5.0` is `5`.
    pub(in crate::formats) fn passes(&self, text: &[u8]) -> bool {
        let given = if is_missing(text) { b"" } else { text };
        let whole = whole_id(given);
        let any = self.words.iter().any(|word| match pattern::is_pattern(word) {
            true => pattern::fits(word.as_bytes(), given),
            false => [text, given, whole].contains(&word.as_bytes()),
        });
        any == self.keeps
    }

    /// Tells why a row does not count.
    pub(in crate::formats) fn what(&self) -> String {
        let list = if self.keeps { "only" } else { "except" };
        format!("its `{}` is set aside by the mapping's `{list}`", self.name)
    }
}

/// Says how rows are made of columns.
#[derive(Clone, Debug, Default)]
pub(in crate::formats) struct RowTemplate {
    /// The columns that the mapping names, each once.
    pub(in crate::formats) columns: Vec<Column>,
    /// Columns of a role, by role.
    pub(in crate::formats) parts: [Option<Part>; ROLES],
    /// Columns of the times of a row's events.
    pub(in crate::formats) times: Vec<Part>,
    /// Columns of what more a row says of its events; empty where there are none.
    pub(in crate::formats) measures: Vec<MeasureColumns>,
    pub(in crate::formats) filters: Vec<Filter>,
    /// Words that stand for nothing.
    pub(in crate::formats) null: Vec<String>,
}

impl RowTemplate {
    /// Returns the place of the column that the mapping writes as `written`, which is added if need be.
    pub(in crate::formats) fn place(&mut self, written: &str) -> usize {
        let column = Column::parse(written);
        match self.columns.iter().position(|known| known.name == column.name) {
            Some(place) => {
                self.columns[place].may_lack &= column.may_lack;
                place
            }
            None => {
                self.columns.push(column);
                self.columns.len() - 1
            }
        }
    }

    /// Returns the column that holds the times of event `number` and nothing else; `None` where several do together.
    pub(in crate::formats) fn time_column(&self, number: usize) -> Option<usize> {
        match self.times[number].columns.as_slice() {
            [column] => Some(*column),
            _ => None,
        }
    }

    /// Tells whether every file has a column of a role.
    pub(in crate::formats) fn requires(&self, role: Role) -> bool {
        let part = self.parts[role as usize].as_ref();
        part.is_some_and(|part| part.columns.iter().any(|&column| !self.columns[column].may_lack))
    }

    /// Tells whether the mapping fills a role.
    pub(in crate::formats) fn has(&self, role: Role) -> bool {
        self.parts[role as usize].is_some()
    }

    fn measures_of<'a>(&self, fields: &Fields<'a>) -> [EventMeasures<'a>; MOST_EVENTS] {
        let mut measures = [EventMeasures::default(); MOST_EVENTS];
        let text = |column: usize| self.given(fields[column]).text();
        for (measure, columns) in measures.iter_mut().zip(&self.measures) {
            *measure = EventMeasures { count: columns.count.map(text), seconds: columns.seconds.map(text) };
        }
        measures
    }

    fn given<'a>(&self, field: Field<'a>) -> Field<'a> {
        match field {
            Field::Text(text) if is_missing(text) || self.is_null(text) => Field::EMPTY,
            field => field,
        }
    }

    fn is_null(&self, text: &[u8]) -> bool {
        self.null.iter().any(|word| [text, whole_id(text)].contains(&word.as_bytes()))
    }
}

impl Part {
    /// Returns the part of one column and nothing else.
    pub(in crate::formats) fn column(place: usize) -> Self {
        Self { columns: vec![place], ..Self::default() }
    }

    fn cut<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let text = if self.numbers { whole_id(text) } else { text };
        match text.iter().position(|byte| self.until.contains(byte)) {
            Some(end) => &text[..end],
            None => text,
        }
    }

    /// Returns its text in a row; `scratch` holds it where it is made of several. Empty columns leave nothing, not even
    /// a blank.
    fn text<'a>(&self, template: &RowTemplate, fields: &Fields<'a>, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if let (None, [column]) = (&self.prefix, self.columns.as_slice()) {
            return self.cut(template.given(fields[*column]).text());
        }
        scratch.clear();
        scratch.extend_from_slice(self.prefix.as_deref().unwrap_or_default().as_bytes());
        for &column in &self.columns {
            let text = self.cut(template.given(fields[column]).text());
            if !text.is_empty() {
                if !scratch.is_empty() {
                    scratch.push(b' ');
                }
                scratch.extend_from_slice(text);
            }
        }
        scratch
    }
}

/// Makes rows out of fields and hands them to `sink`; counts those that the mapping sets aside.
pub(in crate::formats) struct RowMaker<S> {
    pub(in crate::formats) template: RowTemplate,
    /// What the file's name tells, and its role.
    pub(in crate::formats) from_name: Option<(Role, Vec<u8>)>,
    pub(in crate::formats) sink: S,
}

/// Holds the state kept while one block is read.
pub(in crate::formats) struct RowMakerBlock<B> {
    inner: B,
    scratch: [Vec<u8>; ROLES],
    time_scratch: [Vec<u8>; MOST_EVENTS],
}

impl<S: RowSink> RowMaker<S> {
    pub(in crate::formats) fn begin(&self) -> RowMakerBlock<S::Block> {
        RowMakerBlock { inner: self.sink.begin(), scratch: Default::default(), time_scratch: Default::default() }
    }

    pub(in crate::formats) fn take(
        &self,
        block: &mut RowMakerBlock<S::Block>,
        fields: &Fields<'_>,
        line: u64,
        intake: &mut Intake<'_>,
    ) {
        for filter in &self.template.filters {
            let text = fields[filter.column].text();
            if !filter.passes(if self.template.is_null(text) { b"" } else { text }) {
                return intake.refuse(Reason::FilteredOut, line, || filter.what());
            }
        }
        let measures;
        let measures = match self.template.measures.is_empty() {
            true => &[][..],
            false => {
                measures = self.template.measures_of(fields);
                &measures[..]
            }
        };
        let mut row = MappedRow { text: [b""; ROLES], times: [Field::EMPTY; MOST_EVENTS], measures };
        for ((text, part), scratch) in row.text.iter_mut().zip(&self.template.parts).zip(&mut block.scratch) {
            if let Some(part) = part {
                *text = part.text(&self.template, fields, scratch);
            }
        }
        for role in [Role::Enrolment, Role::Learner, Role::Course, Role::EventId] {
            let id = &mut row.text[role as usize];
            *id = whole_id(id);
        }
        if let Some((role, text)) = &self.from_name {
            row.text[*role as usize] = text;
        }
        for ((time, part), scratch) in row.times.iter_mut().zip(&self.template.times).zip(&mut block.time_scratch) {
            *time = match part.columns.as_slice() {
                [column] => self.template.given(fields[*column]),
                _ => Field::Text(part.text(&self.template, fields, scratch)),
            };
        }
        self.sink.take(&mut block.inner, &row, line, intake);
    }

    pub(in crate::formats) fn end(&self, block: RowMakerBlock<S::Block>, number: usize) {
        self.sink.end(block.inner, number);
    }
}

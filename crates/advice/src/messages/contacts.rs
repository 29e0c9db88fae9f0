//! How learners are reached, and whether they want to be.

use std::collections::BTreeMap;
use std::path::Path;

use super::csv_table::CsvTable;
use super::error::MessageError;
use super::one_line;
use super::row_counts::RowCounts;
use crate::policy::file::is_language;
use crate::policy::is_address;

/// Holds how one learner is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    /// Empty where there is none.
    pub(super) name: String,
    pub(super) language: Option<String>,
    pub(super) opted_out: bool,
    pub(super) opted_in: bool,
}

/// Holds what is known of an enrolment's contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Nothing,
    /// The row can't be used, so nobody is written to.
    Unclear,
    Contact(&'a Contact),
}

/// Holds the contacts of learners, by enrolment, and by course where the file has it.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    /// `None` for a row that can't be used.
    by_enrolment: BTreeMap<(Option<String>, String), Option<Contact>>,
    counts: RowCounts,
}

const LONGEST_NAME: usize = 100;

impl Contacts {
    /// Reads a CSV file with the columns `enrolment_id` and `email`, and perhaps `course_id`, `name`, `language`, `phone`,
    /// `opt_out` and `opt_in`. A row that can't be used is counted, and its learner gets no message.
    ///
    /// # Errors
    /// When the file can't be read, or lacks a column.
    pub fn read(path: &Path) -> Result<Self, MessageError> {
        let mut table = CsvTable::open(
            path,
            "contacts have enrolment_id and email, and may have course_id, name, language, phone, opt_out and opt_in",
        )?;
        let (enrolment, email) = (table.require("enrolment_id")?, table.require("email")?);
        let others = ["course_id", "name", "language", "phone", "opt_out", "opt_in"].map(|name| table.find(name));
        let mut contacts = Self::default();
        for record in table.rows() {
            let cell = |column: Option<usize>| {
                let text = column.zip(record.as_ref()).and_then(|(column, record)| record.get(column));
                text.map(str::trim).filter(|text| !text.is_empty())
            };
            let [course, name, language, phone, opt_out, opt_in] = others.map(cell);
            contacts.counts.rows += 1;
            let Some(enrolment) = cell(Some(enrolment)) else {
                contacts.counts.reject(if record.is_some() { "no_enrolment_id" } else { "bad_row" });
                continue;
            };
            let contact = contact(cell(Some(email)), name, language, phone, opt_out, opt_in);
            let key = (course.map(str::to_owned), enrolment.to_owned());
            // Of two rows nobody knows which one holds.
            let contact = if contacts.by_enrolment.contains_key(&key) { Err("there_twice") } else { contact };
            let contact = contact.map_err(|reason| contacts.counts.reject(reason)).ok();
            contacts.by_enrolment.insert(key, contact);
        }
        Ok(contacts)
    }

    /// Returns what became of the rows.
    #[must_use]
    pub const fn counts(&self) -> &RowCounts {
        &self.counts
    }

    /// Finds the contact of an enrolment.
    pub(super) fn of(&self, course: &str, enrolment: &str) -> Found<'_> {
        let at = |course: Option<&str>| self.by_enrolment.get(&(course.map(str::to_owned), enrolment.to_owned()));
        match at(Some(course)).or_else(|| at(None)) {
            None => Found::Nothing,
            Some(None) => Found::Unclear,
            Some(Some(contact)) => Found::Contact(contact),
        }
    }
}

/// Reads the cells of a row; `None` are empty ones.
fn contact(
    email: Option<&str>,
    name: Option<&str>,
    language: Option<&str>,
    phone: Option<&str>,
    opt_out: Option<&str>,
    opt_in: Option<&str>,
) -> Result<Contact, &'static str> {
    if email.is_some_and(|email| !is_address(email)) {
        return Err("bad_email");
    }
    if phone.is_some_and(|phone| !is_phone(phone)) {
        return Err("bad_phone");
    }
    if language.is_some_and(|language| !is_language(language)) {
        return Err("bad_language");
    }
    let name = name.unwrap_or_default();
    // A name with a line break or a hidden letter is no name.
    if one_line(name, LONGEST_NAME) != name.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ") {
        return Err("bad_name");
    }
    Ok(Contact {
        email: email.map(str::to_owned),
        phone: phone.map(str::to_owned),
        name: one_line(name, LONGEST_NAME),
        language: language.map(str::to_owned),
        opted_out: yes_or_no(opt_out).ok_or("bad_opt_out")?,
        opted_in: yes_or_no(opt_in).ok_or("bad_opt_in")?,
    })
}

/// Reads yes or no; an empty cell is no.
fn yes_or_no(cell: Option<&str>) -> Option<bool> {
    match cell.unwrap_or("no").to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "x" | "ja" | "oui" => Some(true),
        "no" | "n" | "false" | "0" | "nein" | "non" => Some(false),
        _ => None,
    }
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (4..=20).contains(&digits) && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-/(). ".contains(&byte))
}

impl Contact {
    /// Returns the first name: the first word, or the one after a comma.
    pub(super) fn first_name(&self) -> Option<String> {
        let given = self.name.split_once(',').map_or(self.name.as_str(), |(_, given)| given);
        given.split_whitespace().next().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Contacts {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("people.csv");
        std::fs::write(&path, text).expect("writable");
        Contacts::read(&path).expect("contacts")
    }

    #[test]
    fn contacts_are_found_by_enrolment_and_course() {
        let contacts = read(
            "\u{feff}enrolment_id,email,name,course_id,opt_out\n1,a@x.org,Anna Lind,,\n2,b@x.org,\"Lind, Bo Eli\",c1,no\n\
             2,c@x.org,,c2,yes\n3,,,,\n",
        );
        let of = |course: &str, enrolment: &str| match contacts.of(course, enrolment) {
            Found::Contact(contact) => (contact.email.clone(), contact.first_name(), contact.opted_out),
            other => panic!("{other:?}"),
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(of("c1", "1"), (text("a@x.org"), text("Anna"), false));
        assert_eq!(of("c1", "2"), (text("b@x.org"), text("Bo"), false));
        assert_eq!(of("c2", "2"), (text("c@x.org"), None, true));
        assert_eq!(of("c2", "3"), (None, None, false));
        assert_eq!(contacts.of("c3", "2"), Found::Nothing);
        assert_eq!(contacts.counts().rejected_rows(), 0);
    }

    #[test]
    fn rows_that_cannot_be_used_are_counted_and_reach_nobody() {
        let contacts = read(
            "enrolment_id,email,name,language,phone,opt_out,opt_in\n\
             1,a@x.org\\r\\nBcc: b@x.org,,,,,\n2,a@x.org,\"An\nna\",,,,\n3,a@x.org,,,,maybe,\n4,a@x.org,,,12,,\n\
             5,a@x.org,,../en,,,\n6,a@x.org,,,,,\n6,a@x.org,,,,,\n,a@x.org,,,,,\n7,a@x.org\n8,a@x.org,,en,+49 30 1234,,ja\n\
             9,a@x.org,A\u{202e}nna,,,,\n10,a@x.org,,,,,often\n",
        );
        let expected = [
            ("bad_email", 1),
            ("bad_language", 1),
            ("bad_name", 2),
            ("bad_opt_in", 1),
            ("bad_opt_out", 1),
            ("bad_phone", 1),
            ("bad_row", 1),
            ("no_enrolment_id", 1),
            ("there_twice", 1),
        ];
        assert_eq!(contacts.counts().rejected, expected.into_iter().collect());
        assert_eq!((contacts.counts().rows, contacts.counts().first_rejected), (12, Some(1)));
        for unclear in ["1", "2", "3", "4", "5", "6", "9", "10"] {
            assert_eq!(contacts.of("c", unclear), Found::Unclear, "{unclear}");
        }
        assert!(matches!(contacts.of("c", "8"), Found::Contact(contact) if contact.opted_in));
    }
}

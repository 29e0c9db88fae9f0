//! Files whose fields are separated by another sign than a comma.

use csv::{ReaderBuilder, WriterBuilder};
use staycast_events::formats::{self, OpenOptions};

use crate::common::{Folder, enrolments, events, in_words, outcome, read};
use crate::table::{error, options_of};

/// Separators that spreadsheets and databases write in place of commas.
const OTHERS: [u8; 3] = [b';', b'\t', b'|'];

/// Writes every CSV of the folder with another separator.
fn separate_by(folder: &Folder, sign: u8) {
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".csv") {
            continue;
        }
        let text = folder.bytes(&name);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
        let mut writer = WriterBuilder::new().delimiter(sign).flexible(true).from_writer(Vec::new());
        for record in reader.byte_records() {
            writer.write_byte_record(&record.unwrap()).unwrap();
        }
        folder.write(&name, &writer.into_inner().unwrap());
    }
}

/// Reads the format's sound folder with each separator: the same comes out.
fn check(format: &str, options: impl Fn(&Folder) -> OpenOptions) {
    let sound = Folder::copy_of(&format!("{format}/base"));
    let expected = formats::open(&[sound.path().to_owned()], &options(&sound)).unwrap();
    let tally = in_words(&read(&expected).unwrap().tally);
    for sign in OTHERS {
        let folder = Folder::copy_of(&format!("{format}/base"));
        separate_by(&folder, sign);
        let source = formats::open(&[folder.path().to_owned()], &options(&folder)).unwrap();
        assert_eq!(enrolments(&source), enrolments(&expected), "{format} {sign}");
        assert_eq!(events(&source), events(&expected), "{format} {sign}");
        assert_eq!(in_words(&read(&source).unwrap().tally), tally, "{format} {sign}");
    }
}

fn of_format(format: &'static str) -> impl Fn(&Folder) -> OpenOptions {
    move |_| OpenOptions { format: Some(format.parse().unwrap()), ..OpenOptions::default() }
}

#[test]
fn a_mapped_table_with_semicolons_tabs_or_bars_is_read() {
    check("table", |folder| options_of(folder.path()));
}

#[test]
fn futurelearn_with_semicolons_tabs_or_bars_is_read() {
    check("futurelearn", of_format("futurelearn"));
}

#[test]
fn xuetangx2019_with_semicolons_tabs_or_bars_is_read() {
    check("xuetangx2019", of_format("xuetangx2019"));
}

#[test]
fn moodle_with_semicolons_tabs_or_bars_is_read() {
    check("moodle", of_format("moodle"));
}

#[test]
fn oulad_with_semicolons_tabs_or_bars_is_read() {
    check("oulad", of_format("oulad"));
}

#[test]
fn kdd2015_with_semicolons_tabs_or_bars_is_read() {
    check("kdd2015", of_format("kdd2015"));
}

#[test]
fn the_separator_that_was_told_from_the_file_is_said() {
    let folder = Folder::copy_of("table/base");
    separate_by(&folder, b';');
    let source = formats::open(&[folder.path().to_owned()], &options_of(folder.path())).unwrap();
    assert_eq!(source.reason, "described by mapping.toml; fields of the log are separated by `;`");
}

#[test]
fn a_separator_that_the_mapping_names_wrongly_is_named_as_it_is() {
    let folder = Folder::of(&[("log.csv", b"user;at\nann;2014-01-01\n")]);
    let mapping = "single_course = \"C\"\n[log]\nfiles = \"log.csv\"\ndelimiter = \",\"\n\
         columns = { learner = \"user\", time = \"at\" }\n";
    assert_eq!(
        error(&folder, mapping),
        "log.csv: no column `user` in the log table; its header has: user, at; its fields seem to be separated by `;`"
    );
}

#[test]
fn a_log_without_a_header_is_separated_by_what_gives_the_columns() {
    let folder = Folder::of(&[("log.csv", b"ann|2014-01-01 08:00|page 1, 2\nbob|2014-01-02 08:00|page\n")]);
    folder.write(
        "mapping.toml",
        b"single_course = \"C\"\n[log]\nfiles = \"log.csv\"\nheader = false\n\
          columns = { learner = \"0\", time = \"1\", object = \"2\" }\n",
    );
    assert_eq!(outcome(folder.path(), &options_of(folder.path())), "2 of 2 used");
}

#[test]
fn commas_in_names_of_columns_do_not_make_a_comma_the_separator() {
    let folder = Folder::of(&[("log.csv", b"user;time (hh:mm, local);kind\nann;2014-01-01 08:00;page, video\n")]);
    folder.write(
        "mapping.toml",
        b"single_course = \"C\"\n[log]\nfiles = \"log.csv\"\n\
          columns = { learner = \"user\", time = \"time (hh:mm, local)\", activity = \"kind\" }\n",
    );
    assert_eq!(outcome(folder.path(), &options_of(folder.path())), "1 of 1 used");
}

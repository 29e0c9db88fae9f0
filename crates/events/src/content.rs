//! Tells from the first bytes of a file whether it is text, or something that has to be turned into text first.

use memchr::memchr;

/// Describes a file whose contents are no text in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotText {
    /// Completes a sentence that begins with the file's name: "is a spreadsheet".
    pub(crate) what: &'static str,
    /// Advice: how to make it text.
    pub(crate) what_to_do: &'static str,
}

impl NotText {
    const fn new(what: &'static str, what_to_do: &'static str) -> Self {
        Self { what, what_to_do }
    }
}

/// Bounds from below the run of zero bytes that is taken for a hole in a text. Truncating a log while it is written leaves
/// such holes.
const HOLE_BYTES: usize = 8;

/// Bounds from below the share of zero bytes, in percent, at every second place of a text that is taken for UTF-16.
const UTF_16_PERCENT: usize = 40;

const UNPACK: &str = "unpack it";
const SAVE_AS_CSV: &str = "save each sheet as CSV in UTF-8";
const CONVERT: &str = "convert it to UTF-8, for instance with iconv";

/// Lists signatures at the start of a file.
const SIGNATURES: [(&[u8], NotText); 17] = [
    (b"PAR1", NotText::new("is Parquet", "describe it in a mapping, or save it as CSV")),
    (b"\x1f\x8b", NotText::new("is packed twice", "unpack it once")),
    (b"\x28\xb5\x2f\xfd", NotText::new("is packed twice", "unpack it once")),
    (b"SQLite format 3\0", NotText::new("is an SQLite database", "export its tables as CSV")),
    (b"%PDF-", NotText::new("is a PDF document", "get the data as CSV or JSON")),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        NotText::new("is a spreadsheet (.xls) or another document of Microsoft Office", SAVE_AS_CSV),
    ),
    (b"BZh", NotText::new("is packed by bzip2", UNPACK)),
    (b"\xfd7zXZ\0", NotText::new("is packed by xz", UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", NotText::new("is a 7-Zip archive", UNPACK)),
    (b"Rar!\x1a\x07", NotText::new("is a RAR archive", UNPACK)),
    (b"\x04\x22\x4d\x18", NotText::new("is packed by lz4", UNPACK)),
    (b"\x1f\x9d", NotText::new("is packed by compress", UNPACK)),
    (b"Obj\x01", NotText::new("is Avro", "save it as CSV, JSON lines or Parquet")),
    (b"ORC", NotText::new("is ORC", "save it as CSV, JSON lines or Parquet")),
    (b"ARROW1", NotText::new("is Arrow or Feather", "save it as CSV, JSON lines or Parquet")),
    (b"RDX3\n", NotText::new("is a file of R", "save its tables as CSV")),
    (b"X\n\0\0", NotText::new("is a file of R", "save its tables as CSV")),
];

/// Describes JSON in the place of a CSV.
pub(crate) const JSON_FOR_CSV: NotText = NotText::new(
    "is JSON where a table in CSV is expected",
    "save it as CSV, or describe it in a mapping as JSON lines",
);

/// Describes an array of JSON in the place of JSON lines.
pub(crate) const JSON_ARRAY: NotText = NotText::new(
    "is a JSON array where JSON lines are expected",
    "write one object a line: jq -c '.[]' FILE > NEW_FILE",
);

/// Tells whether a text begins as JSON does: with an object, or an array of objects, arrays or strings.
pub(crate) fn is_json(text: &[u8]) -> bool {
    let begins = |text: &[u8]| match text {
        [b'{', rest @ ..] => rest.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'"' | b'}')),
        _ => false,
    };
    match text.trim_ascii_start() {
        [b'[', rest @ ..] => {
            let rest = rest.trim_ascii_start();
            begins(rest) || rest.first().is_some_and(|byte| matches!(byte, b'[' | b'"'))
        }
        text => begins(text),
    }
}

/// Returns the length of a first line that only names the sign between the cells, `sep=;`, as some spreadsheets write it, and
/// the sign.
pub(crate) fn separator_line(text: &[u8]) -> Option<(usize, u8)> {
    let end = memchr(b'\n', text)?;
    let line = text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', sign] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some((end + 1, *sign)),
        _ => None,
    }
}

/// Tells why `head`, the first unpacked bytes of a file of this name, can't be those of a text in UTF-8, if so.
#[must_use]
pub(crate) fn not_text(head: &[u8], name: &str) -> Option<NotText> {
    let text = &head[hole_bytes(head)..];
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Some(NotText::new("is UTF-16", CONVERT));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip(head, &name.to_lowercase()));
    }
    if let Some((_, found)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        // `ORC` and `BZh` may begin a text, which has no zero bytes.
        let letters = found.what == "is ORC" || found.what == "is packed by bzip2";
        if !letters || std::str::from_utf8(&head[..head.len().min(64)]).is_err() || memchr(0, head).is_some() {
            return Some(*found);
        }
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(NotText::new("is a tar archive", UNPACK));
    }
    let start = text.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(text).trim_ascii_start();
    let begins = |word: &[u8]| start.get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word));
    if begins(b"<!doctype html") || begins(b"<html") {
        let what = "is a web page, perhaps that of a login";
        return Some(NotText::new(what, "download the log itself"));
    }
    if begins(b"<?xml") {
        return Some(NotText::new("is XML", "save it as CSV or JSON lines"));
    }
    if is_utf_16(text) {
        return Some(NotText::new("is UTF-16 without a byte-order mark", CONVERT));
    }
    if is_mac_text(start) {
        return Some(NotText::new(
            "has the line ends of old Macs (CR)",
            "convert it: tr '\\r' '\\n' < FILE > NEW_FILE",
        ));
    }
    if !zero_runs(text).any(|run| run < HOLE_BYTES) {
        return None;
    }
    is_binary(text).then_some(NotText::new("holds zero bytes", "save it as text in UTF-8"))
}

/// Describes a header that holds zero bytes.
pub(crate) const ZEROS_IN_HEADER: NotText =
    NotText::new("holds zero bytes in its first line", "take them out: tr -d '\\000' < FILE > NEW_FILE");

/// Tells whether more than half of the lines hold zero bytes or other signs that no text holds, or the first line both. Of a
/// text a few lines may be damaged, whose rows are rejected.
fn is_binary(text: &[u8]) -> bool {
    let is_odd = |byte: &u8| matches!(byte, 1..=8 | 14..=26 | 28..=31);
    let lines = || text.split(|&byte| byte == b'\n').filter(|line| zero_bytes(line) < line.len());
    let first = lines().next().unwrap_or_default();
    if has_zeros(first) && first.iter().any(is_odd) {
        return true;
    }
    let in_line = |line: &[u8]| has_zeros(line) || line.iter().any(is_odd);
    let odd = lines().filter(|line| in_line(&line[zero_bytes(line)..])).count();
    2 * odd > lines().count()
}

/// Tells whether lines end as they did on old Macs. JSON may go on over such line ends.
fn is_mac_text(text: &[u8]) -> bool {
    memchr(b'\r', text).is_some_and(|first| first + 1 < text.len())
        && memchr(b'\n', text).is_none()
        && !text.starts_with(b"{")
        && !text.starts_with(b"[")
}

/// Returns the length of the hole at the start of a text; a few zero bytes are none.
pub(crate) fn hole_bytes(text: &[u8]) -> usize {
    Some(zero_bytes(text)).filter(|&run| run >= HOLE_BYTES).unwrap_or(0)
}

/// Describes a row with zero bytes in it.
pub(crate) const ZEROS_IN_ROW: &str = "zero bytes in the row";

/// Describes a row that is not text.
pub(crate) const NOT_UTF8: &str = "bytes that are not UTF-8";

/// Tells whether there are zero bytes in a row. Text has none, so what stands around them is not what was written.
pub(crate) fn has_zeros(row: &[u8]) -> bool {
    memchr(0, row).is_some()
}

/// Returns the number of zero bytes at the start.
pub(crate) fn zero_bytes(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len())
}

fn zip(head: &[u8], name: &str) -> NotText {
    let holds = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let office = [".xlsx", ".xlsm", ".ods"].iter().any(|ending| name.ends_with(ending));
    match office || holds(b"xl/") || holds(b"opendocument.spreadsheet") {
        true => NotText::new("is a spreadsheet", SAVE_AS_CSV),
        false => NotText::new("is a zip archive", UNPACK),
    }
}

/// Tells whether at every second place nearly nothing but zero bytes stand, and at the others nearly none.
fn is_utf_16(text: &[u8]) -> bool {
    let zeros = |odd: usize| text.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
    let (half, counts) = (text.len() / 2, [zeros(0), zeros(1)]);
    let (most, least) = (counts[0].max(counts[1]), counts[0].min(counts[1]));
    half > 0 && most * 100 >= half * UTF_16_PERCENT && least * 20 <= most
}

/// Returns the lengths of the runs of zero bytes.
fn zero_runs(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = &rest[memchr(0, rest)?..];
        let (run, after) = rest.split_at(zero_bytes(rest));
        rest = after;
        Some(run.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(head: &[u8], name: &str) -> Option<&'static str> {
        not_text(head, name).map(|found| found.what)
    }

    fn utf_16(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let mark = mark.then_some('\u{feff}');
        let units: Vec<u16> = mark.into_iter().chain(text.chars()).collect::<String>().encode_utf16().collect();
        units.iter().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn text_is_text() {
        // A stray zero byte in one of several lines, as disks and transfers leave it.
        assert_eq!(what(b"user,time\nann,2023-\x0009-04\nbob,2023-09-04\n", "log.csv"), None);
        assert_eq!(what(b"us\0er,time\nann,2023\nbob,2024\n", "log.csv"), None);
        assert_eq!(what(b"user,time\r\n", "log.csv"), None);
        assert_eq!(what(b"{\"a\": 1}\r{\"a\": 2}\r", "log"), None);
        for text in ["", "a,b\n", "\u{feff}a,b\n", "{\"é\": 1}\n", "ORCID,name\n", "BZh,x\n", "Studierende,学生\n"] {
            assert_eq!(what(text.as_bytes(), "log.csv"), None, "{text}");
        }
        let hole = [b"one\n", [0; 100].as_slice(), b"two\n"].concat();
        assert_eq!(what(&hole, "log"), None);
        assert_eq!(what(&[&[0; 9], b"{\"a\": 1}\n".as_slice()].concat(), "log"), None);
        assert_eq!(what(&[b"one\n".as_slice(), &[0; 500]].concat(), "log"), None);
    }

    #[test]
    fn json_and_lines_that_name_a_separator() {
        for text in ["{\"a\":1}", " { \"a\": 1}", "[{\"a\": 1}]", "[\n[1]]", "{}", "[\"a\"]"] {
            assert!(is_json(text.as_bytes()), "{text}");
        }
        for text in ["", "[user],[time]\n", "{user},time", "a,b\n{}", "[1,2]"] {
            assert!(!is_json(text.as_bytes()), "{text}");
        }
        for (text, expected) in [
            ("sep=;\na;b\n", Some((6, b';'))),
            ("\"SEP=,\"\r\na,b\n", Some((9, b','))),
            ("sep=\t\na", Some((6, b'\t'))),
            ("sep=;", None),
            ("sep,b\n", None),
            ("sep=;;\n", None),
        ] {
            assert_eq!(separator_line(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn both_orders_of_utf_16() {
        for (little, mark) in [(true, true), (false, true), (true, false), (false, false)] {
            let text = utf_16("user,course,time\nann,C1,2024-01-01\n", little, mark);
            let expected = if mark { "is UTF-16" } else { "is UTF-16 without a byte-order mark" };
            assert_eq!(what(&text, "log.csv"), Some(expected), "{little} {mark}");
        }
    }

    #[test]
    fn other_contents_by_name() {
        for (head, name, expected) in [
            (&b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml"[..], "a.bin", "is a spreadsheet"),
            (b"PK\x03\x04....", "A.XLSX", "is a spreadsheet"),
            (b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "a", "is a spreadsheet"),
            (b"PK\x03\x04..log.csv", "a.zip", "is a zip archive"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..", "a.xls", SIGNATURES[5].1.what),
            (b"SQLite format 3\0..", "a.db", "is an SQLite database"),
            (b"%PDF-1.7", "a.pdf", "is a PDF document"),
            (b"\x1f\x8b\x08\x00", "a.csv.gz.gz", "is packed twice"),
            (b"\n <!DOCTYPE html><title>Log in</title>", "log.csv", "is a web page, perhaps that of a login"),
            (b"a\0b\0\0\0c", "a", "holds zero bytes"),
            (b"a\x01binary\nand\0more\nof it\n", "a", "holds zero bytes"),
            (b"\0\x01user,time\nann,2023\nbob,2024\n", "a", "holds zero bytes"),
            (b"user,time\rann,2023\rbob,2024\r", "a", "has the line ends of old Macs (CR)"),
        ] {
            assert_eq!(what(head, name), Some(expected), "{name}");
        }
    }
}

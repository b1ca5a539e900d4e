//! A file of comma-separated values (RFC 4180) as rows. Pure.
//!
//! Spreadsheets of some countries write semicolons, and most write a byte order mark: both are read. The first line names the
//! columns, in any order and letter case; only `email` has to be there. An empty cell is as if there were none.

use std::{collections::HashMap, time::Duration};

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::{Fault, ROWS_MAX, Row, work::DUPLICATE};
use crate::{
    access::{AccountRole, WorkCenterRole},
    account,
    error::{Error, Result, Violation, Violations},
    identity::Email,
    ids,
    invite::offer::{self, Offer},
    workcenter::Place,
};

const EMAIL: &str = "email";
const ACCOUNT_ROLE: &str = "account_role";
const WORKCENTERS: &str = "workcenters";
const MESSAGE: &str = "message";
const EXPIRES_IN_DAYS: &str = "expires_in_days";

/// The columns that there may be, each with the code of what is wrong in it.
const COLUMNS: [(&str, &str); 5] = [
    (EMAIL, "EMAIL_INVALID"),
    (ACCOUNT_ROLE, "ACCOUNT_ROLE_INVALID"),
    (WORKCENTERS, "WORKCENTERS_INVALID"),
    (MESSAGE, "MESSAGE_INVALID"),
    (EXPIRES_IN_DAYS, "EXPIRES_IN_DAYS_INVALID"),
];

/// Characters by which an item is called at most: an address has no more.
const NAME_MAX: usize = 320;

/// Cells of a row at most: many more than there are columns, and few enough to be counted by whoever wrote them.
const CELLS_MAX: usize = 100;

/// What rows have that do not say otherwise: as an offer has it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is the field of the offer that it is named for")]
pub struct Defaults {
    pub account_role: AccountRole,
    pub places: Vec<Place>,
    pub message: String,
    pub good_for: Option<Duration>,
    pub no_reminders: bool,
    pub notify_on_accept: bool,
}

/// Reads the rows of a file.
///
/// # Errors
///
/// [`crate::error::Error::Invalid`] when it is not such a file, when a column has no name that is known, when there is no row
/// or there are too many; and when a row has far more cells than there are columns.
pub fn read(file: &[u8], defaults: &Defaults) -> Result<Vec<Row>> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let delimiter = delimiter(file);
    if is_wide(file, delimiter) {
        return Err(Violation::new("file", format!("must have at most {CELLS_MAX} cells in a row")).into());
    }
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).trim(Trim::All).from_reader(file);
    let refused = |error: csv::Error| Violation::new("file", format!("must be comma-separated values: {error}"));
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).map_err(refused)?;
    let columns = columns(&record)?;

    let mut lines = Lines { file, at: 0, line: 1 };
    let mut rows: Vec<Row> = Vec::new();
    let mut first: HashMap<String, i64> = HashMap::new();
    while reader.read_byte_record(&mut record).map_err(refused)? {
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        if rows.len() == ROWS_MAX {
            return Err(Violation::new("file", format!("must have at most {ROWS_MAX} rows")).into());
        }
        let line = lines.of(&record);
        let mut row = row(line, &record, &columns, defaults)?;
        if let Ok(offer) = &row.offer {
            if let Some(first) = first.get(&offer.email.key) {
                row.offer = Err(fault(EMAIL, DUPLICATE, format!("the row on line {first} has the same address")));
            } else {
                first.insert(offer.email.key.clone(), line);
            }
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(Violation::new("file", "must have a row below the names of the columns").into());
    }
    Ok(rows)
}

/// Counts the lines of a file.
struct Lines<'a> {
    file: &'a [u8],
    /// How far they are counted, and the line that is there.
    at: usize,
    line: i64,
}

impl Lines<'_> {
    /// The line on which a record begins, which comes after those that were asked for before. The ends of lines before it are the
    /// reader's to pass over, and it has not done so where it says that it begins.
    fn of(&mut self, record: &ByteRecord) -> i64 {
        let begin = record.position().map_or(0, |it| usize::try_from(it.byte()).unwrap_or(usize::MAX));
        while self.at < begin || self.file.get(self.at).is_some_and(|it| b"\r\n".contains(it)) {
            let next = self.file.get(self.at + 1);
            // A line may end with either of the two, or with both.
            self.line += match self.file.get(self.at) {
                Some(b'\n') => 1,
                Some(b'\r') if next != Some(&b'\n') => 1,
                _ => 0,
            };
            self.at += 1;
        }
        self.line
    }
}

fn fault(column: &str, code: &str, text: String) -> Fault {
    Fault { column: column.to_owned(), code: code.to_owned(), text }
}

/// What stands between cells: whichever comes first of those in use, as the names of columns have none.
fn delimiter(file: &[u8]) -> u8 {
    let found = file.iter().take_while(|it| **it != b'\n').find(|it| b",;\t".contains(it));
    found.copied().unwrap_or(b',')
}

/// Whether a row has more cells than any may have: to read a million of them takes forty times their bytes. A quote begins one
/// that is quoted where the cell begins, and nowhere else, as the reader has it.
fn is_wide(file: &[u8], delimiter: u8) -> bool {
    let (mut cells, mut begins, mut is_quoted, mut was_quoted) = (1, true, false, false);
    file.iter().any(|byte| {
        // A quote that ends one may be the first of two, which end nothing.
        let again = std::mem::take(&mut was_quoted) && *byte == b'"';
        match *byte {
            _ if again => is_quoted = true,
            b'"' if is_quoted => (is_quoted, was_quoted) = (false, true),
            _ if is_quoted => {}
            b'"' if begins => (is_quoted, begins) = (true, false),
            b'\r' | b'\n' => (cells, begins) = (1, true),
            it if it == delimiter => (cells, begins) = (cells + 1, true),
            _ => begins = false,
        }
        CELLS_MAX < cells
    })
}

/// Which column each cell is of.
fn columns(header: &ByteRecord) -> Result<Vec<&'static str>> {
    let known = COLUMNS.map(|it| it.0);
    let mut violations = Violations::default();
    let mut columns = Vec::new();
    for (number, cell) in (1..).zip(header) {
        let name = String::from_utf8_lossy(cell).to_lowercase().replace([' ', '-'], "_");
        match known.into_iter().find(|it| *it == name) {
            Some(column) if columns.contains(&column) => violations.add("file", format!("has {column} twice")),
            Some(column) => columns.push(column),
            None => violations
                .add("file", format!("has a column {number} of an unknown name: must be one of {}", known.join(", "))),
        }
    }
    if !columns.contains(&EMAIL) {
        violations.add("file", format!("must name its columns in the first line, {EMAIL} among them"));
    }
    violations.none()?;
    Ok(columns)
}

fn row(line: i64, record: &ByteRecord, columns: &[&'static str], defaults: &Defaults) -> Result<Row> {
    let lossy = |column: &str| {
        let cell = columns.iter().position(|it| *it == column).and_then(|it| record.get(it));
        String::from_utf8_lossy(cell.unwrap_or_default()).into_owned()
    };
    let name: String = lossy(EMAIL).chars().filter(|it| !it.is_control()).take(NAME_MAX).collect();
    let broken = |fault| Ok(Row { line, name: name.clone(), offer: Err(fault) });
    if record.len() != columns.len() {
        let text = format!("has {} cells where there are {} columns", record.len(), columns.len());
        return broken(fault("", "CELLS_MISMATCHED", text));
    }
    let mut cells: HashMap<&str, &str> = HashMap::new();
    for (column, cell) in columns.iter().zip(record) {
        match std::str::from_utf8(cell) {
            Ok(cell) => cells.insert(column, cell),
            Err(_) => return broken(fault(column, "NOT_UTF8", format!("{column} must be in UTF-8"))),
        };
    }
    match offer(&cells, defaults) {
        Ok(offer) => Ok(Row { line, name, offer: Ok(offer) }),
        Err(Error::Invalid(violations)) => broken(faulty(&violations)),
        Err(other) => Err(other),
    }
}

/// Everything that is wrong with a row as one fault, under the code of the first.
fn faulty(violations: &[Violation]) -> Fault {
    let column = violations.first().map_or("", |it| it.field.as_str());
    let code = COLUMNS.iter().find(|it| it.0 == column).map_or("ROW_INVALID", |it| it.1);
    let texts: Vec<String> = violations.iter().map(|it| format!("{} {}", it.field, it.rule)).collect();
    fault(column, code, texts.join("; "))
}

fn offer(cells: &HashMap<&str, &str>, defaults: &Defaults) -> Result<Offer> {
    let mut violations = Violations::default();
    let cell = |column: &str| cells.get(column).copied().filter(|it| !it.is_empty());
    let email = violations.take(Email::parse(EMAIL, cell(EMAIL).unwrap_or_default()));
    let account_role = match cell(ACCOUNT_ROLE) {
        None => Some(defaults.account_role),
        Some(name) => AccountRole::named(&name.to_uppercase()),
    };
    if account_role.is_none() {
        violations.add(ACCOUNT_ROLE, "must be ADMINISTRATOR, MEMBER or GUEST");
    }
    let places = match cell(WORKCENTERS) {
        None => defaults.places.clone(),
        Some(text) => places(text, &mut violations),
    };
    let message = match cell(MESSAGE) {
        None => Some(defaults.message.clone()),
        Some(text) => violations.take(offer::message(MESSAGE, text)),
    };
    let good_for = cell(EXPIRES_IN_DAYS).map_or(Ok(defaults.good_for), |text| days(text).map(Some));
    let good_for = violations.take(good_for);
    violations.none()?;
    let (Some(email), Some(account_role), Some(message), Some(good_for)) = (email, account_role, message, good_for)
    else {
        return Err(Error::internal("a row was neither read nor refused"));
    };
    let Defaults { no_reminders, notify_on_accept, .. } = *defaults;
    Ok(Offer { email, account_role, places, message, good_for, no_reminders, notify_on_accept })
}

/// Reads WorkCenters with the roles in them, as in `ID:READER ID:OWNER`, and notes what is wrong with them.
pub(super) fn places(text: &str, violations: &mut Violations) -> Vec<Place> {
    let read = text.split([' ', ',', ';', '|', '\n']).filter(|it| !it.is_empty()).map(place);
    let read: Vec<Place> = read.filter_map(|it| violations.take(it)).collect();
    offer::places(WORKCENTERS, read, violations)
}

/// Writes what [`places`] reads.
pub(super) fn written(places: &[Place]) -> String {
    let places: Vec<String> = places.iter().map(|it| format!("{}:{}", it.workcenter, it.role.name())).collect();
    places.join(" ")
}

/// Reads a WorkCenter and the role in it, as in `ID:READER`.
fn place(text: &str) -> Result<Place, Violation> {
    let (id, role) = text.split_once(':').unwrap_or((text, ""));
    let role = WorkCenterRole::named(&role.to_uppercase());
    match (ids::parse(WORKCENTERS, id), role) {
        (Ok(workcenter), Some(role)) => Ok(Place { workcenter, role }),
        _ => {
            Err(Violation::new(WORKCENTERS, "must be UUID:OWNER, UUID:CONTRIBUTOR or UUID:READER, with spaces between"))
        }
    }
}

fn days(text: &str) -> Result<Duration, Violation> {
    let seconds = text.parse::<i32>().map_or(0, |days| i64::from(days) * 86_400);
    account::invite_expiry(EXPIRES_IN_DAYS, (seconds, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn defaults() -> Defaults {
        Defaults {
            account_role: AccountRole::Guest,
            places: Vec::new(),
            message: "Welcome".to_owned(),
            good_for: None,
            no_reminders: false,
            notify_on_accept: false,
        }
    }

    /// The rows of a file as texts: the line, and either the offer or the fault.
    fn rows(file: &[u8]) -> Vec<String> {
        let text = |it: Row| match it.offer {
            Ok(it_is) => format!(
                "{} {} {} {} {:?} {}",
                it.line,
                it_is.email.address,
                it_is.account_role.name(),
                it_is.message,
                it_is.good_for.map(|it| it.as_secs() / 86_400),
                it_is.places.len()
            ),
            Err(fault) => format!("{} {} {}: {}", it.line, fault.column, fault.code, fault.text),
        };
        read(file, &defaults()).unwrap().into_iter().map(text).collect()
    }

    fn refused(file: &[u8]) -> String {
        match read(file, &defaults()) {
            Err(Error::Invalid(violations)) => {
                violations.iter().map(|it| format!("{} {}", it.field, it.rule)).collect::<Vec<_>>().join("; ")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_say_what_differs_from_the_defaults() {
        let file = format!(
            "Email,Account Role,workcenters,MESSAGE,expires-in-days\r\n\
             ada@example.com,,,,\r\n\
             \r\n\
             bob@example.com, member ,{PIER}:reader,\"Hello,\nBob\",7\r\n"
        );
        assert_eq!(
            rows(file.as_bytes()),
            ["2 ada@example.com GUEST Welcome None 0", "4 bob@example.com MEMBER Hello,\nBob Some(7) 1",]
        );
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        assert_eq!(
            rows("\u{feff}email;message\nada@example.com;a, b\n".as_bytes()),
            ["2 ada@example.com GUEST a, b None 0"]
        );
        assert_eq!(rows(b"message\temail\nhi\tada@example.com"), ["2 ada@example.com GUEST hi None 0"]);
        let old = rows(b"email\rada@example.com\r\rada@example.com\r\ncleo@example.com");
        assert_eq!(old[0], "2 ada@example.com GUEST Welcome None 0");
        assert_eq!(old[1], "4 email DUPLICATE: the row on line 2 has the same address");
        assert_eq!(old[2], "5 cleo@example.com GUEST Welcome None 0");
    }

    #[test]
    fn all_that_is_wrong_with_a_row_is_said_with_its_line_and_column() {
        let file = format!(
            "email,account_role,workcenters,expires_in_days\n\
             nobody,KING,{PIER},400\n\
             ada@example.com,,,,,\n\
             bob@example.com,,{PIER}:READER {PIER}:OWNER,\n\
             cleo@example.com,,,\n\
             CLEO@Example.com,,,\n"
        );
        let rows = rows(file.as_bytes());
        assert!(rows[0].starts_with("2 email EMAIL_INVALID: email must be"), "{rows:?}");
        for column in ["account_role must be", "workcenters must be UUID:OWNER", "expires_in_days must be 1 to 90 days"]
        {
            assert!(rows[0].contains(column), "{rows:?}");
        }
        assert_eq!(rows[1], "3  CELLS_MISMATCHED: has 6 cells where there are 4 columns");
        assert_eq!(rows[2], "4 workcenters WORKCENTERS_INVALID: workcenters must not have the same one twice");
        assert_eq!(rows[3], "5 cleo@example.com GUEST Welcome None 0");
        assert_eq!(rows[4], "6 email DUPLICATE: the row on line 5 has the same address");
    }

    #[test]
    fn a_cell_that_is_not_utf8_spoils_its_row_alone() {
        let rows = rows(b"email,message\nada@example.com,Gr\xfc\xdfe\nbob@example.com,\n");
        assert_eq!(rows, ["2 message NOT_UTF8: message must be in UTF-8", "3 bob@example.com GUEST Welcome None 0"]);
    }

    #[test]
    fn a_file_that_is_no_such_table_is_refused_as_a_whole() {
        let unknown = "file has a column 2 of an unknown name: must be one of email, account_role, workcenters, message, \
            expires_in_days";
        assert_eq!(refused(b"email,role\nada@example.com,GUEST\n"), unknown);
        assert_eq!(refused(b"email,email\n"), "file has email twice");
        let nameless = "file must name its columns in the first line, email among them";
        assert_eq!(refused(b""), nameless);
        assert_eq!(refused(b"message\nhi\n"), nameless);
        assert_eq!(refused(b"email\n\n"), "file must have a row below the names of the columns");
        let wide = format!("email,message\nada@example.com,{}\n", ",".repeat(CELLS_MAX - 2));
        assert!(refused(format!("{wide}{}", ",".repeat(CELLS_MAX)).as_bytes()).contains("100 cells in a row"));
        assert!(read(wide.as_bytes(), &defaults()).is_ok());
        // Commas in quotes part nothing, and quotes within a cell begin none.
        let quoted = format!("email,message\nada@example.com,\"a \"\"b\"\"{}\"\n", ",".repeat(500));
        assert!(read(quoted.as_bytes(), &defaults()).is_ok());
        let unquoted = format!("email,message\na\"b{}\n", ",".repeat(500));
        assert!(refused(unquoted.as_bytes()).contains("100 cells in a row"));
        let many = "email\n".to_owned() + &"a@example.com\n".repeat(ROWS_MAX + 1);
        assert_eq!(refused(many.as_bytes()), "file must have at most 5000 rows");
        // Whatever it is, it is read to its end.
        assert!(refused(b"PK\x03\x04\0\0\0").contains("unknown name"));
        assert!(read(b"email\n\"ada@example.com", &defaults()).is_ok());
    }
}

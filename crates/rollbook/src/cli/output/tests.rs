use super::{Colour, Format, Lines, Look, Output, Reader, Sign, Signs, Table, wrap};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// A stream that keeps what it is given, or fails.
#[derive(Clone, Default)]
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    fails: Option<io::ErrorKind>,
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.fails {
            Some(kind) => Err(kind.into()),
            None => self.bytes.lock().unwrap().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn output(answers: &Kept, format: Format, signs: Signs) -> Output {
    let look = Look { signs, colour: Colour::Plain, width: 80, wide: false, terminal: false, lines: Lines::Whole };
    let answers = anstream::StripStream::new(Box::new(answers.clone()) as Box<dyn Write + Send>);
    Output { answers: Box::new(answers), trouble: Box::new(io::sink()), format, look, state: Ok(Reader::Listens) }
}

fn printed(format: Format, signs: Signs, print: impl FnOnce(&mut Output)) -> String {
    let kept = Kept::default();
    print(&mut output(&kept, format, signs));
    String::from_utf8(kept.bytes.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_line_too_wide_goes_on_under_its_words_and_an_address_stays_whole() {
    let text =
        "\u{1b}[33m!\u{1b}[0m guard suspensions (930002): half of the course\n  see https://example.org/a/long/one";
    let wrapped = wrap(text, 2, 24);
    let shown = "\u{1b}[33m!\u{1b}[0m guard suspensions\n  (930002): half of the\n  course\n  see\n    https://example.org/a/long/one";
    assert_eq!(wrapped, shown);
}

fn both(out: &mut Output) {
    out.sign(Sign::Done, "12 enrolled");
    out.json(&serde_json::json!({ "enrolled": 12 }));
}

#[test]
fn a_command_prints_both_and_one_is_shown() {
    assert_eq!(printed(Format::Human, Signs::Unicode, both), "✓ 12 enrolled\n");
    assert_eq!(printed(Format::Human, Signs::Ascii, both), "[ok] 12 enrolled\n");
    assert_eq!(printed(Format::Json, Signs::Unicode, both), "{\"enrolled\":12}\n");
}

#[test]
fn a_reader_that_hangs_up_is_no_failure_and_a_full_disk_is() {
    for (kind, well) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
        let kept = Kept { fails: Some(kind), ..Kept::default() };
        let mut out = output(&kept, Format::Human, Signs::Unicode);
        out.line("one");
        out.line("two");
        assert_eq!(out.finish().is_ok(), well, "{kind}");
    }
}

#[test]
fn a_table_fits_80_columns_and_cannot_move_the_cursor() {
    let mut table = Table::new(["course", "reason", "records"]).numbers(&[2]);
    table.row(["Zoë's \u{1b}[2J course", &"a long reason that goes on ".repeat(6), "1042"]);
    table.row(["B", "short", "7"]);
    let text = printed(Format::Human, Signs::Unicode, |out| out.table(&table));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_long_value_is_cut_and_what_is_optional_gives_way_but_an_id_stays_whole() {
    let guid = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
    let mut table = Table::new(["guid", "name", "mail", "status"]).cut(&[(1, 8)]).optional(&[2]);
    table.row([guid, &"N".repeat(1_000), "somebody.with.a.long.address@example.org", "Error"]);
    let narrow = table.drawn(Some(80));
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    assert!(narrow.contains(guid) && narrow.contains("N…") && !narrow.contains("MAIL"), "{narrow}");
    let wide = table.drawn(None);
    assert!(wide.contains(&"N".repeat(1_000)) && wide.contains("somebody.with.a.long.address@example.org"));
}

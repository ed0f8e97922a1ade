//! Numbers as Prometheus reads them, in its text format.

use std::fmt::Write as _;

/// The media type of the format.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of numbers.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// A number that can rise and fall, once for each set of labels; none where there is nothing to tell.
    pub fn gauge(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Vec<(&'static str, String)>, f64)>,
    ) {
        let mut is_first = true;
        for (labels, value) in values {
            if std::mem::take(&mut is_first) {
                let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
            }
            let labels: Vec<String> =
                labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let _infallible = match labels.as_slice() {
                [] => writeln!(self.0, "{name} {value}"),
                _ => writeln!(self.0, "{name}{{{}}} {value}", labels.join(",")),
            };
        }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_cannot_end_its_line_and_a_number_without_values_is_not_told() {
        let mut page = Page::default();
        page.gauge("a", "Some", [(vec![("link", "x\"\n\\".to_owned()), ("kind", "y".to_owned())], 1.5)]);
        page.gauge("b", "None", []);
        page.gauge("c", "Bare", [(vec![], 2.0)]);
        let told = "# HELP a Some\n# TYPE a gauge\na{link=\"x\\\"\\n\\\\\",kind=\"y\"} 1.5\n\
            # HELP c Bare\n# TYPE c gauge\nc 2\n";
        assert_eq!(page.into_text(), told);
    }
}

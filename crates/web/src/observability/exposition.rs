//! Metrics in the text format of Prometheus.

use std::fmt::Write as _;

/// The media type of the format.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// A gauge, once for each set of labels; left out where there is none.
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
    fn label_cannot_end_its_line_and_a_metric_without_values_is_left_out() {
        let mut page = Exposition::default();
        page.gauge("a", "Some", [(vec![("link", "x\"\n\\".to_owned()), ("kind", "y".to_owned())], 1.5)]);
        page.gauge("b", "None", []);
        page.gauge("c", "Bare", [(vec![], 2.0)]);
        let text = "# HELP a Some\n# TYPE a gauge\na{link=\"x\\\"\\n\\\\\",kind=\"y\"} 1.5\n\
            # HELP c Bare\n# TYPE c gauge\nc 2\n";
        assert_eq!(page.into_text(), text);
    }
}

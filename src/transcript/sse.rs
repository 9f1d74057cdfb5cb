//! Server-sent events, read piece by piece (WHATWG HTML 9.2.6).

/// A reader for a `text/event-stream` body that takes the body as it arrives.
#[derive(Debug, Default)]
pub struct EventStream {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    after_return: bool,
}

impl EventStream {
    /// Takes the next piece of the body and returns the data of each event that it completes.
    ///
    /// Events without data are left out. An event that is not closed by an empty line is not complete.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in piece {
            let follows_return = std::mem::take(&mut self.after_return);
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return std::mem::take(&mut self.has_data).then_some(data).filter(|data| !data.is_empty());
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_start_matches('\u{feff}');
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            if self.has_data {
                self.data.push('\n');
            }
            self.data.push_str(value.strip_prefix(' ').unwrap_or(value));
            self.has_data = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_events_in_any_line_ending() {
        let text = b"\xef\xbb\xbfid: 1\ndata:\n\nevent: message\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: comment\rdata: x\r\rdata: open";
        assert_eq!(EventStream::default().push(text), ["{\"a\":\n1}", "x"]);
    }

    #[test]
    fn reads_pieces_of_any_size() {
        let text = b"data: one\r\n\r\ndata: two\n\n";
        let mut stream = EventStream::default();
        let events: Vec<String> = text.iter().flat_map(|byte| stream.push(&[*byte])).collect();
        assert_eq!(events, ["one", "two"]);
    }
}

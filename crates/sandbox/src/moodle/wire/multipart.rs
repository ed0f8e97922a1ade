//! Form fields of a `multipart/form-data` body; files are no part of this API.

/// Name and value of every field, in order. Parts without a name are left out.
pub(crate) fn fields(content_type: &str, body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some((_, boundary)) = content_type.split_once("boundary=") else {
        return Vec::new();
    };
    let boundary = boundary.split(';').next().unwrap_or_default();
    let marker = format!("--{}", boundary.trim().trim_matches('"')).into_bytes();
    let mut starts = positions(body, &marker);
    starts.push(body.len());
    starts.windows(2).filter_map(|window| field(&body[window[0] + marker.len()..window[1]])).collect()
}

fn field(part: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let gap = positions(part, b"\r\n\r\n").first().copied()?;
    let head = String::from_utf8_lossy(&part[..gap]);
    let (_, after) = head.split_once("name=\"")?;
    let (name, _) = after.split_once('"')?;
    let value = &part[gap + 4..];
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    Some((name.as_bytes().to_vec(), value.to_vec()))
}

fn positions(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + needle.len() <= haystack.len() {
        if &haystack[at..at + needle.len()] == needle {
            found.push(at);
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}

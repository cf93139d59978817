//! The contract of a sorted stream, checked without knowing the engine.

/// Key and sequence number of a row.
pub type Id = (Vec<u8>, u64);

/// How to make a stream and use it. Both functions panic if the stream fails.
pub struct Stream<'a, S> {
    /// Makes the stream anew, at its start.
    pub make: &'a dyn Fn() -> S,
    /// Its next row.
    pub next: &'a dyn Fn(&mut S) -> Option<Id>,
    /// Moves it to the first row of a key or a greater one.
    pub seek: &'a dyn Fn(&mut S, &[u8]),
}

impl<S> Stream<'_, S> {
    /// Checks that the stream has just these rows, and then ends and stays ended.
    ///
    /// # Panics
    /// If it does not; `what` says what the stream is, and which rule holds.
    #[track_caller]
    pub fn assert_reads(&self, expected: &[Id], what: &str) {
        self.assert_rest(&mut (self.make)(), expected, what);
    }

    /// Checks `seek` from every position to every key of the stream, to keys beside them, and back.
    ///
    /// # Panics
    /// If a `seek` leads elsewhere; the message says from where and to which key.
    #[track_caller]
    pub fn assert_seeks(&self, expected: &[Id], what: &str) {
        for key in interesting_keys(expected) {
            for position in 0..=expected.len() {
                let mut stream = (self.make)();
                for row in &expected[..position] {
                    assert_eq!((self.next)(&mut stream).as_ref(), Some(row), "reading on: {what}");
                }
                (self.seek)(&mut stream, &key);
                let first = expected.partition_point(|(row_key, _)| *row_key < key);
                let key = String::from_utf8_lossy(&key);
                let what = format!("after {position} rows, and seek({key:?}): {what}");
                self.assert_rest(&mut stream, &expected[first.max(position)..], &what);
            }
        }
    }

    #[track_caller]
    fn assert_rest(&self, stream: &mut S, expected: &[Id], what: &str) {
        let mut found = Vec::new();
        while let Some(row) = (self.next)(stream) {
            found.push(row);
            assert!(found.len() <= expected.len() + 100, "rows without an end: {what}");
        }
        assert_ids(&found, expected, &format!("the rows that are left: {what}"));
        for _ in 0..3 {
            assert_eq!((self.next)(stream), None, "behind the end there is nothing: {what}");
        }
    }
}

/// Checks that these are the rows. A message shows names and not bytes, and of long lists only what
/// stands around the first difference.
///
/// # Panics
/// If they are not; `what` says what the rows are, and which rule holds.
#[track_caller]
pub fn assert_ids(found: &[Id], expected: &[Id], what: &str) {
    let len = found.len().max(expected.len());
    let at = found.iter().zip(expected).take_while(|(found, row)| found == row).count();
    let (seen, right) = (near(found, at, len), near(expected, at, len));
    assert_eq!(seen, right, "{at} rows are right, then: {what}");
    // Two keys that are no text can look alike.
    assert_eq!(found, expected, "{what}");
}

/// All of a short list; of a long one what stands around row `at`.
fn near(rows: &[Id], at: usize, len: usize) -> String {
    if len <= 20 {
        return listing(rows);
    }
    let (from, to) = (at.saturating_sub(3).min(rows.len()), (at + 4).min(rows.len()));
    let before = if from > 0 { "… " } else { "" };
    let after = if to < rows.len() { " …" } else { "" };
    format!("{before}{}{after}", listing(&rows[from..to]))
}

/// Rows as `apple/7 apple/4 pear/5`.
fn listing(rows: &[Id]) -> String {
    let name = |(key, seq): &Id| format!("{}/{seq}", String::from_utf8_lossy(key));
    rows.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// Each key, one right behind it, one before it; the smallest key and a great one.
fn interesting_keys(rows: &[Id]) -> Vec<Vec<u8>> {
    let mut keys = vec![vec![0], vec![0xff; 4]];
    for (key, _) in rows {
        let before = &key[..key.len() - 1];
        keys.extend([key.clone(), [key, &[0][..]].concat(), before.to_vec()]);
    }
    keys.sort();
    keys.dedup();
    keys
}

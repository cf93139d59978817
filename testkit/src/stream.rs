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
        assert_eq!(listing(&found), listing(expected), "the rows that are left: {what}");
        for _ in 0..3 {
            assert_eq!((self.next)(stream), None, "behind the end there is nothing: {what}");
        }
    }
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

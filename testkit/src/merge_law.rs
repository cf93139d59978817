//! The law of merge operators, checked without knowing the engine.

/// An operator's `merge`: the existing value, and an operand. It panics if the operator fails.
pub type Merge<'a> = dyn Fn(Option<&[u8]>, &[u8]) -> Vec<u8> + 'a;

/// An operator's `merge_batch`: the existing value, and the operands, oldest first. It panics if
/// the operator fails.
pub type MergeBatch<'a> = dyn Fn(Option<&[u8]>, &[Vec<u8>]) -> Vec<u8> + 'a;

/// Checks that an operator gives one result, whichever neighbours are merged first, and whether by
/// `merge` or by `merge_batch`: for each one, two and three of the samples, and for all of them in
/// a row, over no value and over each sample.
///
/// Give it values that differ in kind: empty, large, small, what the operator treats in its own way.
///
/// # Panics
/// If two ways give different results; the message shows both. `what` says which operator it is.
#[track_caller]
pub fn assert_merge_law(
    merge: &Merge<'_>,
    merge_batch: &MergeBatch<'_>,
    samples: &[Vec<u8>],
    what: &str,
) {
    let existing = [None].into_iter().chain(samples.iter().map(|sample| Some(&sample[..])));
    let existing: Vec<_> = existing.collect();
    for operands in sequences(samples) {
        for existing in &existing {
            let law = Law { merge, merge_batch, existing: *existing, operands: &operands, what };
            law.assert_one_result();
        }
    }
}

/// Some operands over an existing value, to be merged in every way.
struct Law<'a> {
    merge: &'a Merge<'a>,
    merge_batch: &'a MergeBatch<'a>,
    existing: Option<&'a [u8]>,
    operands: &'a [Vec<u8>],
    what: &'a str,
}

impl Law<'_> {
    /// Merges pair by pair, and then in every other way of taking a stretch of operands first.
    #[track_caller]
    fn assert_one_result(&self) {
        let (existing, operands) = (self.existing, self.operands);
        self.assert_same(&(self.merge_batch)(existing, operands), "merging all in one batch");
        for from in 0..operands.len() {
            for to in from + 1..=operands.len() {
                let partial = (self.merge_batch)(None, &operands[from..to]);
                let all = [&operands[..from], &[partial], &operands[to..]].concat();
                let first = format!("merging {} first", listing(&operands[from..to]));
                self.assert_same(&(self.merge_batch)(existing, &all), &first);
                let then = format!("{first} and then pair by pair");
                self.assert_same(&self.pair_by_pair(&all), &then);
            }
            let older = (self.merge_batch)(existing, &operands[..=from]);
            if from + 1 < operands.len() {
                let found = (self.merge_batch)(Some(&older), &operands[from + 1..]);
                let stretch = listing(&operands[..=from]);
                self.assert_same(&found, &format!("{stretch} in a batch of its own"));
            }
        }
    }

    /// What `merge` makes of operands, each merged into what comes of those before it.
    fn pair_by_pair(&self, operands: &[Vec<u8>]) -> Vec<u8> {
        let merge = |merged: Option<Vec<u8>>, operand: &Vec<u8>| {
            Some((self.merge)(merged.as_deref(), operand))
        };
        operands.iter().fold(self.existing.map(<[u8]>::to_vec), merge).unwrap_or_default()
    }

    #[track_caller]
    fn assert_same(&self, found: &[u8], how: &str) {
        let expected = self.pair_by_pair(self.operands);
        assert!(
            found == expected,
            "{} over {}: {how} gives {}, and merging pair by pair, with `merge`, gives {}: {}",
            listing(self.operands),
            self.existing.map_or("no value".to_owned(), listed),
            listed(found),
            listed(&expected),
            self.what,
        );
    }
}

/// All sequences of one, two and three samples, and the samples themselves.
fn sequences(samples: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    let mut all = vec![samples.to_vec()];
    let mut sequences = vec![Vec::new()];
    for _ in 0..3 {
        let longer = |sequence: &Vec<Vec<u8>>| {
            let longer = |sample: &Vec<u8>| [&sequence[..], std::slice::from_ref(sample)].concat();
            samples.iter().map(longer).collect::<Vec<_>>()
        };
        sequences = sequences.iter().flat_map(longer).collect();
        all.extend(sequences.clone());
    }
    all.retain(|sequence| !sequence.is_empty());
    all
}

fn listing(operands: &[Vec<u8>]) -> String {
    operands.iter().map(|operand| listed(operand)).collect::<Vec<_>>().join(", ")
}

fn listed(operand: &[u8]) -> String {
    format!("\"{}\"", operand.escape_ascii())
}

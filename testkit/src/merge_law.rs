//! The law of merge operators, checked without knowing the engine.

/// An operator's `merge_batch`: the existing value, and the operands, oldest first. It panics if the
/// operator fails.
pub type MergeBatch<'a> = dyn Fn(Option<&[u8]>, &[Vec<u8>]) -> Vec<u8> + 'a;

/// Checks that an operator gives one result, whichever neighbours are merged first: for each one,
/// two and three of the samples, and for all of them in a row, over no value and over each sample.
///
/// Give it values that differ in kind: empty, large, small, what the operator treats in its own way.
///
/// # Panics
/// If two ways give different results; the message shows both. `what` says which operator it is.
#[track_caller]
pub fn assert_merge_law(merge_batch: &MergeBatch<'_>, samples: &[Vec<u8>], what: &str) {
    let existing = [None].into_iter().chain(samples.iter().map(|sample| Some(&sample[..])));
    let existing: Vec<_> = existing.collect();
    for operands in sequences(samples) {
        for existing in &existing {
            assert_one_result(merge_batch, *existing, &operands, what);
        }
    }
}

/// Merges pair by pair, and then in every other way of taking a stretch of operands first.
#[track_caller]
fn assert_one_result(
    merge_batch: &MergeBatch<'_>,
    existing: Option<&[u8]>,
    operands: &[Vec<u8>],
    what: &str,
) {
    let pair = |merged: Option<Vec<u8>>, operand: &Vec<u8>| {
        Some(merge_batch(merged.as_deref(), std::slice::from_ref(operand)))
    };
    let expected = operands.iter().fold(existing.map(<[u8]>::to_vec), pair).unwrap_or_default();
    let assert_same = |found: Vec<u8>, how: &str| {
        assert_eq!(
            found.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{} over {}: {how} differs from merging pair by pair: {what}",
            listing(operands),
            existing.map_or("no value".to_owned(), listed),
        );
    };
    assert_same(merge_batch(existing, operands), "merging all in one batch");
    for from in 0..operands.len() {
        for to in from + 1..=operands.len() {
            let partial = merge_batch(None, &operands[from..to]);
            let all = [&operands[..from], &[partial], &operands[to..]].concat();
            let stretch = listing(&operands[from..to]);
            assert_same(merge_batch(existing, &all), &format!("merging {stretch} first"));
        }
        let older = merge_batch(existing, &operands[..=from]);
        if from + 1 < operands.len() {
            let found = merge_batch(Some(&older), &operands[from + 1..]);
            assert_same(found, &format!("{} in a batch of its own", listing(&operands[..=from])));
        }
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

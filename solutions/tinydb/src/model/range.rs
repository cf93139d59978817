//! Reading a range of keys, from all places at once: given. What is done with the rows is said in
//! [`scan`](super::scan).

use std::ops::RangeBounds;

use bytes::Bytes;

use crate::format::{RowEntry, Step};

use super::model::Model;
use super::operands;
use super::scan::{merge_lists, visible};
use super::table::rows_of;

impl Model {
    /// The keys of a range and their values as they are now, and the steps.
    pub fn scan(&self, range: impl RangeBounds<Bytes>) -> (Vec<(Bytes, Bytes)>, Vec<Step>) {
        self.scan_at(range, self.last_seq)
    }

    /// The keys of a range and the values that they had when `max_seq` was the last sequence number,
    /// and the steps: `ScanBegin`, a `ScanRow` for each row in the range, also for those that nobody
    /// sees, and a `MergeBatch` for each call of the merge function.
    pub fn scan_at(
        &self,
        range: impl RangeBounds<Bytes>,
        max_seq: u64,
    ) -> (Vec<(Bytes, Bytes)>, Vec<Step>) {
        let (rows, begin) = self.rows_in(&range);
        let mut steps = vec![begin];
        steps.extend(rows.iter().map(|row| Step::ScanRow { key: row.key.clone(), seq: row.seq }));
        for versions in rows.chunk_by(|one, next| one.key == next.key) {
            let seen = versions.partition_point(|row| row.seq > max_seq);
            steps.extend(operands::calls(&versions[seen..]));
        }
        (visible(&rows, max_seq, self.merge), steps)
    }

    /// Every row in a range of keys, from every place, in order; and the step that begins reading them.
    pub(super) fn rows_in(&self, range: &impl RangeBounds<Bytes>) -> (Vec<RowEntry>, Step) {
        let places = self.places();
        let lists = places.iter().map(|table| {
            let mut rows = rows_of(table);
            rows.retain(|row| range.contains(&row.key));
            rows
        });
        let begin = Step::ScanBegin { places: places.len() };
        (merge_lists(&lists.collect::<Vec<_>>()), begin)
    }
}

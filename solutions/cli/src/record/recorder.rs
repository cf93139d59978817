//! Runs the orders of a script on a database, and makes frames of its steps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tinydb::Db;
use tinydb::db::{DbBuilder, Trace};
use tinydb::format::{RowEntry, Step, ValueDeletable};
use tinydb::object_store::ObjectStore;
use tinydb::storage::WalStore as _;

use crate::command::Command;
use crate::failure::Failure;
use crate::words::Shown;

use super::check;
use super::disk::Disk;
use super::held_store::Held;
use super::recording::{Frame, Kind, Looked, Mark, Operation, Recording, Row, Why};
use super::scene::{Container, LeftOut, Scene, insert, is_operand, sst_box, table_box, wal_box};
use super::script::{Order, RecordArgs, Script};
use super::sentence::{Sentences, count, listed};

/// How long a flush in the background may take: it writes a few rows to memory.
const PATIENCE: Duration = Duration::from_secs(20);

/// A database that is recorded.
#[derive(Debug)]
pub struct Recorder {
    with: RecordArgs,
    say: Sentences,
    disk: Disk,
    db: Option<Db>,
    trace: Trace,
    scene: Scene,
    recording: Recording,
    /// What the script lets wait.
    held: Held,
    note: Option<String>,
    now: Now,
}

/// The operation that is recorded.
#[derive(Debug, Default)]
struct Now {
    /// What it is called in messages.
    name: String,
    /// The key of a `get`.
    key: Vec<u8>,
    /// The row that it writes.
    written: Option<RowEntry>,
    looked: Vec<Looked>,
    marks: Vec<Mark>,
    /// What a compaction has left out, in words.
    left: String,
    /// What a stream of rows has shown of the key that it is at.
    versions: Versions,
}

/// How far a stream is with the versions of a key.
#[derive(Debug, Default)]
struct Versions {
    key: Vec<u8>,
    /// Whether everything that is older is hidden.
    ended: bool,
    /// Whether an operand was met.
    operands: bool,
}

impl Recorder {
    /// Runs a script to its end.
    pub fn run(script: Script) -> Result<Recording, Failure> {
        let say = Sentences(script.with.open.merge_operator);
        let recording =
            Recording { title: script.title, look: script.look, ..Recording::default() };
        let mut recorder = Self {
            with: script.with,
            say,
            disk: Disk::default(),
            db: None,
            trace: Trace::new(),
            scene: Scene::default(),
            recording,
            held: Held::default(),
            note: None,
            now: Now::default(),
        };
        recorder.open()?;
        recorder.begin();
        for (line, order) in script.orders {
            let done = recorder.order(order);
            done.map_err(|failure| match failure {
                Failure::Recording(problem) => {
                    Failure::Recording(format!("line {line}: {problem}"))
                }
                other => Failure::Recording(format!("line {line}: {other}")),
            })?;
        }
        Ok(std::mem::take(&mut recorder.recording))
    }

    fn order(&mut self, order: Order) -> Result<(), Failure> {
        match order {
            Order::Begin => self.begin(),
            Order::Note(note) => self.note = Some(note),
            Order::Hold(held) => self.hold(held)?,
            Order::Crash => self.crash()?,
            Order::Open => {
                if self.db.is_some() {
                    return Err(failed("`open` comes behind a `crash`: the database is open"));
                }
                self.reopen()?;
            }
            Order::Command(command, typed) => self.command(&command, typed)?,
        }
        Ok(())
    }

    /// Forgets what was recorded: it was the preparation.
    fn begin(&mut self) {
        self.recording.rows.clear();
        self.recording.layouts.clear();
        self.recording.operations.clear();
        self.recording.frames.clear();
        self.now = Now::default();
        let text = self.say.summary(&self.scene);
        self.frame(None, text, Vec::new(), Vec::new(), Vec::new());
    }

    // ---------- Opening, crashing, waiting ----------

    /// Opens the database that is on the disk. The frame of it comes before the steps that follow.
    fn open(&mut self) -> Result<Vec<Step>, Failure> {
        self.hold_ssts();
        self.trace = Trace::new();
        self.trace.start();
        let store: Arc<dyn ObjectStore> = Arc::clone(&self.disk.store) as _;
        let builder = DbBuilder::in_memory()
            .with_object_store(store)
            .with_wal_store(Arc::new(self.disk.wal.clone()))
            .with_trace(self.trace.clone());
        self.db = Some(self.with.builder(builder).build()?);
        let id = *self.disk.manifests()?.last().ok_or_else(|| failed("there is no manifest"))?;
        let manifest = self.disk.manifest(id)?;
        self.scene.running = true;
        self.scene.apply(id, &manifest, Vec::new());
        let segments = self.disk.wal_rows()?;
        self.scene.wal.retain(|segment| segments.contains_key(&segment.number));
        for &number in segments.keys() {
            if !self.scene.wal.iter().any(|segment| segment.number == number) {
                self.scene.wal.push(Container { number, rows: Vec::new() });
            }
        }
        let number = self.scene.wal.last().map_or(0, |segment| segment.number);
        self.scene.mem_table = Some(Container { number, rows: Vec::new() });
        let rows = self.scene.wal.iter().flat_map(|segment| &segment.rows);
        let highest = rows.map(|row| row.seq).max().unwrap_or(0);
        self.scene.last_seq = highest.max(manifest.last_l0_seq);
        self.let_flush()?;
        Ok(self.trace.stop())
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        let before = self.scene.wal.clone();
        let steps = self.open()?;
        self.operation("open".to_owned());
        let id = self.scene.manifests.last().copied().unwrap_or(0);
        let epoch = self.disk.manifest(id)?.writer_epoch;
        let gone =
            before.iter().filter(|old| !self.scene.wal.iter().any(|new| new.number == old.number));
        let gone: Vec<String> = gone.map(|segment| segment.number.to_string()).collect();
        let mut text = format!(
            "The database is opened. It commits manifest {id}, which makes it the writer of epoch {epoch}, and knows \
             its SSTs from it."
        );
        if !gone.is_empty() {
            let gone = listed(&gone);
            text += &format!(
                " Of the WAL it deletes what was flushed before the crash: segment {gone}."
            );
        }
        self.frame(None, text, Vec::new(), Vec::new(), Vec::new());
        let (own, flusher): (Vec<Step>, Vec<Step>) =
            steps.into_iter().partition(|step| matches!(step, Step::WalReplay { .. }));
        self.steps(&own)?;
        self.background(&flusher)?;
        self.check()
    }

    /// Kills the process: what it had in memory is gone. Every file is copied as it is at this moment, and the
    /// copy is what is there from now on; nothing that ends the old database in order reaches it.
    fn crash(&mut self) -> Result<(), Failure> {
        let copy = self.disk.copied()?;
        let old = self.db.take().ok_or_else(|| failed("`crash` needs an open database"))?;
        self.disk.store.hold(Held::default());
        drop(old);
        self.disk = copy;
        self.held = Held::default();
        let tables = self.scene.mem_table.iter().chain(&self.scene.immutables);
        let lost: usize = tables.map(|table| table.rows.len()).sum();
        self.operation("crash".to_owned());
        self.scene.running = false;
        self.scene.mem_table = None;
        self.scene.immutables.clear();
        let text = format!(
            "The process is killed. {} in memtables {} gone. The files stay: the WAL, the SSTs, the manifests.",
            capital(&count(lost, "row")),
            if lost == 1 { "is" } else { "are" },
        );
        self.frame(None, text, Vec::new(), Vec::new(), Vec::new());
        self.check()
    }

    /// While a command runs, no SST is put: so whatever the flusher does comes behind it.
    fn hold_ssts(&self) {
        self.disk.store.hold(Held { ssts: true, ..self.held });
    }

    /// Lets other puts wait, and records what the flusher does then.
    fn hold(&mut self, held: Held) -> Result<(), Failure> {
        self.held = held;
        self.trace.start();
        let done = self.let_flush();
        let steps = self.trace.stop();
        done?;
        self.background(&steps)?;
        self.check()
    }

    /// Lets the flusher do what it can do, and waits until it sleeps or waits for the store.
    fn let_flush(&self) -> Result<(), Failure> {
        self.disk.store.hold(self.held);
        let done = self.wait();
        self.hold_ssts();
        done
    }

    fn wait(&self) -> Result<(), Failure> {
        let Some(db) = &self.db else { return Ok(()) };
        let start = Instant::now();
        loop {
            if self.disk.store.is_waited_for() {
                return Ok(());
            }
            let is_idle = match self.held.manifests {
                // The figures would wait for a manifest that is held. A flush ends with deleting the segment.
                true => self.disk.wal.list()?.len() <= 1,
                false => {
                    let stats = db.stats()?;
                    // Each row has a number of its own. The flusher says last what is durable now.
                    let flushed = stats.last_seq - stats.mem_table_rows as u64;
                    stats.immutable_mem_tables == 0 && stats.durable_seq >= flushed
                }
            };
            if is_idle {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(failed("the flush does not end"));
            }
            self.disk.store.pause(Duration::from_millis(1));
        }
    }

    /// Records what the flusher has done.
    fn background(&mut self, steps: &[Step]) -> Result<(), Failure> {
        if steps.is_empty() {
            return Ok(());
        }
        let note = self.note.take();
        self.operation("flush, in the background".to_owned());
        self.note = note;
        self.steps(steps)
    }

    // ---------- Commands ----------

    fn command(&mut self, command: &Command, typed: String) -> Result<(), Failure> {
        let db =
            self.db.clone().ok_or_else(|| failed("the database is not open: `open` it first"))?;
        let waits = matches!(command, Command::Flush | Command::Compact | Command::Gc { .. });
        if waits && self.held != Held::default() {
            return Err(failed(
                "this would wait for ever on a store that is held: `release` it first",
            ));
        }
        self.operation(typed);
        self.now.written = self.row_of(command);
        if let Command::Get { key } = command {
            self.now.key = key.to_vec();
        }
        let text = self.begins(command);
        self.frame(None, text, Vec::new(), Vec::new(), Vec::new());
        if waits {
            self.disk.store.hold(Held::default());
        }
        self.trace.start();
        let done = self.execute(&db, command);
        // A write may have frozen the memtable.
        let is_write = self.now.written.is_some();
        let flushed = if is_write && done.is_ok() { self.let_flush() } else { Ok(()) };
        let mut steps = self.trace.stop();
        self.hold_ssts();
        let (text, answer) = done?;
        flushed?;
        let mut flusher = Vec::new();
        if is_write {
            (steps, flusher) = steps.into_iter().partition(is_of_write);
        } else {
            // The flusher sees a frozen memtable a moment before the step is recorded.
            steps.sort_by_key(|step| !matches!(step, Step::Freeze { .. }));
        }
        self.steps(&steps)?;
        if let Some(text) = text {
            self.frame(None, text, Vec::new(), Vec::new(), answer);
        }
        self.background(&flusher)?;
        self.check()
    }

    /// Runs a command; says what it has answered, if it answers.
    fn execute(
        &mut self,
        db: &Db,
        command: &Command,
    ) -> Result<(Option<String>, Vec<String>), Failure> {
        let operator = self.say.0;
        match command {
            Command::Put { key, value } => drop(db.put(key, operator.typed(value))?),
            Command::Delete { key } => drop(db.delete(key)?),
            Command::Merge { key, operand } => drop(db.merge(key, operator.typed(operand))?),
            Command::Get { key } => {
                let found = db.get(key)?;
                let versions = self.scene.versions().remove(&key[..]).unwrap_or_default();
                let expected = check::resolve(key, &versions, operator)?;
                self.agree("the answer", &expected, &found)?;
                let shown = found.map(|value| self.say.value(&value));
                let text = match &shown {
                    Some(value) => format!("The answer is {value}."),
                    None => format!("The answer: {} has no value.", Shown(key)),
                };
                return Ok((Some(text), vec![shown.unwrap_or_else(|| "(not found)".to_owned())]));
            }
            Command::Scan { range, limit } => {
                let mut lines = Vec::new();
                for found in db.scan(range.clone())?.take(*limit) {
                    let found = found?;
                    lines.push(format!("{} {}", Shown(&found.key), self.say.value(&found.value)));
                }
                let text = match lines.len() {
                    0 => "The scan ends. It has shown nothing.".to_owned(),
                    keys => format!("The scan ends. It has shown {}.", count(keys, "key")),
                };
                return Ok((Some(text), lines));
            }
            Command::Flush => self.flush(db)?,
            Command::Compact => {
                // A compaction flushes too. Doing it first, and to its end, keeps the order of the steps.
                self.flush(db)?;
                db.compact()?;
            }
            Command::Gc { min_age, .. } => {
                let garbage = db.collect_garbage(*min_age)?;
                self.scene.manifests.retain(|id| !garbage.manifests.contains(id));
                let ids = |ids: &[u64]| listed(&ids.iter().map(u64::to_string).collect::<Vec<_>>());
                let mut lines = Vec::new();
                if !garbage.manifests.is_empty() {
                    lines.push(format!("manifests {}", ids(&garbage.manifests)));
                }
                if !garbage.ssts.is_empty() {
                    lines.push(format!("SSTs {}", ids(&garbage.ssts)));
                }
                let text = match lines.is_empty() {
                    true => "Nothing was garbage.".to_owned(),
                    false => format!("Deleted: {}.", listed(&lines)),
                };
                return Ok((Some(text), lines));
            }
            // A script holds no others.
            _ => {}
        }
        Ok((None, Vec::new()))
    }

    fn flush(&self, db: &Db) -> Result<(), Failure> {
        db.flush()?;
        self.wait()
    }

    /// The row that a command writes.
    fn row_of(&self, command: &Command) -> Option<RowEntry> {
        let (operator, seq) = (self.say.0, self.scene.last_seq + 1);
        let typed = |bytes: &bytes::Bytes| operator.typed(bytes).into_owned();
        match command {
            Command::Put { key, value } => {
                Some(RowEntry::new_value(key.clone(), typed(value), seq))
            }
            Command::Delete { key } => Some(RowEntry::new_tombstone(key.clone(), seq)),
            Command::Merge { key, operand } => {
                Some(RowEntry::new_merge(key.clone(), typed(operand), seq))
            }
            _ => None,
        }
    }

    fn begins(&self, command: &Command) -> String {
        match command {
            Command::Put { .. } => "A key is given a value. That is a new row.".to_owned(),
            Command::Delete { .. } => {
                "A key is deleted. That is a new row too: a tombstone, which hides what is older."
                    .to_owned()
            }
            Command::Merge { .. } => {
                "A key is changed by an operand, which is written as a row. Nothing is read."
                    .to_owned()
            }
            Command::Get { .. } => {
                "A key is looked up, in one place after the other, newest first.".to_owned()
            }
            Command::Scan { .. } => "A range of keys is read, from all places at once.".to_owned(),
            Command::Flush => "Everything in memory is to be in an SST.".to_owned(),
            Command::Compact => {
                "All SSTs are to be merged into one sorted run. What is in memory is flushed first."
                    .to_owned()
            }
            _ => "The garbage collector looks for files that nobody needs.".to_owned(),
        }
    }

    // ---------- Steps ----------

    fn steps(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for (number, step) in steps.iter().enumerate() {
            let next = steps.get(number + 1);
            self.step(step, next)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, next: Option<&Step>) -> Result<(), Failure> {
        match step {
            Step::WalAppend { wal_id, rows } => self.wal_append(step, *wal_id, *rows),
            Step::MemTableInsert { key, seq } => self.mem_table_insert(step, key, *seq),
            Step::Commit { seq } => {
                self.scene.last_seq = *seq;
                let text = format!(
                    "From here on readers see every row up to sequence number {seq}. The command returns."
                );
                self.frame(Some(step), text, Vec::new(), Vec::new(), Vec::new());
                Ok(())
            }
            Step::Freeze { wal_id } => {
                self.scene.freeze();
                let text = format!(
                    "The memtable is frozen: it takes no more rows. An empty one takes its place, and WAL segment {} \
                     follows segment {wal_id}.",
                    wal_id + 1
                );
                let focus = vec![table_box(*wal_id), table_box(wal_id + 1), wal_box(wal_id + 1)];
                self.frame(Some(step), text, focus, Vec::new(), Vec::new());
                Ok(())
            }
            Step::MemTableLookup { found } => {
                let number = self.scene.mem_table.as_ref().map_or(0, |table| table.number);
                self.lookup(step, table_box(number), "the memtable".to_owned(), *found)
            }
            Step::ImmutableMemTableLookup { wal_id, found } => {
                let place = "an immutable memtable, which waits to be flushed".to_owned();
                self.lookup(step, table_box(*wal_id), place, *found)
            }
            Step::SstLookup { sst, found } => {
                let place = self.name_of_sst(*sst);
                self.lookup(step, sst_box(*sst), place, *found)
            }
            Step::ScanBegin { places } => self.scan_begin(step, *places),
            Step::ScanRow { key, seq } => self.scan_row(step, key, *seq),
            Step::MergeBatch { key, existing, operands } => {
                self.merge_batch(step, key, *existing, *operands);
                Ok(())
            }
            Step::Flush { wal_id, sst, rows } => self.flushed(step, *wal_id, *sst, *rows),
            Step::ManifestCommit { manifest } => self.manifest_commit(step, *manifest, next),
            Step::Compaction { sources, run, ssts, rows } => {
                let found = self.scene.runs.iter().find(|(id, _)| id == run);
                let found: Vec<usize> =
                    found.iter().flat_map(|(_, ssts)| ssts).map(|sst| sst.rows.len()).collect();
                let total: usize = found.iter().sum();
                self.agree("the SSTs of the sorted run", found.len(), *ssts)?;
                self.agree("the rows of the sorted run", total as u64, *rows)?;
                let text = format!(
                    "That was the compaction: {} became sorted run {run}, with {} and {}.{}",
                    count(*sources, "source"),
                    count(*ssts, "SST"),
                    count(total, "row"),
                    self.now.left,
                );
                let focus = self.run_boxes(*run);
                self.frame(Some(step), text, focus, Vec::new(), Vec::new());
                Ok(())
            }
            Step::SstDelete { sst } => {
                let before = self.scene.unnamed.len();
                self.scene.unnamed.retain(|other| other.number != *sst);
                self.agree(
                    "the SSTs that no manifest names",
                    self.scene.unnamed.len() + 1,
                    before,
                )?;
                let text = format!(
                    "SST {sst} is deleted: no manifest that counts names it, and nobody reads it."
                );
                self.frame(Some(step), text, Vec::new(), Vec::new(), Vec::new());
                Ok(())
            }
            Step::WalDelete { wal_id } => {
                self.scene.wal.retain(|segment| segment.number != *wal_id);
                let text = format!("WAL segment {wal_id} is deleted: its rows are in an SST.");
                self.frame(Some(step), text, Vec::new(), Vec::new(), Vec::new());
                Ok(())
            }
            Step::WalReplay { wal_id, rows } => self.wal_replay(step, *wal_id, *rows),
            other => Err(failed(format!("the recorder does not know the step `{other}`"))),
        }
    }

    fn wal_append(&mut self, step: &Step, wal_id: u64, rows: usize) -> Result<(), Failure> {
        self.agree("the rows that are appended", rows, usize::from(self.now.written.is_some()))?;
        let Some(row) = self.now.written.clone() else { return Ok(()) };
        // The segment may be a new one, if the memtable was frozen first.
        let segment = self.scene.wal.iter_mut().find(|segment| segment.number == wal_id);
        let segment = segment.ok_or_else(|| failed(format!("there is no WAL segment {wal_id}")))?;
        segment.rows.push(row.clone());
        let text = format!(
            "{} is appended to WAL segment {wal_id}, as one record. From here on it survives a killed process.",
            capital(&self.say.row(&row))
        );
        let mark = self.mark(&wal_box(wal_id), &row, Why::New);
        self.frame(Some(step), text, vec![wal_box(wal_id)], vec![mark], Vec::new());
        Ok(())
    }

    fn mem_table_insert(&mut self, step: &Step, key: &[u8], seq: u64) -> Result<(), Failure> {
        let row = self.now.written.clone().filter(|row| row.key == key && row.seq == seq);
        let row =
            row.ok_or_else(|| failed(format!("`{step}` is not the row that the command writes")))?;
        let Some(table) = &mut self.scene.mem_table else {
            return Err(failed("there is no memtable"));
        };
        let older = table.rows.iter().filter(|other| other.key == key).count();
        insert(&mut table.rows, row.clone());
        let id = table_box(table.number);
        let mut text =
            format!("{} is put into the memtable, which is sorted.", capital(&self.say.row(&row)));
        if older > 0 {
            text += match (older, is_operand(&row)) {
                (1, false) => " The older version of the key stays there, hidden.",
                (_, false) => " Older versions of the key stay there, hidden.",
                (_, true) => " What is older stays there and counts too.",
            };
        }
        let mark = self.mark(&id, &row, Why::New);
        self.frame(Some(step), text, vec![id], vec![mark], Vec::new());
        Ok(())
    }

    fn lookup(
        &mut self,
        step: &Step,
        id: String,
        place: String,
        found: bool,
    ) -> Result<(), Failure> {
        let row = self.scene.newest_in(&id, &self.now.key).cloned();
        if row.is_some() != found {
            return Err(failed(format!(
                "`{step}`, but by the steps so far it is the other way round"
            )));
        }
        // Newest first: each place lies behind the one before.
        let places = self.scene.places();
        let rank = |id: &str| places.iter().position(|(other, _)| other == id);
        if let Some(last) = self.now.looked.last()
            && rank(&last.place) >= rank(&id)
        {
            let newest_first: Vec<&String> = places.iter().map(|(id, _)| id).collect();
            let looked: Vec<&String> =
                self.now.looked.iter().map(|looked| &looked.place).chain([&id]).collect();
            return Err(self.differs(
                "the order in which places are looked into",
                &format!("{newest_first:?}"),
                &format!("{looked:?}"),
            ));
        }
        let text = self.say.lookup(&self.now.key, &place, row.as_ref());
        self.now.looked.push(Looked { place: id.clone(), found });
        if let Some(row) = row {
            let mark = self.mark(&id, &row, Why::Found);
            self.now.marks.push(mark);
        }
        self.frame(Some(step), text, vec![id], Vec::new(), Vec::new());
        Ok(())
    }

    fn scan_begin(&mut self, step: &Step, places: usize) -> Result<(), Failure> {
        let scene = &self.scene;
        let tables = usize::from(scene.mem_table.is_some()) + scene.immutables.len();
        self.agree(
            "the places that are merged",
            tables + scene.l0.len() + scene.runs.len(),
            places,
        )?;
        // What a get has marked so far is read once more, as a stream.
        self.now.marks.clear();
        self.now.looked.clear();
        let text = format!(
            "{} merged into one sorted stream: by key, and of one key the newest row first.",
            if places == 1 { "One place is".to_owned() } else { format!("{places} places are") }
        );
        let focus = self.scene.places().into_iter().map(|(id, _)| id).collect();
        self.frame(Some(step), text, focus, Vec::new(), Vec::new());
        Ok(())
    }

    fn scan_row(&mut self, step: &Step, key: &[u8], seq: u64) -> Result<(), Failure> {
        let found = self.scene.box_of(key, seq);
        let (id, row) =
            found.ok_or_else(|| failed(format!("`{step}`, but that row is in no place")))?;
        let versions = &mut self.now.versions;
        if versions.key != key {
            *versions = Versions { key: key.to_vec(), ..Versions::default() };
        }
        let (why, reason) = match (&row.value, versions.ended, versions.operands) {
            (_, true, _) => (Why::Hidden, "A newer row of the key hides it."),
            (ValueDeletable::Value(_), _, false) => {
                (Why::Shown, "It is the newest row of its key, so its value is shown.")
            }
            (ValueDeletable::Value(_), _, true) => (Why::Merged, "The operands change this value."),
            (ValueDeletable::Tombstone, _, false) => {
                (Why::Hidden, "The key is deleted: nothing of it is shown.")
            }
            (ValueDeletable::Tombstone, _, true) => {
                (Why::Hidden, "What is older does not count: the operands start from nothing.")
            }
            (ValueDeletable::Merge(_), ..) => {
                (Why::Merged, "An operand: what it means is known when older rows are read.")
            }
        };
        versions.operands |= is_operand(&row);
        versions.ended |= !is_operand(&row);
        let text = format!("The stream goes on with {}. {reason}", self.say.row(&row));
        let mark = self.mark(&id, &row, why);
        self.now.marks.push(mark);
        self.frame(Some(step), text, vec![id], Vec::new(), Vec::new());
        Ok(())
    }

    fn merge_batch(&mut self, step: &Step, key: &[u8], existing: bool, operands: usize) {
        let (operands, key_shown) = (count(operands, "operand"), Shown(key));
        let text = match existing {
            true => {
                format!("The merge operator applies {operands} of {key_shown} to what is older.")
            }
            false => format!("The merge operator makes one operand of {operands} of {key_shown}."),
        };
        let mut marks = Vec::new();
        // A read has marked what it has read; a flush or a compaction reads without a word.
        if self.now.marks.is_empty() {
            let read = match self.scene.immutables.last() {
                Some(table) => vec![(table_box(table.number), table.rows.clone())],
                None => {
                    let places = self.scene.places().into_iter();
                    places.map(|(id, rows)| (id, rows.to_vec())).collect()
                }
            };
            for (id, rows) in read {
                for row in rows.iter().filter(|row| row.key == key) {
                    marks.push(self.mark(&id, row, Why::Merged));
                }
            }
        }
        self.frame(Some(step), text, Vec::new(), marks, Vec::new());
    }

    fn flushed(&mut self, step: &Step, wal_id: u64, sst: u64, rows: u64) -> Result<(), Failure> {
        let written = self.disk.sst_rows(sst)?;
        self.agree(&format!("the rows of SST {sst}"), written.len() as u64, rows)?;
        let table = self.scene.immutables.iter().find(|table| table.number == wal_id);
        let table = table
            .ok_or_else(|| failed(format!("`{step}`, but there is no such immutable memtable")))?;
        for row in &written {
            let is_there = |other: &RowEntry| other.key == row.key && other.seq == row.seq;
            if !table.rows.iter().any(is_there) {
                let row = self.say.row(row);
                return Err(failed(format!("SST {sst} has {row}, which was not in the memtable")));
            }
        }
        let id = table_box(wal_id);
        let left = self.scene.left_out(&[id], &written);
        let rows = count(written.len(), "row");
        // A crash may have left it behind.
        let is_there = self.scene.unnamed.iter().any(|other| other.number == sst);
        let mut text = match is_there {
            true => format!(
                "The immutable memtable is to be written as SST {sst}, with {rows}. A file of that name is there, \
                 the same to the byte, so it is taken over."
            ),
            false => format!("The immutable memtable is written as SST {sst}, with {rows}."),
        };
        if !is_there {
            self.scene.unnamed.push(Container { number: sst, rows: written.clone() });
        }
        text += &left_out(&left);
        text += " No manifest names the SST yet, so it does not count.";
        let mut marks: Vec<Mark> =
            left.iter().map(|(id, row, how)| self.mark(id, row, how.why())).collect();
        let id = sst_box(sst);
        let written = if is_there { Vec::new() } else { written };
        marks.extend(written.iter().map(|row| self.mark(&id, row, Why::New)).collect::<Vec<_>>());
        self.frame(Some(step), text, vec![id], marks, Vec::new());
        Ok(())
    }

    fn manifest_commit(
        &mut self,
        step: &Step,
        id: u64,
        next: Option<&Step>,
    ) -> Result<(), Failure> {
        let manifest = self.disk.manifest(id)?;
        let known: Vec<u64> = self.scene.ssts().into_keys().collect();
        let mut new = Vec::new();
        for number in manifest.ssts().filter(|sst| !known.contains(sst)) {
            new.push(Container { number, rows: self.disk.sst_rows(number)? });
        }
        let fresh: Vec<RowEntry> = new.iter().flat_map(|sst| sst.rows.clone()).collect();
        let was_named: Vec<u64> = {
            let in_runs = self.scene.runs.iter().flat_map(|(_, ssts)| ssts);
            self.scene.l0.iter().chain(in_runs).map(|sst| sst.number).collect()
        };
        let unnamed_before: Vec<u64> = self.scene.unnamed.iter().map(|sst| sst.number).collect();
        self.scene.apply(id, &manifest, new);
        let retired: Vec<u64> =
            was_named.into_iter().filter(|id| !manifest.ssts().any(|sst| sst == *id)).collect();
        let names =
            |ids: &[u64]| listed(&ids.iter().map(|id| format!("SST {id}")).collect::<Vec<_>>());
        let (text, focus) = match next {
            Some(Step::Compaction { run, .. }) => {
                let boxes: Vec<String> = retired.iter().map(|&id| sst_box(id)).collect();
                let left = self.scene.left_out(&boxes, &fresh);
                self.now.marks =
                    left.iter().map(|(id, row, how)| self.mark(id, row, how.why())).collect();
                self.now.left = left_out(&left);
                let text = format!(
                    "Manifest {id} is committed. It names sorted run {run}, and no longer {}. Readers that \
                     begin now read the run.",
                    names(&retired)
                );
                (text, self.run_boxes(*run))
            }
            _ => {
                let named: Vec<u64> =
                    unnamed_before.into_iter().filter(|id| manifest.l0.contains(id)).collect();
                let text = format!(
                    "Manifest {id} is committed. It names {} in level 0, which takes the memtable's place. A \
                     recovery will begin behind WAL segment {}.",
                    names(&named),
                    manifest.replay_after_wal_id
                );
                (text, named.into_iter().map(sst_box).collect())
            }
        };
        self.frame(Some(step), text, focus, Vec::new(), Vec::new());
        Ok(())
    }

    fn wal_replay(&mut self, step: &Step, wal_id: u64, rows: usize) -> Result<(), Failure> {
        let segment = self.scene.wal.iter().find(|segment| segment.number == wal_id);
        let segment = segment.ok_or_else(|| failed(format!("there is no WAL segment {wal_id}")))?;
        let mut table = Container { number: wal_id, rows: Vec::new() };
        segment.rows.iter().for_each(|row| insert(&mut table.rows, row.clone()));
        self.agree(&format!("the rows of WAL segment {wal_id}"), segment.rows.len(), rows)?;
        let id = table_box(wal_id);
        let marks = table.rows.clone().iter().map(|row| self.mark(&id, row, Why::New)).collect();
        let is_last = self.scene.mem_table.as_ref().is_some_and(|last| last.number == wal_id);
        let place = if is_last { "the memtable" } else { "an immutable memtable" };
        match is_last {
            true => self.scene.mem_table = Some(table),
            false if rows > 0 => self.scene.immutables.insert(0, table),
            false => {}
        }
        let text = match rows {
            0 => format!("WAL segment {wal_id} is read. It holds no row."),
            rows => format!(
                "WAL segment {wal_id} is read: {} again in {place}.",
                match rows {
                    1 => "its row is".to_owned(),
                    rows => format!("its {rows} rows are"),
                }
            ),
        };
        self.frame(Some(step), text, vec![wal_box(wal_id), id], marks, Vec::new());
        Ok(())
    }

    // ---------- Frames ----------

    /// Begins an operation.
    fn operation(&mut self, command: String) {
        self.now = Now { name: command.clone(), ..Now::default() };
        self.recording.operations.push(Operation { command, note: self.note.take() });
    }

    fn frame(
        &mut self,
        step: Option<&Step>,
        text: String,
        focus: Vec<String>,
        marks: Vec<Mark>,
        answer: Vec<String>,
    ) {
        let say = self.say;
        let rows = &mut self.recording.rows;
        let layout = self.scene.layout(|row| number_of(rows, shown(say, row)));
        if self.recording.layouts.last() != Some(&layout) {
            self.recording.layouts.push(layout);
        }
        let marks = self.now.marks.iter().cloned().chain(marks).collect();
        self.recording.frames.push(Frame {
            operation: self.recording.operations.len().checked_sub(1),
            step: step.map(ToString::to_string),
            text,
            layout: self.recording.layouts.len() - 1,
            focus,
            looked: self.now.looked.clone(),
            marks,
            answer,
        });
    }

    fn mark(&mut self, place: &str, row: &RowEntry, why: Why) -> Mark {
        let row = number_of(&mut self.recording.rows, shown(self.say, row));
        Mark { place: place.to_owned(), row, why }
    }

    fn name_of_sst(&self, id: u64) -> String {
        let run = self.scene.runs.iter().find(|(_, ssts)| ssts.iter().any(|sst| sst.number == id));
        match run {
            Some((run, ssts)) if ssts.len() > 1 => {
                format!("SST {id}, the only one of sorted run {run} that can have the key")
            }
            Some((run, _)) => format!("SST {id}, which is sorted run {run}"),
            None => format!("SST {id} of level 0"),
        }
    }

    fn run_boxes(&self, run: u32) -> Vec<String> {
        let ssts = self.scene.runs.iter().filter(|(id, _)| *id == run).flat_map(|(_, ssts)| ssts);
        ssts.map(|sst| sst_box(sst.number)).collect()
    }

    // ---------- Checks ----------

    fn agree<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        expected: T,
        found: T,
    ) -> Result<(), Failure> {
        match expected == found {
            true => Ok(()),
            false => Err(self.differs(what, &format!("{expected:?}"), &format!("{found:?}"))),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let mut difference = check::files(&self.scene, &self.disk)?;
        if let Some(db) = &self.db {
            if difference.is_none() && !self.disk.store.is_waited_for() {
                difference = check::figures(&self.scene, db)?;
            }
            if difference.is_none() {
                difference = check::contents(&self.scene, db, self.say.0)?;
            }
        }
        match difference {
            None => Ok(()),
            Some((what, expected, found)) => Err(self.differs(&what, &expected, &found)),
        }
    }

    fn differs(&self, what: &str, expected: &str, found: &str) -> Failure {
        Failure::Recording(format!(
            "`{}`: the steps of the trace and the database disagree about {what}.\n  \
             by the steps:    {expected}\n  in the database: {found}\n\
             A step is missing or wrong, or the database does not do what it says. Nothing was written.",
            self.now.name
        ))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // A database that waits for its store would never close.
        self.disk.store.hold(Held::default());
    }
}

/// Whether a step is one of the thread that writes, and not of the flusher.
fn is_of_write(step: &Step) -> bool {
    matches!(
        step,
        Step::Freeze { .. }
            | Step::WalAppend { .. }
            | Step::MemTableInsert { .. }
            | Step::Commit { .. }
    )
}

fn failed(problem: impl Into<String>) -> Failure {
    Failure::Recording(problem.into())
}

/// The place of a row in the list, where it is added if it is new.
fn number_of(rows: &mut Vec<Row>, row: Row) -> usize {
    rows.iter().position(|other| *other == row).unwrap_or_else(|| {
        rows.push(row);
        rows.len() - 1
    })
}

/// What was left out of a new SST, in words.
fn left_out(left: &[(String, RowEntry, LeftOut)]) -> String {
    let rows = |how| left.iter().filter(|(_, _, found)| *found == how).count();
    let mut text = String::new();
    match rows(LeftOut::Hidden) {
        0 => {}
        1 => text += " One row is left out: a newer one hides it.",
        rows => text += &format!(" {rows} rows are left out: newer ones hide them."),
    }
    match rows(LeftOut::Needless) {
        0 => {}
        1 => text += " One tombstone is left out: nothing older is left to hide.",
        rows => text += &format!(" {rows} tombstones are left out: nothing older is left to hide."),
    }
    match rows(LeftOut::Merged) {
        0 => {}
        1 => text += " One row was merged.",
        rows => text += &format!(" {rows} rows were merged into one of their key."),
    }
    text
}

fn shown(say: Sentences, row: &RowEntry) -> Row {
    let kind = match &row.value {
        ValueDeletable::Value(_) => Kind::Value,
        ValueDeletable::Tombstone => Kind::Tombstone,
        ValueDeletable::Merge(_) => Kind::Operand,
    };
    let value = row.value.as_bytes().map(|value| say.value(value));
    Row { key: Shown(&row.key).to_string(), seq: row.seq, kind, value }
}

fn capital(text: &str) -> String {
    // A key keeps its letters: only words of ours begin with a capital.
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => text.to_owned(),
    }
}

//! The store: TinyDB's trait on top of the client.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use tinydb::object_store::{ObjectMeta, ObjectStore, validate_path};
use tinydb::{Error, Result};

use crate::builder::S3Builder;
use crate::client::{Client, Limits, put_id};
use crate::error::Place;
use crate::failure::Failure;
use crate::runtime::RequestRuntime;

/// The most bytes that one request may put.
const MAX_PUT: usize = 5 << 30;

/// Objects in a bucket, each under its path, behind the store's prefix.
///
/// Any number of threads may use it at once, and any number of stores, in any number of processes,
/// the same bucket. A call blocks its thread until the answer is there, so async code makes it in
/// `tokio::task::spawn_blocking`.
///
/// What the trait promises, and how it is kept:
/// 1. An object is seen whole or not at all: S3 makes a put visible at its end, also one in parts.
/// 2. What was put is durable: S3 answers when it is.
/// 3. Of several `put_if_absent` one returns `Ok`: the server decides, by `If-None-Match`. Services
///    that ignore it silently overwrite, and can't hold a database:
///    [`S3ObjectStore::check_conditional_puts`].
/// 4. A lost answer is made good by another try, and told as [`Error::Io`] when the tries are used
///    up. Then a put or delete may have been carried out, and if the network held a put back, may
///    even be carried out a while later.
#[derive(Debug)]
pub struct S3ObjectStore {
    client: Client,
    place: Place,
    /// Empty, or ends with a `/`.
    prefix: String,
    runtime: RequestRuntime,
}

impl S3ObjectStore {
    /// Begins to say which bucket: see [`S3Builder`].
    pub fn builder(bucket: impl Into<String>) -> S3Builder {
        S3Builder::new(bucket)
    }

    /// The folder of the bucket that the objects are in, without a `/` behind it.
    pub fn prefix(&self) -> &str {
        self.prefix.trim_end_matches('/')
    }

    /// Finds out whether the service keeps the condition of a conditional put, with an object of its
    /// own in the folder `probe`. If not, two writers would both believe to have the database, and
    /// the error is [`Error::InvalidArgument`]. Takes four requests; once for a new service is enough.
    pub fn check_conditional_puts(&self) -> Result<()> {
        let path = format!("probe/{}", put_id());
        self.put_if_absent(&path, "first".into())?;
        let second = self.put_if_absent(&path, "second".into());
        let found = self.get(&path);
        self.delete(&path)?;
        match (second, found?) {
            (Err(Error::AlreadyExists { .. }), found) if found == "first" => Ok(()),
            (Err(error @ Error::Io { .. }), _) => Err(error),
            _ => {
                let problem = format!(
                    "{} overwrites an object although it was asked not to (If-None-Match), so it \
                     can't hold a database. Update the service, or use another",
                    self.place.endpoint
                );
                Err(Error::invalid("endpoint", problem))
            }
        }
    }

    pub(crate) fn open(s3: AmazonS3, limits: Limits, place: Place, prefix: String) -> Result<Self> {
        let runtime = RequestRuntime::start().map_err(Error::io("start", "the threads for S3"))?;
        let store = Self { client: Client { s3: Arc::new(s3), limits }, place, prefix, runtime };
        let client = store.client.clone();
        store.wait_for("open", "", async move { client.check_bucket().await })?;
        Ok(store)
    }

    /// The key of the object at `path`. Checks the path.
    fn key(&self, path: &str) -> Result<Path> {
        validate_path(path)?;
        let key = format!("{}{path}", self.prefix);
        Path::parse(&key).map_err(|error| Error::invalid("path", error.to_string()))
    }

    /// Waits for a request. If it fails for another reason than that the object is missing, that is
    /// an [`Error::Io`].
    fn wait_for<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: &str,
        request: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T> {
        let ended = self.runtime.wait_for(request).map_err(Error::io(operation, path))?;
        ended.map_err(|failure| {
            if failure.is_not_found() && !failure.is_no_bucket() {
                return Error::NotFound { path: path.to_owned() };
            }
            let key = format!("{}{path}", self.prefix);
            self.place.io_error(operation, &key, &failure)
        })
    }

    /// The path of a key of the bucket; `None` for what is none of ours.
    fn path(&self, key: &Path) -> Option<String> {
        let path = key.as_ref().strip_prefix(&self.prefix)?;
        validate_path(path).is_ok().then(|| path.to_owned())
    }

    /// The error for a range that an object does not have, `None` if it has it.
    fn out_of_range(path: &str, range: &Range<u64>, size: u64) -> Option<Error> {
        let Range { start, end } = *range;
        let error = || Error::OutOfRange { path: path.to_owned(), start, end, size };
        (start > end || end > size).then(error)
    }
}

impl ObjectStore for S3ObjectStore {
    fn put(&self, path: &str, object: Bytes) -> Result<()> {
        let (key, client) = (self.key(path)?, self.client.clone());
        self.wait_for("put", path, async move { client.put(&key, &object).await })
    }

    fn put_if_absent(&self, path: &str, object: Bytes) -> Result<()> {
        let (key, client) = (self.key(path)?, self.client.clone());
        if object.len() > MAX_PUT {
            let problem = format!(
                "{path} has {} bytes; the most that can be put on a condition is {MAX_PUT}",
                object.len()
            );
            return Err(Error::invalid("object", problem));
        }
        let put = async move { client.put_if_absent(&key, &object).await };
        match self.wait_for("put", path, put)? {
            true => Ok(()),
            false => Err(Error::AlreadyExists { path: path.to_owned() }),
        }
    }

    fn get(&self, path: &str) -> Result<Bytes> {
        let (key, client) = (self.key(path)?, self.client.clone());
        let fetched = self.wait_for("get", path, async move { client.get(&key).await })?;
        Ok(fetched.bytes)
    }

    fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let (key, client) = (self.key(path)?, self.client.clone());
        // HTTP has no way to ask for no bytes, and servers disagree about numbers that large.
        if !range.is_empty() && i64::try_from(range.end).is_ok() {
            let asked = range.clone();
            let get = async move { client.get_range(&key, asked).await };
            match self.wait_for("get", path, get) {
                Ok(fetched) if fetched.range == range => return Ok(fetched.bytes),
                Ok(fetched) => {
                    let error = Self::out_of_range(path, &range, fetched.size);
                    return Err(error.unwrap_or_else(|| cut_short(path)));
                }
                Err(error @ Error::NotFound { .. }) => return Err(error),
                // A range that begins behind the object's end is refused, in words that differ.
                Err(error) => {
                    let size = self.head(path)?.size;
                    return Err(Self::out_of_range(path, &range, size).unwrap_or(error));
                }
            }
        }
        let size = self.head(path)?.size;
        Self::out_of_range(path, &range, size).map_or(Ok(Bytes::new()), Err)
    }

    fn head(&self, path: &str) -> Result<ObjectMeta> {
        let (key, client) = (self.key(path)?, self.client.clone());
        let found = self.wait_for("look up", path, async move { client.head(&key).await })?;
        Ok(meta(path.to_owned(), &found))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let mut folder = self.prefix.clone();
        if !prefix.is_empty() {
            validate_path(prefix)?;
            folder = format!("{folder}{prefix}/");
        }
        let client = self.client.clone();
        let list = async move { client.list((!folder.is_empty()).then_some(&*folder)).await };
        let found = self.wait_for("list", prefix, list)?;
        let mut objects: Vec<_> = found
            .iter()
            .filter_map(|found| Some(meta(self.path(&found.location)?, found)))
            .collect();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(objects)
    }

    fn delete(&self, path: &str) -> Result<()> {
        let (key, client) = (self.key(path)?, self.client.clone());
        self.wait_for("delete", path, async move { client.delete(&key).await })
    }
}

/// The time is in whole seconds, as the answer to a `head` has it; a listing may know it better, and
/// an object has one time.
fn meta(path: String, found: &object_store::ObjectMeta) -> ObjectMeta {
    let since = SystemTime::from(found.last_modified).duration_since(UNIX_EPOCH);
    let last_modified = UNIX_EPOCH + Duration::from_secs(since.map_or(0, |since| since.as_secs()));
    ObjectMeta { path, size: found.size, last_modified }
}

fn cut_short(path: &str) -> Error {
    let problem = "the server sent other bytes than it was asked for";
    Error::io("get", path)(std::io::Error::new(std::io::ErrorKind::InvalidData, problem))
}

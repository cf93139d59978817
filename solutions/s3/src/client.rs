//! Each operation as the requests it takes.
//!
//! All tries are made here; the client's own retries are off. It repeats a conditional put as it
//! repeats a read: after a broken connection, or an answer 503. If the first try was carried out and
//! only its answer was lost, the second finds the object there, and the caller would hear that
//! somebody else was first. Only whoever made both tries can tell: see [`Client::put_if_absent`].
//!
//! SlateDB: `RetryingObjectStore` in `src/retrying_object_store.rs` does the same with the same mark
//! on the object, around any store.

use std::collections::VecDeque;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, MultipartId, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutOptions,
};
use tokio::task::{JoinHandle, spawn};
use tokio::time::{sleep, timeout};

use crate::failure::Failure;

/// The user-defined metadata that says which put an object is by. There is no `-` in it, because not
/// every store keeps one.
const PUT_ID: &str = "tinydbputid";
/// How long the first pause between two tries is; each later one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A body may take one second for each of so many bytes, on top of the request's time.
const SLOWEST_BYTES_PER_SECOND: u64 = 256 << 10;
/// How many parts of an upload are under way at once.
const PARTS_AT_ONCE: usize = 4;
/// The most parts that an upload may have.
const MAX_PARTS: usize = 10_000;

/// How long and how often to try.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time for one request, without its body.
    pub request_timeout: Duration,
    /// How often a request is made before its failure is told.
    pub tries: u32,
    /// An object of more bytes is put in parts of this size.
    pub part_size: usize,
}

/// A bucket, and the patience to talk to it. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    pub s3: Arc<AmazonS3>,
    pub limits: Limits,
}

/// Part of an object, or all of it, and how long the whole is.
#[derive(Debug)]
pub struct Fetched {
    pub bytes: Bytes,
    /// Which bytes these are.
    pub range: Range<u64>,
    pub size: u64,
}

impl Client {
    /// Writes an object in one request, or in parts if it is large.
    pub async fn put(&self, key: &Path, object: &Bytes) -> Result<(), Failure> {
        if object.len() > self.limits.part_size {
            return self.put_in_parts(key, object).await;
        }
        let put = || self.within(object.len(), self.s3.put(key, object.clone().into()));
        self.repeat(put).await.map(drop)
    }

    /// Writes an object unless there is one; says whether it did. It is one request, whatever its
    /// size: the condition of an upload in parts belongs to its last request, and the client has no
    /// way to send it.
    ///
    /// Every put carries a mark of its own. If a try may have been carried out, and a later one
    /// finds an object there, the object's mark tells whose it is. (The bytes would not: two
    /// writers that open a database at the same moment put the same manifest.) A server that keeps
    /// no metadata leaves the mark out; then the object is taken for somebody else's, and the
    /// engine looks at the bytes where that is enough.
    pub async fn put_if_absent(&self, key: &Path, object: &Bytes) -> Result<bool, Failure> {
        let id = put_id();
        let maybe_ours = AtomicBool::new(false);
        let put = || async {
            match self.put_once(key, object, &id).await {
                Ok(()) => Ok(true),
                Err(failure) if failure.is_taken() && maybe_ours.load(Ordering::Relaxed) => {
                    self.is_by(key, &id).await
                }
                Err(failure) if failure.is_taken() => Ok(false),
                Err(failure) => {
                    maybe_ours.fetch_or(failure.may_be_carried_out(), Ordering::Relaxed);
                    Err(failure)
                }
            }
        };
        self.repeat(put).await
    }

    async fn put_once(&self, key: &Path, object: &Bytes, id: &str) -> Result<(), Failure> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(PUT_ID.into()), id.to_owned().into());
        let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
        let put = self.s3.put_opts(key, object.clone().into(), options);
        self.within(object.len(), put).await.map(drop)
    }

    async fn is_by(&self, key: &Path, id: &str) -> Result<bool, Failure> {
        let head = self.look_up(key).await?;
        let found = head.attributes.get(&Attribute::Metadata(PUT_ID.into()));
        Ok(found.is_some_and(|found| **found == *id))
    }

    /// The whole object.
    pub async fn get(&self, key: &Path) -> Result<Fetched, Failure> {
        self.repeat(|| self.fetch(key, GetOptions::default())).await
    }

    /// The bytes of a range that the object has; there must be one at least.
    pub async fn get_range(&self, key: &Path, range: Range<u64>) -> Result<Fetched, Failure> {
        let range = Some(GetRange::Bounded(range));
        let options = GetOptions { range, ..GetOptions::default() };
        self.repeat(|| self.fetch(key, options.clone())).await
    }

    async fn fetch(&self, key: &Path, options: GetOptions) -> Result<Fetched, Failure> {
        let found = self.within(0, self.s3.get_opts(key, options)).await?;
        let (range, size) = (found.range.clone(), found.meta.size);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let bytes = self.within(length, found.bytes()).await?;
        Ok(Fetched { bytes, range, size })
    }

    /// What is known of an object.
    pub async fn head(&self, key: &Path) -> Result<ObjectMeta, Failure> {
        let found = self.repeat(|| self.look_up(key)).await;
        if found.as_ref().is_err_and(Failure::is_not_found) {
            // The answer to such a request has no body, which would say whether it is the object
            // that is missing, or the bucket.
            self.check_bucket().await?;
        }
        Ok(found?.meta)
    }

    async fn look_up(&self, key: &Path) -> Result<GetResult, Failure> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        self.within(0, self.s3.get_opts(key, options)).await
    }

    /// Fails if the bucket can't be listed: because it is missing, or nobody answers, or the
    /// credentials are wrong.
    pub async fn check_bucket(&self) -> Result<(), Failure> {
        let list = || {
            let options = PaginatedListOptions { max_keys: Some(1), ..Default::default() };
            self.within(0, self.s3.list_paginated(None, options))
        };
        self.repeat(list).await.map(drop)
    }

    /// Every object whose key starts with `prefix`, page by page. Each page is a request of its own,
    /// so that a failure in the middle costs one page.
    pub async fn list(&self, prefix: Option<&str>) -> Result<Vec<ObjectMeta>, Failure> {
        let mut found = Vec::new();
        let mut page_token = None;
        loop {
            let list = || {
                let page_token = page_token.clone();
                let options = PaginatedListOptions { page_token, ..Default::default() };
                self.within(0, self.s3.list_paginated(prefix, options))
            };
            let page = self.repeat(list).await?;
            found.extend(page.result.objects);
            page_token = page.page_token;
            if page_token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Removes an object, if there is one.
    pub async fn delete(&self, key: &Path) -> Result<(), Failure> {
        match self.repeat(|| self.within(0, self.s3.delete(key))).await {
            // S3 does not say so, but others do.
            Err(failure) if failure.is_not_found() && !failure.is_no_bucket() => Ok(()),
            deleted => deleted,
        }
    }

    /// Uploads an object in parts. Nobody sees any of it before the last request, and the parts are
    /// slices of `object`: nothing is copied.
    async fn put_in_parts(&self, key: &Path, object: &Bytes) -> Result<(), Failure> {
        let begin = || self.within(0, self.s3.create_multipart(key));
        let upload = self.repeat(begin).await?;
        let uploaded = self.upload_parts(key, &upload, object).await;
        let finished = match uploaded {
            Ok(parts) => self.complete(key, &upload, parts).await,
            Err(failure) => Err(failure),
        };
        if finished.is_err() {
            // What is left of an upload can't be seen, but it is paid for. If this fails too, a
            // rule of the bucket has to clear it away: see README.md.
            let _ = self.within(0, self.s3.abort_multipart(key, &upload)).await;
        }
        finished
    }

    async fn upload_parts(
        &self,
        key: &Path,
        upload: &MultipartId,
        object: &Bytes,
    ) -> Result<Vec<PartId>, Failure> {
        let part_size = self.limits.part_size.max(object.len().div_ceil(MAX_PARTS));
        let starts = (0..object.len()).step_by(part_size);
        let mut uploaded = Vec::new();
        let mut under_way = Parts::default();
        for (number, start) in starts.enumerate() {
            if under_way.0.len() == PARTS_AT_ONCE {
                uploaded.extend(under_way.next().await?);
            }
            let part = object.slice(start..object.len().min(start + part_size));
            let (client, key, upload) = (self.clone(), key.clone(), upload.clone());
            let put = async move { client.put_part(&key, &upload, number, part).await };
            under_way.0.push_back(spawn(put));
        }
        while let Some(part) = under_way.next().await? {
            uploaded.push(part);
        }
        Ok(uploaded)
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &MultipartId,
        number: usize,
        part: Bytes,
    ) -> Result<PartId, Failure> {
        let put = || {
            let put = self.s3.put_part(key, upload, number, part.clone().into());
            self.within(part.len(), put)
        };
        self.repeat(put).await
    }

    async fn complete(
        &self,
        key: &Path,
        upload: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<(), Failure> {
        let maybe_done = AtomicBool::new(false);
        let complete = || async {
            let complete = self.s3.complete_multipart(key, upload, parts.clone());
            match self.within(0, complete).await {
                // An upload ends when it is completed, and this one was not given up.
                Err(failure)
                    if failure.is_not_found()
                        && !failure.is_no_bucket()
                        && maybe_done.load(Ordering::Relaxed) =>
                {
                    Ok(())
                }
                Err(failure) => {
                    maybe_done.fetch_or(failure.may_be_carried_out(), Ordering::Relaxed);
                    Err(failure)
                }
                Ok(_) => Ok(()),
            }
        };
        self.repeat(complete).await
    }

    /// Makes a request until it is answered, or there is no use in it, or it was made
    /// [`Limits::tries`] times.
    async fn repeat<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 1..self.limits.tries {
            match request().await {
                Err(failure) if failure.may_pass() => sleep(pause).await,
                answered => return answered,
            }
            pause *= 4;
        }
        request().await
    }

    /// Gives a request up when its time is over, which grows with the bytes that it moves.
    async fn within<T>(
        &self,
        bytes: usize,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Failure> {
        let body = Duration::from_secs(bytes as u64 / SLOWEST_BYTES_PER_SECOND);
        let limit = self.limits.request_timeout + body;
        timeout(limit, request).await.map_err(|_| Failure::NoAnswer(limit))?.map_err(Failure::from)
    }
}

/// Parts that are being uploaded, in order. Those left when this is dropped are given up.
#[derive(Default)]
struct Parts(VecDeque<JoinHandle<Result<PartId, Failure>>>);

impl Parts {
    /// Waits for the first of them.
    async fn next(&mut self) -> Result<Option<PartId>, Failure> {
        let Some(part) = self.0.front_mut() else {
            return Ok(None);
        };
        let ended = part.await;
        self.0.pop_front();
        let panicked = |source| Failure::Refused(object_store::Error::JoinError { source });
        ended.map_err(panicked)?.map(Some)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// A mark that no other put has: 128 bits from the randomness behind `std`'s hash maps.
pub fn put_id() -> String {
    let random = || RandomState::new().hash_one(0);
    format!("{:016x}{:016x}", random(), random())
}

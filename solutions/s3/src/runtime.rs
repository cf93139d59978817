//! From callers that block to requests that do not.

use std::future::Future;
use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

/// Threads that talk to the server, while the threads that call the store wait.
///
/// TinyDB blocks, and the S3 client is async, so somebody has to wait for futures. `Runtime::block_on`
/// would be one way, but it panics on a thread that already runs async code, and a program with an
/// async runtime of its own is just who uses S3. So a request is spawned here, and the caller waits
/// on a channel for its answer:
///
/// 1. Any thread may call, and any number at once: the engine's background threads, threads of
///    `std`, tasks of any runtime.
/// 2. No call can wait for itself: the requests run on threads of their own, and none of those
///    ever calls the store.
///
/// A call from async code holds up the thread it is on for as long as the request takes, and on a
/// runtime of one thread every other task too. So wrap it: `tokio::task::spawn_blocking(move ||
/// db.get(key))`.
#[derive(Debug)]
pub struct RequestRuntime {
    /// Only taken when dropped.
    runtime: Option<Runtime>,
}

/// A request waits for the network; the work left over is signing, checksums and TLS.
const THREADS: usize = 2;

impl RequestRuntime {
    pub fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("tinydb-s3").enable_all();
        Ok(Self { runtime: Some(builder.build()?) })
    }

    /// Runs `request` to its end on the runtime's threads. Fails if it panicked.
    pub fn wait_for<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        runtime.spawn(async move {
            // The receiver waits below until it has the answer.
            let _ = answer.send(request.await);
        });
        answered.recv().map_err(|_| io::Error::other("the request panicked"))
    }
}

impl Drop for RequestRuntime {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, and panics on a thread that runs async code.
        // Nobody waits for a request any more, so there is nothing to wait for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

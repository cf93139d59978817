//! Who may call the store: any thread, also one that runs async code.

use std::sync::Arc;
use std::thread;

use tinydb::object_store::ObjectStore;
use tokio::runtime::{self, Runtime};

use crate::server::Server;

#[test]
fn many_threads_use_one_store() {
    let store = Arc::new(Server::shared().store());
    thread::scope(|scope| {
        for writer in 0..32 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                for number in 0..5 {
                    let (path, object) = (format!("sst/{writer}-{number}"), format!("{writer}"));
                    store.put_if_absent(&path, object.clone().into()).expect("a put");
                    assert_eq!(store.get(&path).expect("a get"), object);
                }
            });
        }
    });
    assert_eq!(store.list("sst").expect("a listing").len(), 32 * 5);
}

#[test]
fn async_code_may_call_the_store_and_drop_it() {
    let one = runtime::Builder::new_current_thread().build().expect("a runtime");
    let several = Runtime::new().expect("a runtime");
    for runtime in [one, several] {
        runtime.block_on(async {
            let store = Arc::new(Server::shared().store());
            store.put("o", "x".into()).expect("a put that holds up this thread");
            let elsewhere = Arc::clone(&store);
            let got = tokio::task::spawn_blocking(move || elsewhere.get("o"));
            assert_eq!(got.await.expect("no panic").expect("a get"), "x");
            let got = {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.get("o") })
            };
            assert_eq!(got.await.expect("no panic").expect("a get"), "x");
            // This was the last handle: the store's own runtime ends on this thread.
            drop(store);
        });
    }
}

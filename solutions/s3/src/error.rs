//! What to tell the caller.

use std::io;

use object_store::client::HttpErrorKind;
use tinydb::Error;

use crate::failure::Failure;

/// Why a request failed, and what to check. It is the source of the
/// [`std::io::Error`] in an [`Error::Io`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3Error {
    /// There is no such bucket.
    #[error(
        "there is no bucket {bucket:?} at {endpoint}. Create it, or check its name, the region and \
         the endpoint ({said})"
    )]
    NoBucket {
        /// The bucket that was asked for.
        bucket: String,
        /// Where.
        endpoint: String,
        /// What the server or the client said.
        said: String,
    },
    /// The server knows who is asking, or does not, and says no.
    #[error(
        "{endpoint} refused the credentials for bucket {bucket:?}. Check the access key, the secret \
         key, the region, this machine's clock, and what the key may do there ({said})"
    )]
    Denied {
        /// The bucket that was asked for.
        bucket: String,
        /// Where.
        endpoint: String,
        /// What the server or the client said.
        said: String,
    },
    /// There was no connection.
    #[error(
        "can't connect to {endpoint}. Check the endpoint (http or https, name, port), that the \
         server runs, and the network ({said})"
    )]
    Unreachable {
        /// Where.
        endpoint: String,
        /// What the client said.
        said: String,
    },
    /// There was a connection, but no answer. Whether the request was carried out is not known.
    #[error(
        "{endpoint} did not answer, {tries} times. Check the network and the server, and then try \
         again; what was asked for may have been done ({said})"
    )]
    NoAnswer {
        /// Where.
        endpoint: String,
        /// How often it was asked.
        tries: u32,
        /// What the client said.
        said: String,
    },
    /// Any other answer.
    #[error(
        "{endpoint} answered with an error. Check that it is the endpoint of an S3 service, and \
         the region ({said})"
    )]
    Answered {
        /// Where.
        endpoint: String,
        /// What the server said.
        said: String,
    },
}

/// Where a store's objects are, for errors.
#[derive(Debug, Clone)]
pub struct Place {
    pub bucket: String,
    pub endpoint: String,
    pub tries: u32,
}

impl Place {
    /// The error for a failed `operation` on the object `key`; an empty `key` is the bucket.
    pub fn io_error(&self, operation: &'static str, key: &str, failure: &Failure) -> Error {
        let (kind, error) = self.diagnose(failure);
        let path = format!("s3://{}/{key}", self.bucket);
        Error::io(operation, path)(io::Error::new(kind, error))
    }

    fn diagnose(&self, failure: &Failure) -> (io::ErrorKind, S3Error) {
        let Self { bucket, endpoint, tries } = self.clone();
        let said = failure.summary();
        if failure.is_no_bucket() {
            return (io::ErrorKind::NotFound, S3Error::NoBucket { bucket, endpoint, said });
        }
        match (failure.transport(), failure) {
            (Some(HttpErrorKind::Connect), _) => {
                (io::ErrorKind::NotConnected, S3Error::Unreachable { endpoint, said })
            }
            (Some(_), _) => (io::ErrorKind::TimedOut, S3Error::NoAnswer { endpoint, tries, said }),
            (
                None,
                Failure::Refused(
                    object_store::Error::PermissionDenied { .. }
                    | object_store::Error::Unauthenticated { .. },
                ),
            ) => {
                let kind = io::ErrorKind::PermissionDenied;
                (kind, S3Error::Denied { bucket, endpoint, said })
            }
            _ => (io::ErrorKind::Other, S3Error::Answered { endpoint, said }),
        }
    }
}

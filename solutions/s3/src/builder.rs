//! Which bucket, where, and with which credentials.

use std::env;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use object_store::{ClientConfigKey, RetryConfig};
use tinydb::{Error, Result};

use crate::client::Limits;
use crate::error::Place;
use crate::store::S3ObjectStore;

/// The environment variable with the folder in the bucket.
const PREFIX: &str = "TINYDB_S3_PREFIX";

/// Collects what is needed to reach a bucket.
///
/// Without credentials, those of the machine are asked for, as a server of the cloud has them.
#[derive(Debug, Clone)]
pub struct S3Builder {
    s3: AmazonS3Builder,
    prefix: String,
    limits: Limits,
}

impl S3Builder {
    /// The bucket `bucket`, in the region us-east-1 of Amazon S3 if nothing else is said.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self::from_s3(AmazonS3Builder::new().with_bucket_name(bucket))
    }

    /// What the environment says, in the variables of Amazon's own tools: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`; besides, the
    /// bucket in `AWS_BUCKET`, the folder in it in `TINYDB_S3_PREFIX`, and `AWS_ALLOW_HTTP=true`
    /// for an endpoint without TLS.
    pub fn from_env() -> Result<Self> {
        let builder = Self::from_s3(AmazonS3Builder::from_env());
        if builder.said(AmazonS3ConfigKey::Bucket).is_none() {
            let problem = "there is none; set the environment variable AWS_BUCKET to its name";
            return Err(Error::invalid("bucket", problem));
        }
        match env::var(PREFIX) {
            Ok(prefix) => Ok(builder.with_prefix(prefix)),
            Err(env::VarError::NotPresent) => Ok(builder),
            Err(error) => Err(Error::invalid("prefix", format!("{PREFIX}: {error}"))),
        }
    }

    fn from_s3(s3: AmazonS3Builder) -> Self {
        let limits =
            Limits { request_timeout: Duration::from_secs(30), tries: 4, part_size: 8 << 20 };
        Self { s3, prefix: String::new(), limits }
    }

    /// Where the service is, such as `https://s3.example.org` or `http://127.0.0.1:9000`. Default:
    /// Amazon S3 in the region.
    #[must_use]
    pub fn with_endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { s3: self.s3.with_endpoint(endpoint), ..self }
    }

    /// The region, such as `eu-central-1`. Most services other than Amazon's take any.
    #[must_use]
    pub fn with_region(self, region: impl Into<String>) -> Self {
        Self { s3: self.s3.with_region(region), ..self }
    }

    /// The access key and its secret.
    #[must_use]
    pub fn with_credentials(
        self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        let s3 = self.s3.with_access_key_id(access_key_id);
        Self { s3: s3.with_secret_access_key(secret_access_key), ..self }
    }

    /// The token that belongs to credentials that expire.
    #[must_use]
    pub fn with_session_token(self, token: impl Into<String>) -> Self {
        Self { s3: self.s3.with_token(token), ..self }
    }

    /// Whether an endpoint may begin with `http://`: everything can then be read and changed on
    /// the way. For a server on the same machine. Default: no.
    #[must_use]
    pub fn with_allow_http(self, allow_http: bool) -> Self {
        Self { s3: self.s3.with_config(ALLOW_HTTP, allow_http.to_string()), ..self }
    }

    /// The folder of the bucket that the objects are in, such as `databases/one`. Default: the bucket
    /// itself. Each database needs a folder of its own.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// How long one request may take, besides one second for each 256 KiB that it moves. Default: 30
    /// seconds.
    #[must_use]
    pub fn with_request_timeout(self, request_timeout: Duration) -> Self {
        Self { limits: Limits { request_timeout, ..self.limits }, ..self }
    }

    /// How often a request is made before its failure is told, 1 or more. Default: 4. The pauses
    /// between them are 0.1 s, 0.4 s, 1.6 s, and so on.
    #[must_use]
    pub fn with_tries(self, tries: u32) -> Self {
        Self { limits: Limits { tries, ..self.limits }, ..self }
    }

    /// An object of more bytes is [`put`](tinydb::object_store::ObjectStore::put) in parts of this
    /// size. S3 wants 5 MiB or more. Default: 8 MiB.
    #[must_use]
    pub fn with_part_size(self, part_size: usize) -> Self {
        Self { limits: Limits { part_size, ..self.limits }, ..self }
    }

    /// Connects, and lists the bucket once, so that a wrong endpoint, bucket or key is told here and
    /// not in the middle of the work.
    pub fn open(self) -> Result<S3ObjectStore> {
        self.validate()?;
        let prefix = self.validated_prefix()?;
        let place = self.place();
        // reqwest takes the TLS that the process has chosen. Whoever chose before us may be right.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let limits = self.limits;
        let s3 = self.s3.with_retry(no_retries());
        let s3 = s3
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // One object at a time is deleted, and not every service can do more.
            .with_disable_bulk_delete(true)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), "5s")
            // `Client::within` ends requests, by their size.
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), "1day")
            .build()
            .map_err(|error| Error::invalid("bucket", error.to_string()))?;
        S3ObjectStore::open(s3, limits, place, prefix)
    }

    fn validate(&self) -> Result<()> {
        let endpoint = self.place().endpoint;
        let allow_http = self.said(ALLOW_HTTP).is_some_and(|allow| is_yes(&allow));
        if endpoint.starts_with("http://") && !allow_http {
            let problem = format!(
                "{endpoint} is without TLS; use https, or, for a server on this machine, \
                 with_allow_http(true) or AWS_ALLOW_HTTP=true"
            );
            return Err(Error::invalid("endpoint", problem));
        }
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            let problem = format!("{endpoint:?} must begin with https:// or http://");
            return Err(Error::invalid("endpoint", problem));
        }
        if self.said(AmazonS3ConfigKey::Bucket).is_none_or(|bucket| bucket.is_empty()) {
            return Err(Error::invalid("bucket", "its name is empty"));
        }
        if self.limits.tries == 0 {
            return Err(Error::invalid("tries", "it is 0; a request is made once at least"));
        }
        if self.limits.part_size < 5 << 20 {
            let problem = format!("it is {}; S3 wants 5 MiB or more", self.limits.part_size);
            return Err(Error::invalid("part_size", problem));
        }
        Ok(())
    }

    /// The prefix with a `/` behind it, or nothing.
    fn validated_prefix(&self) -> Result<String> {
        let prefix = self.prefix.trim_matches('/');
        if prefix.is_empty() {
            return Ok(String::new());
        }
        match Path::parse(prefix) {
            Ok(path) if path.as_ref() == prefix => Ok(format!("{prefix}/")),
            Ok(_) => Err(Error::invalid(
                "prefix",
                format!("{prefix:?} has characters that S3 can't have in a key"),
            )),
            Err(error) => Err(Error::invalid("prefix", format!("{prefix:?}: {error}"))),
        }
    }

    fn place(&self) -> Place {
        let endpoint = self.said(AmazonS3ConfigKey::S3Endpoint);
        let endpoint = endpoint.or_else(|| self.said(AmazonS3ConfigKey::Endpoint));
        let region = self.said(AmazonS3ConfigKey::Region).unwrap_or("us-east-1".to_owned());
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let bucket = self.said(AmazonS3ConfigKey::Bucket).unwrap_or_default();
        Place { bucket, endpoint, tries: self.limits.tries }
    }

    fn said(&self, key: AmazonS3ConfigKey) -> Option<String> {
        self.s3.get_config_value(&key)
    }
}

const ALLOW_HTTP: AmazonS3ConfigKey = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);

fn is_yes(value: &str) -> bool {
    ["1", "true", "on", "yes", "y"].contains(&value.to_ascii_lowercase().as_str())
}

/// See [`crate::client`].
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

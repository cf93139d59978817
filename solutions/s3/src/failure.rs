//! How a request can fail, and what that says about the object.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};

/// A request that failed.
#[derive(Debug)]
pub enum Failure {
    /// There was no answer within this time.
    NoAnswer(Duration),
    /// The client or the server said no.
    Refused(object_store::Error),
}

impl From<object_store::Error> for Failure {
    fn from(error: object_store::Error) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// What was said, in one line.
    pub fn said(&self) -> String {
        match self {
            Self::NoAnswer(waited) => format!("no answer within {waited:?}"),
            Self::Refused(error) => one_line(error),
        }
    }

    /// The same, for a person: of an answer in XML only the code and the message.
    pub fn summary(&self) -> String {
        let said = self.said();
        match (element(&said, "Code"), element(&said, "Message")) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => said,
        }
    }

    /// The kind of transport error that it was, if it was one.
    pub fn transport(&self) -> Option<HttpErrorKind> {
        match self {
            Self::NoAnswer(_) => Some(HttpErrorKind::Timeout),
            Self::Refused(error) => {
                let mut source = error.source();
                while let Some(error) = source {
                    if let Some(http) = error.downcast_ref::<HttpError>() {
                        return Some(http.kind());
                    }
                    source = error.source();
                }
                None
            }
        }
    }

    /// The code that the server gave for its refusal, such as `NoSuchBucket`.
    pub fn code(&self) -> Option<String> {
        element(&self.said(), "Code").map(str::to_owned)
    }

    /// Whether there is no such object, or no such bucket.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(object_store::Error::NotFound { .. }))
    }

    pub fn is_no_bucket(&self) -> bool {
        self.code().is_some_and(|code| code == "NoSuchBucket")
    }

    /// Whether a conditional put found an object in its place: status 412, which some servers give as
    /// 304.
    ///
    /// The client says `AlreadyExists` for status 409 too. That is another matter: a conflicting
    /// request was under way, and S3 asks to try again.
    pub fn is_taken(&self) -> bool {
        let Self::Refused(object_store::Error::AlreadyExists { source, .. }) = self else {
            return false;
        };
        matches!(
            source.downcast_ref(),
            Some(
                object_store::Error::Precondition { .. } | object_store::Error::NotModified { .. }
            )
        )
    }

    /// Whether the same request may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Refused(object_store::Error::AlreadyExists { .. }) => !self.is_taken(),
            Self::Refused(_) => self.transport().is_some() || self.is_server_busy(),
        }
    }

    /// Whether the server may have carried the request out. Only a connection that was never made
    /// rules it out for sure.
    pub fn may_be_carried_out(&self) -> bool {
        self.transport() != Some(HttpErrorKind::Connect)
    }

    /// Whether the answer was one of those that say "later": 5xx, 408 or 429, or a 200 whose body
    /// is an error.
    fn is_server_busy(&self) -> bool {
        let said = self.said();
        let busy =
            ["non-2xx status code: 5", "non-2xx status code: 408", "non-2xx status code: 429"];
        busy.iter().any(|status| said.contains(status)) || said.contains("returned error response")
    }
}

/// The text of the first XML element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// An error and its sources. The client's errors mostly repeat their sources, but not all do.
fn one_line(error: &object_store::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        if !line.contains(&said) {
            let _ = write!(line, ": {said}");
        }
        source = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

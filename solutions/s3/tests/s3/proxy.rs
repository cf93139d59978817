//! A proxy between a store and its server that can break any request.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it gets its answer.
    None,
    /// The connection breaks before the server has it.
    LoseRequest,
    /// The server carries it out, and then the connection breaks.
    LoseAnswer,
    /// The server carries it out, and the connection breaks so many bytes before the answer's end.
    CutAnswer(usize),
    /// The server carries it out, and this is the answer instead of the server's.
    Replace(&'static str),
    /// The server does not have it, and this is the answer.
    Answer(&'static str),
    /// Nobody answers.
    Hang,
}

pub const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n";
pub const CONFLICT: &str = "HTTP/1.1 409 Conflict\r\nContent-Length: 48\r\n\r\n\
                            <Code>ConditionalRequestConflict</Code>         ";
pub const DENIED: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 25\r\n\r\n\
                          <Code>AccessDenied</Code>";
pub const PUT_OK: &str = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n";
pub const NOT_S3: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello";

/// A request: its method and its target, such as `PUT /tinydb/sst/1`.
pub type Decide = dyn FnMut(&str) -> Fault + Send;

pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy before `server`. `decide` is asked about each request, one after the other.
    pub fn start(server: SocketAddr, decide: impl FnMut(&str) -> Fault + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let decide: Arc<Mutex<Decide>> = Arc::new(Mutex::new(decide));
        let requests = Arc::clone(&seen);
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (decide, requests) = (Arc::clone(&decide), Arc::clone(&requests));
                // A client that goes away ends its connection, and nothing else.
                thread::spawn(move || serve(client, server, &decide, &requests));
            }
        });
        Self { address, seen }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far that contain `what`.
    pub fn seen(&self, what: &str) -> usize {
        self.seen.lock().expect("no panic").iter().filter(|request| request.contains(what)).count()
    }
}

/// One request; the connection is closed behind it.
fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    decide: &Mutex<Decide>,
    seen: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let (head, body) = read_request(&mut client)?;
    let first_line = head.lines().next().unwrap_or_default();
    let request = first_line.trim_end_matches(" HTTP/1.1").to_owned();
    seen.lock().expect("no panic").push(request.clone());
    let fault = (decide.lock().expect("no panic"))(&request);
    let forward = || -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(server)?;
        server.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
        server.write_all(&body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = match fault {
        Fault::None => forward()?,
        Fault::LoseRequest => Vec::new(),
        Fault::LoseAnswer => forward().map(|_| Vec::new())?,
        Fault::CutAnswer(bytes) => {
            let mut answer = forward()?;
            answer.truncate(answer.len().saturating_sub(bytes));
            answer
        }
        Fault::Replace(answer) => forward().map(|_| answer.into())?,
        Fault::Answer(answer) => answer.into(),
        Fault::Hang => {
            thread::sleep(Duration::from_secs(20));
            Vec::new()
        }
    };
    client.write_all(&answer)?;
    client.shutdown(Shutdown::Both)
}

fn read_request(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut received = Vec::new();
    let mut buffer = [0; 1 << 16];
    let head_len = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..read]);
    };
    let mut body = received.split_off(head_len);
    let head = String::from_utf8_lossy(&received).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let left = length.unwrap_or(0usize).saturating_sub(body.len());
    client.take(left as u64).read_to_end(&mut body)?;
    Ok((head, body))
}

//! An S3 server on this machine: moto, a Python package that keeps buckets in memory.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tinydb_s3::{S3Builder, S3ObjectStore};

/// What is installed, pinned: another version may take other conditions for granted.
const PACKAGES: [&str; 3] = ["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
pub const BUCKET: &str = "tinydb";

/// A running server with the bucket [`BUCKET`]. It ends when this is dropped, or this process ends.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Server {
    /// The server that all tests share. Each works in a folder of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own, to be killed.
    pub fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/s3/s3_server.py");
        let mut command = Command::new(python());
        let mut process = command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("moto starts");
        let mut port = String::new();
        let said = process.stdout.take().expect("it is piped");
        BufReader::new(said).read_line(&mut port).expect("moto says its port");
        let port: u16 = port.trim().parse().expect("moto started: see what it said above");
        let server = Self { process, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        server.make_bucket();
        server
    }

    /// Asks for the bucket until there is an answer.
    fn make_bucket(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.ask("PUT") {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => return,
                answer => assert!(Instant::now() < deadline, "moto made no bucket: {answer:?}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn delete_bucket(&self) {
        let answer = self.ask("DELETE").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 204"), "moto keeps the bucket: {answer}");
    }

    /// Asks for something to be done to the bucket; returns the answer.
    fn ask(&self, method: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        let to = format!("{method} /{BUCKET} HTTP/1.1\r\nHost: {}", self.address);
        stream.write_all(to.as_bytes())?;
        stream.write_all(b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A store in a folder that no other test has.
    pub fn store(&self) -> S3ObjectStore {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let folder = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let store = builder(&self.endpoint()).with_prefix(format!("test-{folder}")).open();
        store.expect("a store on moto")
    }

    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A store on the bucket at `endpoint`, to be opened.
pub fn builder(endpoint: &str) -> S3Builder {
    S3ObjectStore::builder(BUCKET)
        .with_endpoint(endpoint)
        .with_credentials("test", "test")
        .with_allow_http(true)
}

/// The Python that has moto, in an environment of its own under the target folder. It is made if
/// it is missing, or by a test of another version.
fn python() -> PathBuf {
    // Only tests are told where the target folder is.
    let target = option_env!("CARGO_TARGET_TMPDIR");
    let target = Path::new(target.unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tmp")));
    fs::create_dir_all(target).expect("a folder under the target folder");
    let (venv, ready) = (target.join("moto"), target.join("moto.ready"));
    let lock = File::create(target.join("moto.lock")).expect("a file under the target folder");
    lock.lock().expect("a lock: another test may be installing");
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let packages = PACKAGES.join(" ");
    if fs::read_to_string(&ready).is_ok_and(|installed| installed == packages) && python.exists() {
        return python;
    }
    eprintln!("moto is not here: installing it into {}, which takes some seconds", venv.display());
    let system = if cfg!(windows) { "python" } else { "python3" };
    succeed(Command::new(system).args(["-m", "venv", "--clear"]).arg(&venv));
    succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES));
    fs::write(ready, packages).expect("a file under the target folder");
    python
}

fn succeed(command: &mut Command) {
    let status = command.status();
    let succeeded = status.as_ref().is_ok_and(|status| status.success());
    assert!(succeeded, "{command:?}: {status:?}. The tests need Python 3 with venv and pip");
}

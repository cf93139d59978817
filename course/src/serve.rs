//! `cargo course serve`: the book in the reader's browser.

use std::net::TcpListener;
use std::process::Command;

use crate::{Course, Error, mdbook, results};

/// Serves the book until it is stopped; says whether mdBook ended well.
///
/// # Errors
/// If the port is taken or mdBook cannot be had.
pub fn serve(course: &Course, port: u16, open: bool) -> Result<bool, Error> {
    check_port(port)?;
    let program = mdbook::program(course)?;
    // The book can be read without.
    let _ = results::begin(course);
    anstream::println!("Reading TinyDB at http://127.0.0.1:{port} (Ctrl-C stops)");
    let mut command = Command::new(program);
    command.arg("serve").arg(&course.root).args(["-n", "127.0.0.1", "-p"]).arg(port.to_string());
    if open {
        command.arg("--open");
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|source| Error::Start { program, source })?;
    Ok(status.success())
}

/// mdBook itself says only that it panicked when the port is taken.
fn check_port(port: u16) -> Result<(), Error> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Port { port, other: port.checked_add(1).unwrap_or(3000) }),
    }
}

// An HTTP server and its clients in one program, threads, channels, a child, a caught panic.
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

extern "C" fn leave(_: i32) {
    unsafe { _exit(7) }
}

fn main() {
    if std::env::args().len() > 1 {
        unsafe { signal(15, leave) };
        println!("ready");
        loop {
            thread::park();
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
                let path = line.split(' ').nth(1).unwrap();
                write!(stream, "HTTP/1.0 200 OK\r\n\r\nhello {path}").unwrap();
            });
        }
    });
    let (sender, receiver) = mpsc::channel();
    for client in 0..10 {
        let sender = sender.clone();
        thread::spawn(move || {
            for request in 0..30 {
                let mut stream = TcpStream::connect(address).unwrap();
                write!(stream, "GET /{client}/{request} HTTP/1.0\r\n\r\n").unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                sender.send(text.lines().last().unwrap().to_string()).unwrap();
            }
        });
    }
    drop(sender);
    println!("{} answers", receiver.iter().collect::<BTreeSet<_>>().len());
    let sum: u64 = (0..8u64).map(|n| thread::spawn(move || (0..100_000).fold(n, |a, b| a ^ b))).map(|t| t.join().unwrap()).sum();
    println!("{sum}");
    println!("{:?}", Command::new("sh").args(["-c", "echo child; exit 4"]).output().map(|o| (o.status.code(), o.stdout)));
    println!("{:?}", Command::new("/missing").output().map_err(|e| e.kind()));
    println!("{}", thread::spawn(|| -> u32 { panic!("on purpose") }).join().is_err());
    std::fs::write("/tmp/file", "x".repeat(100_000)).unwrap();
    println!("{}", std::fs::metadata("/tmp/file").unwrap().len());
    std::process::exit(9);
}

//! Line 44 of the torture list, and peers that want to do harm: they are dropped within limits, and hurt nobody else.

use std::time::Duration;

use container::flv::TagKind;
use testkit::clips::{self, Recipe};
use testkit::publisher::Publisher;
use testkit::server::{Server, until};
use testkit::tape::Tape;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{SOON, add_rule, mp4, probe_all, reprise, server_recording, wait_recorded};

async fn tape() -> Tape {
    Tape::from_flv(&clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap()).unwrap()
}

fn resident_mib(server: &Server) -> f64 {
    testkit::process::resident_mib(server.pid().unwrap()).unwrap()
}

/// The push that must not notice anything; every picture of it is kept.
async fn is_whole(server: &Server, mut honest: Publisher, tape: &Tape) {
    honest.send_all(tape).await.unwrap();
    honest.unpublish().await.unwrap();
    let asset = &wait_recorded(server, "honest", 1).await[0];
    let seen = &probe_all([mp4(server, asset)]).await[0];
    assert_eq!(seen.track("video").len(), tape.samples(TagKind::Video));
}

#[tokio::test]
async fn a_storm_of_bad_bytes_costs_little_memory_few_lines_of_log_and_no_frame_of_others() {
    let server = server_recording("cup", 60, 1).await;
    let (tape, address) = (tape().await, server.rtmp().unwrap());
    let honest = Publisher::connect(&server.push_url("cup", "honest")).await.unwrap();
    let (memory, log) = (resident_mib(&server), server.log().len());
    let mut open = Vec::new();
    for turn in 0..600_u32 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        // HTTP; half a handshake; a whole one and noise; a whole one and a message of 16 MB; nothing.
        let greeting = [&[3_u8][..], &[0; 2 * 1536]].concat();
        let bytes: &[&[u8]] = match turn % 5 {
            0 => &[b"GET / HTTP/1.1\r\n\r\n"],
            1 => &[&greeting[..1000]],
            2 => &[&greeting, &[0xff; 4000]],
            3 => &[&greeting, &[3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0], &[0; 2000]],
            _ => &[],
        };
        for part in bytes {
            // The server may have closed already.
            let _ = socket.write_all(part).await;
        }
        open.push(socket);
    }
    let grown = resident_mib(&server) - memory;
    assert!(grown <= 64.0, "{grown} MiB for 600 connections");
    is_whole(&server, honest, &tape).await;
    drop(open);
    let lines = server.log()[log..].lines().count();
    assert!(lines <= 100, "{lines} lines of log:\n{}", &server.log()[log..]);
}

#[tokio::test]
async fn a_server_without_a_free_file_neither_dies_nor_spins_and_takes_pushes_again() {
    // Enough to start; the rest is used up by strangers.
    let server = Server::start_in(reprise(), &[], &std::env::temp_dir(), &["prlimit", "--nofile=96:96"]).await.unwrap();
    add_rule(&server.api(), "cup", 60, 1).await;
    let tape = tape().await;
    let strangers: Vec<_> = {
        let mut strangers = Vec::new();
        for _ in 0..150 {
            strangers.push(TcpStream::connect(server.rtmp().unwrap()).await.unwrap());
        }
        strangers
    };
    let said = || async {
        anyhow::ensure!(server.log().contains("cannot accept connections"), "it still has files");
        Ok(())
    };
    until(SOON, said).await.unwrap();
    let cpu = |server: &Server| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid().unwrap())).unwrap();
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').map(str::to_owned).collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = cpu(&server);
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Hundredths of a second.
    assert!(cpu(&server) - before <= 100, "it spins: {} of 200", cpu(&server) - before);
    assert!(server.log().matches("cannot accept connections").count() <= 5);
    drop(strangers);
    let url = server.push_url("cup", "honest");
    let honest = until(SOON, || Publisher::connect(&url)).await.unwrap();
    is_whole(&server, honest, &tape).await;
}

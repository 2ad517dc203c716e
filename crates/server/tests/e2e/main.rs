//! The real binary, pushed to by FFmpeg, judged by ffprobe and Chromium, killed in the middle.

mod acme;
mod alarm;
mod callbacks;
mod clocks;
mod command_line;
mod compose;
mod console;
mod crash;
mod demand;
mod edge;
mod encryption;
mod formats;
mod hostile;
mod keys;
mod kills;
mod late_tracks;
mod live;
mod lost_catalog;
mod packages;
mod pictures;
mod players;
#[path = "../../../catalog/tests/support/mod.rs"]
#[allow(dead_code, unused_macros, unused_imports, reason = "shared with other crates' tests")]
mod postgres;
mod pushes;
mod recording;
mod requests;
mod retention;
mod routes;
mod shapes;
mod slow_disk;
mod support;
mod tls;
mod torture;
mod transcoding;
mod upkeep;
mod uploads;
mod wall_clock;
mod watermarks;
mod wishes;

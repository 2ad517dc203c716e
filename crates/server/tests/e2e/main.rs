//! The real binary, pushed to by FFmpeg, judged by ffprobe and Chromium, killed in the middle.

mod alarm;
mod callbacks;
mod clocks;
mod command_line;
mod crash;
mod demand;
mod hostile;
mod late_tracks;
mod live;
mod players;
mod pushes;
mod recording;
mod shapes;
mod support;
mod torture;
mod upkeep;

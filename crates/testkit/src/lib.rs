//! What tests judge with: ffprobe, who owes us nothing; a server under test that can be killed; a receiver of callbacks; a server of files; an authority; an API
//! client of its own making; clips; publishers; reels of real media.

pub mod api;
pub mod authority;
pub mod browser;
pub mod clips;
pub mod customer;
pub mod edge;
pub mod ffmpeg;
pub mod files;
pub mod judge;
pub mod ladder;
pub mod nginx;
pub mod probe;
pub mod process;
pub mod publisher;
pub mod receiver;
pub mod reels;
pub mod server;
pub mod standstill;
pub mod tape;
pub mod torture;
pub mod wall_clock;

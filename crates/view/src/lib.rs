//! A cut and its indexes to playlists, init segments, byte ranges and a progressive MP4; touches no media.

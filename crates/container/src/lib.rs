//! FLV tags and CMAF fragments: bytes to boxes, tags and samples, and back.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod boxes;
pub mod flv;
mod fragment;
mod movie;

pub use boxes::{BoxSpan, read_box_header};
pub use fragment::{
    DECODE_TIME_AT, FragmentError, FragmentHead, PAYLOAD_BYTES_MAX, SAMPLE_ROW, SAMPLE_ROWS_AT, SAMPLES_MAX, SampleRow,
    SampleRun, fragment_head, head_bytes, read_fragment, runs_head,
};
pub use movie::{Edit, MOVIE_SCALE, SampleTables, Track, TrackEntry, init_segment, progressive_head};

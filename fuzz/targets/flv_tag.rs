//! Bodies of audio and video messages, and aggregates of them.
#![no_main]

use bytes::Bytes;
use container::flv::{AudioTag, FileTags, VideoTag};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let body = Bytes::copy_from_slice(bytes);
    if let Ok(VideoTag::Frame { data, .. }) = VideoTag::parse(&body) {
        assert!(data.len() <= bytes.len());
    }
    if let Ok(AudioTag::Frame(data)) = AudioTag::parse(&body) {
        assert!(data.len() <= bytes.len());
    }
    let tags = FileTags::of_tags(body.clone()).map(|tag| tag.body.len()).sum::<usize>();
    assert!(tags <= bytes.len(), "no byte is in two tags");
    if let Ok(tags) = FileTags::new(body) {
        tags.for_each(drop);
    }
});

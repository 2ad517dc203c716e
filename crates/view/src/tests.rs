//! What views promise, judged by a second reader of MP4 over made-up reels.

use std::sync::Arc;

use codec::TrackKind::{Audio, Video};
use container::{FragmentHead, SampleRow, read_fragment};
use mp4_atom::{Atom, Decode, Moov, ReadAtom, ReadFrom, Trak};
use proptest::prelude::*;
use reel::{Epoch, Fragment, Join, PageRef, ReelIndex, SamplePage, SegmentHead, SegmentRow, Span, TrackSpan};
use units::{ReelId, WallTime};

use crate::testing::{Shape, Stored, mp4, page, read, record, sample_bytes, stored, timeline};
use crate::{
    FlvBuilder, Growth, Low, Mp4Builder, OpenSegment, Piece, SpanView, Timeline, ViewError, Wanted, slice, total,
};

/// A sample as a player of the MP4 sees it; times on the presentation's timeline in the track's ticks.
#[derive(Debug, PartialEq)]
struct Seen {
    dts: i64,
    pts: i64,
    at: u64,
    size: u32,
    sync: bool,
}

fn moov_of(head: &[u8]) -> Moov {
    let mut rest = head;
    loop {
        let header = <Option<mp4_atom::Header> as ReadFrom>::read_from(&mut rest).unwrap().expect("a moov");
        if header.kind == Moov::KIND {
            return Moov::read_atom(&header, &mut rest).unwrap();
        }
        rest = &rest[header.size.unwrap()..];
    }
}

/// Plays a track's tables the way the standard says.
fn seen(trak: &Trak) -> Vec<Seen> {
    let scale = i64::from(trak.mdia.mdhd.timescale);
    let mut origin = 0i64;
    for edit in trak.edts.iter().flat_map(|edts| edts.elst.iter()).flat_map(|elst| &elst.entries) {
        match edit.media_time {
            None => origin += i64::try_from(edit.segment_duration).unwrap() * scale / 90_000,
            Some(time) => origin -= i64::try_from(time).unwrap(),
        }
    }
    let stbl = &trak.mdia.minf.stbl;
    let deltas = stbl.stts.entries.iter().flat_map(|run| vec![run.sample_delta; run.sample_count as usize]);
    let offsets: Vec<i64> = stbl.ctts.as_ref().map_or(vec![], |ctts| {
        ctts.entries.iter().flat_map(|run| vec![run.sample_offset; run.sample_count as usize]).collect()
    });
    let mp4_atom::StszSamples::Different { sizes } = &stbl.stsz.samples else { panic!("sizes are listed") };
    let chunks = &stbl.co64.as_ref().unwrap().entries;
    let mut places = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        let run = stbl.stsc.entries.iter().rfind(|run| run.first_chunk as usize <= number + 1).unwrap();
        let mut at = *chunk;
        for _ in 0..run.samples_per_chunk {
            places.push(at);
            at += u64::from(sizes[places.len() - 1]);
        }
    }
    let mut dts = 0;
    let mut out = Vec::new();
    for (number, delta) in deltas.enumerate() {
        let sync = stbl.stss.as_ref().is_none_or(|stss| stss.entries.contains(&(number as u32 + 1)));
        let cto = offsets.get(number).copied().unwrap_or(0);
        out.push(Seen { dts: dts + origin, pts: dts + cto + origin, at: places[number], size: sizes[number], sync });
        dts += i64::from(delta);
    }
    assert_eq!((out.len(), places.len()), (sizes.len(), sizes.len()));
    out
}

/// The tracks of the MP4 of `timeline`, after checking that its ranges, sizes and offsets are right.
fn check_mp4(timeline: &Timeline, reels: &[&Stored]) -> Vec<Vec<Seen>> {
    let mp4 = mp4(timeline, reels);
    let file = read(&mp4.pieces(0..u64::MAX), reels);
    assert_eq!(file.len() as u64, mp4.size());
    let moov = moov_of(mp4.head());
    let tracks: Vec<_> = moov.trak.iter().map(seen).collect();
    for samples in &tracks {
        for sample in samples {
            let at = usize::try_from(sample.at).unwrap();
            assert!(at >= mp4.head().len() && at + sample.size as usize <= file.len());
        }
        assert!(samples.windows(2).all(|pair| pair[0].dts < pair[1].dts));
    }
    // Each track's bytes are those of the samples that were stored, in order.
    for (number, track) in [Video, Audio].into_iter().filter(|track| timeline.epochs(*track) > 0).enumerate() {
        let mut wanted = Vec::new();
        for file in timeline.files() {
            let page = stored(&file, reels).1;
            for fragment in page.fragments.iter().filter(|fragment| fragment.track == track) {
                let mut dts = fragment.dts;
                for row in &fragment.samples {
                    wanted.push(sample_bytes(track, dts, row.size));
                    dts += i64::from(row.duration);
                }
            }
        }
        let got: Vec<&[u8]> =
            tracks[number].iter().map(|s| &file[s.at as usize..s.at as usize + s.size as usize]).collect();
        // Frames are only ever left out, at joins.
        let mut wanted = wanted.iter();
        assert!(got.iter().all(|bytes| wanted.any(|w| w == bytes)), "the bytes of {track:?} are in place and in order");
    }
    tracks
}

/// The fragments of a virtual segment, read back.
fn fragments(pieces: &[Piece], reels: &[&Stored]) -> Vec<FragmentHead> {
    let bytes = read(pieces, reels);
    assert_eq!(bytes.len() as u64, total(pieces));
    let mut rest = bytes.as_slice();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let head = read_fragment(rest, rest.len() as u64).unwrap();
        rest = &rest[(head.head + head.body) as usize..];
        out.push(head);
    }
    out
}

/// What a player finds in a segment: of each sample its decode time, length, offset, flags, and bytes.
fn found(bytes: &[u8]) -> Vec<(u64, u32, i64, u32, &[u8])> {
    let (mut at, mut out) = (0, Vec::new());
    while at < bytes.len() {
        let mut rest = &bytes[at..];
        let moof = mp4_atom::Moof::decode(&mut rest).unwrap();
        let body = mp4_atom::Header::decode(&mut rest).unwrap();
        assert_eq!((body.kind, moof.traf.len()), (mp4_atom::Mdat::KIND, 1));
        let mut dts = moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time;
        for trun in &moof.traf[0].trun {
            let mut sample_at = at + usize::try_from(trun.data_offset.unwrap()).unwrap();
            for sample in &trun.samples {
                let (duration, size) = (sample.duration.unwrap(), sample.size.unwrap());
                let end = sample_at + size as usize;
                out.push((dts, duration, sample.cts.unwrap(), sample.flags.unwrap(), &bytes[sample_at..end]));
                dts += u64::from(duration);
                sample_at = end;
            }
        }
        at = bytes.len() - rest.len() + body.size.unwrap();
    }
    out
}

/// (decode times, presentation times) of a track over all virtual segments, as placed by its init segment.
fn hls_times(timeline: &Timeline, reels: &[&Stored], track: codec::TrackKind) -> Vec<(i64, i64)> {
    let mut out = Vec::new();
    for (position, part) in timeline.parts().iter().enumerate() {
        let init = timeline.init(track, part.epoch(track)).unwrap();
        let edit = moov_of(&init).trak[0]
            .edts
            .as_ref()
            .map_or(0, |edts| i64::try_from(edts.elst.as_ref().unwrap().entries[0].media_time.unwrap()).unwrap());
        if track == Video && part.row.video.is_none() {
            continue;
        }
        let pieces = timeline.segment(track, position, page(timeline, position, reels)).unwrap();
        // What is silence is made, not stored.
        let stored = pieces.chunks(2).filter(|pair| matches!(pair[1], Piece::Stored { .. }));
        for head in fragments(&stored.flatten().cloned().collect::<Vec<_>>(), reels) {
            let mut dts = i64::try_from(head.dts).unwrap() - edit;
            for row in &head.samples {
                out.push((dts, dts + i64::from(row.cto)));
                dts += i64::from(row.duration);
            }
        }
    }
    out
}

fn shown(track: &[Seen]) -> Vec<i64> {
    let mut times: Vec<i64> = track.iter().map(|sample| sample.pts).collect();
    times.sort_unstable();
    times
}

fn sorted_pts(times: &[(i64, i64)]) -> Vec<i64> {
    let mut times: Vec<i64> = times.iter().map(|(_, pts)| *pts).collect();
    times.sort_unstable();
    times
}

#[test]
fn pictures_begin_at_zero_and_sound_keeps_its_distance() {
    let reel = record(1, &Shape::default());
    let timeline = timeline(&[reel.all()]);
    assert_eq!(timeline.duration(), 4 * 60 * 3000);
    let tracks = check_mp4(&timeline, &[&reel]);
    assert_eq!(shown(&tracks[0]), (0..240).map(|n| n * 3000).collect::<Vec<_>>());
    assert_eq!(tracks[0][0].dts, -6000);
    assert_eq!(tracks[0].iter().filter(|sample| sample.sync).count(), 4);
    assert_eq!(tracks[1][0].pts, -500);
    // Every frame is there, also the one before the edit.
    assert_eq!(
        tracks[1].len(),
        reel.pages
            .iter()
            .flat_map(|p| &p.fragments)
            .filter(|f| f.track == Audio)
            .map(|f| f.samples.len())
            .sum::<usize>()
    );
    assert_eq!(sorted_pts(&hls_times(&timeline, &[&reel], Video)), shown(&tracks[0]));
    assert_eq!(sorted_pts(&hls_times(&timeline, &[&reel], Audio)), shown(&tracks[1]));
}

#[test]
fn sound_of_a_reel_of_its_own_is_shown_as_if_it_were_in_that_of_the_pictures() {
    for shape in [
        Shape::default(),
        Shape { rate: 44_100, changes: vec![2], joins: vec![1, 2], ..Shape::default() },
        Shape { mp3: true, audio_early: -700, ..Shape::default() },
    ] {
        let reel = record(1, &shape);
        let [pictures, sound] = reel.apart();
        let reels = [&pictures, &sound];
        let (together, apart) = (timeline(&[reel.all()]), timeline(&[pictures.with_sound(&sound)]));
        assert_eq!((together.duration(), together.facts().audio), (apart.duration(), apart.facts().audio));
        let without_places = |tracks: Vec<Vec<Seen>>| -> Vec<Vec<(i64, i64, u32, bool)>> {
            let places =
                |track: Vec<Seen>| track.into_iter().map(|one| (one.dts, one.pts, one.size, one.sync)).collect();
            tracks.into_iter().map(places).collect()
        };
        assert_eq!(without_places(check_mp4(&together, &[&reel])), without_places(check_mp4(&apart, &reels)));
        for track in [Video, Audio] {
            let text = |timeline: &Timeline| timeline.playlist(track, true, None).unwrap().to_text();
            assert_eq!(text(&together), text(&apart));
            for position in 0..apart.parts().len() {
                let whole = together.segment(track, position, page(&together, position, &[&reel])).unwrap();
                let file = apart.parts()[position].file(track);
                let alone = apart.segment(track, position, stored(&file, &reels).1).unwrap();
                assert_eq!(read(&whole, &[&reel]), read(&alone, &reels));
            }
        }
    }
}

#[test]
fn sound_that_begins_late_waits_behind_an_empty_edit() {
    let reel = record(1, &Shape { audio_early: -700, ..Shape::default() });
    let timeline = timeline(&[reel.all()]);
    let tracks = check_mp4(&timeline, &[&reel]);
    // The wait is written in 90 kHz ticks: half a tick of sound may be lost.
    assert!((tracks[1][0].pts - 700).abs() <= 1, "{:?}", tracks[1][0]);
    assert_eq!(hls_times(&timeline, &[&reel], Audio)[0].1, 700);
}

#[test]
fn frames_before_the_first_picture_are_counted_in_the_file_and_left_out_of_segments() {
    let reel = record(1, &Shape { audio_early: 5000, ..Shape::default() });
    let timeline = timeline(&[reel.all()]);
    let tracks = check_mp4(&timeline, &[&reel]);
    assert_eq!(tracks[1][0].pts, -5000);
    // Five frames of 1024 later, within half a frame of the picture.
    assert_eq!(hls_times(&timeline, &[&reel], Audio)[0].1, 120);
    assert_eq!(timeline.facts().audio.unwrap().frames, tracks[1].len() as u64);
}

#[test]
fn cycles_of_one_reel_that_touch_are_joined_without_a_trace() {
    let reel = record(1, &Shape { segments: 6, rate: 44_100, ..Shape::default() });
    let whole = timeline(&[reel.all()]);
    let joined = timeline(&[reel.segments(0..2), reel.segments(2..3), reel.segments(3..6)]);
    assert_eq!(whole, joined);
}

#[test]
fn spans_of_different_reels_with_equal_parameters_follow_without_discontinuity() {
    let a = record(1, &Shape { segments: 3, ..Shape::default() });
    let b = record(2, &Shape { segments: 3, audio_early: 900, ..Shape::default() });
    let reels = [&a, &b];
    let timeline = timeline(&[a.segments(1..3), b.segments(0..2), a.segments(0..1)]);
    assert!(timeline.parts().iter().all(|part| !part.discontinuity));
    assert_eq!((timeline.epochs(Video), timeline.epochs(Audio)), (1, 1));
    let text = timeline.playlist(Video, false, None).unwrap().to_text();
    assert_eq!((text.matches("EXT-X-MAP").count(), text.matches("DISCONTINUITY").count()), (1, 0));
    assert_eq!(text.matches("PROGRAM-DATE-TIME").count(), 1);

    let tracks = check_mp4(&timeline, &reels);
    assert_eq!(shown(&tracks[0]), (0..300).map(|n| n * 3000).collect::<Vec<_>>());
    let audio = &tracks[1];
    // Never over each other, never more than two frames apart, and each frame where its picture is.
    assert!(audio.windows(2).all(|pair| (1024..3 * 1024).contains(&(pair[1].pts - pair[0].pts))));
    assert_eq!(sorted_pts(&hls_times(&timeline, &reels, Video)), shown(&tracks[0]));
    assert_eq!(sorted_pts(&hls_times(&timeline, &reels, Audio)), shown(audio));
    let file = read(&mp4(&timeline, &reels).pieces(0..u64::MAX), &reels);
    // Span 2 begins after 2 segments of 2 s; b's sound lies 900 ticks before its pictures.
    let second = audio.iter().find(|s| s.pts >= 4 * 48_000).unwrap();
    let wanted = sample_bytes(Audio, 48_000 - 900 + 1024, second.size);
    assert_eq!(second.pts, 4 * 48_000 - 900 + 1024);
    assert_eq!(&file[second.at as usize..second.at as usize + second.size as usize], wanted);
}

#[test]
fn spans_of_different_reorder_delay_are_decoded_in_order_and_shown_in_time() {
    let a = record(1, &Shape { delay: 0, segments: 2, ..Shape::default() });
    let b = record(2, &Shape { delay: 4, segments: 2, ..Shape::default() });
    let reels = [&a, &b];
    for spans in [[a.all(), b.all()], [b.all(), a.all()]] {
        let timeline = timeline(&spans);
        let tracks = check_mp4(&timeline, &reels);
        assert_eq!(shown(&tracks[0]), (0..240).map(|n| n * 3000).collect::<Vec<_>>());
        assert_eq!(tracks[0][0].dts, -12_000);
        let hls = hls_times(&timeline, &reels, Video);
        assert_eq!(sorted_pts(&hls), shown(&tracks[0]));
        assert!(hls.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}

#[test]
fn new_parameters_make_a_new_init_segment_and_an_mp4_with_sets_in_band() {
    let reel = record(1, &Shape { changes: vec![2], joins: vec![2], ..Shape::default() });
    let timeline = timeline(&[reel.all()]);
    let maps = |track| {
        let text = timeline.playlist(track, false, None).unwrap().to_text();
        assert!(!text.contains("DISCONTINUITY"), "the timeline runs on");
        text.matches("EXT-X-MAP").count()
    };
    assert_eq!((maps(Video), maps(Audio)), (2, 1));
    assert_eq!((timeline.epochs(Video), timeline.epochs(Audio)), (2, 1));
    let tracks = check_mp4(&timeline, &[&reel]);
    assert_eq!(sorted_pts(&hls_times(&timeline, &[&reel], Video)), shown(&tracks[0]));
    assert_eq!(sorted_pts(&hls_times(&timeline, &[&reel], Audio)), shown(&tracks[1]));
    let head = mp4(&timeline, &[&reel]).head().clone();
    assert!(head.windows(4).any(|kind| kind == b"avc3") && !head.windows(4).any(|kind| kind == b"avc1"));
}

/// How many of the segments' pictures are one stretch of a file; whatever they are, the same samples are found.
fn told_as_one(timeline: &Timeline, reels: &[&Stored]) -> usize {
    let mut count = 0;
    for position in 0..timeline.parts().len() {
        let page = page(timeline, position, reels);
        let segment = timeline.segment(Video, position, page).unwrap();
        let fragments = timeline.virtual_fragments(Video, position, page).unwrap();
        let pieces: Vec<Piece> = fragments.into_iter().flat_map(|fragment| fragment.pieces).collect();
        assert_eq!(found(&read(&segment, reels)), found(&read(&pieces, reels)), "segment {position}");
        assert!(total(&segment) <= total(&pieces) * 21 / 20);
        count += usize::from(segment.len() == 2 && pieces.len() > 2);
    }
    count
}

#[test]
fn pictures_are_one_stretch_of_their_file_where_little_lies_between() {
    let large = Shape { picture_bytes: 3_000, changes: vec![2], joins: vec![3], ..Shape::default() };
    let reel = record(1, &large);
    assert_eq!(told_as_one(&timeline(&[reel.all()]), &[&reel]), 4);
    assert_eq!(told_as_one(&timeline(&[reel.segments(2..4), reel.segments(0..1)]), &[&reel]), 3);
    // Fragments that are parts for low latency stay.
    let growing = Timeline::new(&[reel.all()], Growth::Growing).unwrap();
    assert_eq!(growing.segment(Video, 0, &reel.pages[0]).unwrap().len(), 4);
    for (picture_bytes, sound_between, as_one) in [(100, false, 0), (300, false, 4), (300, true, 0), (1_000, true, 4)] {
        let mut reel = record(2, &Shape { picture_bytes, ..Shape::default() });
        if sound_between {
            reel = sound_between_pictures(&reel);
        }
        assert_eq!(told_as_one(&timeline(&[reel.all()]), &[&reel]), as_one, "{picture_bytes} {sound_between}");
    }
}

/// The same media with some of its sound between the pictures of each segment.
fn sound_between_pictures(reel: &Stored) -> Stored {
    let index = ReelIndex { epochs: reel.index.epochs.clone(), ..ReelIndex::default() };
    let mut mixed = Stored { id: reel.id, index, pages: Vec::new(), files: Vec::new() };
    for (row, page) in reel.index.segments.iter().zip(&reel.pages) {
        let mut fragments = page.fragments.clone();
        fragments.swap(1, 2);
        mixed.add(fragments, row.epoch, row.join);
    }
    mixed
}

#[test]
fn pictures_that_do_not_go_on_where_those_before_end_stay_apart() {
    let mut reel = record(1, &Shape { segments: 1, picture_bytes: 3_000, ..Shape::default() });
    reel.pages[0].fragments[1].dts += 1;
    assert_eq!(told_as_one(&timeline(&[reel.all()]), &[&reel]), 0);
}

#[test]
fn what_a_viewer_of_a_growing_reel_has_never_changes() {
    let reel = record(1, &Shape { segments: 6, changes: vec![3, 5], joins: vec![2, 3], ..Shape::default() });
    let at = |count: usize| Timeline::new(&[reel.segments(0..count)], Growth::Growing).unwrap();
    for count in 1..6 {
        let (before, after) = (at(count), at(count + 1));
        for track in [Video, Audio] {
            let text = |timeline: &Timeline| timeline.playlist(track, false, None).unwrap().to_text();
            assert!(text(&after).starts_with(&text(&before)));
            for number in 0..before.epochs(track) {
                assert_eq!(before.init(track, number), after.init(track, number));
            }
            for position in 0..count {
                let segment = |timeline: &Timeline| timeline.segment(track, position, &reel.pages[position]);
                assert_eq!(segment(&before), segment(&after));
            }
        }
    }
    let text = at(2).playlist(Video, false, None).unwrap().to_text();
    assert!(text.contains("PLAYLIST-TYPE:EVENT") && text.contains("TARGETDURATION:6\n") && !text.contains("ENDLIST"));
    assert_eq!(at(6).playlist(Video, true, None).unwrap().to_text().matches("ENDLIST").count(), 1);
}

#[test]
fn a_reel_of_sound_alone_has_one_variant_and_begins_at_zero() {
    for rate in [44_100, 48_000, 32_000] {
        let reel = record(1, &Shape { video: false, rate, audio_early: 0, ..Shape::default() });
        for growth in [Growth::Whole, Growth::Growing] {
            let timeline = Timeline::new(&[reel.all()], growth).unwrap();
            let text = timeline.multivariant("x/").to_text();
            assert!(text.ends_with("\nx/audio.m3u8\n") && !text.contains("EXT-X-MEDIA"), "{text}");
            assert!(matches!(timeline.playlist(Video, false, None), Err(ViewError::NoSuch { .. })));
            let first = hls_times(&timeline, &[&reel], Audio)[0].1;
            assert!((-1..=1).contains(&first), "{rate} Hz begins at {first}");
        }
        let tracks = check_mp4(&timeline(&[reel.all()]), &[&reel]);
        assert_eq!(tracks.len(), 1);
    }
}

/// A reel of two segments of both tracks, and one of three pictures or of a frame of sound alone.
fn with_one_track_alone(fragment: impl Fn(&Stored) -> Fragment) -> Stored {
    let mut reel = record(1, &Shape { segments: 2, ..Shape::default() });
    let fragment = fragment(&reel);
    reel.add(vec![fragment], 0, Join::Continuous);
    reel
}

#[test]
fn where_there_is_no_sound_there_is_silence() {
    let reel = with_one_track_alone(|reel| Fragment {
        track: Video,
        at: 0,
        dts: reel.index.segments[1].end - 6000,
        samples: vec![SampleRow { duration: 3000, size: 9, cto: 6000, sync: true }; 60],
    });
    let timeline = timeline(&[reel.all()]);
    let pieces = timeline.segment(Audio, 2, &reel.pages[2]).unwrap();
    let [head] = &fragments(&pieces, &[&reel])[..] else { panic!("{pieces:?}") };
    let sound_end = reel.index.segments[1].audio.unwrap().dts_end + timeline.parts()[1].audio_shift;
    let edit = i64::try_from(timeline.track_epochs(Audio)[0].edit).unwrap();
    assert_eq!(i64::try_from(head.dts).unwrap(), sound_end + edit, "it goes on where the sound stopped");
    let end = sound_end + i64::try_from(head.samples.len()).unwrap() * 1024;
    let picture_end = i64::try_from(timeline.duration()).unwrap() * 48 / 90;
    assert!((picture_end - 1536..=picture_end).contains(&end), "{end} of {picture_end}");
    assert!(!timeline.playlist(Audio, false, None).unwrap().to_text().contains("GAP"));
    check_mp4(&timeline, &[&reel]);
}

#[test]
fn sound_that_waited_for_the_next_segment_has_no_silence_under_it() {
    let whole = record(1, &Shape::default());
    let index = ReelIndex { epochs: whole.index.epochs.clone(), ..ReelIndex::default() };
    let mut reel = Stored { id: whole.id, index, pages: Vec::new(), files: Vec::new() };
    let mut waited = Vec::new();
    for (number, page) in whole.pages.iter().enumerate() {
        let mut fragments = std::mem::take(&mut waited);
        fragments.extend(page.fragments.iter().cloned());
        if number == 1 {
            // A second of sound and more.
            waited = fragments.split_off(fragments.len() - 2);
        }
        reel.add(fragments, 0, whole.index.segments[number].join);
    }
    let timeline = timeline(&[reel.all()]);
    let mut end = None;
    for position in 0..timeline.parts().len() {
        let pieces = timeline.segment(Audio, position, &reel.pages[position]).unwrap();
        for head in fragments(&pieces, &[&reel]) {
            assert_eq!(*end.get_or_insert(head.dts), head.dts, "in segment {position}");
            end = end.map(|end| end + head.samples.len() as u64 * 1024);
        }
    }
    check_mp4(&timeline, &[&reel]);
}

#[test]
fn where_there_is_no_picture_one_stands_still() {
    let reel = with_one_track_alone(|reel| Fragment {
        track: Audio,
        at: 0,
        dts: reel.index.segments[1].audio.unwrap().dts_end,
        samples: vec![SampleRow { duration: 1024, size: 9, cto: 0, sync: true }; 94],
    });
    let timeline = timeline(&[reel.all()]);
    assert_eq!(timeline.page_for(Video, 2), timeline.page_for(Video, 1), "it is the picture before");
    let pieces = timeline.segment(Video, 2, &reel.pages[1]).unwrap();
    let [head] = &fragments(&pieces, &[&reel])[..] else { panic!("{pieces:?}") };
    let part = &timeline.parts()[2];
    let row = &head.samples[0];
    assert_eq!((head.samples.len(), row.sync, u64::from(row.duration)), (1, true, part.length));
    assert_eq!(i64::try_from(head.dts).unwrap(), part.begin, "decoded as early as every other picture");
    assert!(!timeline.playlist(Video, false, None).unwrap().to_text().contains("GAP"));
}

#[test]
fn each_segment_has_a_picture_that_stands_for_it() {
    let joined = Shape { changes: vec![1], joins: vec![2], ..Shape::default() };
    let without_pictures = with_one_track_alone(|reel| Fragment {
        track: Audio,
        at: 0,
        dts: reel.index.segments[1].audio.unwrap().dts_end,
        samples: vec![SampleRow { duration: 1024, size: 9, cto: 0, sync: true }; 94],
    });
    for (reel, growth) in [(record(1, &joined), Growth::Whole), (record(1, &joined), Growth::Growing)]
        .into_iter()
        .chain([(without_pictures, Growth::Whole)])
    {
        let timeline = Timeline::new(&[reel.all()], growth).unwrap();
        let [all, pictures] = [timeline.playlist(Video, true, None), timeline.i_frames(true)].map(Result::unwrap);
        let lengths = |playlist: &manifest::MediaPlaylist| {
            playlist.segments.iter().map(|one| (one.duration, one.map.clone())).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&pictures), lengths(&all));
        let text = pictures.to_text();
        assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && text.contains("\ni0.m4s\n") && !text.contains("\nv0"));
        for (position, part) in timeline.parts().iter().enumerate() {
            let page = timeline.parts()[..=position].iter().rposition(|part| part.row.video.is_some()).unwrap();
            let page = &reel.pages[page];
            let (segment, picture) =
                (timeline.segment(Video, position, page).unwrap(), timeline.i_frame(position, page).unwrap());
            let [segment, picture] = [read(&segment, &[&reel]), read(&picture, &[&reel])];
            let ([first, ..], [alone]) = (&found(&segment)[..], &found(&picture)[..]) else { panic!("{position}") };
            assert_eq!((alone.3, alone.4), (first.3, first.4), "the first picture of segment {position}");
            // It is decoded when it is shown, and stands until the next.
            let edit = u64::try_from(alone.2).unwrap();
            let shown = alone.0 + edit - timeline.track_epochs(Video)[part.video_epoch].edit;
            assert_eq!((i64::try_from(shown).unwrap(), u64::from(alone.1)), (part.begin, part.length));
        }
        assert!(matches!(timeline.i_frame(timeline.parts().len(), &reel.pages[0]), Err(ViewError::NoSuch { .. })));
    }
    let reel = record(1, &Shape { video: false, ..Shape::default() });
    let sound = timeline(&[reel.all()]);
    assert!(matches!(sound.i_frames(true), Err(ViewError::NoSuch { .. })));
    assert!(matches!(sound.i_frame(0, &reel.pages[0]), Err(ViewError::NoSuch { .. })));
}

#[test]
fn a_day_of_43_gigabytes_and_more_than_2_to_the_32_ticks_keeps_every_time_and_place() {
    const SEGMENT_BYTES: u64 = 10_000_000;
    let shape = Shape { segments: 4320, pictures: 2, picture: 900_000, delay: 0, audio: false, ..Shape::default() };
    let mut reel = record(1, &shape);
    for row in &mut reel.index.segments {
        row.bytes = SEGMENT_BYTES;
    }
    let timeline = timeline(&[reel.all()]);
    let day = 24 * 3600 * 90_000_u64;
    assert!(day > u64::from(u32::MAX));
    assert_eq!(timeline.duration(), day);

    let mp4 = mp4(&timeline, &[&reel]);
    let head = mp4.head().len() as u64;
    assert_eq!(mp4.size(), head + 4320 * SEGMENT_BYTES);
    let moov = moov_of(mp4.head());
    assert_eq!(moov.trak[0].mdia.mdhd.duration, day);
    let last = seen(&moov.trak[0]).pop().unwrap();
    assert_eq!((last.pts, last.at / SEGMENT_BYTES), (i64::try_from(day - 900_000).unwrap(), 4319));
    let pieces = mp4.pieces(last.at..last.at + u64::from(last.size));
    assert!(matches!(pieces[..], [Piece::Stored { segment: 4319, .. }]), "{pieces:?}");

    let heads = fragments(&timeline.segment(Video, 4319, &reel.pages[4319]).unwrap(), &[&reel]);
    assert_eq!(heads[0].dts, day - 2 * 900_000);
    let text = timeline.playlist(Video, false, None).unwrap().to_text();
    let lengths = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
    assert!((lengths.map(|text| text.parse::<f64>().unwrap()).sum::<f64>() - 86_400.0).abs() < 0.001);
}

#[test]
fn facts_are_those_of_the_samples() {
    let reel = record(1, &Shape::default());
    let facts = timeline(&[reel.all()]).facts();
    let bytes = |track| -> u64 {
        reel.pages.iter().flat_map(|p| &p.fragments).filter(|f| f.track == track).map(Fragment::body).sum()
    };
    let video = facts.video.unwrap();
    assert_eq!((video.frames, video.bytes, video.frame_rate_milli), (240, bytes(Video), 30_000));
    assert_eq!(video.bitrate_bps, bytes(Video) * 8 / 8);
    assert_eq!(facts.audio.unwrap().bytes, bytes(Audio));
    assert_eq!(facts.duration, 8 * 90_000);
    assert_eq!(facts.stored_bytes, reel.files.iter().map(|file| file.len() as u64).sum::<u64>());
}

#[test]
fn sound_of_another_clock_is_a_track_of_its_own_in_the_mp4() {
    let (fine, coarse) =
        (record(1, &Shape::default()), record(2, &Shape { rate: 22_050, audio_early: 0, ..Shape::default() }));
    let timeline = timeline(&[fine.all(), coarse.all(), fine.all()]);
    let mp4 = mp4(&timeline, &[&fine, &coarse]);
    let sound = |reel: &Stored| {
        let fragments = reel.pages.iter().flat_map(|page| &page.fragments).filter(|fragment| fragment.track == Audio);
        fragments.map(|fragment| fragment.samples.len() as u64).sum::<u64>()
    };
    let sent = 2 * sound(&fine) + sound(&coarse);
    // At a join, at most one frame would lie over another.
    assert!((sent - 2..=sent).contains(&mp4.audio_frames()), "{} of {sent}", mp4.audio_frames());
    assert_eq!(mp4.video_frames(), 3 * 4 * 60);
    let handlers = |name: &[u8]| mp4.head().windows(4).filter(|window| *window == name).count();
    assert_eq!((handlers(b"vide"), handlers(b"soun")), (1, 2));
}

#[test]
fn a_page_of_another_segment_is_refused() {
    let reel = record(1, &Shape::default());
    let timeline = timeline(&[reel.all()]);
    let mut page = reel.pages[0].clone();
    page.fragments.last_mut().unwrap().at += 1 << 40;
    assert!(matches!(timeline.segment(Audio, 0, &page), Err(ViewError::PageMismatch { .. })));
    let mut builder = Mp4Builder::new(&timeline);
    assert!(matches!(builder.push(1, &reel.pages[1]), Err(ViewError::PageOrder { expected: 0, found: 1 })));
    assert!(builder.push(0, &reel.pages[0]).is_ok());
    assert!(matches!(builder.finish(), Err(ViewError::PageOrder { .. })));
}

fn shape() -> impl Strategy<Value = Shape> {
    let numbers = (1u32..6, 4u32..40, prop_oneof![Just(3000u32), Just(3003), Just(1501), Just(3600)], 0u32..4);
    let sound = (prop_oneof![Just(48_000u32), Just(44_100), Just(22_050)], -3000i64..3000);
    let which = prop_oneof![4 => Just((true, true)), 1 => Just((true, false)), 1 => Just((false, true))];
    let marks = (prop::collection::vec(1u32..6, 0..2), prop::collection::vec(1u32..6, 0..3));
    (numbers, sound, which, marks).prop_map(
        |((segments, pictures, picture, delay), (rate, audio_early), (video, audio), (changes, joins))| Shape {
            segments,
            pictures,
            picture,
            picture_bytes: 30,
            delay,
            rate,
            // Without pictures every segment still has a sound frame: a segment with no sample is never written.
            audio_early: if video { audio_early } else { audio_early.max(0) },
            video,
            audio,
            mp3: false,
            changes,
            joins,
        },
    )
}

/// Rows and pages of anything: what a damaged or hostile index could hold.
fn nonsense() -> impl Strategy<Value = (ReelIndex, Vec<SamplePage>)> {
    let time = || prop_oneof![any::<i64>(), -1000i64..1000];
    let span = (time(), time(), time(), time(), any::<u32>(), any::<u32>(), any::<u64>());
    let span = span.prop_map(|(dts, dts_end, pts, pts_end, samples, fragments, bytes)| TrackSpan {
        dts,
        dts_end,
        pts,
        pts_end,
        samples,
        fragments,
        bytes,
    });
    let row =
        (0u32..3, any::<u64>(), time(), time(), prop::option::of(span.clone()), prop::option::of(span), 0usize..3);
    let sample = (any::<u32>(), any::<u32>(), any::<i32>(), any::<bool>())
        .prop_map(|(duration, size, cto, sync)| SampleRow { duration, size, cto, sync });
    let fragment = (any::<bool>(), any::<u64>(), time(), prop::collection::vec(sample, 1..5))
        .prop_map(|(video, at, dts, samples)| Fragment { track: if video { Video } else { Audio }, at, dts, samples });
    let page = prop::collection::vec(fragment, 0..4).prop_map(|fragments| SamplePage { fragments });
    prop::collection::vec((row, page), 0..6).prop_map(|rows| {
        let shape = Shape { segments: 1, changes: vec![], ..Shape::default() };
        let epochs: Vec<Epoch> = vec![
            record(1, &shape).index.epochs[0].clone(),
            Epoch { number: 1, ..record(1, &Shape { rate: 44_100, ..shape.clone() }).index.epochs[0].clone() },
        ];
        let (rows, pages): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let segments = (0u32..).zip(rows).map(|(number, (epoch, bytes, begin, end, video, audio, join))| SegmentRow {
            number,
            epoch,
            bytes,
            wall: WallTime::from_unix_ms(begin),
            join: [Join::Start, Join::Continuous, Join::Leapt][join],
            begin,
            end,
            video,
            audio,
            cycle: 0,
            page: PageRef { at: 0, len: 0, crc: 0 },
        });
        (ReelIndex { epochs, segments: segments.collect(), lost_end: None }, pages)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_sample_of_any_cut_is_where_the_tables_say(shapes in prop::collection::vec(shape(), 1..4), pick in any::<prop::sample::Index>()) {
        let mut shapes = shapes;
        // One MP4 has one sound clock.
        let rate = shapes[0].rate;
        shapes.iter_mut().for_each(|shape| shape.rate = rate);
        let reels: Vec<Stored> = (0u128..).zip(&shapes).map(|(id, shape)| record(id, shape)).collect();
        let reels: Vec<&Stored> = reels.iter().collect();
        let mut spans: Vec<_> = reels.iter().map(|reel| reel.all()).collect();
        let again = reels[pick.index(reels.len())];
        spans.push(again.segments(0..1 + pick.index(again.files.len())));
        let timeline = timeline(&spans);
        let tracks = check_mp4(&timeline, &reels);
        let kinds = [Video, Audio].into_iter().filter(|track| timeline.epochs(*track) > 0);
        for (kind, track) in kinds.zip(&tracks) {
            // Both views show the same samples at the same times, but for sound that lies before 0 by more than half a frame.
            let hls = sorted_pts(&hls_times(&timeline, &reels, kind));
            let mp4 = shown(track);
            let hidden = mp4.len() - hls.len();
            prop_assert!(mp4[..hidden].iter().all(|pts| *pts < 0));
            for (a, b) in hls.iter().zip(&mp4[hidden..]) {
                prop_assert!((a - b).abs() <= 1, "{kind:?}: {a} in HLS, {b} in MP4");
            }
        }
    }

    #[test]
    fn any_range_of_the_mp4_is_the_slice_of_the_whole(shape in shape(), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let reel = record(1, &shape);
        let mp4 = mp4(&timeline(&[reel.all()]), &[&reel]);
        let whole = read(&mp4.pieces(0..mp4.size()), &[&reel]);
        let (from, to) = (from.index(whole.len() + 1), to.index(whole.len() + 1));
        let pieces = mp4.pieces(from as u64..to as u64);
        prop_assert_eq!(read(&pieces, &[&reel]), whole.get(from..to).unwrap_or_default());
        prop_assert_eq!(total(&pieces), to.saturating_sub(from) as u64);
        let all = mp4.pieces(0..mp4.size());
        prop_assert_eq!(read(&slice(&all, from as u64..to as u64), &[&reel]), whole.get(from..to).unwrap_or_default());
    }

    #[test]
    fn no_index_makes_it_panic((index, pages) in nonsense(), cuts in prop::collection::vec((any::<i64>(), any::<i64>()), 0..3), growing in any::<bool>()) {
        let growth = if growing { Growth::Growing } else { Growth::Whole };
        let reel = ReelId::from_u128(1);
        let mut spans = vec![Span { reel, from: i64::MIN, to: i64::MAX }];
        spans.extend(cuts.into_iter().map(|(from, to)| Span { reel, from, to }));
        let spans: Vec<_> = spans.into_iter().map(|span| SpanView::new(span, &index)).collect();
        if let Ok(timeline) = Timeline::new(&spans, growth) {
            let _ = (timeline.facts(), timeline.multivariant("").to_text(), timeline.duration());
            for track in [Video, Audio] {
                let _ = timeline.playlist(track, true, None).map(|playlist| playlist.to_text());
                let _ = (timeline.init(track, 0), timeline.init(track, 1));
                for (position, page) in pages.iter().enumerate() {
                    let _ = timeline.segment(track, position, page);
                }
            }
            let mut builder = Mp4Builder::new(&timeline);
            for (position, part) in timeline.parts().iter().enumerate() {
                let _ = builder.push(position, &pages[part.row.number as usize]);
            }
            let _ = builder.finish().map(|mp4| (mp4.pieces(0..u64::MAX), mp4.pieces(5..u64::MAX - 3)));
            if let Ok(mut builder) = FlvBuilder::new(&timeline) {
                for (position, part) in timeline.parts().iter().enumerate() {
                    let _ = builder.push(position, &pages[part.row.number as usize]);
                }
                if let Ok(flv) = builder.finish() {
                    for (position, part) in timeline.parts().iter().enumerate() {
                        let page = &pages[part.row.number as usize];
                        let _ = flv.part(&timeline, position, [page, page], &(5..u64::MAX - 3));
                    }
                }
            }
            let pages: Vec<_> = pages.iter().cloned().map(Arc::new).collect();
            let told = |timeline: &Timeline| {
                let parts = timeline.parts()[timeline.told()].iter();
                parts.map(|part| Arc::clone(&pages[(part.row.number as usize).min(pages.len() - 1)])).collect::<Vec<_>>()
            };
            let whole = SpanView::new(Span { reel, from: i64::MIN, to: i64::MAX }, &index);
            let open = index.segments.last().zip(index.epochs.first()).and_then(|(row, epoch)| {
                let (wall, join, epoch) = (row.wall, row.join, epoch.clone());
                let head = SegmentHead { reel, segment: row.number + 1, cycle: 0, wall, join, epoch, borders: None };
                let open = OpenSegment::new(&head, &head, pages.last()?)?;
                Timeline::with_open(&whole, &open).ok()
            });
            for timeline in [Some(timeline), open].into_iter().flatten() {
                let pages = told(&timeline);
                if let Ok(low) = Low::new(Arc::new(timeline), &pages, false) {
                    for track in [Video, Audio] {
                        let _ = low.playlist(track, growing).map(|playlist| playlist.to_text());
                        let _ = low.reach(track, Wanted { segment: usize::MAX, part: Some(usize::MAX) });
                    }
                }
            }
        }
    }
}

use std::time::Duration;

use codec::{AudioCodec, VideoCodec};
use domain::recording::{Cycle, Policy};
use proptest::prelude::*;

use super::*;

const RATE: u32 = 48_000;

fn video_config() -> Frame {
    // The sets are no valid ones: assembling does not decode.
    let record = Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee]);
    let config = VideoConfig { codec: VideoCodec::H264, record, width: 64, height: 64, scale: Timescale::MILLIS };
    Frame::Config(TrackConfig::Video(config))
}

fn audio_config() -> Frame {
    Frame::Config(TrackConfig::Audio(AudioConfig {
        codec: AudioCodec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
        sample_rate: RATE,
        channels: 2,
        frame_samples: 1024,
        scale: Timescale::MILLIS,
    }))
}

/// A coded frame whose bytes tell its number, so that it can be found again.
fn sample(track: TrackKind, number: u32, dts: i64, cto: i32, sync: bool) -> Frame {
    // One NAL unit with a 4-byte length; type 5 for an IDR.
    let nal = [&[if sync { 0x65 } else { 0x41 }][..], &number.to_be_bytes(), &[0x80]].concat();
    let data = [&u32::try_from(nal.len()).unwrap().to_be_bytes()[..], &nal].concat();
    Frame::Sample(Sample { track, dts, cto, sync, data: data.into() })
}

fn number_of(parts: &[Bytes]) -> u32 {
    let last = parts.last().unwrap();
    u32::from_be_bytes(last[last.len() - 5..last.len() - 1].try_into().unwrap())
}

/// What came out: per segment its cycle, and each sample as (track, number, dts, pts, duration).
#[derive(Debug, Default)]
struct Out {
    segments: Vec<Segment>,
    cycle: u32,
    interrupted: bool,
}

#[derive(Debug)]
struct Segment {
    cycle: u32,
    join: Join,
    end: Option<i64>,
    samples: Vec<(TrackKind, u32, i64, i64, i64, bool)>,
}

impl Segment {
    fn of(&self, track: TrackKind) -> Vec<(u32, i64, i64, i64, bool)> {
        self.samples.iter().filter(|s| s.0 == track).map(|s| (s.1, s.2, s.3, s.4, s.5)).collect()
    }
}

fn run(out: &mut Out, assembly: &mut Assembly) {
    for op in assembly.take_ops() {
        match op {
            Op::Effect(Effect::OpenCycle { cycle: Cycle(cycle), .. }) => out.cycle = cycle,
            Op::Effect(Effect::Interrupt { .. }) => out.interrupted = true,
            Op::Effect(_) | Op::Note(_) | Op::Lost { .. } => {}
            Op::OpenSegment { join, .. } => {
                out.segments.push(Segment { cycle: out.cycle, join, end: None, samples: Vec::new() });
            }
            Op::SealSegment { end } => out.segments.last_mut().unwrap().end = end,
            Op::Append(fragments) => {
                let segment = out.segments.last_mut().expect("an open segment");
                for fragment in fragments {
                    let mut dts = fragment.dts;
                    let per_sample = fragment.parts.len() / fragment.rows.len();
                    let mut parts = fragment.parts.as_slice();
                    for row in fragment.rows {
                        let mut size = 0;
                        let mut taken = 0;
                        while size < row.size {
                            size += u32::try_from(parts[taken].len()).unwrap();
                            taken += 1;
                        }
                        assert_eq!(size, row.size, "{per_sample} parts a sample");
                        let number = number_of(&parts[..taken]);
                        parts = &parts[taken..];
                        let pts = dts + i64::from(row.cto);
                        segment.samples.push((fragment.track, number, dts, pts, i64::from(row.duration), row.sync));
                        dts += i64::from(row.duration);
                    }
                }
            }
        }
    }
}

fn machine(cycle_s: u64) -> Recording {
    let policy = Policy { cycle_length: Duration::from_secs(cycle_s), grace: Duration::from_secs(180) };
    Recording::begin(policy, PushId::from_u128(1))
}

/// 30 fps with two B-frames and a key frame each second, 48 kHz sound, as an encoder interleaves them.
pub(crate) fn push(from_s: i64, seconds: i64, first_number: u32) -> Vec<Frame> {
    let mut frames = Vec::new();
    for picture in 0..seconds * 30 {
        let dts = from_s * 1000 + picture * 1000 / 30;
        // I P B B P B B …, then two P: no picture is shown before the key frame it follows.
        let frames_late = match (picture % 30, picture % 30 % 3) {
            (0 | 28 | 29, _) => 2,
            (_, 1) => 4,
            _ => 1,
        };
        let cto = i32::try_from((picture + frames_late) * 1000 / 30 - picture * 1000 / 30).unwrap();
        let sync = picture % 30 == 0;
        frames.push((dts, sample(TrackKind::Video, first_number + u32::try_from(picture).unwrap(), dts, cto, sync)));
    }
    for frame in 0..seconds * i64::from(RATE) / 1024 {
        let dts = from_s * 1000 + 67 + frame * 1024 * 1000 / i64::from(RATE);
        frames.push((dts, sample(TrackKind::Audio, first_number + u32::try_from(frame).unwrap(), dts, 0, true)));
    }
    frames.sort_by_key(|(dts, _)| *dts);
    [video_config(), audio_config()].into_iter().chain(frames.into_iter().map(|(_, frame)| frame)).collect()
}

fn feed(out: &mut Out, assembly: &mut Assembly, frames: &[Frame]) {
    for frame in frames {
        assembly.frame(Mono::default(), WallTime::default(), frame);
        run(out, assembly);
    }
}

#[test]
fn every_frame_is_in_exactly_one_segment_and_sound_goes_with_its_picture() {
    let mut assembly = Assembly::begin(machine(20));
    let mut out = Out::default();
    feed(&mut out, &mut assembly, &push(0, 70, 0));
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    run(&mut out, &mut assembly);
    assert!(out.interrupted);
    assert_eq!(out.segments.iter().map(|s| s.cycle).max(), Some(3));
    for track in [TrackKind::Video, TrackKind::Audio] {
        let numbers: Vec<u32> = out.segments.iter().flat_map(|s| s.of(track)).map(|s| s.0).collect();
        let expected: Vec<u32> = (0..u32::try_from(numbers.len()).unwrap()).collect();
        assert!(numbers == expected, "{track:?}: one is missing or twice");
    }
    assert_eq!(out.segments.iter().map(|s| s.of(TrackKind::Video).len()).sum::<usize>(), 70 * 30);
    assert_eq!(out.segments.iter().map(|s| s.of(TrackKind::Audio).len()).sum::<usize>(), 70 * 48_000 / 1024);
    for pair in out.segments.windows(2) {
        let (this, next) = (&pair[0], &pair[1]);
        let first = next.of(TrackKind::Video)[0];
        assert!(first.4, "a segment starts with a key frame");
        assert_eq!(this.end, Some(first.2));
        assert!(first.2 - this.of(TrackKind::Video)[0].2 >= 4 * SECOND);
        // Sound lies with the picture under which the greater part of it sounds.
        let border = first.2 * i64::from(RATE) / SECOND;
        assert!(this.of(TrackKind::Audio).iter().all(|s| s.1 + 512 <= border));
        assert!(next.of(TrackKind::Audio).iter().all(|s| s.1 + 512 > border));
    }
}

#[test]
fn a_push_that_comes_back_goes_on_where_the_picture_stopped() {
    let mut assembly = Assembly::begin(machine(3600));
    let mut out = Out::default();
    feed(&mut out, &mut assembly, &push(0, 10, 0));
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    assembly.push_started(Mono::default(), PushId::from_u128(2), 5000);
    feed(&mut out, &mut assembly, &push(900, 10, 10_000));
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(2));
    run(&mut out, &mut assembly);
    let resumed = out.segments.iter().position(|s| s.join == Join::Resumed { gap_ms: 5000 }).unwrap();
    let before = out.segments[resumed - 1].of(TrackKind::Video).iter().map(|s| s.2 + s.3).max().unwrap();
    assert_eq!(out.segments[resumed].of(TrackKind::Video)[0].2, before);
    let pictures: Vec<_> = out.segments.iter().flat_map(|s| s.of(TrackKind::Video)).collect();
    assert_eq!(pictures.len(), 600);
    let millisecond = SECOND / 1000;
    assert!(
        pictures.windows(2).all(|pair| (pair[1].1 - pair[0].1 - pair[0].3).abs() <= millisecond),
        "decode times run on"
    );
    let sound: Vec<_> = out.segments.iter().flat_map(|s| s.of(TrackKind::Audio)).collect();
    assert!(sound.windows(2).all(|pair| pair[0].1 + pair[0].3 <= pair[1].1), "sound never lies over sound");
}

#[test]
fn a_push_that_comes_back_with_another_sampling_rate_keeps_its_sound() {
    let mut assembly = Assembly::begin(machine(3600));
    let mut out = Out::default();
    feed(&mut out, &mut assembly, &push(0, 10, 0));
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    assembly.push_started(Mono::default(), PushId::from_u128(2), 0);
    let mut frames = push(0, 10, 10_000);
    for frame in &mut frames {
        if let Frame::Config(TrackConfig::Audio(config)) = frame {
            config.record = Bytes::from_static(&[0x13, 0x90]);
            config.sample_rate = RATE / 2;
        }
    }
    // Half the rate: half the frames fill the time.
    frames.retain(|frame| !matches!(frame, Frame::Sample(s) if s.track == TrackKind::Audio && number(s) % 2 == 1));
    let sent = frames.iter().filter(|frame| matches!(frame, Frame::Sample(s) if s.track == TrackKind::Audio)).count();
    feed(&mut out, &mut assembly, &frames);
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(2));
    run(&mut out, &mut assembly);
    let kept = out.segments.iter().flat_map(|s| s.of(TrackKind::Audio)).filter(|s| s.0 >= 10_000).count();
    // One frame may lie over the end of the first push's sound.
    assert!((sent - 1..=sent).contains(&kept), "{kept} of {sent}");
}

/// Sound of half the rate from `at_ms` on: half the frames fill the time.
fn halved_from(frames: &mut Vec<Frame>, at_ms: i64) {
    let mut halved = audio_config();
    if let Frame::Config(TrackConfig::Audio(config)) = &mut halved {
        config.record = Bytes::from_static(&[0x13, 0x90]);
        config.sample_rate = RATE / 2;
    }
    let is_late = |frame: &Frame| matches!(frame, Frame::Sample(s) if s.track == TrackKind::Audio && s.dts >= at_ms);
    let first = frames.iter().position(is_late).unwrap();
    frames.insert(first, halved);
    frames.retain(|frame| !is_late(frame) || matches!(frame, Frame::Sample(s) if number(s).is_multiple_of(2)));
}

#[test]
fn sound_whose_rate_changes_inside_a_push_loses_no_frame() {
    // In the middle of a group of pictures, where a cycle is due, in the last group, and before the first key frame.
    for (changes_ms, cycle_s, key_frame_ms) in
        [(4_500, 3_600, 0), (4_500, 5, 0), (9_300, 3_600, 0), (600, 3_600, 1_000)]
    {
        let mut assembly = Assembly::begin(machine(cycle_s));
        let mut out = Out::default();
        let mut frames = push(0, 10, 0);
        frames
            .retain(|frame| !matches!(frame, Frame::Sample(s) if s.track == TrackKind::Video && s.dts < key_frame_ms));
        halved_from(&mut frames, changes_ms);
        let sent: Vec<u32> = frames
            .iter()
            .filter_map(|frame| match frame {
                Frame::Sample(s) if s.track == TrackKind::Audio => Some(number(s)),
                _ => None,
            })
            .collect();
        feed(&mut out, &mut assembly, &frames);
        assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
        run(&mut out, &mut assembly);
        let kept: Vec<u32> = out.segments.iter().flat_map(|s| s.of(TrackKind::Audio)).map(|s| s.0).collect();
        assert_eq!(kept, sent, "change at {changes_ms} ms");
        assert_eq!(assembly.take_left_out(), LeftOut::default(), "change at {changes_ms} ms");
        // No asset begins in the middle of what waited.
        for pair in out.segments.windows(2).filter(|pair| pair[0].cycle != pair[1].cycle) {
            let border = pair[1].of(TrackKind::Video)[0].2 * i64::from(RATE / 2) / SECOND;
            assert!(pair[1].of(TrackKind::Audio).iter().all(|s| s.1 + 512 > border));
        }
        let pictures = out.segments.iter().flat_map(|s| s.of(TrackKind::Video)).count();
        assert_eq!(
            pictures,
            frames.iter().filter(|f| matches!(f, Frame::Sample(s) if s.track == TrackKind::Video)).count()
        );
    }
}

#[test]
fn sound_that_waits_for_a_key_frame_takes_bounded_memory() {
    let mut assembly = Assembly::begin(machine(3600));
    let mut out = Out::default();
    let mut frames = push(0, 60, 0);
    // One key frame, and never another.
    frames.retain(|frame| !matches!(frame, Frame::Sample(s) if s.track == TrackKind::Video && s.sync && s.dts > 0));
    halved_from(&mut frames, 2_000);
    feed(&mut out, &mut assembly, &frames);
    assert_eq!(assembly.waiting_sound.len(), CHANGED_SOUND_SAMPLES_MAX);
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    run(&mut out, &mut assembly);
    let sent = frames.iter().filter(|f| matches!(f, Frame::Sample(s) if s.track == TrackKind::Audio)).count();
    let kept = out.segments.iter().flat_map(|s| s.of(TrackKind::Audio)).count();
    let lost = usize::try_from(assembly.take_left_out().without_parameters).unwrap();
    assert!(lost > 0 && kept + lost == sent, "{kept} kept and {lost} lost of {sent}");
}

fn number(sample: &Sample) -> u32 {
    number_of(std::slice::from_ref(&sample.data))
}

#[test]
fn a_push_without_pictures_is_cut_by_sound() {
    let mut assembly = Assembly::begin(machine(20));
    let mut out = Out::default();
    let frames: Vec<Frame> = push(0, 60, 0)
        .into_iter()
        .filter(|frame| match frame {
            Frame::Config(config) => matches!(config, TrackConfig::Audio(_)),
            Frame::Sample(sample) => sample.track == TrackKind::Audio,
        })
        .collect();
    feed(&mut out, &mut assembly, &frames);
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    run(&mut out, &mut assembly);
    assert_eq!(out.segments.iter().map(|s| s.samples.len()).sum::<usize>(), 60 * 48_000 / 1024);
    assert_eq!(out.segments.iter().map(|s| s.cycle).max(), Some(2));
}

#[test]
fn sound_that_waits_in_vain_for_a_key_frame_is_kept() {
    let seconds_of_sound = |seconds: usize| seconds * 48_000 / 1024;
    // No key frame for 5 s (sound waits for it), for 15 s (it leads until then), and never; and a push too short to wait.
    for (length, key_frame_at) in [(20, Some(5_000)), (20, Some(15_000)), (20, None), (1, None)] {
        let mut assembly = Assembly::begin(machine(3600));
        let mut out = Out::default();
        let mut frames = push(0, length, 0);
        frames.retain(|frame| match frame {
            Frame::Sample(s) if s.track == TrackKind::Video => key_frame_at.is_some_and(|at| s.dts >= at),
            _ => true,
        });
        feed(&mut out, &mut assembly, &frames);
        assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
        run(&mut out, &mut assembly);
        let sound = out.segments.iter().flat_map(|s| s.of(TrackKind::Audio)).count();
        assert_eq!(sound, seconds_of_sound(usize::try_from(length).unwrap()), "key frame at {key_frame_at:?}");
        let pictures = out.segments.iter().flat_map(|s| s.of(TrackKind::Video)).count();
        assert_eq!(pictures > 0, key_frame_at.is_some());
        assert_eq!(assembly.take_left_out().early_sound, 0);
    }
}

#[test]
fn pictures_before_the_first_key_frame_are_left_out_and_counted() {
    let mut assembly = Assembly::begin(machine(20));
    let mut out = Out::default();
    let mut frames = push(0, 5, 0);
    frames.retain(|frame| !matches!(frame, Frame::Sample(s) if s.track == TrackKind::Video && s.dts < 500));
    feed(&mut out, &mut assembly, &frames);
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    run(&mut out, &mut assembly);
    assert_eq!(assembly.take_left_out().before_key_frame, 15);
    assert_eq!(out.segments.iter().flat_map(|s| s.of(TrackKind::Video)).count(), 120);
}

#[test]
fn a_clock_that_steps_back_a_little_leaves_the_pictures_in_order() {
    let (mut out, mut assembly) = (Out::default(), Assembly::begin(machine(3600)));
    let mut frames = vec![video_config()];
    // 40 ms apart, a key frame every second; at 3.2 s the clock steps back by 0.3 s, and a key frame comes at once.
    for picture in 0..250 {
        let (at, sync) =
            if picture < 80 { (picture * 40, picture % 25 == 0) } else { (picture * 40 - 300, picture % 25 == 5) };
        frames.push(sample(TrackKind::Video, u32::try_from(picture).unwrap(), at, 0, sync));
    }
    feed(&mut out, &mut assembly, &frames);
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    run(&mut out, &mut assembly);
    let shown: Vec<i64> = out.segments.iter().flat_map(|s| s.of(TrackKind::Video)).map(|sample| sample.2).collect();
    assert_eq!(shown.len(), 250);
    assert!(shown.windows(2).all(|pair| pair[0] < pair[1]), "{shown:?}");
    assert_eq!(shown[249] - shown[0], (249 * 40 - 300) * 90, "where the clock is in the end");
}

#[test]
fn a_leap_of_the_publishers_clock_is_no_hour_of_nothing() {
    let mut assembly = Assembly::begin(machine(3600));
    let mut out = Out::default();
    feed(&mut out, &mut assembly, &push(0, 10, 0));
    feed(&mut out, &mut assembly, &push(36_000, 10, 10_000)[2..]);
    assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
    run(&mut out, &mut assembly);
    let pictures: Vec<_> = out.segments.iter().flat_map(|s| s.of(TrackKind::Video)).collect();
    let length = pictures.last().unwrap().1 - pictures[0].1;
    assert!((length - 20 * SECOND).abs() < SECOND / 10, "{length}");
    assert!(out.segments.iter().any(|s| s.join == Join::Leapt));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_stream_keeps_the_rules(
        steps in prop::collection::vec((0u8..20, -200i64..2000, -100i32..200, any::<bool>()), 1..300),
        cycle in 5u64..40,
    ) {
        let mut assembly = Assembly::begin(machine(cycle));
        let mut out = Out::default();
        feed(&mut out, &mut assembly, &[video_config(), audio_config()]);
        let (mut video, mut audio, mut number) = (0i64, 0i64, 0u32);
        for (kind, step, cto, sync) in steps {
            number += 1;
            let frame = match kind {
                0..=9 => { video += step / 20; sample(TrackKind::Video, number, video, cto, sync) }
                10..=17 => { audio += 21; sample(TrackKind::Audio, number, audio, 0, true) }
                18 => { video += step * 50; audio += step * 50; sample(TrackKind::Video, number, video, cto, true) }
                _ => { assembly.flush(); continue }
            };
            feed(&mut out, &mut assembly, &[frame]);
        }
        assembly.push_lost(Mono::default(), WallTime::default(), PushId::from_u128(1));
        run(&mut out, &mut assembly);
        let mut seen = std::collections::HashSet::new();
        for segment in &out.segments {
            for sample in &segment.samples {
                prop_assert!(seen.insert(sample.1), "frame {} twice", sample.1);
            }
            if let Some(first) = segment.of(TrackKind::Video).first() {
                prop_assert!(first.4);
            }
        }
        for track in [TrackKind::Video, TrackKind::Audio] {
            let all: Vec<_> = out.segments.iter().flat_map(|s| s.of(track)).collect();
            for pair in all.windows(2) {
                prop_assert!(pair[0].1 + pair[0].3 <= pair[1].1, "{track:?} runs back: {pair:?}");
            }
        }
    }
}

//! The index of a complete reel, made again from its segments.

use blobs::{BlobError, Blobs};
use codec::TrackKind;
use reel::{
    Join, PageRef, ReelIndex, Scanned, SegmentRow, checksum, encode_checks, encode_epoch, encode_lost_end, encode_row,
    fragment_checks, read_checks, samples_index_key, scan_segment, segment_key, segments_index_key,
};
use units::{MediaTime, ReelId, Timescale};

use crate::error::Result;

/// Makes both index files again. What of the old index holds is kept for segments that are not there any more; checksums
/// that were written with the media are kept as well, so that a damaged segment does not become a good one.
///
/// Segments beyond the first one that is neither there nor in the old index are left out: nothing says where they belong.
pub(crate) async fn reindex(blobs: &Blobs, reel: ReelId) -> Result<()> {
    let old_file = match blobs.get(&segments_index_key(reel)).await {
        Ok(file) => file,
        Err(BlobError::NotFound { .. }) => bytes::Bytes::new(),
        Err(error) => return Err(error.into()),
    };
    let (old, _, _) = ReelIndex::read(&old_file);
    let old_checks = read_checks(&old_file);
    let mut epochs = old.epochs.clone();
    let mut rows: Vec<SegmentRow> = Vec::new();
    let mut records = Vec::new();
    let mut pages: Vec<u8> = Vec::new();
    for number in 0u32.. {
        let known = old.segments.get(usize::try_from(number).unwrap_or(usize::MAX));
        let file = match blobs.get(&segment_key(reel, number)).await {
            Ok(file) => file,
            Err(BlobError::NotFound { .. }) => {
                // Freed: its row stays, and says nothing that anybody reads.
                let Some(known) = known else { break };
                let page = PageRef { at: u64::try_from(pages.len()).unwrap_or(u64::MAX), len: 0, crc: checksum(&[]) };
                rows.push(SegmentRow { page, ..known.clone() });
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let scanned = scan_segment(&file);
        for head in &scanned.heads {
            if usize::try_from(head.epoch.number).is_ok_and(|number| number == epochs.len()) {
                epochs.push(head.epoch.clone());
            }
        }
        let Some(mut row) = row_of(&scanned) else { break };
        let page = scanned.page.encode();
        row.page = PageRef {
            at: u64::try_from(pages.len()).unwrap_or(u64::MAX),
            len: u32::try_from(page.len()).unwrap_or(u32::MAX),
            crc: checksum(&page),
        };
        if row.join == Join::Continuous
            && scanned.heads.first().is_none_or(|head| head.borders.is_none())
            && let Some(last) = rows.last_mut()
        {
            last.end = row.begin.max(last.begin + 1);
        }
        pages.extend(page);
        let checks = old_checks.get(&number).cloned();
        let checks = checks.unwrap_or_else(|| fragment_checks(&file, &scanned.page.fragments));
        records.push((number, checks));
        rows.push(row);
    }
    let mut index: Vec<u8> = epochs.iter().flat_map(encode_epoch).collect();
    for row in &rows {
        index.extend(encode_row(row));
        for (number, checks) in records.iter().filter(|(number, _)| *number == row.number) {
            index.extend(encode_checks(*number, checks));
        }
    }
    if let Some(lost) = old.lost_end {
        index.extend(encode_lost_end(&lost));
    }
    // Pages first: rows that speak of pages that are not there yet are found by their checksums, and mended again.
    blobs.put(&samples_index_key(reel), pages.into()).await?;
    blobs.put(&segments_index_key(reel), index.into()).await?;
    Ok(())
}

/// The row of a segment, all but where its page lies, as the recorder or the worker would have written it; `None` when nothing
/// of it holds.
fn row_of(scanned: &Scanned) -> Option<SegmentRow> {
    let (first, last) = (scanned.heads.first()?, scanned.heads.last()?);
    let (video, audio) = (scanned.page.track_span(TrackKind::Video), scanned.page.track_span(TrackKind::Audio));
    let picture = scanned.page.fragments.iter().find(|fragment| fragment.track == TrackKind::Video);
    let (begin, end) = match (&video, &audio, picture) {
        (Some(video), _, Some(picture)) => {
            (picture.dts + picture.samples.first().map_or(0, |row| i64::from(row.cto)), video.pts_end)
        }
        (_, Some(audio), _) => {
            let scale = last.epoch.scale(TrackKind::Audio)?;
            (to_reel(audio.pts, scale)?, to_reel(audio.pts_end, scale)?)
        }
        _ if first.borders.is_some() => (0, 0),
        _ => return None,
    };
    let (begin, end) = first.borders.map_or((begin, end), |borders| (borders.begin, borders.end));
    Some(SegmentRow {
        number: first.segment,
        cycle: first.cycle,
        epoch: last.epoch.number,
        bytes: scanned.whole_bytes,
        wall: first.wall,
        join: first.join,
        begin,
        end: end.max(begin + 1),
        video,
        audio,
        page: PageRef { at: 0, len: 0, crc: 0 },
    })
}

fn to_reel(ticks: i64, scale: Timescale) -> Option<i64> {
    Some(MediaTime { ticks, scale }.rescale_round(Timescale::REEL)?.ticks)
}

//! Segments that are encrypted while they are sent: AES-128 in CBC mode with PKCS7 padding, over the whole segment; the
//! initialization vector is the segment's number in its playlist (RFC 8216bis §4.4.4.4, §5.2).

use std::ops::Range;

use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use encode::ContentKey;
use futures::stream::{self, StreamExt};
use view::Piece;

use crate::body;
use crate::store::Store;

/// Bytes of a block.
const BLOCK: usize = 16;

type Encryptor = cbc::Encryptor<aes::Aes128>;
type Block = aes::Block;

/// With what one segment is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seal {
    key: ContentKey,
    number: usize,
}

impl Seal {
    pub(crate) const fn new(key: ContentKey, number: usize) -> Self {
        Self { key, number }
    }

    /// Bytes of what `size` bytes become: there is always padding.
    pub(crate) const fn size(size: u64) -> u64 {
        let block = BLOCK as u64;
        (size / block).saturating_add(1).saturating_mul(block)
    }

    /// A body of the bytes `range` of the encrypted segment. Each block depends on all before it, so these are read as well.
    pub(crate) fn stream(self, store: Store, pieces: Vec<Piece>, range: Range<u64>) -> Body {
        let plain = body::stream(store, None, pieces).into_data_stream().map(Some).chain(stream::once(async { None }));
        let wanted = plain.scan((Sealing::new(self), 0u64), move |(sealing, at), chunk| {
            let sealed = match chunk {
                _ if *at >= range.end => None,
                Some(Err(error)) => Some(Err(error)),
                Some(Ok(plain)) => Some(Ok(sealing.more(&plain))),
                None => Some(Ok(sealing.last())),
            };
            let part = sealed.map(|sealed| sealed.map(|bytes| part(bytes, at, &range)));
            async { part }
        });
        Body::from_stream(wanted)
    }
}

/// What of `bytes`, which begin at `at`, lies in `range`; `at` moves on to their end.
fn part(bytes: Bytes, at: &mut u64, range: &Range<u64>) -> Bytes {
    let begin = *at;
    *at = begin.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let place = |position: u64| {
        usize::try_from(position.saturating_sub(begin)).map_or(bytes.len(), |place| place.min(bytes.len()))
    };
    let (from, to) = (place(range.start), place(range.end));
    if from < to { bytes.slice(from..to) } else { Bytes::new() }
}

/// A segment of which some was encrypted.
struct Sealing {
    mode: Encryptor,
    /// Less than a block that waits for more.
    rest: BytesMut,
}

impl Sealing {
    fn new(seal: Seal) -> Self {
        let vector = u128::try_from(seal.number).unwrap_or(u128::MAX).to_be_bytes();
        Self { mode: Encryptor::new(&(*seal.key.as_bytes()).into(), &vector.into()), rest: BytesMut::new() }
    }

    fn more(&mut self, plain: &[u8]) -> Bytes {
        self.rest.extend_from_slice(plain);
        let whole = self.rest.len() - self.rest.len() % BLOCK;
        let mut blocks = self.rest.split_to(whole);
        let (blocks_of, _) = Block::slice_as_chunks_mut(&mut blocks);
        self.mode.encrypt_blocks(blocks_of);
        blocks.freeze()
    }

    /// What is left, padded.
    fn last(&mut self) -> Bytes {
        let missing = BLOCK - self.rest.len() % BLOCK;
        let padding = [u8::try_from(missing).unwrap_or_default(); BLOCK];
        self.more(padding.get(..missing).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// NIST SP 800-38A, F.2.1, of which the first block has an initialization vector that is no number of a segment: the second
    /// block's vector is the first one's ciphertext, so the chain is what is tested; and RFC 3602 §4, case 1.
    #[test]
    fn blocks_are_encrypted_as_published() {
        let key = ContentKey::new(0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes());
        let vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128;
        let plain = [0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128, 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51];
        // The vector of a segment is its number: what it would be is put into the first block.
        let mut sealing = Sealing::new(Seal::new(key, 0));
        let mut bytes = (plain[0] ^ vector).to_be_bytes().to_vec();
        bytes.extend(plain[1].to_be_bytes());
        assert_eq!(
            hex(&sealing.more(&bytes)),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            "F.2.1"
        );
    }

    #[tokio::test]
    async fn any_range_is_that_part_of_the_whole_however_it_comes() {
        let seal = Seal::new(ContentKey::new([7; 16]), 3);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(blobs::Blobs::local(folder.path()).unwrap());
        for length in [0usize, 1, 15, 16, 17, 100] {
            let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n).unwrap()).collect();
            let pieces: Vec<Piece> = plain.chunks(7).map(|chunk| Piece::Made(Bytes::copy_from_slice(chunk))).collect();
            let read = |range: Range<u64>| {
                let (store, pieces) = (store.clone(), pieces.clone());
                async move { axum::body::to_bytes(seal.stream(store, pieces, range), usize::MAX).await.unwrap() }
            };
            let size = Seal::size(length as u64);
            let whole = read(0..size).await;
            assert_eq!(whole.len() as u64, size);
            assert!(size > length as u64 && size.is_multiple_of(16));
            for from in 0..size {
                assert_eq!(read(from..size).await, whole.slice(usize::try_from(from).unwrap()..), "{length}: {from}");
                assert_eq!(read(0..from).await, whole.slice(..usize::try_from(from).unwrap()), "{length}: ..{from}");
            }
        }
    }
}

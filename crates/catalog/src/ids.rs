//! Ids drawn from one source per process.

use std::sync::{Mutex, PoisonError};

use units::{AssetId, EventId, IdSource, JobId, PushId, RecordingId, ReelId, RequestId, WallTime};

/// 64 bits from the operating system.
fn random() -> u64 {
    let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
    // Version and variant bits of a UUID are constant; folding the halves leaves 64 random bits.
    high.rotate_left(32) ^ low
}

/// 128 bits from the operating system, for what nobody may guess.
pub fn secret() -> [u8; 16] {
    ((u128::from(random()) << 64) | u128::from(random())).to_be_bytes()
}

/// Letters and digits, as SDKs and shells take them without quoting.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `length` letters and digits from the operating system, without bias, for what nobody may guess.
pub fn random_text(length: usize) -> String {
    // 248 = 4 × 62: a byte at or above it would favour the first letters, so it is drawn again.
    let bytes = std::iter::repeat_with(secret).flatten().filter(|byte| *byte < 248);
    bytes.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).take(length).collect()
}

/// An [`IdSource`] that many tasks draw from.
#[derive(Debug)]
pub struct Ids(Mutex<IdSource>);

impl Ids {
    /// Seeded from the operating system.
    pub fn from_os() -> Self {
        Self::seeded(random())
    }

    /// Seeded by a test: the same ids in every run.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(IdSource::new(seed)))
    }

    fn bits(&self, now: WallTime) -> u128 {
        // A panic elsewhere cannot leave the source half advanced in a way that matters: its ids stay unique.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_bits(now)
    }

    /// A new push id.
    pub fn push(&self, now: WallTime) -> PushId {
        PushId::from_u128(self.bits(now))
    }

    /// A new recording id.
    pub fn recording(&self, now: WallTime) -> RecordingId {
        RecordingId::from_u128(self.bits(now))
    }

    /// A new reel id.
    pub fn reel(&self, now: WallTime) -> ReelId {
        ReelId::from_u128(self.bits(now))
    }

    /// A new asset id.
    pub fn asset(&self, now: WallTime) -> AssetId {
        AssetId::from_u128(self.bits(now))
    }

    /// A new job id.
    pub fn job(&self, now: WallTime) -> JobId {
        JobId::from_u128(self.bits(now))
    }

    /// A new event id.
    pub fn event(&self, now: WallTime) -> EventId {
        EventId::from_u128(self.bits(now))
    }

    /// A new request id.
    pub fn request(&self, now: WallTime) -> RequestId {
        RequestId::from_u128(self.bits(now))
    }
}

//! The mailbox that answers: no greeting, recording from the first moment, and a real WAV file.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest message: with eight kilobytes a second, mailboxes stay small in the state file.
pub(super) const LONGEST: Duration = Duration::from_secs(4);

/// Samples a second, one byte each.
const RATE: u32 = 8000;

/// Period of the recorded tone in samples: 400 Hz.
const PERIOD: u64 = 20;

/// Milliseconds of a message between two times, whole seconds: a caller who hangs up at once
/// leaves one second.
pub(super) fn duration(begin: i64, end: i64) -> u64 {
    let seconds = u64::try_from(end - begin)
        .unwrap_or_default()
        .div_ceil(1000);
    seconds.clamp(1, LONGEST.as_secs()) * 1000
}

/// The recording in base64: a mono WAV file of 8-bit samples with a quiet tone, as long as told.
pub(super) fn recording(milliseconds: u64) -> String {
    let milliseconds = milliseconds.min(1000 * LONGEST.as_secs());
    let samples = milliseconds * u64::from(RATE) / 1000;
    let length = u32::try_from(samples).unwrap_or_default();
    let mut file = Vec::with_capacity(44 + usize::try_from(samples).unwrap_or_default());
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&8_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    // 128 is silence in 8-bit WAV files.
    let tone = |at: u64| if at % PERIOD < PERIOD / 2 { 136 } else { 120 };
    file.extend((0..samples).map(tone));
    STANDARD.encode(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_a_wav_file_of_the_told_length() {
        for (begin, end, seconds) in [
            (0, 0, 1),
            (0, 1, 1),
            (5, 1_006, 2),
            (0, 99_000, 4),
            (9, 0, 1),
        ] {
            let told = duration(begin, end);
            assert_eq!(told, seconds * 1000, "{begin}..{end}");
            let file = STANDARD.decode(recording(told)).unwrap();
            assert_eq!(&file[..4], b"RIFF");
            assert_eq!(&file[8..12], b"WAVE");
            let length = u32::from_le_bytes(file[40..44].try_into().unwrap());
            assert_eq!(u64::from(length), seconds * u64::from(RATE));
            assert_eq!(file.len(), 44 + usize::try_from(length).unwrap());
        }
    }
}

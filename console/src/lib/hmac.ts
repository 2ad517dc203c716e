/**
 * HMAC-SHA1, which the store's dialect signs with. What browsers have of their own (`crypto.subtle`) is not there on pages that came
 * without TLS, as the console often does, and little is signed: some hundred bytes a request.
 */
const BLOCK_BYTES = 64;

function sha1(message: Uint8Array): Uint8Array {
  const length = Math.ceil((message.length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  const padded = new Uint8Array(length);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(message.length / 0x2000_0000));
  view.setUint32(length - 4, (message.length << 3) >>> 0);
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Int32Array(80);
  const word = (at: number): number => words[at] as number;
  const turned = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  for (let from = 0; from < length; from += BLOCK_BYTES) {
    for (let at = 0; at < 16; at++) words[at] = view.getInt32(from + at * 4);
    for (let at = 16; at < 80; at++) words[at] = turned(word(at - 3) ^ word(at - 8) ^ word(at - 14) ^ word(at - 16), 1);
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4];
    for (let at = 0; at < 80; at++) {
      const [mixed, constant] =
        at < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : at < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : at < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      const next = (turned(a, 5) + mixed + e + constant + word(at)) | 0;
      [a, b, c, d, e] = [next, a, turned(b, 30), c, d];
    }
    [h0, h1, h2, h3, h4] = [(h0 + a) | 0, (h1 + b) | 0, (h2 + c) | 0, (h3 + d) | 0, (h4 + e) | 0];
  }
  const digest = new DataView(new ArrayBuffer(20));
  [h0, h1, h2, h3, h4].forEach((part, at) => digest.setInt32(at * 4, part));
  return new Uint8Array(digest.buffer);
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The signature of a text, in base64. */
export function hmacSha1(secret: string, text: string): string {
  const encoder = new TextEncoder();
  const given = encoder.encode(secret);
  const key = new Uint8Array(BLOCK_BYTES);
  key.set(given.length > BLOCK_BYTES ? sha1(given) : given);
  const [inner, outer] = [key.map((byte) => byte ^ 0x36), key.map((byte) => byte ^ 0x5c)];
  return btoa(String.fromCharCode(...sha1(joined(outer, sha1(joined(inner, encoder.encode(text)))))));
}

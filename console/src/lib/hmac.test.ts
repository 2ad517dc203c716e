import { expect, it } from 'vitest';

import { hmacSha1 } from './hmac';

it('signs as everybody does', () => {
  // RFC 2202, case 2; and a key that is longer than a block.
  expect(hmacSha1('Jefe', 'what do ya want for nothing?')).toBe('7/zfauXrL6LSdBbV8YTfnCWafHk=');
  const [byte, text] = ['k', 'Test Using Larger Than Block-Size Key - Hash Key First'];
  expect(hmacSha1(byte.repeat(80), text)).toBe('oIu+9Wc/LCqLxvr5H7X7m1732jU=');
});

// The same was made with Python's hmac.
it('signs keys and texts of every length', () => {
  const lengths = Array.from({ length: 200 }, (_, length) => hmacSha1('k'.repeat(length), 'é'.repeat(length)));
  expect(hmacSha1('all', lengths.join(''))).toBe('rLhlqYbI0jjrssPJOIf242rULlk=');
});

import { expect, it } from 'vitest';

import { ownFile, ownImage } from './images';

it('a file of the library is asked for where the page comes from', () => {
  const place = `/v/${'0'.repeat(32)}/file.png`;
  expect(ownFile(`http://192.0.2.1:8080${place}`)).toBe(place);
  expect(ownFile(`https://play.example.org${place}?auth_key=1-0-0-a`)).toBe(`${place}?auth_key=1-0-0-a`);
});

it('the picture of an address is known by its id', () => {
  const id = '0123456789abcdef'.repeat(2);
  expect(ownImage(`http://192.0.2.1:8080/v/${id}/file.png`)).toBe(id);
  expect(ownImage('https://example.org/logo.png')).toBeUndefined();
});

it('nothing else is asked for: the page may not', () => {
  for (const url of [undefined, '', 'https://example.org/logo.png', `https://example.org/x/v/${'0'.repeat(32)}/file.png`, '/v/file.png']) {
    expect(ownFile(url), url).toBeUndefined();
  }
});

import { describe, expect, it } from 'vitest';

import { sign, type UrlAuth } from './sign';

const KEY = 'aliyuncdnexp1234';
const auth = (type: UrlAuth['type'], delta = 1800): UrlAuth => ({ type, key: KEY, delta });
/** When a URL of this time ends, in seconds. */
const ends = (time: number, delta = 1800): Date => new Date((time + delta) * 1000);

describe('signed URLs have the hashes that the vendor shows', () => {
  it('type A', () => {
    const url = sign('http://cdn.example.com/video/standard/1K.html', auth('type_a'), ends(1444435200));
    expect(url).toBe('http://cdn.example.com/video/standard/1K.html?auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f');
  });

  it('type B, whose clock is that of UTC+8', () => {
    const time = Date.UTC(2015, 7, 15, 0, 0) / 1000;
    const url = sign('http://cdn.example.com/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3', auth('type_b'), ends(time));
    expect(url).toBe('http://cdn.example.com/201508150800/9044548ef1527deadafa49a890a377f0/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3');
  });

  it('type C, with the time in small letters', () => {
    const url = sign('http://cdn.example.com/test.flv', auth('type_c'), ends(0x55ce8100));
    expect(url).toMatch(/^http:\/\/cdn\.example\.com\/[0-9a-f]{32}\/55ce8100\/test\.flv$/);
  });

  it('keep what else stands in the query, and schemes that browsers do not know', () => {
    const url = sign('rtmp://push.example.com/live/one?vhost=a', auth('type_a'), ends(1444435200));
    expect(url).toMatch(/^rtmp:\/\/push\.example\.com\/live\/one\?vhost=a&auth_key=1444435200-0-0-[0-9a-f]{32}$/);
  });

  it('are not made of what is no URL', () => {
    expect(() => sign('live/one', auth('type_a'), ends(0))).toThrow(TypeError);
  });
});

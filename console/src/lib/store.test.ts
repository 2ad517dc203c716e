// @vitest-environment jsdom
import { expect, it } from 'vitest';

import { partsOf, permit, signed } from './store';

const of = { bucket: 'oss-example', object: 'nelson', id: 'STS.a', secret: 'OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV', token: 'a.b.c' };

it('reads what CreateUploadVideo gives', () => {
  const sealed = (value: unknown): string => btoa(JSON.stringify(value));
  const told = {
    UploadAddress: sealed({ Endpoint: 'http://a', Bucket: 'oss-example', FileName: 'nelson' }),
    UploadAuth: sealed({ AccessKeyId: of.id, AccessKeySecret: of.secret, SecurityToken: of.token }),
  };
  expect(permit(told)).toEqual(of);
});

it('signs what names a part, and nothing else of the query', () => {
  const at = new Date('2026-11-28T22:48:01Z');
  const query = { uploadId: '7', partNumber: '1' };
  const one = signed(of, { method: 'PUT', query, body: 'x' }, at);
  expect(one['x-oss-date']).toBe('Sat, 28 Nov 2026 22:48:01 GMT');
  expect(one['Content-Type']).toBe('application/octet-stream');
  // Of the text that the server makes of such a request (rpc::oss).
  expect(one['Authorization']).toBe('OSS STS.a:tT2ZOSEb1zPEyvXvzKkPpdHsok4=');
  expect(signed(of, { method: 'PUT', query: { ...query, 'max-parts': '2' }, body: 'x' }, at)).toEqual(one);
});

it('reads a list of parts', () => {
  const document =
    '<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>&quot;AB&quot;</ETag><Size>5</Size></Part>' +
    '<Part><PartNumber>3</PartNumber><ETag>&quot;CD&quot;</ETag><Size>2</Size></Part></ListPartsResult>';
  expect(partsOf(document)).toEqual([
    { number: 1, bytes: 5, etag: '"AB"' },
    { number: 3, bytes: 2, etag: '"CD"' },
  ]);
});

import { expect, it } from 'vitest';

import { beginningAt, fresh, pictures, read, size, tooLarge, written, type Draft } from './animations';
import type { VodTemplate } from './answers';

const template = (config: unknown): VodTemplate => ({
  VodTemplateId: 't',
  AppId: 'app-1000000',
  IsDefault: 'NotDefault',
  Name: 'Teaser',
  TemplateType: 'DynamicImage',
  TemplateConfig: JSON.stringify(config),
  CreationTime: '2026-11-01T00:00:00Z',
  ModifyTime: '2026-11-01T00:00:00Z',
});

it('a draft that is written reads as it was', () => {
  const drafts: Draft[] = [
    { ...fresh(), name: 'Teaser', from: 1.5, length: 2.25, cover: true },
    { ...fresh(), name: 'Teaser', format: 'webp', until: 'end', rest: 3, width: undefined, height: 240, fps: 25 },
  ];
  for (const draft of drafts) expect(read(template(JSON.parse(written(draft))))).toEqual(draft);
});

it('one part of the video is asked for, not two', () => {
  const span = (draft: Draft) => (JSON.parse(written(draft)) as { Clip: { TimeSpan: unknown } }).Clip.TimeSpan;
  expect(span({ ...fresh(), length: 2 })).toEqual({ Seek: '0', Duration: '2' });
  expect(span({ ...fresh(), until: 'end', rest: 1 })).toEqual({ Seek: '0', End: '1' });
});

it('what others wrote is read: inner text, clocks, and what is left out', () => {
  const draft = read(template({ Container: '{"Format":"WebP"}', Clip: { TimeSpan: '{"Seek":"00:01:05.5"}' }, SetDefaultCover: 'On' }));
  expect([draft.format, draft.from, draft.until, draft.length, draft.fps, draft.cover]).toEqual(['webp', 65.5, 'length', 5, 10, true]);
  expect(size(draft)).toEqual({ width: 320, height: 180 });
});

it('another beginning keeps the length', () => {
  const made = JSON.parse(beginningAt(template({ Clip: { TimeSpan: { Seek: '1', Duration: '2' } } }), 12.3456)) as unknown;
  expect(made).toEqual({ Clip: { TimeSpan: { Seek: '12.346', Duration: '2' } } });
});

it('it is told how many pictures there are, and when they are too many', () => {
  expect(pictures({ ...fresh(), length: 2.01 })).toBe(21);
  expect(pictures({ ...fresh(), until: 'end' })).toBeUndefined();
  expect(tooLarge(fresh())).toBe(false);
  expect(tooLarge({ ...fresh(), width: 1920, length: 60, fps: 30 })).toBe(true);
});

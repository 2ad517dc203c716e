import { expect, it } from 'vitest';

import type { VodTemplate } from './answers';
import { fresh, KINDS, made, read, written, type Draft } from './snapshots';

const HOUR = 3600;

const template = (TemplateConfig: string): VodTemplate => ({
  VodTemplateId: 't',
  AppId: 'app-1000000',
  IsDefault: 'NotDefault',
  Name: 'Covers',
  TemplateType: 'Snapshot',
  TemplateConfig,
  CreationTime: '2026-11-01T00:00:00Z',
  ModifyTime: '2026-11-01T00:00:00Z',
});
const draft = (change: Partial<Draft>): Draft => ({ ...fresh(), name: 'Covers', ...change });

it('a draft that is written reads as it was', () => {
  for (const kind of KINDS) {
    const was = draft({
      kind,
      from: 2.5,
      interval: 0,
      count: 20,
      columns: 5,
      padding: 2,
      keyFrames: true,
      onSheets: kind !== 'NormalSnapshot',
    });
    const back = read(template(written(was)));
    const kept =
      kind === 'NormalSnapshot' ? { ...was, cellWidth: undefined, columns: 10, padding: 0, keepCells: true, onSheets: true } : was;
    expect({ ...back, keepCells: kept.keepCells }, kind).toEqual(kept);
  }
});

it('only what its kind has is written: the server refuses the rest', () => {
  expect(JSON.parse(written(draft({})))).toEqual({
    SnapshotType: 'NormalSnapshot',
    SnapshotConfig: { FrameType: 'normal', SpecifiedOffsetTime: '0', Interval: '10', Count: '10' },
  });
  const vtt = JSON.parse(written(draft({ kind: 'WebVttSnapshot', onSheets: false, count: undefined }))) as { SnapshotConfig: unknown };
  expect(vtt.SnapshotConfig).toEqual({
    FrameType: 'normal',
    SpecifiedOffsetTime: '0',
    Interval: '10',
    Format: 'vtt',
    SubOut: { IsSptFrag: 'false' },
  });
});

it('what is not told is as by default', () => {
  const back = read(template('{"SnapshotType":"spritesnapshot","SnapshotConfig":"{\\"SpriteSnapshotConfig\\":{\\"Color\\":\\"Navy\\"}}"}'));
  expect(back).toMatchObject({ kind: 'SpriteSnapshot', interval: 1, count: undefined, columns: 10, color: '#000080', keepCells: true });
});

it('pictures and sheets are counted', () => {
  expect(made(draft({}), HOUR)).toEqual({ pictures: 10, sheets: 0 });
  expect(made(draft({ count: undefined }), HOUR)).toEqual({ pictures: 1, sheets: 0 });
  expect(made(draft({ kind: 'SpriteSnapshot', count: undefined }), HOUR)).toEqual({ pictures: 360, sheets: 4 });
  expect(made(draft({ kind: 'SpriteSnapshot', interval: 0, count: undefined }), HOUR)).toEqual({ pictures: 100, sheets: 1 });
  expect(made(draft({ kind: 'WebVttSnapshot', interval: 1, count: undefined, from: 3000 }), HOUR)).toEqual({ pictures: 600, sheets: 6 });
  expect(made(draft({ kind: 'WebVttSnapshot', interval: 1, count: undefined, onSheets: false }), 20_000)).toEqual({
    pictures: 10_000,
    sheets: 0,
  });
});

import { expect, it } from 'vitest';

import type { Watermark } from './answers';
import { fresh, placed, read, written, type Draft } from './watermarks';

const mark = (Type: Watermark['Type'], config: unknown): Watermark => ({
  WatermarkId: 'w',
  AppId: 'app-1000000',
  Name: 'Club',
  Type,
  IsDefault: 'NotDefault',
  CreationTime: '2026-11-01T00:00:00Z',
  WatermarkConfig: JSON.stringify(config),
});

const image = (change: Partial<Draft> = {}): Draft => ({ ...fresh('Image'), ...change });
const FRAME = { width: 1280, height: 720 };

it('a draft that is written reads as it was', () => {
  for (const type of ['Image', 'Text'] as const) {
    const draft = { ...fresh(type), name: 'Club', words: type === 'Text' ? 'Live\nfrom court 1' : '', start: 5, length: 10.5 };
    const back = read(mark(type, JSON.parse(written(draft))));
    const kept =
      type === 'Text' ? ['words', 'size', 'color', 'opacity', 'border', 'left', 'top'] : ['corner', 'dx', 'dy', 'width', 'height'];
    for (const key of ['start', 'length', ...kept] as (keyof Draft)[]) expect(back[key], key).toEqual(draft[key]);
  }
});

it('lengths are parts of the side or pixels, as the server takes them', () => {
  const draft = image({ dx: { value: 16, unit: 'pixels' }, dy: { value: 0, unit: 'pixels' }, width: { value: 12.5, unit: 'percent' } });
  expect(JSON.parse(written(draft))).toEqual({ ReferPos: 'TopRight', Dx: '16', Dy: '0', Width: '0.125' });
  const back = read(mark('Image', { Dx: 16, Dy: '1', Width: '0.125', ReferPos: 'bottomleft' }));
  expect([back.dx, back.dy, back.width, back.height.value]).toEqual([
    { value: 16, unit: 'pixels' },
    { value: 100, unit: 'percent' },
    { value: 12.5, unit: 'percent' },
    undefined,
  ]);
  expect(back.corner).toBe('BottomLeft');
});

it('what others wrote is read: names of colours, clocks, and what is left out', () => {
  const draft = read(
    mark('Text', { Content: 'x', FontColor: 'White', BorderColor: '0xFF8000', Timeline: '{"Start":"00:01:05.5","Duration":"ToEND"}' }),
  );
  expect([draft.color, draft.borderColor, draft.size, draft.opacity, draft.font]).toEqual(['#ffffff', '#ff8000', 16, 100, 'Sans']);
  expect([draft.start, draft.length]).toEqual([65.5, undefined]);
});

it('an image lies where the server puts it', () => {
  const logo = { width: 400, height: 100 };
  expect(placed(image(), logo, FRAME)).toEqual({ width: 154, height: 39, x: 1280 - 154 - 26, y: 22 });
  // With the height alone the ratio is kept; with none of both it is 12 % wide.
  const high = image({ width: { value: undefined, unit: 'percent' }, height: { value: 50, unit: 'pixels' }, corner: 'BottomLeft' });
  expect(placed(high, logo, FRAME)).toEqual({ width: 200, height: 50, x: 26, y: 720 - 50 - 22 });
  const usual = image({ width: { value: undefined, unit: 'percent' } });
  expect(placed(usual, logo, FRAME).width).toBe(154);
  // Never beyond the picture.
  const large = image({ width: { value: 4096, unit: 'pixels' }, dx: { value: 100, unit: 'percent' } });
  expect(placed(large, logo, FRAME)).toEqual({ width: 1280, height: 720, x: 0, y: 0 });
});

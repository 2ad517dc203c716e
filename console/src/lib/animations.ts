import type { VodTemplate } from './answers';
import { inner, number, object, seconds, text, texts } from './json';

/** What moving pictures are written. */
export const FORMATS = ['gif', 'webp'] as const;
export type Format = (typeof FORMATS)[number];

/** Sides of a picture, in pixels. */
export { SIDES } from './snapshots';
/** Pictures in a second. */
export const FPS = { min: 1, max: 30 } as const;
/** Longest, in seconds. */
export const SECONDS_MAX = 60;
/** How wide one is of which neither side is told. */
const WIDTH = 320;
/** Most pixels of all pictures together. */
const PIXELS_MAX = 100_000_000;

/** A template of animated images as it is edited. A side that is not told follows from the video. */
export interface Draft {
  name: string;
  format: Format;
  /** When it begins, in seconds. */
  from: number;
  /** Whether it has a length, or goes on to so many seconds before the end of the video. */
  until: 'length' | 'end';
  length: number;
  rest: number;
  width: number | undefined;
  height: number | undefined;
  fps: number;
  /** Whether it becomes the cover of its video. */
  cover: boolean;
}

/** What a new template begins with. */
export function fresh(): Draft {
  return {
    name: '',
    format: 'gif',
    from: 0,
    until: 'length',
    length: 5,
    rest: 0,
    width: WIDTH,
    height: undefined,
    fps: 10,
    cover: false,
  };
}

/** What the server has of a template; what is not told is as by default. */
export function read(template: VodTemplate): Draft {
  const config = object(template.TemplateConfig);
  const [video, span] = [inner(config, 'Video'), inner(inner(config, 'Clip'), 'TimeSpan')];
  const format = text(inner(config, 'Container'), 'Format').toLowerCase();
  const rest = seconds(span, 'End');
  const usual = fresh();
  return {
    name: template.Name,
    format: FORMATS.find((one) => one === format) ?? usual.format,
    from: seconds(span, 'Seek') ?? usual.from,
    until: rest === undefined ? 'length' : 'end',
    length: seconds(span, 'Duration') ?? usual.length,
    rest: rest ?? usual.rest,
    width: number(video, 'Width'),
    height: number(video, 'Height'),
    fps: number(video, 'Fps') ?? usual.fps,
    cover: /^(true|1|on|yes)$/i.test(text(config, 'SetDefaultCover')),
  };
}

/** Three digits behind the point are what counts. */
const decimal = (value: number): string => String(Math.round(value * 1000) / 1000);

/** Which part of the video it shows. */
const clip = (draft: Draft): unknown => ({
  TimeSpan: { Seek: decimal(draft.from), ...(draft.until === 'end' ? { End: decimal(draft.rest) } : { Duration: decimal(draft.length) }) },
});

/** A draft as `TemplateConfig`. */
export function written(draft: Draft): string {
  return JSON.stringify({
    Container: { Format: draft.format },
    Video: texts({ Fps: draft.fps, Width: draft.width, Height: draft.height }),
    Clip: clip(draft),
    SetDefaultCover: String(draft.cover),
  });
}

/** `OverrideParams` that have what a template makes begin somewhere else. What had no length gets the usual one. */
export function beginningAt(template: VodTemplate, from: number): string {
  return JSON.stringify({ Clip: clip({ ...read(template), until: 'length', from }) });
}

/** How many pictures it has; not known of one that goes on to the end of the video. */
export const pictures = ({ until, length, fps }: Draft): number | undefined =>
  until === 'length' ? Math.max(1, Math.ceil(length * fps)) : undefined;

/** How large its pictures are of a video that is 16 to 9. */
export function size({ width, height }: Draft): { width: number; height: number } {
  const wide = width ?? (height ? Math.round((height * 16) / 9) : WIDTH);
  return { width: wide, height: height ?? Math.round((wide * 9) / 16) };
}

/** Whether it is more than a server makes. */
export function tooLarge(draft: Draft): boolean {
  const { width, height } = size(draft);
  return width * height * (pictures(draft) ?? 1) > PIXELS_MAX;
}

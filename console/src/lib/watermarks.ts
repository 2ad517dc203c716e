import type { Watermark } from './answers';
import { color } from './colors';
import { inner, number, object, seconds, text } from './json';

/** From which corner the distances of an image are. */
export const CORNERS = ['TopLeft', 'TopRight', 'BottomLeft', 'BottomRight'] as const;
export type Corner = (typeof CORNERS)[number];

/** Pixels that a length can have, and those of letters. */
export const PIXELS = { min: 8, max: 4096 } as const;
export const LETTERS = { min: 4, max: 120 } as const;
/** Longest words, in characters. */
export const WORDS_MAX = 256;
/** What a name of a font is made of. */
export const FONT_PATTERN = '[A-Za-z0-9 _\\-]{1,64}';
/** How wide an image is of which neither side is told, as a part of the picture's width. */
const USUAL_WIDTH = 0.12;

/** A length on a picture: of so many pixels, or so many percent of the side. Without a value it follows from others. */
export interface Length {
  value: number | undefined;
  unit: 'percent' | 'pixels';
}

/** A watermark as it is edited. */
export interface Draft {
  name: string;
  type: Watermark['Type'];
  corner: Corner;
  dx: Length;
  dy: Length;
  width: Length;
  height: Length;
  words: string;
  font: string;
  size: number;
  color: string;
  /** In percent. */
  opacity: number;
  border: number;
  borderColor: string;
  left: number;
  top: number;
  /** From when on it is shown, and how long; in seconds. Without a length it is shown to the end. */
  start: number;
  length: number | undefined;
}

/** What a new watermark begins with. */
export function fresh(type: Watermark['Type']): Draft {
  return {
    name: '',
    type,
    corner: 'TopRight',
    dx: { value: 2, unit: 'percent' },
    dy: { value: 3, unit: 'percent' },
    width: { value: 12, unit: 'percent' },
    height: { value: undefined, unit: 'percent' },
    words: '',
    font: 'Sans',
    size: 32,
    color: '#ffffff',
    opacity: 80,
    border: 1,
    borderColor: '#000000',
    left: 32,
    top: 24,
    start: 0,
    length: undefined,
  };
}

/** What the server has of a watermark; what is not told is as by default. */
export function read(mark: Watermark): Draft {
  const config = object(mark.WatermarkConfig);
  const corner = text(config, 'ReferPos').toLowerCase();
  const timeline = inner(config, 'Timeline');
  return {
    name: mark.Name,
    type: mark.Type,
    corner: CORNERS.find((one) => one.toLowerCase() === corner) ?? 'TopRight',
    dx: length(text(config, 'Dx') || '0'),
    dy: length(text(config, 'Dy') || '0'),
    width: length(text(config, 'Width')),
    height: length(text(config, 'Height')),
    words: text(config, 'Content'),
    font: text(config, 'FontName') || 'Sans',
    size: number(config, 'FontSize') ?? 16,
    color: color(text(config, 'FontColor')),
    opacity: Math.max(1, Math.round(100 * (number(config, 'FontAlpha') ?? 1))),
    border: number(config, 'BorderWidth') ?? 0,
    borderColor: color(text(config, 'BorderColor')),
    left: number(config, 'Left') ?? 0,
    top: number(config, 'Top') ?? 0,
    start: seconds(timeline, 'Start') ?? 0,
    length: seconds(timeline, 'Duration'),
  };
}

/** A draft as `WatermarkConfig`. */
export function written(draft: Draft): string {
  const all: Record<string, unknown> =
    draft.type === 'Image'
      ? { ReferPos: draft.corner, Dx: told(draft.dx), Dy: told(draft.dy), Width: told(draft.width), Height: told(draft.height) }
      : {
          Content: draft.words,
          FontName: draft.font,
          FontSize: String(draft.size),
          FontColor: draft.color,
          FontAlpha: decimal(draft.opacity / 100),
          BorderColor: draft.borderColor,
          BorderWidth: String(draft.border),
          Left: String(draft.left),
          Top: String(draft.top),
        };
  if (draft.start > 0 || draft.length) {
    all['Timeline'] = { Start: decimal(draft.start), Duration: draft.length ? decimal(draft.length) : 'ToEND' };
  }
  return JSON.stringify(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

/** A number with a point is a part of the side, and so are 0 and 1; others are pixels. */
function length(told: string): Length {
  const value = Number(told);
  if (told === '' || Number.isNaN(value)) return { value: undefined, unit: 'percent' };
  return told.includes('.') || value <= 1 ? { value: round(value * 100), unit: 'percent' } : { value, unit: 'pixels' };
}

function told({ value, unit }: Length): string | undefined {
  if (value === undefined) return undefined;
  return unit === 'pixels' && value > 0 ? String(value) : decimal(value / 100);
}

/** Four digits behind the point are what counts. */
const decimal = (value: number): string => String(Math.round(value * 10_000) / 10_000);
const round = (value: number): number => Math.round(value * 100) / 100;

/** A size in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Where an image of this size is on a picture of that: as the server has it, within the picture whatever was asked for. */
export function placed(draft: Draft, image: Size, frame: Size): Size & { x: number; y: number } {
  const of = ({ value, unit }: Length, side: number): number | undefined =>
    value === undefined ? undefined : Math.round(unit === 'pixels' ? value : (side * value) / 100);
  const within = (value: number, most: number): number => Math.min(Math.max(1, Math.round(value)), most);
  const [asked, high] = [of(draft.width, frame.width), of(draft.height, frame.height)];
  const wide = asked ?? Math.round(high === undefined ? frame.width * USUAL_WIDTH : (image.width * high) / image.height);
  const width = within(wide, frame.width);
  const height = within(high ?? (image.height * wide) / image.width, frame.height);
  const [freeX, freeY] = [frame.width - width, frame.height - height];
  const [dx, dy] = [Math.min(of(draft.dx, frame.width) ?? 0, freeX), Math.min(of(draft.dy, frame.height) ?? 0, freeY)];
  return {
    width,
    height,
    x: draft.corner.endsWith('Left') ? dx : freeX - dx,
    y: draft.corner.startsWith('Top') ? dy : freeY - dy,
  };
}

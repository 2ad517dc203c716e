import type { VodTemplate } from './answers';
import { color } from './colors';
import { inner, number, object, text, texts } from './json';

/** What pictures become: each a file, many on sheets, or a list of thumbnails that players understand. */
export const KINDS = ['NormalSnapshot', 'SpriteSnapshot', 'WebVttSnapshot'] as const;
export type Kind = (typeof KINDS)[number];

/** Sides of a picture, in pixels. */
export const SIDES = { min: 8, max: 4096 } as const;
/** Most pictures of one video. */
export const SHOTS_MAX = 10_000;
/** Longest interval, in seconds. */
export const INTERVAL_MAX = 86_400;
/** Cells of a sheet in one direction: most, and when nothing is told. */
const CELLS = { most: 10_000, usual: 10 } as const;
/** Seconds between pictures when nothing is told. */
const INTERVAL = 1;

/** A template of snapshots as it is edited. Sides that are not told follow from the video. */
export interface Draft {
  name: string;
  kind: Kind;
  /** When the first is taken, in seconds. */
  from: number;
  /** Seconds from one to the next; 0: spread evenly. */
  interval: number;
  /** How many; of sheets and thumbnails without one as many as there are. */
  count: number | undefined;
  width: number | undefined;
  height: number | undefined;
  /** Key frames alone: faster, and not quite at the time. */
  keyFrames: boolean;
  columns: number;
  lines: number;
  cellWidth: number | undefined;
  cellHeight: number | undefined;
  /** Pixels between cells, and around them all. */
  padding: number;
  margin: number;
  color: string;
  /** Whether the single pictures of a sheet stay. */
  keepCells: boolean;
  /** Whether thumbnails lie on sheets, or each in a file of its own. */
  onSheets: boolean;
}

/** What a new template begins with. */
export function fresh(): Draft {
  return {
    name: '',
    kind: 'NormalSnapshot',
    from: 0,
    interval: 10,
    count: 10,
    width: undefined,
    height: undefined,
    keyFrames: false,
    columns: CELLS.usual,
    lines: CELLS.usual,
    cellWidth: 160,
    cellHeight: undefined,
    padding: 0,
    margin: 0,
    color: '#000000',
    keepCells: false,
    onSheets: true,
  };
}

/** What the server has of a template; what is not told is as by default. */
export function read(template: VodTemplate): Draft {
  const config = object(template.TemplateConfig);
  const shots = inner(config, 'SnapshotConfig');
  const sheet = inner(shots, 'SpriteSnapshotConfig');
  const kind = text(config, 'SnapshotType').toLowerCase();
  return {
    name: template.Name,
    kind: KINDS.find((one) => one.toLowerCase() === kind) ?? 'NormalSnapshot',
    from: (number(shots, 'SpecifiedOffsetTime') ?? 0) / 1000,
    interval: number(shots, 'Interval') ?? INTERVAL,
    count: number(shots, 'Count'),
    width: number(shots, 'Width'),
    height: number(shots, 'Height'),
    keyFrames: text(shots, 'FrameType').toLowerCase() === 'intra',
    columns: number(sheet, 'Columns') ?? CELLS.usual,
    lines: number(sheet, 'Lines') ?? CELLS.usual,
    cellWidth: number(sheet, 'CellWidth'),
    cellHeight: number(sheet, 'CellHeight'),
    padding: number(sheet, 'Padding') ?? 0,
    margin: number(sheet, 'Margin') ?? 0,
    color: color(text(sheet, 'Color')),
    keepCells: text(sheet, 'KeepCellPic').toLowerCase() !== 'delete',
    onSheets: !/^(false|0|off|no)$/i.test(text(inner(shots, 'SubOut'), 'IsSptFrag')),
  };
}

/** Whether pictures are put together to sheets. */
export const hasSheets = ({ kind, onSheets }: Draft): boolean => kind === 'SpriteSnapshot' || (kind === 'WebVttSnapshot' && onSheets);

/** A draft as `TemplateConfig`. */
export function written(draft: Draft): string {
  const sheet = texts({
    CellWidth: draft.cellWidth,
    CellHeight: draft.cellHeight,
    Columns: draft.columns,
    Lines: draft.lines,
    Padding: draft.padding,
    Margin: draft.margin,
    Color: draft.color,
    ...(draft.kind === 'SpriteSnapshot' && { KeepCellPic: draft.keepCells ? 'keep' : 'delete' }),
  });
  const SnapshotConfig = {
    ...texts({
      FrameType: draft.keyFrames ? 'intra' : 'normal',
      SpecifiedOffsetTime: Math.round(draft.from * 1000),
      Interval: draft.interval,
      Count: draft.count,
      Width: draft.width,
      Height: draft.height,
    }),
    ...(hasSheets(draft) && { SpriteSnapshotConfig: sheet }),
    ...(draft.kind === 'WebVttSnapshot' && { Format: 'vtt', SubOut: { IsSptFrag: String(draft.onSheets) } }),
  };
  return JSON.stringify({ SnapshotType: draft.kind, SnapshotConfig });
}

/** How many pictures and sheets are made of a video of so many seconds. */
export function made(draft: Draft, seconds: number): { pictures: number; sheets: number } {
  const cells = Math.min(draft.columns * draft.lines, SHOTS_MAX);
  const sheets = hasSheets(draft);
  const usual = draft.kind === 'NormalSnapshot' ? 1 : sheets ? cells : CELLS.usual * CELLS.usual;
  const there = draft.interval > 0 ? Math.max(0, Math.ceil((seconds - draft.from) / draft.interval)) : (draft.count ?? usual);
  const most = draft.count ?? (draft.kind === 'NormalSnapshot' ? 1 : SHOTS_MAX);
  const pictures = Math.min(there, most, SHOTS_MAX);
  return { pictures, sheets: sheets ? Math.ceil(pictures / cells) : 0 };
}

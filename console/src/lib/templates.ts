import type { Template } from './answers';
import { object } from './json';

/** What of a template is edited here. What else it has is left as it is. */
export interface Draft {
  name: string;
  label: string;
  format: string;
  codec: string;
  height: number | undefined;
  videoKbps: number;
  fps: number | undefined;
  audioKbps: number;
  /** Never more than the source has. */
  checked: boolean;
  /** The watermarks that are drawn over pictures. */
  watermarks: string[];
}

/** Most watermarks of a template. */
export const WATERMARKS_MAX = 4;
/** What stands for the watermark that is the default one when something is encoded. */
export const DEFAULT_WATERMARK = 'USER_DEFAULT_WATERMARK';

const preset = (name: string, label: string, height: number, videoKbps: number, audioKbps: number): Draft => ({
  name,
  label,
  format: 'm3u8',
  codec: 'H.264',
  height,
  videoKbps,
  fps: undefined,
  audioKbps,
  checked: true,
  watermarks: [],
});

/** What a group may begin with. */
export const PRESETS: Draft[] = [
  preset('360p', 'LD', 360, 600, 64),
  preset('540p', 'SD', 540, 1200, 96),
  preset('720p', 'HD', 720, 2400, 128),
  preset('1080p', 'FHD', 1080, 4500, 128),
];

/** The labels that a template may have. */
export const LABELS = ['LD', 'SD', 'HD', 'FHD', '2K', '4K', 'OD', 'SQ', 'HQ'];

/** A draft as `TranscodeTemplateList` has it. */
export function written(draft: Draft, id?: string): Record<string, unknown> {
  const isSound = draft.format === 'mp3';
  const check = String(draft.checked);
  return {
    ...(id && { TranscodeTemplateId: id }),
    TemplateName: draft.name,
    Definition: draft.label,
    ...(!isSound && {
      Video: {
        Codec: draft.codec,
        Bitrate: String(draft.videoKbps),
        ...(draft.height && { Height: String(draft.height) }),
        ...(draft.fps && { Fps: String(draft.fps) }),
      },
    }),
    Audio: { Codec: isSound ? 'MP3' : 'AAC', Bitrate: String(draft.audioKbps) },
    Container: { Format: draft.format },
    // What has no pictures has none, also where it had before.
    WatermarkIds: isSound ? [] : draft.watermarks,
    TransConfig: isSound ? { IsCheckAudioBitrate: check } : { IsCheckReso: check, IsCheckVideoBitrate: check },
  };
}

/** The texts of a template, read. */
export function read(template: Template): Draft {
  const { Video, Audio, Container, TransConfig } = template;
  const [video, audio, container, config] = [object(Video), object(Audio), object(Container), object(TransConfig)];
  const number = (value: unknown): number | undefined => (Number(value) > 0 ? Number(value) : undefined);
  return {
    name: template.TemplateName,
    label: template.Definition,
    format: String(container['Format'] ?? 'mp4'),
    codec: String(video['Codec'] ?? 'H.264'),
    height: number(video['Height']),
    videoKbps: number(video['Bitrate']) ?? 0,
    fps: number(video['Fps']),
    audioKbps: number(audio['Bitrate']) ?? 0,
    checked: String(config['IsCheckReso'] ?? config['IsCheckAudioBitrate'] ?? '') === 'true',
    watermarks: template.WatermarkIds ?? [],
  };
}

/** Bytes of an hour at these bit rates, in kbit/s. */
export function bytesAnHour(kbps: number): number {
  return (kbps * 1000 * 3600) / 8;
}

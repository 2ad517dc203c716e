import { expect, it } from 'vitest';

import { bytesAnHour, PRESETS, read, written } from './templates';

it('a template that was written is read as it was', () => {
  for (const preset of PRESETS) {
    const wire = written(preset, 'id') as Record<string, unknown>;
    const text = (name: string): string => JSON.stringify(wire[name]);
    const told = {
      TranscodeTemplateId: 'id',
      TemplateName: preset.name,
      Definition: preset.label,
      Type: 'Normal',
      WatermarkIds: [],
      Video: text('Video'),
      Audio: text('Audio'),
      Container: text('Container'),
      TransConfig: text('TransConfig'),
    };
    expect(read(told)).toEqual(preset);
  }
});

it('sound alone has no pictures', () => {
  const wire = written({ ...PRESETS[0]!, format: 'mp3' });
  expect(wire).not.toHaveProperty('Video');
  expect(wire['Audio']).toEqual({ Codec: 'MP3', Bitrate: '64' });
});

it('an hour at 8 kbit/s is 3.6 MB', () => {
  expect(bytesAnHour(8)).toBe(3_600_000);
});

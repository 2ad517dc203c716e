import { asset } from './asset';
import { common } from './common';
import { errors } from './errors';
import { manage } from './manage';
import { streams } from './streams';
import { templates } from './templates';
import { upload } from './upload';

/** Every message in English and Chinese. A message in one language alone does not compile. */
export type Message = readonly [en: string, zh: string];

export const messages = { ...common, ...errors, ...streams, ...asset, ...manage, ...templates, ...upload } satisfies Record<
  string,
  Message
>;

export type Key = keyof typeof messages;

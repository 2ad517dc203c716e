import type { Component } from 'svelte';

import Domains from './Domains.svelte';
import Events from './Events.svelte';
import Home from './Home.svelte';
import Jobs from './Jobs.svelte';
import Keys from './Keys.svelte';
import Media from './Media.svelte';
import Recordings from './Recordings.svelte';
import Rules from './Rules.svelte';
import Settings from './Settings.svelte';
import Storage from './Storage.svelte';
import Stream from './Stream.svelte';
import Streams from './Streams.svelte';
import TemplateGroup from './TemplateGroup.svelte';
import Templates from './Templates.svelte';
import Upload from './Upload.svelte';
import Video from './Video.svelte';

/** The screen of the first part of a path. */
export const screens: Record<string, Component> = {
  '': Home,
  streams: Streams,
  stream: Stream,
  media: Media,
  upload: Upload,
  video: Video,
  recordings: Recordings,
  rules: Rules,
  templates: Templates,
  template: TemplateGroup,
  jobs: Jobs,
  events: Events,
  domains: Domains,
  keys: Keys,
  storage: Storage,
  settings: Settings,
};

/** Screens whose script comes when they are opened. */
export const later: Record<string, () => Promise<{ default: Component }>> = {
  watermarks: () => import('./Watermarks.svelte'),
  snapshots: () => import('./Snapshots.svelte'),
  animations: () => import('./Animations.svelte'),
};

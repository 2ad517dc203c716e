import { ApiError, asError, call } from './api';
import { attempt } from './attempt';
import { session } from './session.svelte';
import { ask, beginParts, endParts, listParts, permit, type Part, type Permit } from './store';

/** What is said of a file before it is sent. */
export interface Wish {
  category: number;
  /** The template group; empty for the default one. */
  group: string;
}

/** Files of this size and below are sent whole; it is the size of a part as well, but for files that would have too many. */
const PART_BYTES = 8 << 20;
/** Most parts of a file; the store takes 10 000. */
const PARTS_MAX = 9_000;
/** How long is waited before what failed is tried again, and at most. */
const WAIT_MS = 1_000;
const WAIT_MAX_MS = 15_000;
/** How far back the rate looks. */
const RATE_MS = 5_000;
/** Under which name the browser keeps what was begun. */
const KEPT = 'reprise.uploads';
/** Most that it keeps. */
const KEPT_MAX = 50;

/** A file on its way. */
export class Upload {
  state = $state<'waiting' | 'sending' | 'stopped' | 'failed' | 'sent'>('waiting');
  /** Bytes that the server has, or that have left. */
  sent = $state(0);
  /** Bytes a second, of late. */
  rate = $state(0);
  /** The video that it becomes. */
  video = $state<string>();
  /** Why it failed, or why it is tried again. */
  error = $state.raw<ApiError>();
  /** Ends what is being sent. */
  stop = new AbortController();
  uploadId: string | undefined;
  #seen: { at: number; bytes: number }[] = [];

  constructor(
    readonly file: File,
    readonly wish: Wish,
    /** What the browser knows it by. */
    readonly name: string,
  ) {}

  moved(bytes: number): void {
    this.sent = Math.min(bytes, this.file.size);
    const at = performance.now();
    this.#seen = [...this.#seen.filter((one) => one.at > at - RATE_MS), { at, bytes }];
    const [first] = this.#seen;
    if (first && at > first.at) this.rate = Math.max(0, ((bytes - first.bytes) * 1000) / (at - first.at));
  }

  /** What is measured begins anew: parts that were there before took no time. */
  settled(bytes: number): void {
    this.#seen = [];
    this.rate = 0;
    this.moved(bytes);
  }
}

let list = $state.raw<Upload[]>([]);
let running = false;
let jobs = $state.raw<string[]>([]);

/** What the server was told to get since the page was loaded. */
export const pulled = {
  get jobs(): string[] {
    return jobs;
  },
  set jobs(next: string[]) {
    jobs = next;
  },
};

export const uploads = {
  get list(): Upload[] {
    return list;
  },
  /** Files that are sent, or will be without anybody doing more. */
  get busy(): number {
    return list.filter((one) => one.state === 'waiting' || one.state === 'sending').length;
  },
};

window.addEventListener('beforeunload', (event) => {
  if (uploads.busy > 0) event.preventDefault();
});

/** What was begun in this browser, by the file's name, size and time. */
type Kept = Record<string, { video: string; uploadId?: string | undefined }>;

function kept(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Kept;
  } catch {
    return {};
  }
}

function keep(upload: Upload, begun: Kept[string] | undefined): void {
  const others = Object.entries(kept()).filter(([name]) => name !== upload.name);
  const all = [...others, ...(begun ? [[upload.name, begun] as const] : [])].slice(-KEPT_MAX);
  localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(all)));
}

/** Sends files, one after another. One that was begun before, also before the page was loaded, goes on where it was. */
export function send(files: Iterable<File>, wish: Wish): void {
  const user = session.state.is === 'in' ? session.state.session.User : '';
  const named = [...files].map((file) => new Upload(file, wish, [user, file.name, file.size, file.lastModified].join('\n')));
  const known = new Set(list.filter((one) => one.state !== 'sent').map((one) => one.name));
  list = [...list, ...named.filter((one) => !known.has(one.name))];
  void run();
}

/** Ends what is being sent of a file; it can go on. */
export function stop(upload: Upload): void {
  upload.state = 'stopped';
  upload.stop.abort();
}

export function goOn(upload: Upload): void {
  upload.stop = new AbortController();
  upload.error = undefined;
  upload.state = 'waiting';
  void run();
}

/** Ends a file for good: what is there of it goes, with its video. */
export async function cancel(upload: Upload): Promise<void> {
  stop(upload);
  forget(upload);
  keep(upload, undefined);
  const { video } = upload;
  if (video) await attempt(() => call('DeleteVideo', { VideoIds: [video] }));
}

/** Takes a file off the list. */
export function forget(upload: Upload): void {
  list = list.filter((one) => one !== upload);
}

/** Ends and forgets all: who did it signs out. What is there of them can go on. */
export function forgetAll(): void {
  list.forEach(stop);
  [list, jobs] = [[], []];
}

async function run(): Promise<void> {
  if (running) return;
  running = true;
  for (;;) {
    const next = list.find((one) => one.state === 'waiting');
    if (!next) break;
    next.state = 'sending';
    try {
      await sendOne(next);
      next.state = 'sent';
      next.error = undefined;
      keep(next, undefined);
    } catch (error) {
      // Who stopped it knows why; it may wait again already.
      if (next.state === 'sending') {
        next.state = 'failed';
        next.error = asError(error);
      }
    }
  }
  running = false;
}

const isTransient = (error: ApiError): boolean =>
  error.code === 'Unreachable' || error.status >= 500 || error.code === 'OperationAborted' || error.code === 'QpsLimitExceeded';

/** Does something until it works: a broken connection, a restart or a full disk may pass. */
async function persist<T>(upload: Upload, act: () => Promise<T>): Promise<T> {
  const { signal } = upload.stop;
  for (let wait = WAIT_MS; ; wait = Math.min(2 * wait, WAIT_MAX_MS)) {
    try {
      const done = await act();
      upload.error = undefined;
      return done;
    } catch (thrown) {
      const error = asError(thrown);
      if (signal.aborted || !isTransient(error)) throw error;
      upload.error = error;
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
        signal.addEventListener('abort', resolve, { once: true });
        window.addEventListener('online', resolve, { once: true });
      });
      if (signal.aborted) throw error;
    }
  }
}

async function sendOne(upload: Upload): Promise<void> {
  const { file } = upload;
  let key = await persist(upload, () => begin(upload));
  const { signal } = upload.stop;
  /** Asks the store, with another key when this one is too old. */
  const store = <T>(act: (of: Permit) => Promise<T>): Promise<T> =>
    persist(upload, async () => {
      try {
        return await act(key);
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'SecurityTokenExpired' || !upload.video) throw error;
        key = permit(await call('RefreshUploadVideo', { VideoId: upload.video }));
        return await act(key);
      }
    });

  if (file.size <= PART_BYTES) {
    const onProgress = (bytes: number): void => upload.moved(bytes);
    await store((of) => ask(of, { method: 'PUT', body: file, signal, onProgress })).catch(async (error: unknown) => {
      // It may be there although the answer was not heard.
      if (!(error instanceof ApiError) || error.code !== 'FileAlreadyExists') throw error;
    });
    upload.moved(file.size);
    return;
  }

  const bytes = Math.max(PART_BYTES, Math.ceil(file.size / PARTS_MAX));
  const wanted = Array.from({ length: Math.ceil(file.size / bytes) }, (_, at) => ({
    number: at + 1,
    from: at * bytes,
    to: Math.min(file.size, (at + 1) * bytes),
  }));
  let there: Part[] = [];
  if (upload.uploadId) {
    const { uploadId } = upload;
    there = await store((of) => listParts(of, uploadId, signal)).catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.code !== 'NoSuchUpload') throw error;
      upload.uploadId = undefined;
      return [];
    });
  }
  upload.uploadId ??= await store((of) => beginParts(of, signal));
  const { uploadId, video } = upload;
  if (video) keep(upload, { video, uploadId });

  const done = new Map<number, Part>();
  for (const part of there) {
    const of = wanted[part.number - 1];
    if (of && part.bytes === of.to - of.from) done.set(part.number, part);
  }
  let sent = [...done.values()].reduce((sum, part) => sum + part.bytes, 0);
  upload.settled(sent);
  for (const { number, from, to } of wanted) {
    if (done.has(number)) continue;
    const onProgress = (loaded: number): void => upload.moved(sent + loaded);
    const query = { partNumber: String(number), uploadId };
    const told = await store((of) => ask(of, { method: 'PUT', query, body: file.slice(from, to), signal, onProgress }));
    done.set(number, { number, bytes: to - from, etag: told.etag });
    sent += to - from;
    upload.moved(sent);
  }
  const parts = [...done.values()].sort((a, b) => a.number - b.number);
  await store((of) => endParts(of, uploadId, parts, signal));
}

/** The key for a file: of the video that was begun for it, or of a new one. */
async function begin(upload: Upload): Promise<Permit> {
  const { file, wish } = upload;
  const begun = upload.video ? { video: upload.video, uploadId: upload.uploadId } : kept()[upload.name];
  if (begun) {
    try {
      const told = await call('RefreshUploadVideo', { VideoId: begun.video });
      upload.video = begun.video;
      upload.uploadId = begun.uploadId;
      return permit(told);
    } catch (error) {
      // Its video is gone, or whole.
      if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500 || error.code === 'NotSignedIn') throw error;
      upload.uploadId = undefined;
    }
  }
  const told = await call('CreateUploadVideo', {
    Title: title(file.name),
    FileName: file.name,
    FileSize: file.size,
    ...(wish.category >= 0 && { CateId: wish.category }),
    ...(wish.group && { TemplateGroupId: wish.group }),
  });
  upload.video = told.VideoId;
  keep(upload, { video: told.VideoId });
  return permit(told);
}

/** Longest title, in bytes. */
const TITLE_BYTES_MAX = 128;

/** What a video of this file is called: its name without extension. */
export function title(name: string): string {
  const bare = name.replace(/\.[^.]*$/, '').trim() || name;
  let short = bare;
  while (new TextEncoder().encode(short).length > TITLE_BYTES_MAX) short = [...short].slice(0, -1).join('');
  return short;
}

import { ApiError } from './api';
import { hmacSha1 } from './hmac';

/** Where a file is sent to, and the temporary key for it, as CreateUploadVideo and RefreshUploadVideo give them. */
export interface Permit {
  bucket: string;
  object: string;
  id: string;
  secret: string;
  token: string;
}

export function permit({ UploadAddress, UploadAuth }: { UploadAddress: string; UploadAuth: string }): Permit {
  const [address, auth] = [UploadAddress, UploadAuth].map((text) => JSON.parse(atob(text)) as Record<string, string>);
  return {
    bucket: address?.['Bucket'] ?? '',
    object: address?.['FileName'] ?? '',
    id: auth?.['AccessKeyId'] ?? '',
    secret: auth?.['AccessKeySecret'] ?? '',
    token: auth?.['SecurityToken'] ?? '',
  };
}

/** A request to the store. */
export interface Asked {
  method: 'PUT' | 'POST' | 'GET' | 'HEAD' | 'DELETE';
  query?: Record<string, string>;
  body?: Blob | string;
  signal?: AbortSignal;
  /** Told of the bytes that have left. */
  onProgress?: (bytes: number) => void;
}

export interface Told {
  etag: string;
  text: string;
}

const TYPE = 'application/octet-stream';
/** Parameters that are signed. */
const SIGNED = ['partNumber', 'uploadId', 'uploads'];

/** The headers of a request: signature V1 of the store's dialect. */
export function signed(
  of: Permit,
  { method, query = {}, body }: Pick<Asked, 'method' | 'query' | 'body'>,
  at: Date,
): Record<string, string> {
  const date = at.toUTCString();
  const type = body === undefined ? '' : TYPE;
  const parameters = Object.entries(query)
    .filter(([name]) => SIGNED.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
  const resource = `/${of.bucket}/${of.object}${parameters && `?${parameters}`}`;
  const text = `${method}\n\n${type}\n${date}\nx-oss-date:${date}\nx-oss-security-token:${of.token}\n${resource}`;
  return {
    ...(type && { 'Content-Type': type }),
    'x-oss-date': date,
    'x-oss-security-token': of.token,
    Authorization: `OSS ${of.id}:${hmacSha1(of.secret, text)}`,
  };
}

const element = (document: string, name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(document)?.[1] ?? '';

/** Asks the store, at the address that the console came from. `fetch` would not tell how much has left. */
export function ask(of: Permit, asked: Asked): Promise<Told> {
  const { method, query = {}, body, signal, onProgress } = asked;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    const end = (act: () => void): void => {
      signal?.removeEventListener('abort', stop);
      act();
    };
    const parameters = new URLSearchParams(query).toString();
    request.open(method, `/${of.bucket}/${of.object}${parameters && `?${parameters}`}`);
    for (const [name, value] of Object.entries(signed(of, asked, new Date()))) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => onProgress?.(event.loaded));
    request.addEventListener('load', () =>
      end(() => {
        const { status, responseText: text } = request;
        if (status >= 200 && status < 300) return resolve({ etag: request.getResponseHeader('ETag') ?? '', text });
        const code = element(text, 'Code') || `HTTP ${status}`;
        return reject(new ApiError(code, element(text, 'Message'), status, element(text, 'RequestId') || undefined));
      }),
    );
    request.addEventListener('error', () => end(() => reject(new ApiError('Unreachable', '', 0))));
    request.addEventListener('abort', () => end(() => reject(new ApiError('Stopped', '', 0))));
    if (signal?.aborted) return reject(new ApiError('Stopped', '', 0));
    signal?.addEventListener('abort', stop);
    request.send(body ?? null);
  });
}

/** Begins a file in parts; the id under which they are sent. */
export async function beginParts(of: Permit, signal: AbortSignal): Promise<string> {
  const told = await ask(of, { method: 'POST', query: { uploads: '' }, signal });
  return element(told.text, 'UploadId');
}

/** A part that is there. */
export interface Part {
  number: number;
  bytes: number;
  etag: string;
}

/** Parts that a list names. */
export function partsOf(document: string): Part[] {
  return document
    .split('<Part>')
    .slice(1)
    .map((text) => ({
      number: Number(element(text, 'PartNumber')),
      bytes: Number(element(text, 'Size')),
      etag: element(text, 'ETag').replaceAll('&quot;', '"'),
    }));
}

/** All parts that were sent under this id. */
export async function listParts(of: Permit, uploadId: string, signal: AbortSignal): Promise<Part[]> {
  const all: Part[] = [];
  for (;;) {
    const query: Record<string, string> = { uploadId, 'part-number-marker': String(all.at(-1)?.number ?? 0) };
    const { text } = await ask(of, { method: 'GET', query, signal });
    const parts = partsOf(text);
    all.push(...parts);
    if (element(text, 'IsTruncated') !== 'true' || parts.length === 0) return all;
  }
}

/** Ends a file in parts. */
export async function endParts(of: Permit, uploadId: string, parts: readonly Part[], signal: AbortSignal): Promise<void> {
  const list = parts.map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`).join('');
  const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`;
  await ask(of, { method: 'POST', query: { uploadId }, body, signal });
}

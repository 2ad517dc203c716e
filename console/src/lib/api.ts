import { record } from './calls.svelte';
import type { Answers } from '../generated/answers';
import { operations, type Action, type Params } from '../generated/operations';

/** Why something was refused, or could not be asked. */
export class ApiError extends Error {
  constructor(
    /** The documented code, or `Unreachable` when there was no answer. */
    readonly code: string,
    /** The server's sentence. */
    message: string,
    /** The HTTP status; 0 without an answer. */
    readonly status: number,
    /** What to look for in the log. */
    readonly requestId?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Told when the session is over. */
let onSignedOut: () => void = () => {};

export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

/** Asks the console's own side of the server. */
export async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const request: RequestInit = { method, credentials: 'same-origin', headers: { 'X-Reprise-Console': '1' } };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { ...request.headers, 'Content-Type': 'application/json' };
  }
  let answer: Response;
  try {
    answer = await fetch(`/console/${path}`, request);
  } catch (error) {
    throw new ApiError('Unreachable', String(error), 0);
  }
  const text = await answer.text();
  let told: unknown;
  try {
    told = text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new ApiError('Unreachable', `HTTP ${answer.status}`, answer.status);
  }
  return { status: answer.status, body: told };
}

/** The error that an answer is. */
export function refusal(status: number, body: unknown): ApiError {
  const told = (body ?? {}) as { Code?: string; Message?: string; RequestId?: string };
  return new ApiError(told.Code ?? `HTTP ${status}`, told.Message ?? '', status, told.RequestId);
}

/** Calls an operation of the API. Whatever comes of it is shown under "API" on the screen. */
export async function call<A extends Action>(
  action: A,
  // What takes nothing is called without anything.
  ...[params]: Record<string, never> extends Params[A] ? [params?: Params[A]] : [params: Params[A]]
): Promise<Answers[A]> {
  const { service, several } = operations[action];
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value === undefined) continue;
    if (Array.isArray(value) && several[name] === 'numbered') value.forEach((one, at) => (flat[`${name}.${at + 1}`] = String(one)));
    else flat[name] = String(value);
  }
  const answer = await ask('POST', 'call', { Service: service, Action: action, Params: flat });
  record({ service, action, params: flat, status: answer.status, answer: answer.body });
  if (answer.status === 401 && (answer.body as { Code?: string } | undefined)?.Code === 'NotSignedIn') onSignedOut();
  if (answer.status !== 200) throw refusal(answer.status, answer.body);
  return answer.body as Answers[A];
}

/** Anything thrown, as an error that can be shown. */
export function asError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('Internal', String(error), 0);
}

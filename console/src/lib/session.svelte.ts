import { operations, type Action, type Role } from '../generated/operations';
import { ApiError, ask, asError, refusal, whenSignedOut } from './api';
import { closeFeed, openFeed } from './feed.svelte';

/** Who is signed in. */
export interface Session {
  User: string;
  Role: string;
  Version: string;
}

type State = { is: 'asking' } | { is: 'unreachable'; error: ApiError } | { is: 'out'; setUp: boolean } | { is: 'in'; session: Session };

let state = $state.raw<State>({ is: 'asking' });

export const session = {
  get state(): State {
    return state;
  },
  get role(): string {
    return state.is === 'in' ? state.session.Role : '';
  },
};

/** Whether who is signed in may call an operation. What he may not do is not offered; the server would refuse it. */
export function may(action: Action): boolean {
  return operations[action].roles.includes(session.role as Role);
}

whenSignedOut(() => {
  closeFeed();
  state = { is: 'out', setUp: false };
});

/** Finds out who is signed in. */
export async function resume(): Promise<void> {
  try {
    const { status, body } = await ask('GET', 'session');
    if (status === 200) {
      state = { is: 'in', session: body as Session };
      openFeed();
    } else if (status === 401) {
      state = { is: 'out', setUp: Boolean((body as { SetUp?: boolean } | undefined)?.SetUp) };
    } else {
      state = { is: 'unreachable', error: refusal(status, body) };
    }
  } catch (error) {
    state = { is: 'unreachable', error: asError(error) };
  }
}

/** Signs in. Throws why not. */
export async function signIn(user: string, password: string): Promise<void> {
  await done(ask('POST', 'session', { User: user, Password: password }));
  await resume();
}

/** Sets the first password, with the token of the printed link. Throws why not. */
export async function setUp(token: string, password: string): Promise<void> {
  await done(ask('POST', 'setup', { Token: token, Password: password }));
  await resume();
}

/** Sets another password. Every other browser of this user is signed out. Throws why not. */
export async function changePassword(old: string, password: string): Promise<void> {
  await done(ask('PUT', 'password', { OldPassword: old, Password: password }));
  // That of the session before has ended with it.
  openFeed();
}

/** Signs out. */
export async function signOut(): Promise<void> {
  await done(ask('DELETE', 'session'));
  closeFeed();
  state = { is: 'out', setUp: false };
}

async function done(asked: ReturnType<typeof ask>): Promise<void> {
  const { status, body } = await asked;
  if (status >= 300) throw refusal(status, body);
}

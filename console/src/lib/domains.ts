import type { DomainConfig } from './answers';
import { call } from './api';
import type { UrlAuth } from './sign';

/** A domain of either kind. */
export interface Domain {
  name: string;
  kind: 'liveVideo' | 'liveEdge' | 'vod';
  status: string;
}

/** How URLs of a domain are signed, with both keys. */
export interface AuthSetting extends UrlAuth {
  key2: string;
}

/** Seconds that a URL is good for when nothing is said. */
export const DELTA = 1_800;

const TYPES = ['no_auth', 'type_a', 'type_b', 'type_c'] as const;

/** What operations do with domains of a kind. */
const OPERATIONS = {
  live: { add: 'AddLiveDomain', remove: 'DeleteLiveDomain', look: 'DescribeLiveDomainConfigs', set: 'BatchSetLiveDomainConfigs' },
  vod: { add: 'AddVodDomain', remove: 'DeleteVodDomain', look: 'DescribeVodDomainConfigs', set: 'BatchSetVodDomainConfigs' },
} as const;

export const operationsOf = (kind: Domain['kind']): (typeof OPERATIONS)['live' | 'vod'] => OPERATIONS[kind === 'vod' ? 'vod' : 'live'];

export async function domains(): Promise<Domain[]> {
  const [live, vod] = await Promise.all([
    call('DescribeLiveUserDomains', { PageSize: 50 }),
    call('DescribeVodUserDomains', { PageSize: 50 }),
  ]);
  return [
    ...live.Domains.PageData.map((one) => ({
      name: one.DomainName,
      kind: one.LiveDomainType as Domain['kind'],
      status: one.LiveDomainStatus,
    })),
    ...vod.Domains.PageData.map((one) => ({ name: one.DomainName, kind: 'vod' as const, status: one.DomainStatus })),
  ];
}

export async function authOf(domain: Domain): Promise<AuthSetting> {
  const params = { DomainName: domain.name, FunctionNames: ['aliauth'] };
  const told = await call(operationsOf(domain.kind).look, params);
  return read(told.DomainConfigs.DomainConfig[0]);
}

function read(config: DomainConfig | undefined): AuthSetting {
  const args = new Map(config?.FunctionArgs.FunctionArg.map((arg) => [arg.ArgName, arg.ArgValue]));
  return {
    type: TYPES.find((type) => type === args.get('auth_type')) ?? 'no_auth',
    key: args.get('auth_key1') ?? '',
    key2: args.get('auth_key2') ?? '',
    delta: Number(args.get('ali_auth_delta')) || DELTA,
  };
}

export async function setAuth(domain: Domain, auth: AuthSetting): Promise<void> {
  const args: Record<string, string> = {
    auth_type: auth.type,
    ...(auth.key && { auth_key1: auth.key }),
    ...(auth.key2 && { auth_key2: auth.key2 }),
    ali_auth_delta: String(auth.delta),
  };
  const functionArgs = Object.entries(args).map(([argName, argValue]) => ({ argName, argValue }));
  const params = { DomainNames: [domain.name], Functions: JSON.stringify([{ functionName: 'aliauth', functionArgs }]) };
  await call(operationsOf(domain.kind).set, params);
}

/** A key that nobody can guess: 24 letters and digits. */
export function newKey(): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789';
  const KEY_LENGTH = 24;
  let key = '';
  while (key.length < KEY_LENGTH) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    // So that each letter is as likely as another.
    if (byte < Math.floor(256 / letters.length) * letters.length) key += letters[byte % letters.length];
  }
  return key;
}

import { md5 } from 'js-md5';

/** How a domain wants URLs signed (`aliauth`). */
export interface UrlAuth {
  type: 'no_auth' | 'type_a' | 'type_b' | 'type_c';
  key: string;
  /** Seconds that a URL is good for after its time. */
  delta: number;
}

const MINUTE_MS = 60_000;
/** Type B tells its time by a clock of this zone. */
const ZONE_B_MS = 8 * 3600 * 1000;

/** `url` signed so that it is good until `until`; of type B up to a minute less. Throws when it is no URL. */
export function sign(url: string, auth: UrlAuth, until: Date): string {
  // `URL` leaves the path of schemes that it does not know as it is; all that are signed have a host and a path.
  const parts = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]+)(\/[^?#]*)(\?[^#]*)?$/i.exec(url.trim());
  if (!parts) throw new TypeError('no URL');
  const [, front = '', path = '', query = ''] = parts;
  const time = Math.floor(until.getTime() / 1000) - auth.delta;
  switch (auth.type) {
    case 'no_auth':
      return url.trim();
    case 'type_a': {
      const hash = md5(`${path}-${time}-0-0-${auth.key}`);
      return `${front}${path}${query ? `${query}&` : '?'}auth_key=${time}-0-0-${hash}`;
    }
    case 'type_b': {
      const clock = new Date(Math.floor((time * 1000) / MINUTE_MS) * MINUTE_MS + ZONE_B_MS);
      const minute = clock.toISOString().slice(0, 16).replace(/[-T:]/g, '');
      return `${front}/${minute}/${md5(`${auth.key}${minute}${path}`)}${path}${query}`;
    }
    case 'type_c': {
      const hex = time.toString(16);
      return `${front}/${md5(`${auth.key}${path}${hex}`)}/${hex}${path}${query}`;
    }
  }
}

/** Where the user is: the part of the address behind `#`, as `/media?status=Normal`. */

function read(): { path: string[]; query: Record<string, string> } {
  const hash = window.location.hash.replace(/^#\/?/, '');
  const mark = hash.indexOf('?');
  const path = mark < 0 ? hash : hash.slice(0, mark);
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(decode),
    query: Object.fromEntries(new URLSearchParams(mark < 0 ? '' : hash.slice(mark + 1))),
  };
}

/** A part of the path; what somebody mistyped is left as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const current = $state(read());

window.addEventListener('hashchange', () => Object.assign(current, read()));

/** The current place, to be read only. */
export const route: { readonly path: string[]; readonly query: Record<string, string> } = current;

/** The address of a place, for `href`. Absent and empty members of the query are left out. */
export function link(path: string[], query: Record<string, string | undefined> = {}): string {
  const filled = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const text = new URLSearchParams(filled).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

/** Goes to a place as a link would. */
export function go(path: string[], query: Record<string, string | undefined> = {}): void {
  window.location.hash = link(path, query);
}

/** Says more or less of what is shown at this place; the way back does not stop here. */
export function narrow(query: Record<string, string | undefined>): void {
  window.history.replaceState(null, '', link(current.path, { ...current.query, ...query }));
  Object.assign(current, read());
}

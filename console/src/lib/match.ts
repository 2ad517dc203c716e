/** What the library is filtered by, as it stands in the address. */
export interface Filters {
  q?: string | undefined;
  status?: string | undefined;
  source?: string | undefined;
  category?: string | undefined;
  /** Times of the API. */
  from?: string | undefined;
  to?: string | undefined;
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

/** The filters as `Match` of SearchMedia. */
export function match({ q, status, source, category, from, to }: Filters): string {
  const tests: string[] = [];
  const wanted = q?.trim();
  if (wanted) {
    const word = quoted(wanted);
    const fields = ['Title', 'Tags', 'Description'].map((field) => `${field} in (${word})`);
    // Who pastes an id means that video.
    if (/^[0-9a-f]{32}$/i.test(wanted)) fields.push(`VideoId in (${quoted(wanted.toLowerCase())})`);
    tests.push(`(${fields.join(' or ')})`);
  }
  if (status) tests.push(`Status in (${quoted(status)})`);
  if (source) tests.push(`MediaSource in (${quoted(source)})`);
  if (category && /^\d+$/.test(category)) tests.push(`CateId in (${category})`);
  if (from || to) {
    tests.push(`CreationTime = [${quoted(from || '1970-01-01T00:00:00Z')}, ${quoted(to || '9999-12-31T23:59:59Z')}]`);
  }
  return tests.join(' and ');
}

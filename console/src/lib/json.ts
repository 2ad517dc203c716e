/** The object that a text is; an empty one where it is none. */
export function object(text: string | undefined): Record<string, unknown> {
  try {
    const told: unknown = JSON.parse(text ?? '{}');
    return typeof told === 'object' && told !== null && !Array.isArray(told) ? (told as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** An object within one, which may be its text. */
export function inner(of: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = of[key];
  return object(typeof value === 'string' ? value : JSON.stringify(value ?? {}));
}

/** The text of a member; empty where there is none. */
export function text(of: Record<string, unknown>, key: string): string {
  const value = of[key];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value).trim() : '';
}

/** The number of a member, where it is one. */
export function number(of: Record<string, unknown>, key: string): number | undefined {
  const told = text(of, key);
  const value = Number(told);
  return told === '' || Number.isNaN(value) ? undefined : value;
}

/** The seconds of a member that is a clock: `sssss.SSS` or `hh:mm:ss.SSS`. */
export function seconds(of: Record<string, unknown>, key: string): number | undefined {
  const told = text(of, key);
  return /^[\d:.]+$/.test(told) ? told.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) : undefined;
}

/** What there is of some values, as text. */
export function texts(of: Record<string, number | string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(of).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
}

import { language } from './i18n.svelte';

const locale = (): string => (language.chosen === 'zh' ? 'zh-CN' : 'en-GB');

/** Bytes for people: `1.4 GB`. Powers of a thousand, as disks are sold. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A length of time as players show it: `1:02:03`, `0:07`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Formats of dates by what they are of: making one takes longer than all else of a row. */
const dates = new Map<string, Intl.DateTimeFormat>();

function dated(date: Date, options: Intl.DateTimeFormatOptions): string {
  const key = `${locale()} ${Object.entries(options).join()}`;
  const format = dates.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  dates.set(key, format);
  return format.format(date);
}

/** A moment in the user's zone and language, to the second. */
export function moment(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : dated(date, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** A moment as short as it can be told: the time alone today, else day and time. */
export function shortMoment(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const isToday = date.toDateString() === now.toDateString();
  const day: Intl.DateTimeFormatOptions =
    date.getFullYear() === now.getFullYear() ? { month: 'short', day: 'numeric' } : { year: 'numeric', month: 'short', day: 'numeric' };
  const format: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', ...(isToday ? { second: '2-digit' } : day) };
  return dated(date, format);
}

/** A number with separators. */
export function count(number: number): string {
  return new Intl.NumberFormat(locale()).format(number);
}

/** A moment as the API wants it: UTC, to the second. */
export function wire(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** A day of `<input type="date">`, as the API wants its beginning or its last second; nothing of nothing. */
export function fromDay(text: string, end = false): string | undefined {
  return fromInput(text && `${text}T${end ? '23:59:59' : '00:00'}`);
}

/** The day of a moment as `<input type="date">` wants it. */
export function toDay(iso: string | undefined): string {
  return toInput(iso).slice(0, 10);
}

/** What an `<input type="datetime-local">` has, as the API wants it; nothing of nothing. */
export function fromInput(text: string): string | undefined {
  const date = new Date(text);
  return text === '' || Number.isNaN(date.getTime()) ? undefined : wire(date);
}

/** A moment of the API as `<input type="datetime-local">` wants it. */
export function toInput(iso: string | undefined): string {
  const date = new Date(iso ?? '');
  if (Number.isNaN(date.getTime())) return '';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The ends of an id, by which people tell it from others; two of one minute begin alike. */
export function short(id: string): string {
  return id.length > 16 ? `${id.slice(0, 6)}…${id.slice(-6)}` : id;
}

/** The day of a moment. */
export function day(of: Date): string {
  return dated(of, { month: 'short', day: 'numeric' });
}

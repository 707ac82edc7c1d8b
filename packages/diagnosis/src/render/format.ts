/** Filling slots: `{slot}` is untrusted text made harmless, `{slot:format}` a time, a span, a skew, a size. */
import { plain } from '../text/index.ts';
import { type Language, words } from '../texts/index.ts';

/** How to write. */
export interface Writing {
  readonly lang: Language;
  readonly utf8: boolean;
  readonly verbose: boolean;
  readonly now: number;
  /** An IANA name; times are shown in it. */
  readonly timeZone: string;
}

type Slots = Readonly<Record<string, string>>;

const slotPattern = /\{(\w+)(?::(\w+)|\?([^}]*))?\}/g;

/** Fills a text. A slot that isn't known is shown as `?`. */
export function fill(template: string, slots: Slots, writing: Writing): string {
  return template.replace(
    slotPattern,
    (_, name: string, format: string | undefined, words: string | undefined) => {
      const value = slots[name];
      if (words !== undefined) return value === undefined ? '' : words;
      return value === undefined ? '?' : formatted(value, format, writing);
    },
  );
}

/** Fills a text of parts between `|`, leaving out those whose slots aren't all known. */
export function fillParts(template: string, slots: Slots, writing: Writing): string {
  const parts = template
    .split('|')
    .filter((part) => [...part.matchAll(slotPattern)].every(([, name]) => slots[name ?? ''] !== undefined))
    .map((part) => fill(part, slots, writing));
  return parts.join(writing.lang === 'ja' ? '、' : ', ');
}

/** Untrusted text for this reader. */
export function shown(text: string, writing: Pick<Writing, 'utf8'>, limit = 160): string {
  return plain(text, { limit, ascii: !writing.utf8 });
}

/** An observed value: our own words in the reader's language, times in the reader's zone. */
export function shownValue(text: string, writing: Writing, limit = 160): string {
  const known = Object.hasOwn(words.values, text) ? words.values[text] : undefined;
  if (known) return known[writing.lang];
  const between = writing.lang === 'ja' ? ' から ' : ' to ';
  const spans = text.replace(/(?<=^\d[^ ]{18,24}Z) (?=\d[^ ]{18,24}Z$)/, between);
  const local = spans.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z/g, (iso) => {
    const time = Date.parse(iso);
    return Number.isNaN(time) ? iso : formatTime(time, writing);
  });
  return shown(local, writing, limit);
}

/** A time: to the minute, with the day when it isn't today's, in full with `-v`. */
export function formatTime(time: number, { lang, now, timeZone, verbose }: Writing): string {
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return '?';
  const there = partsOf(time, timeZone);
  const here = partsOf(now, timeZone);
  const clock = `${there.hour}:${there.minute}`;
  if (verbose)
    return `${there.year}-${two(there.month)}-${two(there.day)}${nbsp}${clock}:${there.second}${nbsp}${there.offset}`;
  const sameYear = there.year === here.year;
  if (sameYear && there.month === here.month && there.day === here.day) return clock;
  if (lang === 'ja')
    return `${sameYear ? '' : `${there.year}${nbsp}年${nbsp}`}${there.month}${nbsp}月${nbsp}${there.day}${nbsp}日${nbsp}${clock}`;
  return [there.day, months[there.month - 1], ...(sameYear ? [] : [there.year]), clock].join(nbsp);
}

/** A span to the unit that matters. */
export function formatSpan(ms: number, lang: Language): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [count, en, ja] =
    seconds < 60
      ? [seconds, 's', '秒']
      : seconds < 3600
        ? [Math.floor(seconds / 60), 'min', '分']
        : seconds < 48 * 3600
          ? [Math.floor(seconds / 3600), 'h', '時間']
          : [Math.floor(seconds / 86_400), 'days', '日'];
  return `${count} ${lang === 'ja' ? ja : en}`;
}

/** A time is never broken over two lines. */
const nbsp = '\u00a0';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function formatted(value: string, format: string | undefined, writing: Writing): string {
  const number = Number(value);
  if (format === 'word') return shownValue(value, writing);
  if (format === undefined || value === '' || !Number.isFinite(number)) return shown(value, writing);
  const { lang, now } = writing;
  if (format === 'time') return formatTime(number, writing);
  if (format === 'span') return formatSpan(number, lang);
  if (format === 'age') return formatSpan(now - number, lang);
  if (format === 'ago')
    return lang === 'ja' ? `${formatSpan(now - number, lang)}前` : `${formatSpan(now - number, lang)} ago`;
  if (format === 'skew') return formatSkew(number, lang);
  if (format === 'bytes') return formatBytes(number);
  return shown(value, writing);
}

function formatSkew(ms: number, lang: Language): string {
  const seconds = Math.abs(ms) / 1000;
  const sign = ms < 0 ? '-' : '+';
  return `${sign}${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} ${lang === 'ja' ? '秒' : 's'}`;
}

function formatBytes(count: number): string {
  if (count < 1024 ** 2) return `${Math.round(count / 1024)} KiB`;
  return count < 10 * 1024 ** 3
    ? `${Math.round(count / 1024 ** 2)} MiB`
    : `${Math.round(count / 1024 ** 3)} GiB`;
}

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
  readonly offset: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(time: number, timeZone: string): Parts {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    });
    formats.set(timeZone, format);
  }
  const found = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
  const read = (type: Intl.DateTimeFormatPartTypes) => found.get(type) ?? '?';
  return {
    year: Number(read('year')),
    month: Number(read('month')),
    day: Number(read('day')),
    hour: read('hour'),
    minute: read('minute'),
    second: read('second'),
    offset: read('timeZoneName').replace('GMT', '') || '+00:00',
  };
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

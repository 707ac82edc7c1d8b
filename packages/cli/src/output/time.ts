/** Times and spans as a person reads them; in JSON they stay UTC. */

/** Local time to the minute, `2026-10-02 14:12`. */
export function localTime(at: number | Date): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** UTC, as JSON has it: `2026-10-02T05:12:00.000Z`. */
export function utcTime(at: number): string {
  return new Date(at).toISOString();
}

/** A span, to the unit that matters: `12 s`, `5 min`, `3 h`, `41 days`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

/** Reads `90s`, `15m`, `24h` or `30d`; undefined when it is something else. Milliseconds. */
export function parseSpan(text: string): number | undefined {
  const match = /^(\d{1,6})(ms|s|m|min|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  const units: Record<string, number> = {
    ms: 1,
    s: 1000,
    m: 60_000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  };
  return Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN);
}

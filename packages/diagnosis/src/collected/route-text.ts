/** What `ip route get` prints. */
import type { EndpointEvidence } from '../evidence/index.ts';
import { redactText } from './redact-text.ts';

/** Reads `10.0.0.5 via 10.0.0.1 dev eth0 src 10.0.0.2 uid 0`. */
export function parseRoute(text: string): NonNullable<EndpointEvidence['route']> {
  const line = text.split('\n')[0] ?? '';
  const refusal = /^(unreachable|prohibit|blackhole|throw)\b/.exec(line)?.[1];
  const word = (name: string) => {
    const found = new RegExp(`\\b${name} (\\S+)`).exec(line)?.[1];
    return found === undefined ? undefined : redactText(found, 60);
  };
  const device = word('dev');
  const via = word('via');
  const source = word('src');
  const facts = {
    ...(device === undefined ? {} : { device }),
    ...(via === undefined ? {} : { via }),
    ...(source === undefined ? {} : { source }),
  };
  if (refusal === undefined) return { ok: true, ...facts };
  return {
    ok: false,
    error: refusal === 'prohibit' ? 'prohibited' : 'unreachable',
    detail: `the route is ${refusal}`,
    ...facts,
  };
}

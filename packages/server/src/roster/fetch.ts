/** Reads a roster over HTTP: bounded in size and time, no redirects, and never to where machines keep their own secrets. */
import { isIP } from 'node:net';

/** What can't be had, in words for an operator. */
export class Unreadable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unreadable';
  }
}

const longest = 32 * 1024 * 1024;
const patience = 20_000;

/** Says what is wrong with an address, if anything is. */
export function problemOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'Url must begin with https:// or http://.';
  if (url.username !== '' || url.password !== '') {
    return 'Url must hold no password: it would be shown in lists. Give it as Authorization, which is kept sealed.';
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // There a machine's own credentials are told to whoever asks from it.
  const linkLocal =
    /^169\.254\./.test(host) || /^fe[89ab]/i.test(host) || host.toLowerCase() === 'fd00:ec2::254';
  if (isIP(host) !== 0 && linkLocal) return 'Url must not be a link-local address.';
  return undefined;
}

/** Fetches the text; throws {@link Unreadable}. */
export async function fetchRoster(url: string, authorization: string | undefined): Promise<string> {
  const problem = problemOfUrl(url);
  if (problem !== undefined) throw new Unreadable(problem);
  let response: Response;
  try {
    response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
      headers: {
        accept: 'application/json, text/csv;q=0.9, */*;q=0.5',
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
  } catch (error) {
    throw new Unreadable(`It can't be reached (${reasonOf(error)}).`);
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Unreadable(`It answered ${response.status} instead of 200.`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > longest) throw new Unreadable(`Its answer is longer than ${longest / 1_048_576} MiB.`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(`Its answer broke off (${reasonOf(error)}).`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return name === 'TimeoutError'
    ? `no answer within ${patience / 1000} s`
    : (cause?.code ?? name ?? 'no reason known');
}

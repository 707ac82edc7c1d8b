/** What a signature is made over, taken from a request exactly as it came. */
import type { HttpRequestParts } from '@rollcall/wire';
import { Refusal } from '../service/index.ts';

/** The part of node's IncomingMessage that is needed. */
export interface RawRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[];
}

/** Headers that mean something to us: two of one name could mean two things, to us and to something before us. */
const onlyOnce =
  /^(?:authorization|host|date|content-(?:type|length|encoding)|transfer-encoding|ssm-asymmetrickeyauthorization|x-amz-.*)$/;

/** Takes a request apart, refusing one whose headers can be read in two ways. */
export function requestParts({ method = '', url = '', rawHeaders }: RawRequest): HttpRequestParts {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const value = rawHeaders[index + 1]!;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (onlyOnce.test(name)) throw repeated(name);
    else headers[name] = [before, value].flat();
  }
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return { method, path, query: mark < 0 ? '' : url.slice(mark + 1), headers };
}

function repeated(name: string): Refusal {
  const shown = name.slice(0, 64);
  return new Refusal('IncompleteSignatureException', `Only one '${shown}' header is allowed.`, {
    knock: { reason: 'duplicate-header', detail: `header=${shown}` },
  });
}

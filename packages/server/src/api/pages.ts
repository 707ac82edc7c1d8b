/**
 * What an unsigned GET is answered: the greeting that troubleshooting guides look for, health, the roots to
 * trust, and whatever static files (the enrolment script) main hands in. Nothing here tells a secret.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { respond, UNKNOWN_OPERATION } from './respond.ts';

/** A file that anyone may fetch; the same bytes for everyone. */
export interface Page {
  readonly contentType: string;
  /** The bytes, or a stream of them when they are many. */
  send(response: ServerResponse, id: string): void | Promise<void>;
}

/** What the pages need. */
export interface PageDeps {
  readonly version: string;
  /** Is the server able to answer calls? Otherwise a sentence that says why not. */
  ready(): Promise<string | undefined>;
  readonly pages: ReadonlyMap<string, Page>;
}

/** Answers GET and HEAD, and every path that is no operation. */
export async function answerPage(
  deps: PageDeps,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  path: string,
): Promise<void> {
  const text = { 'Content-Type': 'text/plain; charset=utf-8' };
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (path === '/healthz') return respond(response, 200, id, 'ok\n', text);
    if (path === '/readyz') {
      const problem = await deps.ready();
      return respond(response, problem ? 503 : 200, id, problem ? `${problem}\n` : 'ready\n', text);
    }
    const page = deps.pages.get(path);
    if (page) return page.send(response, id);
    if (path === '/' && wantsHtml(request.headers.accept)) {
      return respond(response, 200, id, greeting(deps.version), {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      });
    }
  }
  // AWS's own front end answers this way to everything that isn't an operation, without a content type.
  respond(response, 404, id, UNKNOWN_OPERATION, { Server: 'Server' });
}

function wantsHtml(accept: string | undefined): boolean {
  return accept !== undefined && /(^|[,\s])text\/html\b/.test(accept);
}

function greeting(version: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Rollcall</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em;color:#16191f}
code{background:#f2f3f3;padding:.1em .3em}</style>
<h1>Rollcall</h1>
<p>Every machine accounted for. This is a Rollcall server, version ${version}: the Systems Manager you run yourself.</p>
<p>It answers the AWS command line, the SDKs and the agents of the machines that it manages. On the machine that
runs it, <code>eval "$(./rollcall env)"</code> points a shell here, and <code>./rollcall nodes</code> lists the nodes.</p>
</html>
`;
}

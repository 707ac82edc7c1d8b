/**
 * How a machine that has nothing yet gets the agent: the script, the archive and the roots to trust, as pages
 * that anyone may fetch. Who may register is another matter: that takes an activation's code.
 */
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { buildOf, makeArchive, platformsAtHand } from './archive.ts';
import { enrolmentScript } from './script.ts';

/** One page, as the door serves it. */
export interface EnrolmentPage {
  readonly contentType: string;
  send(response: ServerResponse, id: string): void | Promise<void>;
}

/** What the pages are made of. */
export interface EnrolmentDeps {
  /** The folder that this program lives in. */
  readonly root: string;
  /** Where archives are kept. */
  readonly cache: string;
  readonly version: string;
  /** As nodes reach this server. */
  readonly serverUrl: string;
  /** The region that machines get unless told. */
  readonly region: string;
  /** The roots to trust, PEM; asked for at each request, since they are renewed. */
  trustBundle(): string;
  /** True when machines trust our certificate without our help. */
  readonly publiclyTrusted: boolean;
}

/** Opens the pages, by path. */
export function openEnrolment(deps: EnrolmentDeps): ReadonlyMap<string, EnrolmentPage> {
  const { root, cache } = deps;
  const platforms = platformsAtHand(root);
  // What this process hands out is what it is: an update comes with a restart.
  let known: Promise<string> | undefined;
  const build = () => (known ??= buildOf(root).then((digest) => `${deps.version}-${digest}`));
  const pages = new Map<string, EnrolmentPage>();
  pages.set('/enroll', {
    contentType: 'text/x-shellscript; charset=utf-8',
    async send(response, id) {
      const script = enrolmentScript({
        serverUrl: deps.serverUrl,
        region: deps.region,
        caCertificate: deps.publiclyTrusted ? '' : deps.trustBundle(),
        platforms,
        version: await build(),
      });
      sendText(response, id, 200, this.contentType, script);
    },
  });
  pages.set('/ca.pem', {
    contentType: 'application/x-pem-file',
    send(response, id) {
      sendText(response, id, 200, this.contentType, deps.trustBundle());
    },
  });
  for (const platform of platforms) {
    // One making at a time: three hundred machines may ask in the same second.
    let making: Promise<string> | undefined;
    const archive = () =>
      (making ??= build()
        .then((name) => makeArchive({ root, cache, build: name }, platform))
        .finally(() => {
          making = undefined;
        }));
    pages.set(`/enroll/${platform}.tar.gz`, {
      contentType: 'application/gzip',
      async send(response, id) {
        let file: string;
        try {
          file = await archive();
        } catch (error) {
          const why = `The server can't pack the agent: ${(error as Error).message}\n`;
          sendText(response, id, 503, 'text/plain; charset=utf-8', why);
          return;
        }
        await sendFile(response, id, this.contentType, file);
      },
    });
  }
  return pages;
}

function sendText(response: ServerResponse, id: string, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'x-amzn-RequestId': id,
  });
  response.end(bytes);
}

/** From one open file, so that length and content belong together although it may be replaced meanwhile. */
async function sendFile(response: ServerResponse, id: string, type: string, file: string): Promise<void> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': size, 'x-amzn-RequestId': id });
    if (response.req.method === 'HEAD') response.end();
    else await pipeline(handle.createReadStream({ autoClose: false }), response);
  } catch {
    // The machine hung up, or the disk failed half-way: nothing more can be said on this connection.
    response.destroy();
  } finally {
    await handle.close();
  }
}

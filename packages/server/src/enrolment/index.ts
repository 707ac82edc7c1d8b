/**
 * How a machine that has nothing yet gets the agent: the script, the archive and the roots to trust, as pages
 * that anyone may fetch. Who may register is another matter: that takes an activation's code.
 */
import { createReadStream, fstatSync, openSync } from 'node:fs';
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
  const build = async (): Promise<string> => {
    known ??= buildOf(root).then((digest) => `${deps.version}-${digest}`);
    const mine = known;
    try {
      return await mine;
    } catch (error) {
      // Too many open files, say: gone in a moment, which what is kept would not be.
      if (known === mine) known = undefined;
      throw error;
    }
  };
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
    // Made once, opened once: three hundred machines may ask in the same second, and strangers who ask and then
    // don't read must not use up our file handles. It stays open as long as this process does.
    let opened: Promise<OpenFile> | undefined;
    const archive = async (): Promise<OpenFile> => {
      opened ??= build()
        .then((name) => makeArchive({ root, cache, build: name }, platform))
        .then(openFile);
      const mine = opened;
      try {
        return await mine;
      } catch (error) {
        if (opened === mine) opened = undefined;
        throw error;
      }
    };
    pages.set(`/enroll/${platform}.tar.gz`, {
      contentType: 'application/gzip',
      async send(response, id) {
        let file: OpenFile;
        try {
          file = await archive();
        } catch (error) {
          const why = `The server can't pack the agent: ${(error as Error).message}\n`;
          sendText(response, id, 503, 'text/plain; charset=utf-8', why);
          return;
        }
        // A handle that can't be read any more is of no use to anybody: the next who asks opens another.
        if (!(await sendFile(response, id, this.contentType, file))) opened = undefined;
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

/** A file that stays open and never changes: its length and its content belong together. */
interface OpenFile {
  readonly fd: number;
  readonly size: number;
}

function openFile(path: string): OpenFile {
  const fd = openSync(path, 'r');
  return { fd, size: fstatSync(fd).size };
}

/** How long a machine may take no byte of a download before it is given up, in milliseconds. */
const longestStall = 60_000;

/** Sends it; answers false when the file couldn't be read. */
async function sendFile(
  response: ServerResponse,
  id: string,
  type: string,
  file: OpenFile,
): Promise<boolean> {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': file.size, 'x-amzn-RequestId': id });
  if (response.req.method === 'HEAD') {
    response.end();
    return true;
  }
  response.setTimeout(longestStall, () => response.destroy());
  try {
    // With a start each stream reads at places of its own, so that many can share the one handle.
    await pipeline(createReadStream('', { fd: file.fd, start: 0, autoClose: false }), response);
    return true;
  } catch (error) {
    // The machine hung up, or the disk failed half-way: nothing more can be said on this connection.
    response.destroy();
    return (error as NodeJS.ErrnoException).syscall !== 'read';
  }
}

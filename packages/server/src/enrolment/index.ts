/**
 * How a machine that has nothing yet gets the agent: the script, the archive and the roots to trust, as pages
 * that anyone may fetch. Who may register is another matter: that takes an activation's code.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { makeArchive, platformsAtHand } from './archive.ts';
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
  readonly serverUrl: string;
  /** The roots to trust, PEM; asked for at each request, since they are renewed. */
  trustBundle(): string;
  /** True when machines trust our certificate without our help. */
  readonly publiclyTrusted: boolean;
}

/** Opens the pages, by path. */
export function openEnrolment(deps: EnrolmentDeps): ReadonlyMap<string, EnrolmentPage> {
  const platforms = platformsAtHand(deps.root);
  const pages = new Map<string, EnrolmentPage>();
  const text = (path: string, contentType: string, body: () => string) =>
    pages.set(path, {
      contentType,
      send(response, id) {
        const bytes = Buffer.from(body());
        response.writeHead(200, {
          'Content-Type': contentType,
          'Content-Length': bytes.length,
          'x-amzn-RequestId': id,
        });
        response.end(bytes);
      },
    });
  text('/enroll', 'text/x-shellscript; charset=utf-8', () =>
    enrolmentScript({
      serverUrl: deps.serverUrl,
      caCertificate: deps.publiclyTrusted ? '' : deps.trustBundle(),
      platforms,
    }),
  );
  text('/ca.pem', 'application/x-pem-file', deps.trustBundle);
  for (const platform of platforms) {
    // One making at a time: three hundred machines may ask in the same second.
    let making: Promise<string> | undefined;
    pages.set(`/enroll/${platform}.tar.gz`, {
      contentType: 'application/gzip',
      async send(response, id) {
        making ??= makeArchive(deps.root, deps.cache, platform, deps.version).finally(() => {
          making = undefined;
        });
        const file = await making;
        response.writeHead(200, {
          'Content-Type': 'application/gzip',
          'Content-Length': (await stat(file)).size,
          'x-amzn-RequestId': id,
        });
        await pipeline(createReadStream(file), response).catch(() => response.destroy());
      },
    });
  }
  return pages;
}

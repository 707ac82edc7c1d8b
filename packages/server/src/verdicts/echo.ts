/**
 * What anybody may ask without a key: how their connection looks from here. Never what is in the books: a doctor
 * on a machine that has nothing yet learns its own address, whether something on the way breaks TLS open, and how
 * far its clock is off.
 */
import type { ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** Who is at the other end, as the listener saw it. */
export interface Visitor {
  readonly address: string;
  readonly port: number;
  readonly client: string;
  readonly serverName?: string;
}

/** What the page needs. */
export interface EchoDeps {
  readonly now: () => number;
  visitorOf(socket: TLSSocket): Visitor;
  respond(
    response: ServerResponse,
    status: number,
    id: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): void;
}

/** The answer of `GET /echo`. */
export interface Echo {
  readonly format: 1;
  /** The server's clock, milliseconds since the epoch. */
  readonly now: number;
  readonly address: string;
  readonly port: number;
  /** The name that was asked for in the TLS handshake; absent: none, as with an address. */
  readonly serverName?: string;
  readonly tls: { readonly version: string; readonly cipher: string };
  /** What kind of client the handshake looks like: `node`, `go`, `openssl`, … */
  readonly client: string;
  /** Headers that only something on the way adds. */
  readonly onTheWay: Readonly<Record<string, string>>;
}

const addedOnTheWay = [
  'via',
  'forwarded',
  'x-forwarded-for',
  'x-bluecoat-via',
  'x-proxy-id',
  'proxy-connection',
];

/** The page. */
export function echoPage(deps: EchoDeps) {
  return {
    contentType: 'application/json',
    send(response: ServerResponse, id: string): void {
      const socket = response.req.socket as TLSSocket;
      const { address, port, client, serverName } = deps.visitorOf(socket);
      const { headers } = response.req;
      const onTheWay = addedOnTheWay.flatMap((name) => {
        const value = headers[name];
        return value === undefined ? [] : [[name, String(value).slice(0, 200)]];
      });
      const echo: Echo = {
        format: 1,
        now: deps.now(),
        address,
        port,
        ...(serverName === undefined ? {} : { serverName }),
        tls: { version: socket.getProtocol?.() ?? 'none', cipher: socket.getCipher?.()?.name ?? 'none' },
        client,
        onTheWay: Object.fromEntries(onTheWay),
      };
      deps.respond(response, 200, id, `${JSON.stringify(echo)}\n`, {
        'Content-Type': this.contentType,
        'Cache-Control': 'no-store',
      });
    },
  };
}

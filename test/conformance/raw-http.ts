/**
 * HTTP as bytes over TLS, for tests that must say exactly what a certain client says: header names in its
 * case and order, its way of sending bodies. No client library would let them.
 */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

/** An answer, as it came. */
export interface RawAnswer {
  readonly status: number;
  /** In the order in which they came, names in the case in which they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** The value of a header by its name in any case. */
  header(name: string): string | undefined;
}

/** One connection, for any number of requests after another. */
export interface RawConnection {
  readonly socket: TLSSocket;
  write(bytes: string | Uint8Array): void;
  /**
   * Waits for the next answer. `bodiless` when it can have no body (to HEAD).
   * Rejects when the connection ends before the answer does.
   */
  answer(options?: { bodiless?: boolean }): Promise<RawAnswer>;
  /** Waits for the next `count` bytes behind the last answer: what a websocket carries. */
  bytes(count: number): Promise<Buffer>;
  /** Resolves when the server has closed the connection. */
  ended(): Promise<void>;
  close(): void;
}

/** Opens a connection to `localhost`. */
export async function openConnection(port: number, ca: string): Promise<RawConnection> {
  const socket = connect({
    host: 'localhost',
    port,
    ca,
    servername: 'localhost',
    ALPNProtocols: ['http/1.1'],
  });
  let received: Buffer = Buffer.alloc(0);
  let over = false;
  let news = Promise.withResolvers<void>();
  const tell = () => {
    news.resolve();
    news = Promise.withResolvers<void>();
  };
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    tell();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    over = true;
    tell();
  });
  await once(socket, 'secureConnect');

  const until = async (found: () => boolean): Promise<void> => {
    while (!found()) {
      if (over) throw new Error(`the connection ended after ${JSON.stringify(received.toString('latin1'))}`);
      await news.promise;
    }
  };
  const take = (count: number): Buffer => {
    const taken = received.subarray(0, count);
    received = received.subarray(count);
    return taken;
  };
  const line = async (): Promise<string> => {
    await until(() => received.includes('\r\n'));
    const text = take(received.indexOf('\r\n')).toString('latin1');
    take(2);
    return text;
  };

  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    async answer({ bodiless = false } = {}) {
      const status = Number((await line()).split(' ')[1]);
      const headers: [string, string][] = [];
      for (let text = await line(); text !== ''; text = await line()) {
        const colon = text.indexOf(':');
        headers.push([text.slice(0, colon), text.slice(colon + 1).trim()]);
      }
      const header = (name: string) =>
        headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
      let body: Buffer = Buffer.alloc(0);
      const length = header('content-length');
      if (bodiless || status < 200 || status === 204) {
        // Nothing follows.
      } else if (length !== undefined) {
        await until(() => received.length >= Number(length));
        body = take(Number(length));
      } else if (header('transfer-encoding') === 'chunked') {
        for (
          let size = Number.parseInt(await line(), 16);
          size > 0;
          size = Number.parseInt(await line(), 16)
        ) {
          await until(() => received.length >= size + 2);
          body = Buffer.concat([body, take(size)]);
          take(2);
        }
        await line();
      } else {
        await until(() => over);
        body = take(received.length);
      }
      return { status, headers, body: body.toString('utf8'), header };
    },
    async bytes(count) {
      await until(() => received.length >= count);
      return take(count);
    },
    ended: () => until(() => over).catch(() => {}),
    close: () => socket.destroy(),
  };
}

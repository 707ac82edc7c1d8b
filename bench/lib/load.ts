/**
 * A child process that sends requests which were signed beforehand, over raw sockets, each waiting for its
 * answer before it sends the next; a server that closes after each answer gets a new connection for the next. It
 * does next to nothing else, so that it isn't what is measured.
 */
import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure, createSecureContext } from 'node:tls';
import { answer } from './children.ts';
import { quantile } from './report.ts';

/** What to do, as it comes on standard input. */
interface Order {
  readonly port: number;
  readonly tls: boolean;
  readonly connections: number;
  /** Stop after so many seconds, or after so many requests. */
  readonly seconds?: number;
  readonly requests?: number;
}

/** What came of it. */
export interface LoadResult {
  readonly done: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 200, and the first of them. */
  readonly refused: number;
  readonly refusal: string;
  /** Share of a processor that this process used. */
  readonly busy: number;
}

const file = process.argv[2]!;
const ca = readFileSync(process.argv[3]!, 'utf8');
const secureContext = createSecureContext({ ca });
let prepared: Buffer[] = [];
let next = 0;

/** The file holds each request after its length. */
function read(): void {
  const bytes = readFileSync(file);
  prepared = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    prepared.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
}

function open({ port, tls }: Order): Promise<Socket> {
  return new Promise((done, failed) => {
    const target = { host: '127.0.0.1', port, noDelay: true };
    const socket = tls
      ? connectSecure({ ...target, servername: 'localhost', secureContext }, () => done(socket))
      : connectPlain(target, () => done(socket));
    socket.once('error', failed);
  });
}

async function run(order: Order): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: order.connections }, () => open(order)));
  const times: number[] = [];
  let refused = 0;
  let refusal = '';
  let left = order.requests ?? Number.POSITIVE_INFINITY;
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const until = begin + (order.seconds ?? 600) * 1000;
  const caller = (first: Socket) =>
    new Promise<void>((done, failed) => {
      let sentAt = 0;
      let text = '';
      const send = (socket: Socket) => {
        if (left-- <= 0 || performance.now() > until) {
          socket.destroy();
          done();
          return;
        }
        sentAt = performance.now();
        socket.write(prepared[next++ % prepared.length]!);
      };
      const use = (socket: Socket) => {
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1');
          const head = text.indexOf('\r\n\r\n');
          if (head < 0) return;
          const length = /\r\nContent-Length: (\d+)/i.exec(text)?.[1] ?? '0';
          if (text.length < head + 4 + Number(length)) return;
          times.push(performance.now() - sentAt);
          if (!text.startsWith('HTTP/1.1 200')) {
            refused++;
            refusal ||= text.slice(head + 4);
          }
          const closes = text.slice(0, head).includes('\r\nConnection: close');
          text = '';
          if (!closes) send(socket);
          else {
            socket.removeAllListeners('close').destroy();
            open(order).then(use, failed);
          }
        });
        socket.on('error', failed);
        socket.on('close', done);
        send(socket);
      };
      use(first);
    });
  await Promise.all(sockets.map(caller));
  const took = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const sorted = Float64Array.from(times).sort();
  return {
    done: times.length,
    perSecond: times.length / took,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    refused,
    refusal,
    busy: (user + system) / 1e6 / took,
  };
}

answer(async (question) => {
  if (question.read) {
    read();
    return { requests: prepared.length };
  }
  return run(question as unknown as Order);
});

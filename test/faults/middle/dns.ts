/**
 * A small DNS server: the names that it is told, with the answer that it is told to give, or none. It answers
 * for A and AAAA over UDP, which is all that resolvers of machines ask for here.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';

/** What a name is answered with. */
export type DnsAnswer =
  | { readonly addresses: readonly string[] }
  | 'no-such-name'
  | 'server-failure'
  | 'refused'
  | 'silence';

/** A server that runs. */
export interface DnsServer {
  readonly port: number;
  /** Names in lower case; what isn't in it gets `otherwise`. */
  readonly zone: Map<string, DnsAnswer>;
  otherwise: DnsAnswer;
  close(): Promise<void>;
}

const codes = { 'no-such-name': 3, 'server-failure': 2, refused: 5 } as const;

/** Starts one. */
export async function openDns(address: string, port = 0): Promise<DnsServer> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  await new Promise<void>((done, failed) => {
    socket.once('error', failed);
    socket.bind(port, address, done);
  });
  const server: DnsServer = {
    port: socket.address().port,
    zone: new Map(),
    otherwise: 'no-such-name',
    close: () => new Promise((done) => socket.close(() => done())),
  };
  socket.on('error', () => {});
  socket.on('message', (question, from) => answer(socket, server, question, from));
  return server;
}

function answer(
  socket: Socket,
  { zone, otherwise }: DnsServer,
  question: Buffer,
  from: { readonly address: string; readonly port: number },
): void {
  const asked = readQuestion(question);
  if (!asked) return;
  const found = zone.get(asked.name) ?? otherwise;
  if (found === 'silence') return;
  const records =
    typeof found === 'string'
      ? []
      : found.addresses.filter((one) => (asked.type === 1 ? isIPv4(one) : asked.type === 28 && isIPv6(one)));
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  // An answer, recursion wanted and available, and the code.
  head.writeUInt16BE(0x8180 | (typeof found === 'string' ? codes[found] : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const parts = [head, question.subarray(12, asked.end), ...records.map((one) => record(one))];
  socket.send(Buffer.concat(parts), from.port, from.address);
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } | undefined {
  if (message.length < 17 || message.readUInt16BE(4) < 1) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
    if (at + 5 > message.length) return undefined;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** One record: the name of the question, class IN, 5 seconds. */
function record(address: string): Buffer {
  const data = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : bytesOf(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(isIPv4(address) ? 1 : 28, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(5, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function bytesOf(address: string): Buffer {
  const [before, after] = address.split('::') as [string, string | undefined];
  const groups = (text: string | undefined) => (text ? text.split(':') : []);
  const [front, back] = [groups(before), groups(after)];
  const zeros = Array<string>(after === undefined ? 0 : 8 - front.length - back.length).fill('0');
  const all = [...front, ...zeros, ...back].map((one) => Number.parseInt(one, 16));
  return Buffer.from(all.flatMap((one) => [one >> 8, one & 255]));
}

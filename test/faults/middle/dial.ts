/**
 * A connection to the server, made in the name of somebody else: the PROXY header tells the server where the
 * one came from for whom the middle speaks, as a load balancer does. So every machine has an address of its own.
 */
import { connect, type Socket } from 'node:net';

/** Where the server listens, and where whoever is spoken for comes from. */
export interface Dialled {
  readonly port: number;
  readonly source: string;
}

/** Connects, and says for whom. */
export function dial({ port, source }: Dialled): Socket {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const plain = source.replace(/^::ffff:/, '');
  const six = plain.includes(':');
  socket.write(`PROXY ${six ? 'TCP6' : 'TCP4'} ${plain} ${six ? '::1' : '127.0.0.1'} 40000 ${port}\r\n`);
  return socket;
}

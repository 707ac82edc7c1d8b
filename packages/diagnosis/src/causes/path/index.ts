/** Gate 5, path: name, route, TCP, proxy, TLS, HTTP, websocket, to every endpoint that is needed. */
import type { Cause } from '../cause.ts';
import { answer } from './answer.ts';
import { connection, routes } from './connection.ts';
import { handshake } from './handshake.ts';
import { endpoints, names } from './names.ts';
import { proxy } from './proxy.ts';
import { serverSide } from './server-side.ts';
import { trust } from './trust.ts';

const dns = names.filter(({ id }) => id === 'dns-fails');
const firewalls = connection.filter(({ shared }) => shared);

/** What many share first; then layer by layer, in each the particular before the general. */
export const pathCauses: readonly Cause[] = [
  ...serverSide,
  ...firewalls,
  ...proxy,
  ...endpoints,
  ...names.filter((one) => !dns.includes(one)),
  ...routes,
  ...dns,
  ...connection.filter((one) => !firewalls.includes(one)),
  ...trust,
  ...handshake,
  ...answer,
];

/** The TCP and TLS front of the one port. */

export { addressOf, type ListenerKnock, type ListenerReason, type Visitor, visitorOf } from './door.ts';
export type { ClientFamily } from './families.ts';
export type { ConnectionCounts } from './front-door.ts';
export { type Limits, openFileLimit } from './limits.ts';
export { type Listener, type ListenerOptions, openListener } from './listener.ts';
export { ListenError, listeningError } from './listening-error.ts';

/**
 * One node's control channel as this server remembers it: as little as possible, since there are
 * thousands and nearly all of them are silent. The rules are in `control-channels.ts`.
 */
import type { WebSocket } from 'ws';
import type { Call } from '../service/index.ts';
import type { ControlChannels } from './control-channels.ts';

/** Who ended a channel; `silence` is a node that stopped answering. */
export type ClosedBy = 'node' | 'server' | 'silence';

/** What is only known until the first frame has been accepted; dropped then. */
export interface Opening {
  readonly call: Call;
  readonly since: number;
  /** True from the moment the token was taken until presence has given an epoch. */
  greeted: boolean;
  /** Frames that arrived in between. */
  readonly early: Buffer[];
}

/** A socket, whose it is, and how far it has come. Its times are of the clock that nobody sets. */
export interface ControlChannel {
  readonly hub: ControlChannels;
  readonly socket: WebSocket;
  readonly region: string;
  readonly nodeId: string;
  opening: Opening | undefined;
  /** Zero until presence has given one. */
  epoch: number;
  /** When the node last sent anything, pings included. */
  heard: number;
  /** Frames that are being written down. */
  busy: number;
  /** Set once it counts no more, whatever the socket still does. */
  over: boolean;
  /** When we decided to end it; the socket is destroyed if the node doesn't agree in time. */
  endedAt: number | undefined;
}

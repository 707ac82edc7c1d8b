/**
 * How nodes stay reachable: control channels (a websocket each) and message polling. This folder knows no
 * commands: it serves a {@link Mailbox}, and carries frames that nobody needs to keep.
 */
import { type Frame, FrameType } from '@rollcall/wire';
import type { WebSocket } from 'ws';
import type { TextBus } from '../bus/index.ts';
import type { Clock } from '../clock.ts';
import { type AnyOperation, type Call, Refusal } from '../service/index.ts';
import type { ControlChannel } from './control-channel.ts';
import {
  type ChannelCounts,
  type ChannelPresence,
  ControlChannels,
  frameLimit,
  type HelloRefusal,
} from './control-channels.ts';
import { openDeliveries } from './deliveries.ts';
import { readChannelRequest } from './hello.ts';
import { jobFrame, readAnswer, readReply, replyAckFrame } from './jobs.ts';
import { type ChannelLog, silentLog } from './log.ts';
import { emptyMailbox, type Mail, type Mailbox, type Recipient } from './mailbox.ts';
import { type NodeNews, openNews } from './news.ts';
import { messageOperations } from './operations.ts';
import { openPolls } from './polls.ts';
import { openTokens } from './tokens.ts';
import { channelCreated, type HttpAnswer } from './xml.ts';

export type { ClosedBy } from './control-channel.ts';
export type { ChannelCounts, ChannelPresence, HelloRefusal } from './control-channels.ts';
export type { ChannelLog } from './log.ts';
export * from './mailbox.ts';
export { nodeSubject } from './news.ts';
export { channelRefused, type HttpAnswer } from './xml.ts';

/** How the websocket server must be set up for the sockets that it hands over. */
export const socketOptions = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: frameLimit,
} as const;

/** How often the slow, the silent and the expired are looked for, in milliseconds. */
const sweepPeriod = 1_000;
/** How often the mailbox is asked for whom something is due: after a lost wake-up, or an offer without answer. */
const mailPeriod = 5_000;
/** Nodes that one such look finds. */
const mostWaiting = 2_000;

/** What channels need. */
export interface ChannelsDeps {
  readonly clock: Clock;
  readonly presence: ChannelPresence;
  readonly mailbox?: Mailbox;
  /** Joins this server to others; `textBus` of the server's bus. */
  readonly bus?: TextBus;
  readonly log?: ChannelLog;
  readonly hooks?: {
    /** A socket that was let in by its signature didn't show the token it was given. */
    turnedAway?(call: Call, nodeId: string, reason: HelloRefusal): void;
  };
}

/** What is going on, for metrics. */
export interface ChannelsNow extends ChannelCounts {
  /** Control channels that are open here. */
  readonly open: number;
  /** Sockets that have not said who they are. */
  readonly waiting: number;
  readonly polling: number;
  readonly tokens: number;
}

/** The channels of this server. */
export interface Channels {
  /** The operations of `ec2messages`. */
  readonly operations: readonly AnyOperation[];
  /**
   * Answers `POST /v1/control-channel/NODE`. The caller is known to be allowed.
   * @throws Refusal, to be written by {@link channelRefused}.
   */
  createControlChannel(call: Call, nodeId: string, body: string): HttpAnswer;
  /** Answers `POST /v1/data-channel/SESSION`: refuses, since there are no sessions. */
  createDataChannel(): never;
  /** Takes over the socket of `GET /v1/control-channel/NODE`. The caller is known to be allowed. */
  accept(call: Call, nodeId: string, socket: WebSocket): void;
  /** Sends a frame to a node, wherever its channel is; it is lost when there is none. */
  tell(nodeId: string, frame: Frame): void;
  /** Cuts a node off, wherever it is connected: it was deregistered, or its credentials were revoked. */
  disconnect(nodeId: string, reason: string): void;
  /** Says that there may be mail for a node, wherever it is connected. */
  wake(nodeId: string): void;
  /** Whether the node's control channel is open here. */
  isOpen(nodeId: string): boolean;
  /** Whether a node waits for mail by polling, here. */
  isPolling(nodeId: string): boolean;
  counts(): ChannelsNow;
  /** Lets nobody in, tells every node to come again, and waits until all is written. */
  close(): Promise<void>;
}

/** Opens the channels. */
export function openChannels(deps: ChannelsDeps): Channels {
  const { clock, mailbox = emptyMailbox, log = silentLog } = deps;
  const tokens = openTokens(clock);
  let draining = false;

  const heard = (news: NodeNews, nodeId: string): void => {
    if (news.kind === 'wake') deliveries.wake(nodeId);
    else if (news.kind === 'frame') sockets.send(nodeId, news.frame);
    else cut(nodeId, news.reason);
  };
  const news = openNews(deps.bus, heard);
  const polls = openPolls(clock, (nodeId, waits) => {
    if (waits) news.follow(nodeId);
    else if (!sockets.get(nodeId)) news.unfollow(nodeId);
  });

  const sockets = new ControlChannels({
    clock,
    presence: deps.presence,
    tokens,
    log,
    events: {
      heard: (channel, frame) => hear(channel, frame),
      opened(channel) {
        news.follow(channel.nodeId);
        deliveries.wake(channel.nodeId);
      },
      left({ nodeId }) {
        if (!sockets.get(nodeId) && polls.regionOf(nodeId) === undefined) news.unfollow(nodeId);
      },
      turnedAway(call, nodeId, reason) {
        deps.hooks?.turnedAway?.(call, nodeId, reason);
      },
    },
  });

  const deliveries = openDeliveries(
    mailbox,
    {
      recipient(nodeId) {
        const channel = sockets.get(nodeId);
        // One that reads slowly gets no more until the sweep finds that it has caught up.
        if (channel && !sockets.hasRoom(channel)) return undefined;
        if (channel) return { region: channel.region, nodeId, epoch: channel.epoch };
        const region = polls.regionOf(nodeId);
        return region === undefined ? undefined : { region, nodeId, epoch: undefined };
      },
      async send(to: Recipient, mail: readonly Mail[]) {
        if (to.epoch === undefined) {
          polls.answer(to.nodeId, mail);
          return;
        }
        const written = Promise.withResolvers<void>();
        for (const [index, job] of mail.entries()) {
          const last = index === mail.length - 1 ? written.resolve : undefined;
          if (!sockets.send(to.nodeId, jobFrame(job, clock.now()), to.epoch, last)) return;
        }
        await written.promise;
      },
    },
    log,
  );

  const hear = (channel: ControlChannel, frame: Frame): Promise<void> | undefined => {
    const from = { region: channel.region, nodeId: channel.nodeId, epoch: channel.epoch };
    if (frame.type === FrameType.agentJobAck) {
      const answer = readAnswer(frame);
      if (answer) return note(mailbox.answered(from, answer), channel, frame);
    } else if (frame.type === FrameType.agentJobReply) {
      const reply = readReply(frame);
      if (reply)
        return note(mailbox.replied(from, reply), channel, frame, () =>
          // To whichever channel the node has by now: it knows its reply by the id.
          sockets.send(channel.nodeId, replyAckFrame(reply, clock.now())),
        );
    }
    log.debug({ node: channel.nodeId, type: frame.type }, 'a frame that nobody here reads');
    return undefined;
  };

  const note = async (
    taking: ReturnType<Mailbox['answered']>,
    channel: ControlChannel,
    frame: Frame,
    taken?: () => void,
  ): Promise<void> => {
    if ((await taking) === 'taken') taken?.();
    // Never acknowledged: what isn't in our books isn't safe with us.
    else log.debug({ node: channel.nodeId, type: frame.type, id: frame.id }, 'of a job nobody knows');
  };

  const cut = (nodeId: string, reason: string): void => {
    tokens.forget(nodeId);
    polls.answer(nodeId, []);
    sockets.disconnect(nodeId, reason);
  };

  const sweeps = clock.every(sweepPeriod, () => {
    tokens.sweep();
    polls.sweep();
    sockets.sweep();
  });
  let looking: Promise<void> | undefined;
  const mailSweeps = clock.every(mailPeriod, () => {
    looking ??= mailbox
      .waiting(mostWaiting)
      .then((nodeIds) => {
        for (const nodeId of nodeIds) if (sockets.get(nodeId)) deliveries.wake(nodeId);
      })
      .catch((error) => log.warn({ err: error }, 'could not look for mail; tried again'))
      .finally(() => {
        looking = undefined;
      });
  });

  return {
    operations: messageOperations({
      mailbox,
      wait(region, nodeId, gone) {
        const mail = polls.wait(region, nodeId, gone);
        // An open channel gets the mail; the poll is then only company.
        if (!sockets.get(nodeId)) deliveries.wake(nodeId);
        return mail;
      },
    }),
    createControlChannel(call, nodeId, body) {
      if (call.principal.kind !== 'node' || call.principal.nodeId !== nodeId)
        throw new Refusal('InvalidInstanceId', 'A control channel can only be opened by the node itself.');
      if (draining) throw unavailable('The server is restarting.');
      const request = readChannelRequest(body);
      if (typeof request === 'string') throw new Refusal('ValidationException', request);
      const token = tokens.issue(nodeId, call.principal.arn);
      if (token === undefined) throw unavailable('Too many channels are being opened.');
      return channelCreated(token);
    },
    createDataChannel() {
      throw new Refusal('UnsupportedOperationException', 'This server does not serve sessions.');
    },
    accept: (call, nodeId, socket) => sockets.accept(call, nodeId, socket),
    tell(nodeId, frame) {
      if (!sockets.send(nodeId, frame)) news.publish(nodeId, { kind: 'frame', frame });
    },
    disconnect(nodeId, reason) {
      cut(nodeId, reason);
      // Another server may hold an older or a newer channel of it.
      news.publish(nodeId, { kind: 'cut', reason });
    },
    wake(nodeId) {
      if (sockets.get(nodeId) || polls.regionOf(nodeId) !== undefined) deliveries.wake(nodeId);
      else news.publish(nodeId, { kind: 'wake' });
    },
    isOpen: (nodeId) => sockets.get(nodeId) !== undefined,
    isPolling: (nodeId) => polls.regionOf(nodeId) !== undefined,
    counts: () => ({
      ...sockets.counts,
      open: sockets.size,
      waiting: sockets.waiting,
      polling: polls.size,
      tokens: tokens.size,
    }),
    async close() {
      draining = true;
      mailSweeps.cancel();
      await looking;
      polls.drain();
      await sockets.close();
      await deliveries.close();
      sweeps.cancel();
      news.close();
    },
  };
}

function unavailable(message: string): Refusal {
  return new Refusal('ServiceUnavailableException', message, { status: 503 });
}

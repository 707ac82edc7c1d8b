/** An open control channel: the websocket, its pings, and the frames that come and go. */
import { randomUUID } from 'node:crypto';
import { decodeFrame, encodeFrame, type Frame, messageSchemaVersion } from '@rollcall/wire';
import type { Calls, NodeCredentials } from './calls.ts';
import type { Clock, Timer } from './clock.ts';
import type { Log } from './log.ts';
import { agentVersion } from './version.ts';
import type { Visit } from './visit.ts';

/** A control channel that is open, or was. */
export interface ControlChannel {
  readonly openedAt: number;
  /** Resolves when it is no longer open, with the reason. */
  readonly closed: Promise<string>;
  /** Sends a frame; one that doesn't arrive isn't told of. */
  send(frame: Frame): void;
  /** Finds out soon whether the other end is still there. */
  probe(): void;
  /** Closes it, and lets the other end know. */
  close(): Promise<void>;
}

/** The server gave a token for a channel, but the websocket didn't come about. */
export class UpgradeError extends Error {
  constructor(cause: Error) {
    super(`The control channel's websocket could not be opened. ${cause.message}`, { cause });
    this.name = 'UpgradeError';
  }
}

/** What {@link openChannel} needs. */
export interface ChannelDeps {
  readonly visit: Visit;
  readonly calls: Calls;
  readonly credentials: NodeCredentials;
  readonly clock: Clock;
  readonly log: Log;
  readonly platformType: string;
  /** Takes a frame that came; `send` sends on the same channel. What it throws or rejects with is logged. */
  readonly received: (frame: Frame, send: (frame: Frame) => void) => void | Promise<void>;
}

/** The times of the official agent 3.3.0.0: a ping every 54 s, the end 60 s after the last pong. */
const pingEvery = 54_000;
const pongWithin = 60_000;
/** How long a probe waits for its pong. */
const probeWithin = 10_000;

/**
 * Opens a control channel over a visit's connection.
 * @throws ServerRefusal, ConnectionError, UpgradeError
 */
export async function openChannel(deps: ChannelDeps): Promise<ControlChannel> {
  const { visit, calls, credentials, clock, log } = deps;
  const token = await calls.createControlChannel(visit, credentials);
  const socket = await calls.openControlChannel(visit, credentials).catch((error: Error) => {
    throw new UpgradeError(error);
  });
  const openedAt = clock.now();
  let reason: string | undefined;

  const cut = (why: string) => {
    reason ??= why;
    socket.terminate();
  };
  let ping: Timer;
  let deadline: Timer;
  const expectPong = (within: number) => {
    deadline?.cancel();
    deadline = clock.after(within, () => cut(`no answer to a ping within ${within / 1000} s`));
  };
  const keepAlive = () => {
    ping = clock.after(pingEvery, keepAlive);
    socket.ping('keepalive', true, noteError);
  };
  const noteError = (error?: Error | null) => {
    if (error) reason ??= error.message;
  };
  ping = clock.after(pingEvery, keepAlive);
  expectPong(pingEvery + pongWithin);

  const send = (frame: Frame) => socket.send(encodeFrame(frame), noteError);
  const receive = async (data: Buffer) => deps.received(decodeFrame(data), send);

  socket.on('pong', () => expectPong(pongWithin));
  socket.on('error', noteError);
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary)
      return log('debug', 'A text frame came on the control channel; only binary ones mean anything.');
    void receive(data).catch((error: Error) =>
      log('warn', 'A frame on the control channel could not be answered.', { error: error.message }),
    );
  });
  const closed = new Promise<string>((resolve) => {
    socket.once('close', (code, said) => {
      ping.cancel();
      deadline.cancel();
      resolve(
        reason ??
          `the server closed it (${code}${said.length ? ` ${said.toString('utf8').slice(0, 123)}` : ''})`,
      );
    });
  });
  socket.send(
    JSON.stringify({
      Cookie: null,
      MessageSchemaVersion: messageSchemaVersion,
      RequestId: randomUUID(),
      TokenValue: token,
      AgentVersion: agentVersion,
      PlatformType: deps.platformType.toLowerCase(),
    }),
    noteError,
  );

  return {
    openedAt,
    closed,
    send,
    probe() {
      if (socket.readyState !== socket.OPEN) return;
      expectPong(probeWithin);
      socket.ping('keepalive', true, noteError);
    },
    async close() {
      reason ??= 'the agent closed it';
      socket.close(1000);
      const giveUp = clock.after(1000, () => socket.terminate());
      await closed;
      giveUp.cancel();
    },
  };
}

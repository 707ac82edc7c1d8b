/**
 * The agent at work: one loop that sends heartbeats, keeps the control channel open, and waits sensibly when
 * either can't be done. Whatever is due at the same time shares one connection.
 */

import { type Frame, FrameType } from '@rollcall/wire';
import type { Agent, AgentOptions } from './agent.ts';
import { openBackOff } from './back-off.ts';
import { type Calls, openCalls } from './calls.ts';
import { type ControlChannel, openChannel, UpgradeError } from './channel.ts';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { type Commands, openCommands } from './commands/commands.ts';
import { systemBootId } from './commands/reboot.ts';
import { type AgentConfig, shownProxy } from './config.ts';
import { type Credentials, NodeRefusedError, openCredentials } from './credentials.ts';
import { type Evidence, openEvidence } from './evidence/evidence.ts';
import { type Facts, gatherFacts } from './facts.ts';
import { ServerRefusal } from './failures.ts';
import { sendHeartbeat } from './heartbeat.ts';
import { type RegisteredIdentity, saveIdentity } from './identity.ts';
import type { RootLock } from './lock.ts';
import { type Log, openLog } from './log.ts';
import { answerFrame } from './other-frames.ts';
import { openPolling, type Polling } from './polling.ts';
import { type Duty, openSchedule, type Schedule, shortLife } from './schedule.ts';
import { type AgentState, type AgentStatus, openStatusFile, readStatus, type StatusFile } from './status.ts';
import { type Change, watchSurroundings } from './surroundings.ts';
import { followAnnouncement, trustedFingerprints } from './trust.ts';
import { agentName, agentVersion } from './version.ts';
import { openVisit, type Visit } from './visit.ts';

/** After so many websockets in a row that didn't come about or didn't last, messages are polled for. */
const upgradesBeforePolling = 2;

/** How soon (ms) the status tells that commands came or ended. */
const showWithin = 250;

/** A running agent; {@link openAgent} makes sure that it may run. */
export class NodeAgent implements Agent {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #config: AgentConfig;
  readonly #lock: RootLock;
  readonly #calls: Calls;
  readonly #credentials: Credentials;
  readonly #schedule: Schedule;
  readonly #facts: Facts = gatherFacts();
  readonly #status: StatusFile;
  readonly #surroundings: { close(): void };
  readonly #commands: Commands;
  readonly #evidence: Evidence | undefined;
  readonly #ended: Promise<void>;

  #identity: RegisteredIdentity;
  #closing = false;
  #wake: (() => void) | undefined;
  #visit: Visit | undefined;
  #channel: ControlChannel | undefined;
  #polling: Polling | undefined;
  #hasBeaten = false;
  #refused = false;
  #upgradesFailed = 0;
  #lastFailure = '';
  #showing: Timer | undefined;

  constructor(options: AgentOptions, identity: RegisteredIdentity, config: AgentConfig, lock: RootLock) {
    const toStandardError = (line: string) => void process.stderr.write(line);
    this.#root = options.root;
    this.#clock = options.clock ?? systemClock();
    this.#log = options.log ?? openLog(config.logLevel, toStandardError);
    this.#random = options.random ?? Math.random;
    this.#config = config;
    this.#lock = lock;
    this.#identity = identity;
    this.#calls = openCalls(identity, this.#clock);
    this.#credentials = openCredentials({
      root: options.root,
      clock: this.#clock,
      calls: this.#calls,
      log: this.#log,
      identity: () => this.#identity,
      changeIdentity: (changed) => this.#changeIdentity(changed),
    });
    const before = readStatus(options.root);
    this.#status = this.#openStatus(before?.nodeId === identity.nodeId ? before.evidence : undefined);
    this.#schedule = openSchedule(this.#clock, this.#random, config.periodSeconds * 1000);
    this.#surroundings = watchSurroundings(this.#clock, (what) => this.#changed(what), options.addresses);
    const { nodeId, serverUrl } = identity;
    this.#log('info', `${agentName} ${agentVersion} starts.`, { nodeId, serverUrl });
    this.#commands = this.#openCommands(options);
    this.#evidence = this.#openEvidence(options);
    this.#ended = this.#run();
  }

  get nodeId(): string {
    return this.#identity.nodeId;
  }

  status(): AgentStatus {
    return this.#status.current();
  }

  noteOldGeneration(): void {
    const message = 'The identity file is missing or damaged; its previous generation is used.';
    this.#log('warn', message);
    this.#status.failed('identity', message);
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#surroundings.close();
      this.#showing?.cancel();
      this.#evidence?.close();
      this.#visit?.close();
      this.#wake?.();
      // What runs is killed first: nothing goes on of which nobody could tell.
      await this.#commands.close();
      await Promise.all([this.#ended, this.#channel?.close(), this.#polling?.close()]);
      // A channel may have come about meanwhile.
      await this.#channel?.close();
      this.#status.change({
        state: 'stopped',
        channelOpenSince: undefined,
        commands: undefined,
        nextAttempt: undefined,
      });
      this.#lock.release();
      this.#log('info', 'Stopped.');
    }
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const wait = this.#schedule.next(this.#channel !== undefined).at - this.#clock.now();
      if (wait > 0) await this.#pause(wait);
      else await this.#attempt();
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer: Timer = this.#clock.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Does whatever is due, over one connection. */
  async #attempt(): Promise<void> {
    const duties = this.#schedule.now(this.#channel !== undefined);
    const failures = new Map<Duty, Error>();
    const visit = this.#openVisit();
    this.#visit = visit;
    for (const duty of duties) {
      if (this.#closing) break;
      try {
        if (duty === 'heartbeat') await this.#beat(visit);
        else await this.#connect(visit);
        this.#refused = false;
      } catch (error) {
        failures.set(duty, error as Error);
        // One thing may be refused and the next allowed; but without a connection, nothing after it works.
        if (error instanceof ServerRefusal) continue;
        for (const left of duties.slice(duties.indexOf(duty) + 1)) failures.set(left, error as Error);
        break;
      }
    }
    visit.close();
    this.#visit = undefined;
    if (this.#closing) return;
    if (failures.size > 0) this.#failed(failures);
    this.#show();
  }

  async #beat(visit: Visit): Promise<void> {
    const first = !this.#hasBeaten;
    const channel = this.#channel ? 'ssmmessages' : this.#polling?.works() ? 'ec2messages' : '';
    const node = { identity: this.#identity, facts: this.#facts, first, channel } as const;
    const at = new Date(this.#clock.now()).toISOString();
    let announced: string | undefined;
    try {
      announced = await this.#credentials.use(visit, (credentials) =>
        sendHeartbeat(this.#calls, visit, credentials, node),
      );
    } catch (error) {
      this.#status.change({ lastHeartbeat: { at, ok: false, error: (error as Error).message } });
      throw error;
    }
    this.#hasBeaten = true;
    this.#schedule.done('heartbeat', first);
    this.#status.change({ lastHeartbeat: { at, ok: true } });
    // It reports in: what it sees can be told, be there a channel or not.
    if (!this.#channel) this.#evidence?.reached(true);
    this.#evidence?.beaten();
    if (announced !== undefined) await this.#followTrust(announced, visit);
  }

  /** A hand-over that fails is tried again at the next heartbeat; this one succeeded. */
  async #followTrust(announced: string, visit: Visit): Promise<void> {
    try {
      const trust = await followAnnouncement(announced, this.#identity, visit, this.#clock, this.#log);
      if (trust === undefined) return;
      this.#changeIdentity({ ...this.#identity, trust });
      this.#status.change({ trusts: trustedFingerprints(this.#identity) });
    } catch (error) {
      this.#noteFailure('trust', error as Error);
    }
  }

  async #connect(visit: Visit): Promise<void> {
    let channel: ControlChannel;
    try {
      channel = await this.#credentials.use(visit, (credentials) =>
        openChannel({
          visit,
          calls: this.#calls,
          credentials,
          clock: this.#clock,
          log: this.#log,
          platformType: this.#facts.platformType,
          received: (frame, send) => this.#received(frame, send),
        }),
      );
    } catch (error) {
      if (error instanceof UpgradeError) this.#noteFailedUpgrade();
      if (error instanceof ServerRefusal && error.code === 'AccessDeniedException') this.#beginPolling();
      throw error;
    }
    this.#channel = channel;
    this.#schedule.done('channel');
    this.#log('info', 'The control channel is open.');
    void this.#polling?.close();
    this.#polling = undefined;
    void channel.closed.then((reason) => this.#channelEnded(channel, reason));
    this.#commands.connected();
    this.#evidence?.reached();
  }

  #received(frame: Frame, send: (frame: Frame) => void): void | Promise<void> {
    if (frame.type === FrameType.agentJob || frame.type === FrameType.agentJobReplyAck)
      return this.#commands.received(frame, send);
    for (const reply of answerFrame(frame, this.#identity.nodeId, this.#clock, this.#log)) send(reply);
  }

  #openCommands({ reboot, bootId = systemBootId }: AgentOptions): Commands {
    return openCommands({
      root: this.#root,
      nodeId: this.#identity.nodeId,
      region: this.#identity.region,
      facts: this.#facts,
      config: this.#config,
      clock: this.#clock,
      log: this.#log,
      link: {
        calls: this.#calls,
        credentials: this.#credentials,
        openVisit: () => this.#openVisit(),
      },
      reboot,
      bootId,
      way: () => (this.#channel ? 'channel' : this.#polling?.works() ? 'polling' : undefined),
      send: (frame) => this.#channel?.send(frame),
      changed: () => this.#countsChanged(),
    });
  }

  #openEvidence({ look }: AgentOptions): Evidence | undefined {
    if (!look || !this.#config.sendEvidence) return undefined;
    return openEvidence({
      root: this.#root,
      clock: this.#clock,
      random: this.#random,
      log: this.#log,
      look,
      tell: (json) => this.#tell(json),
      skew: () => this.#calls.skew(),
      told: () => this.#status.current().evidence,
      wasTold: (evidence) => {
        if (!this.#closing) this.#status.change({ evidence });
      },
    });
  }

  /** Over a connection of its own: nothing waits for it. */
  async #tell(json: string): Promise<void> {
    const visit = this.#openVisit();
    try {
      await this.#credentials.use(visit, (credentials) =>
        this.#calls.putNodeEvidence(visit, credentials, json),
      );
    } finally {
      visit.close();
    }
  }

  /** Many commands at once aren't many writes of the status. */
  #countsChanged(): void {
    this.#showing ??= this.#clock.after(showWithin, () => {
      this.#showing = undefined;
      this.#show();
    });
  }

  #channelEnded(channel: ControlChannel, reason: string): void {
    if (this.#channel === channel) this.#channel = undefined;
    if (this.#closing) return;
    const life = this.#clock.now() - channel.openedAt;
    const message = `The control channel ended: ${reason}.`;
    this.#schedule.cutOff(life, message);
    this.#status.failed('channel', message);
    this.#evidence?.lost();
    this.#log('info', message);
    if (life >= shortLife) this.#upgradesFailed = 0;
    else this.#noteFailedUpgrade();
    this.#show();
    this.#wake?.();
  }

  #noteFailedUpgrade(): void {
    this.#upgradesFailed += 1;
    if (this.#upgradesFailed >= upgradesBeforePolling) this.#beginPolling();
  }

  #beginPolling(): void {
    if (this.#polling || this.#closing) return;
    this.#log('info', 'No control channel can be opened: messages are polled for until one can.');
    this.#polling = openPolling({
      calls: this.#calls,
      credentials: this.#credentials,
      openVisit: () => this.#openVisit(),
      clock: this.#clock,
      log: this.#log,
      backOff: openBackOff(this.#random),
      random: this.#random,
      answer: (message) => this.#commands.polled(message),
      changed: () => {
        this.#show();
        if (this.#polling?.works()) this.#commands.connected();
      },
    });
  }

  #failed(failures: ReadonlyMap<Duty, Error>): void {
    this.#refused = [...failures.values()].some((error) => error instanceof NodeRefusedError);
    this.#schedule.failed(failures);
    for (const [duty, error] of failures) this.#noteFailure(duty, error);
    if (failures.has('heartbeat')) this.#evidence?.lost();
  }

  /** The same failure again, once a minute for days, is worth a line only to who looks closely. */
  #noteFailure(what: string, error: Error): void {
    const again = this.#lastFailure === error.message;
    this.#lastFailure = error.message;
    this.#log(again ? 'debug' : 'warn', 'An attempt failed.', { what, error: error.message });
    if (!again) this.#status.failed(what, error.message);
  }

  #changed(what: Change): void {
    this.#log(
      'info',
      what === 'network' ? 'The network changed.' : 'The clock jumped, or the machine slept.',
    );
    this.#channel?.probe();
    this.#schedule.surroundingsChanged();
    this.#evidence?.noticed();
    this.#show();
    this.#wake?.();
  }

  #openVisit(): Visit {
    const { serverUrl, trust } = this.#identity;
    const { proxy, noProxy } = this.#config;
    return openVisit({ serverUrl, trust, proxy, noProxy }, this.#clock);
  }

  #changeIdentity(changed: RegisteredIdentity): void {
    saveIdentity(this.#root, changed);
    this.#identity = changed;
  }

  #openStatus(evidence: AgentStatus['evidence']): StatusFile {
    const { nodeId, serverUrl, region } = this.#identity;
    const { periodSeconds, proxy } = this.#config;
    const trusts = trustedFingerprints(this.#identity);
    const begin = {
      state: 'starting',
      nodeId,
      serverUrl,
      region,
      pid: process.pid,
      agentVersion,
      periodSeconds,
      ...(proxy === undefined ? {} : { proxy: shownProxy(proxy) }),
      ...(trusts === undefined ? {} : { trusts }),
      ...(evidence === undefined ? {} : { evidence }),
    } as const;
    return openStatusFile(this.#root, this.#clock, begin, (error) =>
      this.#log('warn', 'The status file could not be written.', { error: error.message }),
    );
  }

  #state(): AgentState {
    if (this.#channel) return 'connected';
    if (this.#refused) return 'refused';
    return this.#polling?.works() ? 'polling' : 'waiting';
  }

  #show(): void {
    if (this.#closing) return;
    const { duty, at, reason } = this.#schedule.next(this.#channel !== undefined);
    const skew = Math.round(this.#calls.skew() / 1000);
    const { running, queued } = this.#commands.counts();
    this.#status.change({
      state: this.#state(),
      commands: running + queued > 0 ? { running, queued } : undefined,
      channelOpenSince: this.#channel && new Date(this.#channel.openedAt).toISOString(),
      clockAheadSeconds: Math.abs(skew) > 60 ? skew : undefined,
      nextAttempt: { at: new Date(at).toISOString(), what: duty, reason },
    });
  }
}

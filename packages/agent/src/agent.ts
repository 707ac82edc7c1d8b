/**
 * The agent at work: one loop that sends heartbeats, keeps the control channel open, and waits sensibly when
 * either can't be done. Whatever is due at the same time shares one connection.
 */
import { type BackOff, longestWait, openBackOff } from './back-off.ts';
import { type Calls, type NodeCredentials, openCalls } from './calls.ts';
import { type ControlChannel, openChannel, UpgradeError } from './channel.ts';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { type AgentConfig, loadConfig, shownProxy } from './config.ts';
import { type Credentials, NodeRefusedError, openCredentials } from './credentials.ts';
import { type Facts, gatherFacts, shownAddress } from './facts.ts';
import { ServerRefusal } from './failures.ts';
import { makeRoot } from './files.ts';
import {
  isRegistered,
  loadIdentity,
  NotRegisteredError,
  type RegisteredIdentity,
  saveIdentity,
} from './identity.ts';
import { answerFrame } from './jobs.ts';
import { lockRoot, type RootLock } from './lock.ts';
import { type Log, openLog } from './log.ts';
import { openPolling, type Polling } from './polling.ts';
import { type AgentState, type AgentStatus, openStatusFile, type StatusFile } from './status.ts';
import { type Change, watchSurroundings } from './surroundings.ts';
import { followAnnouncement, trustedFingerprints } from './trust.ts';
import { agentName, agentVersion } from './version.ts';
import { openVisit, type Visit } from './visit.ts';

/** How an agent is opened. */
export interface AgentOptions {
  readonly root: string;
  readonly clock?: Clock;
  /** Standard error, at the level of the settings, unless given. */
  readonly log?: Log;
  /** Numbers from 0 up to 1. */
  readonly random?: () => number;
  /** The addresses of this machine, as one text; for tests. */
  readonly addresses?: () => string;
}

/** A running agent. */
export interface Agent {
  readonly nodeId: string;
  /** The same as the status file says. */
  status(): AgentStatus;
  /** Stops: says good-bye on the channel, writes the last status, gives the folder free. */
  close(): Promise<void>;
}

/**
 * Opens the agent of a registered machine.
 * @throws NotRegisteredError, RootInUseError, ConfigError, DamagedFileError
 */
export function openAgent(options: AgentOptions): Agent {
  const { root } = options;
  makeRoot(root);
  const lock = lockRoot(root);
  try {
    const loaded = loadIdentity(root);
    if (!isRegistered(loaded?.identity)) throw new NotRegisteredError(root);
    const agent = new NodeAgent(options, loaded.identity, loadConfig(root), lock);
    if (loaded.generation === 'previous') agent.noteOldGeneration();
    return agent;
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Duty = 'heartbeat' | 'channel';

/** A channel that lived shorter than this was no success. */
const shortLife = 30_000;
/** What was cut off comes back within this time, spread evenly. */
const comeBackWithin = 2500;

class NodeAgent implements Agent {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #config: AgentConfig;
  readonly #lock: RootLock;
  readonly #calls: Calls;
  readonly #credentials: Credentials;
  readonly #facts: Facts = gatherFacts();
  readonly #status: StatusFile;
  readonly #surroundings: { close(): void };
  readonly #ended: Promise<void>;
  /** Counts failed visits; the other one counts channels that didn't last. */
  readonly #backOff: BackOff;
  readonly #cuts: BackOff;

  #identity: RegisteredIdentity;
  #closing = false;
  #wake: (() => void) | undefined;
  #visit: Visit | undefined;
  #channel: ControlChannel | undefined;
  #polling: Polling | undefined;
  #heartbeats = 0;
  /** When each duty is due, by our clock. */
  #due: Record<Duty, number>;
  /** Duties that failed last time, and why. */
  #failing = new Map<Duty, string>();
  #refused = false;
  #upgradesFailed = 0;
  /** The server asked to be left alone until then. */
  #notBefore = 0;
  #lastFailure = '';

  constructor(options: AgentOptions, identity: RegisteredIdentity, config: AgentConfig, lock: RootLock) {
    this.#root = options.root;
    this.#clock = options.clock ?? systemClock();
    this.#log =
      options.log ??
      openLog(
        config.logLevel,
        (line) => process.stderr.write(line),
        () => this.#clock.now(),
      );
    this.#random = options.random ?? Math.random;
    this.#config = config;
    this.#lock = lock;
    this.#identity = identity;
    this.#backOff = openBackOff(this.#random);
    this.#cuts = openBackOff(this.#random);
    this.#calls = openCalls(identity, this.#clock);
    this.#credentials = openCredentials({
      root: options.root,
      clock: this.#clock,
      calls: this.#calls,
      log: this.#log,
      identity: () => this.#identity,
      changeIdentity: (changed) => this.#changeIdentity(changed),
    });
    const trusts = trustedFingerprints(identity);
    this.#status = openStatusFile(
      options.root,
      this.#clock,
      {
        state: 'starting',
        nodeId: identity.nodeId,
        serverUrl: identity.serverUrl,
        region: identity.region,
        pid: process.pid,
        agentVersion,
        periodSeconds: config.periodSeconds,
        ...(config.proxy === undefined ? {} : { proxy: shownProxy(config.proxy) }),
        ...(trusts === undefined ? {} : { trusts }),
      },
      (error) => this.#log('warn', 'The status file could not be written.', { error: error.message }),
    );
    const now = this.#clock.now();
    this.#due = { heartbeat: now, channel: now };
    this.#surroundings = watchSurroundings(this.#clock, (what) => this.#changed(what), options.addresses);
    this.#log('info', `${agentName} ${agentVersion} starts.`, {
      nodeId: identity.nodeId,
      server: identity.serverUrl,
    });
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
      await Promise.all([this.#channel?.close(), this.#polling?.close()]);
      this.#visit?.close();
      this.#wake?.();
      await this.#ended;
      // What came about while we were waiting for the rest.
      await Promise.all([this.#channel?.close(), this.#polling?.close()]);
      this.#status.change({ state: 'stopped', channelOpenSince: undefined, nextAttempt: undefined });
      this.#lock.release();
      this.#log('info', 'Stopped.');
    }
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const { at } = this.#next();
      const wait = at - this.#clock.now();
      if (wait > 0) await this.#pause(wait);
      else await this.#attempt();
    }
  }

  /** What is due next. A clock that was set back must not put it off for hours. */
  #next(): { duty: Duty; at: number } {
    const now = this.#clock.now();
    const longest = Math.max(this.#config.periodSeconds * 1000, this.#notBefore > now ? 15 * longestWait : 0);
    this.#due.heartbeat = Math.min(this.#due.heartbeat, now + longest);
    this.#due.channel = Math.min(this.#due.channel, now + longest);
    const channelNext = !this.#channel && this.#due.channel <= this.#due.heartbeat;
    const duty = channelNext ? 'channel' : 'heartbeat';
    return { duty, at: this.#due[duty] };
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
    const now = this.#clock.now();
    const duties: Duty[] = [];
    if (this.#due.heartbeat <= now) duties.push('heartbeat');
    if (!this.#channel && this.#due.channel <= now) duties.push('channel');
    const failed = new Map<Duty, Error>();
    const visit = this.#openVisit();
    this.#visit = visit;
    try {
      for (const duty of duties) {
        if (this.#closing) return;
        try {
          if (duty === 'heartbeat') await this.#beat(visit);
          else await this.#connect(visit);
          this.#failing.delete(duty);
        } catch (error) {
          failed.set(duty, error as Error);
          // One thing may be refused and the next allowed; but without a connection, nothing after it works.
          if (error instanceof ServerRefusal) continue;
          for (const left of duties.slice(duties.indexOf(duty) + 1)) failed.set(left, error as Error);
          break;
        }
      }
    } finally {
      visit.close();
      this.#visit = undefined;
    }
    if (this.#closing) return;
    if (failed.size > 0) this.#failed(failed);
    else if (this.#failing.size === 0) this.#succeeded();
    this.#show();
  }

  async #beat(visit: Visit): Promise<void> {
    const first = this.#heartbeats === 0;
    const bare = {
      AgentName: agentName,
      AgentVersion: agentVersion,
      InstanceId: this.#identity.nodeId,
      PlatformType: this.#facts.platformType,
    };
    const send = (input: object) =>
      this.#withCredentials(visit, (credentials) =>
        this.#calls.heartbeat(visit, credentials, input, trustedFingerprints(this.#identity)),
      );
    const at = new Date(this.#clock.now()).toISOString();
    let announced: string | undefined;
    try {
      if (first) await send(bare);
      const address = shownAddress(visit.localAddress());
      announced = await send({
        ...bare,
        AgentStatus: 'Active',
        ComputerName: this.#facts.computerName,
        ...(address === undefined ? {} : { IPAddress: address }),
        PlatformName: this.#facts.platformName,
        PlatformVersion: this.#facts.platformVersion,
        SSMConnectionChannel: this.#channel ? 'ssmmessages' : this.#polling?.works() ? 'ec2messages' : '',
      });
    } catch (error) {
      this.#status.change({ lastHeartbeat: { at, ok: false, error: (error as Error).message } });
      throw error;
    }
    this.#heartbeats += 1;
    const period = this.#config.periodSeconds * 1000;
    this.#due.heartbeat = this.#clock.now() + (first ? this.#random() * period : period);
    this.#status.change({ lastHeartbeat: { at, ok: true } });
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
      channel = await this.#withCredentials(visit, (credentials) =>
        openChannel({
          visit,
          calls: this.#calls,
          credentials,
          clock: this.#clock,
          log: this.#log,
          platformType: this.#facts.platformType,
          answer: (frame) => answerFrame(frame, this.#identity.nodeId, this.#clock, this.#log),
        }),
      );
    } catch (error) {
      if (error instanceof UpgradeError) this.#upgradesFailed += 1;
      const denied = error instanceof ServerRefusal && error.code === 'AccessDeniedException';
      if (denied || this.#upgradesFailed >= 2) this.#beginPolling();
      throw error;
    }
    this.#channel = channel;
    this.#log('info', 'The control channel is open.');
    void this.#polling?.close();
    this.#polling = undefined;
    void channel.closed.then((reason) => this.#channelEnded(channel, reason));
  }

  #channelEnded(channel: ControlChannel, reason: string): void {
    if (this.#channel === channel) this.#channel = undefined;
    if (this.#closing) return;
    const now = this.#clock.now();
    if (now - channel.openedAt >= shortLife) {
      this.#upgradesFailed = 0;
      this.#cuts.reset();
      this.#due.channel = now + this.#random() * comeBackWithin;
    } else {
      this.#upgradesFailed += 1;
      if (this.#upgradesFailed >= 2) this.#beginPolling();
      this.#due.channel = now + this.#cuts.failed();
    }
    const message = `The control channel ended: ${reason}.`;
    this.#failing.set('channel', message);
    this.#status.failed('channel', message);
    this.#log('info', 'The control channel ended.', { reason });
    this.#show();
    this.#wake?.();
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
      changed: () => this.#show(),
    });
  }

  #succeeded(): void {
    this.#backOff.reset();
    this.#lastFailure = '';
  }

  #failed(failed: ReadonlyMap<Duty, Error>): void {
    const now = this.#clock.now();
    const errors = [...failed.values()];
    this.#refused = errors.some((error) => error instanceof NodeRefusedError);
    const retryAfter = Math.max(0, ...errors.map((error) => refusalIn(error)?.retryAfter ?? 0));
    const delay = this.#backOff.failed({ retryAfter, hopeless: this.#refused });
    if (retryAfter > 0) this.#notBefore = now + delay;
    for (const [duty, error] of failed) {
      this.#due[duty] = now + delay;
      this.#failing.set(duty, error.message);
      this.#noteFailure(duty, error);
    }
  }

  /** The same failure again, once a minute for days, is worth a line only to who looks closely. */
  #noteFailure(what: string, error: Error): void {
    const again = this.#lastFailure === error.message;
    this.#lastFailure = error.message;
    this.#log(again ? 'debug' : 'warn', 'An attempt failed.', { what, error: error.message });
    if (!again) this.#status.failed(what, error.message);
  }

  /** Waiting made sense with the old network or the old time; with the new one it may work at once. */
  #changed(what: Change): void {
    this.#log(
      'info',
      what === 'network' ? 'The network changed.' : 'The clock jumped, or the machine slept.',
    );
    this.#channel?.probe();
    const now = this.#clock.now();
    if (this.#failing.size > 0 && now >= this.#notBefore) {
      this.#backOff.reset();
      this.#cuts.reset();
      const soon = now + this.#random() * 1000;
      for (const duty of this.#failing.keys()) this.#due[duty] = Math.min(this.#due[duty], soon);
    }
    this.#show();
    this.#wake?.();
  }

  async #withCredentials<T>(visit: Visit, work: (credentials: NodeCredentials) => Promise<T>): Promise<T> {
    const credentials = await this.#credentials.current(visit);
    this.#refused = false;
    try {
      return await work(credentials);
    } catch (error) {
      if (!(error instanceof ServerRefusal) || !speaksOfCredentials(error)) throw error;
      this.#credentials.drop(credentials);
      return work(await this.#credentials.current(visit));
    }
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

  #state(): AgentState {
    if (this.#channel) return 'connected';
    if (this.#refused) return 'refused';
    return this.#polling?.works() ? 'polling' : 'waiting';
  }

  #show(): void {
    if (this.#closing) return;
    const { duty, at } = this.#next();
    const skew = Math.round(this.#calls.skew() / 1000);
    this.#status.change({
      state: this.#state(),
      channelOpenSince: this.#channel && new Date(this.#channel.openedAt).toISOString(),
      clockAheadSeconds: Math.abs(skew) > 60 ? skew : undefined,
      nextAttempt: {
        at: new Date(at).toISOString(),
        what: duty,
        reason: this.#failing.get(duty) ?? 'routine',
      },
    });
  }
}

/** The refusal at the bottom of an error, if there is one. */
function refusalIn(error: Error): ServerRefusal | undefined {
  if (error instanceof NodeRefusedError) return error.refusal;
  return error instanceof ServerRefusal ? error : undefined;
}

/** Codes that new credentials may cure. */
function speaksOfCredentials({ code }: ServerRefusal): boolean {
  return [
    'ExpiredTokenException',
    'ExpiredToken',
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'IncompleteSignatureException',
  ].includes(code);
}

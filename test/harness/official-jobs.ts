/**
 * What simulated agents do with jobs, as amazon-ssm-agent 3.3.0.0 does it: whether they take one, what they say of
 * it, over the channel or by polling, in what order, and what they say again. Nothing runs: what a command comes to
 * is planned, and every beginning is counted. One object serves a whole fleet, without a timer or closure for each
 * node:
 *
 *     const jobs = openOfficialJobs();
 *     const fleet = openFleet({ ..., answer: jobs.answer });
 */
import { randomUUID } from 'node:crypto';
import { encodeFrame, type Frame, FrameType, frameMessage, JobStatusCode } from '@rollcall/wire';
import type { AgentCalls, PolledMessage, SimulatedAgent } from './agent-calls.ts';
import {
  begun,
  type Report,
  Reports,
  type StepOutcome,
  unreadable,
  unreadableBecause,
} from './official-replies.ts';

export type { StepOutcome } from './official-replies.ts';

/** A job as an agent got it. */
export interface Job {
  readonly jobId: string;
  readonly topic: string;
  /** JSON, as text. */
  readonly content: string;
  readonly cancels: boolean;
}

/** A step, and how long it takes in milliseconds. */
export interface PlannedStep extends StepOutcome {
  readonly takes?: number;
  /** It asks for a reboot first; the agent cuts its channel, comes back and does the step again. */
  readonly reboots?: boolean;
}

/** What an agent is about to do. */
export type Doing = 'acknowledge' | 'begin' | 'report-step' | 'report-end' | 'cancel';

/** What a command comes to on one node. */
export interface Plan {
  readonly steps: readonly PlannedStep[];
  /** It is through before the order to cancel takes effect. */
  readonly outrunsCancel?: boolean;
  /** The first report is sent before the job is acknowledged. */
  readonly reportsFirst?: boolean;
  /** Is waited for before it does this. `step` counts from 0. */
  readonly before?: (doing: Doing, step: number) => Promise<void> | undefined;
}

/** What was lost, and with it the channel that it went over. */
export type Lost = 'acknowledgement' | 'report' | 'report-acknowledgement';

/** A report that the server has acknowledged. */
export interface Acknowledged {
  readonly jobId: string;
  readonly report: Report;
}

/** How the agents behave. What isn't given is as the official agent's. */
export interface OfficialJobsOptions {
  /** Milliseconds since the epoch; the fleet's `now` where it has one. */
  readonly now?: () => number;
  /** Numbers from 0 up to 1. */
  readonly random?: () => number;
  /** What a command comes to; each step of its document succeeds at once, and says nothing, unless given. */
  readonly plan?: (agent: SimulatedAgent, job: Job) => Plan | undefined;
  /**
   * What it answers instead of what it would by itself: one of `JobStatusCode`, or `silence`, as long as its
   * document handler isn't ready.
   */
  readonly verdict?: (agent: SimulatedAgent, job: Job) => string | undefined;
  /** How likely a report is to be overtaken by the one that follows at once (0.2). */
  readonly disorder?: number;
  /** Whether this gets lost. */
  readonly loses?: (agent: SimulatedAgent, what: Lost) => boolean;
  /** Milliseconds after which a report without an acknowledgement is sent again (300,000). */
  readonly resendEvery?: number;
  /** The calls of agents that poll. */
  readonly calls?: () => AgentCalls;
  /** Told of every report that was acknowledged. */
  readonly acknowledged?: (what: Acknowledged) => void;
}

/** What has happened so far, over all agents. */
export interface JobCounts {
  /** Jobs by the status code that was answered, polled ones as well. */
  readonly answers: Map<string, number>;
  reports: number;
  resent: number;
  acknowledged: number;
  /** Reports that nobody took for two hours. */
  dropped: number;
}

/** Documents that one agent works on, and that wait for their turn (`CommandWorkersLimit`, `…BufferLimit`). */
const workers = 5;
const buffered = 5;
/** For how long ids are known at least. */
const memory = 30 * 60_000;
/** After this long a report is given up. */
const patience = 2 * 3_600_000;
/** A polling agent whose workers and buffer are full looks again after this long. */
const fullWait = 10_000;
const tick = 100;
const parsedMost = 100;

const sendTopic = 'aws.ssm.sendCommand';
const cancelTopic = 'aws.ssm.cancelCommand';
const ec2messages = 'EC2WindowsMessageDeliveryService';
const nothing: readonly Frame[] = [];

/** A command that an agent has taken and not yet ended. */
interface Work {
  readonly agent: SimulatedAgent;
  readonly jobId: string;
  readonly polled: boolean;
  readonly plan: Plan;
  reports: Reports;
  step: number;
  began: boolean;
  over: boolean;
  /** Reports that the next one overtakes. */
  readonly held: Kept[];
}

/** A report that is sent until it is acknowledged. */
interface Kept {
  readonly agent: SimulatedAgent;
  readonly jobId: string;
  readonly report: Report;
  readonly replyId: string;
  readonly polled: boolean;
  /** The frame, or the payload of the call. */
  readonly bytes: Buffer | string;
  readonly madeAt: number;
  sentAt: number;
}

/** The work of one node. */
interface Desk {
  working: number;
  readonly waiting: Work[];
}

/** The jobs of a fleet of simulated agents. */
export class OfficialJobs {
  readonly counts: JobCounts = {
    answers: new Map(),
    reports: 0,
    resent: 0,
    acknowledged: 0,
    dropped: 0,
  };
  readonly #options: OfficialJobsOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #timer: NodeJS.Timeout;
  /** When each job came that an agent remembers, the oldest first. */
  readonly #known = new Map<string, number>();
  readonly #runs = new Map<string, number>();
  readonly #working = new Map<string, Work>();
  readonly #desks = new Map<string, Desk>();
  /** In the order in which they were last sent. */
  readonly #kept = new Map<string, Kept>();
  readonly #later: { readonly at: number; readonly run: () => void }[] = [];
  readonly #parsed = new Map<string, Plan | string>();
  readonly #reports = new WeakMap<Plan, Reports>();
  #iso = { at: 0, text: '' };

  constructor(options: OfficialJobsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#timer = setInterval(() => this.tick(), tick).unref();
  }

  /** How often a command has begun on a node. */
  runs(jobId: string): number {
    return this.#runs.get(jobId) ?? 0;
  }

  /** Reports that the server hasn't acknowledged. */
  get unacknowledged(): number {
    return this.#kept.size;
  }

  /** A node is gone for good: it does nothing more, and says nothing more. */
  forget(nodeId: string): void {
    for (const kept of this.#kept.values()) if (kept.agent.nodeId === nodeId) this.#kept.delete(kept.replyId);
    for (const work of this.#working.values()) {
      if (work.agent.nodeId === nodeId) {
        work.over = true;
        this.#working.delete(work.jobId);
      }
    }
    this.#desks.delete(nodeId);
  }

  /** The `answer` of a fleet: what is to be said is sent from here. */
  readonly answer = (agent: SimulatedAgent, frame: Frame): readonly Frame[] => {
    if (frame.type === FrameType.agentJob) this.#offered(agent, frame);
    else if (frame.type === FrameType.agentJobReplyAck) {
      const { acknowledgedMessageId: id } = frameMessage(frame);
      if (typeof id !== 'string') return nothing;
      if (this.#loses(agent, 'report-acknowledgement')) agent.socket?.terminate();
      else this.#acknowledged(id);
    }
    return nothing;
  };

  /** The `polled` of a fleet: deals with messages one after another, and waits while it is full. */
  readonly polled = async (agent: SimulatedAgent, messages: readonly PolledMessage[]): Promise<void> => {
    for (const message of messages) await this.#polledOne(agent, message);
  };

  /** Does what is due. By itself ten times a second; to be called where `now` was turned on. */
  tick(): void {
    const now = this.#now();
    for (let index = 0; index < this.#later.length; ) {
      const { at, run } = this.#later[index]!;
      if (at > now) index += 1;
      else {
        this.#later.splice(index, 1);
        run();
      }
    }
    const every = this.#options.resendEvery ?? 300_000;
    for (const kept of this.#kept.values()) {
      if (kept.sentAt + every > now) break;
      this.#kept.delete(kept.replyId);
      if (now - kept.madeAt > patience) {
        this.counts.dropped += 1;
        continue;
      }
      this.counts.resent += 1;
      kept.sentAt = now;
      this.#kept.set(kept.replyId, kept);
      this.#transmit(kept);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #offered(agent: SimulatedAgent, frame: Frame): void {
    const message = frameMessage(frame);
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const topic = text(message.Topic);
    const job: Job = {
      jobId: text(message.JobId),
      topic,
      content: text(message.Content),
      cancels: topic.startsWith(cancelTopic),
    };
    const verdict = this.#options.verdict?.(agent, job);
    if (verdict === 'silence') return;
    const code = verdict ?? this.#consider(agent, job);
    this.#count(code);
    const acknowledge = () => {
      const ack =
        `{"jobId":${JSON.stringify(job.jobId)},"acknowledgedMessageId":"${frame.id}",` +
        `"createdDate":"${new Date(frame.createdAt).toISOString()}","statusCode":"${code}",` +
        `"errorMessage":"${words[code] ?? 'UnexpectedError'}"}`;
      if (this.#loses(agent, 'acknowledgement')) agent.socket?.terminate();
      else this.#send(agent, this.#frame(FrameType.agentJobAck, ack).bytes);
    };
    if (code === JobStatusCode.parseError) {
      acknowledge();
      this.#keep(agent, job.jobId, unreadable, false);
      return;
    }
    if (code !== JobStatusCode.accepted) {
      acknowledge();
      return;
    }
    if (job.cancels) {
      const target = this.#targetOf(job);
      wait(target?.plan.before?.('cancel', target.step), () => {
        acknowledge();
        this.#send(
          agent,
          this.#frame(FrameType.agentJobReply, this.#framed(begun, job.jobId, cancelTopic)).bytes,
        );
        this.#cancel(target);
      });
      return;
    }
    const work = this.#take(agent, job, false);
    const begin = (next: () => void) =>
      wait(work.plan.before?.('begin', 0), () => {
        this.#send(
          agent,
          this.#frame(FrameType.agentJobReply, this.#framed(begun, job.jobId, sendTopic)).bytes,
        );
        next();
      });
    const say = (next: () => void) =>
      wait(work.plan.before?.('acknowledge', 0), () => {
        acknowledge();
        next();
      });
    if (work.plan.reportsFirst) begin(() => say(() => this.#enter(work)));
    else say(() => begin(() => this.#enter(work)));
  }

  async #polledOne(agent: SimulatedAgent, message: PolledMessage): Promise<void> {
    const { MessageId: jobId, Topic: topic, Payload: content } = message;
    const job: Job = { jobId, topic, content, cancels: topic.startsWith(cancelTopic) };
    const verdict = this.#options.verdict?.(agent, job);
    if (verdict === 'silence') return;
    if (!topic.startsWith(sendTopic) && !job.cancels) {
      await this.#call(agent, 'FailMessage', { MessageId: jobId, FailureType: 'InternalHandlerException' });
      return;
    }
    let code = verdict ?? this.#consider(agent, job);
    while (code === JobStatusCode.bufferFull) {
      await new Promise<void>((resolve) => this.#after(fullWait, resolve));
      code = this.#consider(agent, job);
    }
    this.#count(code);
    if (code === JobStatusCode.parseError) {
      const parsed = this.#read(job);
      this.#keep(
        agent,
        jobId,
        unreadableBecause(typeof parsed === 'string' ? parsed : 'invalid document'),
        true,
      );
      return;
    }
    const twice = code === JobStatusCode.duplicateCommand;
    if (!twice && code !== JobStatusCode.accepted) return;
    const target = job.cancels && !twice ? this.#targetOf(job) : undefined;
    const work = job.cancels || twice ? undefined : this.#take(agent, job, true);
    await work?.plan.before?.('begin', 0);
    await target?.plan.before?.('cancel', target.step);
    if (!this.#loses(agent, 'report')) {
      await this.#call(agent, 'SendReply', {
        MessageId: jobId,
        Payload: begun.polled(this.#isoNow()),
        ReplyId: randomUUID(),
      });
    }
    await work?.plan.before?.('acknowledge', 0);
    if (!this.#loses(agent, 'acknowledgement')) {
      await this.#call(agent, 'AcknowledgeMessage', { MessageId: jobId });
    }
    if (work) this.#enter(work);
    else this.#cancel(target);
  }

  /** What the agent itself makes of a job. */
  #consider(agent: SimulatedAgent, job: Job): string {
    if (typeof this.#read(job) === 'string') return JobStatusCode.parseError;
    const now = this.#now();
    for (const [oldest, at] of this.#known) {
      if (at + memory > now) break;
      this.#known.delete(oldest);
    }
    if (this.#known.has(job.jobId) || this.#working.has(job.jobId)) return JobStatusCode.duplicateCommand;
    const desk = this.#desks.get(agent.nodeId);
    if (!job.cancels && desk && desk.working + desk.waiting.length >= workers + buffered) {
      return JobStatusCode.bufferFull;
    }
    this.#known.set(job.jobId, now);
    return JobStatusCode.accepted;
  }

  /** Its document's plan, or why it can't be read. The same text is read once. */
  #read(job: Job): Plan | string {
    if (!/^aws\.ssm\..+\.[^.]+$/.test(job.jobId)) return 'the id of the job has no command in it';
    if (job.cancels) return readTarget(job.content) === undefined ? 'nothing to cancel' : noPlan;
    if (!job.topic.startsWith(sendTopic)) return 'the topic is unknown';
    let parsed = this.#parsed.get(job.content);
    if (parsed === undefined) {
      parsed = readPlan(job.content);
      if (this.#parsed.size >= parsedMost) this.#parsed.clear();
      this.#parsed.set(job.content, parsed);
    }
    return parsed;
  }

  #take(agent: SimulatedAgent, job: Job, polled: boolean): Work {
    const plan = this.#options.plan?.(agent, job) ?? (this.#read(job) as Plan);
    let reports = this.#reports.get(plan);
    if (!reports) {
      reports = new Reports(plan.steps);
      this.#reports.set(plan, reports);
    }
    const work: Work = {
      agent,
      jobId: job.jobId,
      polled,
      plan,
      reports,
      step: 0,
      began: false,
      over: false,
      held: [],
    };
    this.#working.set(job.jobId, work);
    let desk = this.#desks.get(agent.nodeId);
    if (!desk) {
      desk = { working: 0, waiting: [] };
      this.#desks.set(agent.nodeId, desk);
    }
    desk.waiting.push(work);
    return work;
  }

  /** Begins it, when there is a worker for it. */
  #enter(work: Work): void {
    const desk = this.#desks.get(work.agent.nodeId);
    if (work.over || !desk || desk.working >= workers) return;
    const place = desk.waiting.indexOf(work);
    if (place < 0) return;
    desk.waiting.splice(place, 1);
    desk.working += 1;
    work.began = true;
    this.#runs.set(work.jobId, this.runs(work.jobId) + 1);
    this.#work(work, false);
  }

  /** Does the step at hand, and then the rest. */
  #work(work: Work, again: boolean): void {
    const { plan, step: index } = work;
    const step = plan.steps[index];
    if (!step) {
      this.#finish(work);
      return;
    }
    const go = () =>
      wait(plan.before?.('report-step', index), () => {
        if (work.over) return;
        if (step.reboots && !again) {
          this.#reboot(work);
          return;
        }
        this.#report(work, work.reports.afterStep(index));
        work.step += 1;
        this.#work(work, false);
      });
    if (step.takes) this.#after(step.takes, go);
    else go();
  }

  #reboot(work: Work): void {
    const told = work.plan.steps.map((step, index) =>
      index === work.step ? { ...step, status: 'SuccessAndReboot', code: 194 } : step,
    );
    const reports = new Reports(told.slice(0, work.step + 1));
    this.#report(work, reports.afterStep(work.step));
    this.#report(work, reports.end, true);
    // What has been sent gets out; then the machine goes down.
    this.#after(1, () => {
      work.agent.socket?.terminate();
      this.#work(work, true);
    });
  }

  #finish(work: Work): void {
    wait(work.plan.before?.('report-end', work.step), () => {
      if (work.over) return;
      this.#report(work, work.reports.end, true);
      this.#leave(work);
    });
  }

  #leave(work: Work): void {
    work.over = true;
    this.#working.delete(work.jobId);
    const desk = this.#desks.get(work.agent.nodeId);
    if (!desk) return;
    if (work.began) desk.working -= 1;
    else desk.waiting.splice(desk.waiting.indexOf(work), 1);
    if (desk.working === 0 && desk.waiting.length === 0) this.#desks.delete(work.agent.nodeId);
    else if (desk.waiting[0]) this.#enter(desk.waiting[0]);
  }

  #targetOf(job: Job): Work | undefined {
    return this.#working.get(readTarget(job.content) ?? '');
  }

  /** What hasn't run is cancelled with code 1, what runs is killed. */
  #cancel(work: Work | undefined): void {
    if (!work || work.over || work.plan.outrunsCancel) return;
    const from = work.step;
    work.reports = new Reports(
      work.plan.steps.map((step, index) =>
        index < from
          ? step
          : {
              ...step,
              status: 'Cancelled',
              code: index === from && work.began ? 137 : 1,
              stdout: '',
              stderr: '',
            },
      ),
    );
    for (let index = from; index < work.plan.steps.length; index += 1) {
      this.#report(work, work.reports.afterStep(index));
    }
    this.#report(work, work.reports.end, true);
    this.#leave(work);
  }

  /** Sends a report, or lets the next one overtake it. */
  #report(work: Work, report: Report, last = false): void {
    const kept = this.#keep(work.agent, work.jobId, report, work.polled, false);
    const next = work.plan.steps[work.step + 1];
    const followed = !last && !work.plan.before && !next?.takes;
    if (followed && work.held.length === 0 && this.#random() < (this.#options.disorder ?? 0.2)) {
      work.held.push(kept);
      return;
    }
    this.#transmit(kept);
    for (const one of work.held.splice(0)) this.#transmit(one);
  }

  #keep(agent: SimulatedAgent, jobId: string, report: Report, polled: boolean, send = true): Kept {
    const madeAt = this.#now();
    const made = polled
      ? { id: randomUUID() as string, bytes: report.polled(this.#isoNow()) }
      : this.#frame(FrameType.agentJobReply, this.#framed(report, jobId, sendTopic));
    const kept: Kept = {
      agent,
      jobId,
      report,
      replyId: made.id,
      polled,
      bytes: made.bytes,
      madeAt,
      sentAt: madeAt,
    };
    this.#kept.set(kept.replyId, kept);
    this.counts.reports += 1;
    if (send) this.#transmit(kept);
    return kept;
  }

  #transmit(kept: Kept): void {
    const { agent, bytes, replyId } = kept;
    if (this.#loses(agent, 'report')) {
      agent.socket?.terminate();
      return;
    }
    if (typeof bytes !== 'string') {
      this.#send(agent, bytes);
      return;
    }
    const input = { MessageId: kept.jobId, Payload: bytes, ReplyId: replyId };
    void this.#call(agent, 'SendReply', input).then((taken) => {
      if (taken && !this.#loses(agent, 'report-acknowledgement')) this.#acknowledged(replyId);
    });
  }

  #acknowledged(replyId: string): void {
    const kept = this.#kept.get(replyId);
    if (!kept) return;
    this.#kept.delete(replyId);
    this.counts.acknowledged += 1;
    this.#options.acknowledged?.({ jobId: kept.jobId, report: kept.report });
  }

  #send(agent: SimulatedAgent, bytes: Buffer): void {
    if (agent.socket?.readyState === 1) agent.socket.send(bytes);
  }

  /** Whether the server took it. */
  async #call(agent: SimulatedAgent, operation: string, input: object): Promise<boolean> {
    const calls = this.#options.calls?.();
    if (!calls) throw new Error('Agents that poll need `calls`.');
    try {
      await calls.call(agent, `${ec2messages}.${operation}`, input);
      return true;
    } catch {
      return false;
    }
  }

  #frame(type: string, payload: string): { id: string; bytes: Buffer } {
    const id = randomUUID();
    const bytes = encodeFrame({
      type,
      schemaVersion: 1,
      createdAt: this.#now(),
      sequence: 0,
      flags: 0,
      id,
      payloadType: 0,
      payload: Buffer.from(payload),
    });
    return { id, bytes };
  }

  #framed(report: Report, jobId: string, topic: string): string {
    return report.framed(jobId, topic, this.#isoNow());
  }

  #isoNow(): string {
    const at = this.#now();
    if (this.#iso.at !== at) this.#iso = { at, text: new Date(at).toISOString() };
    return this.#iso.text;
  }

  #after(ms: number, run: () => void): void {
    this.#later.push({ at: this.#now() + ms, run });
  }

  #loses(agent: SimulatedAgent, what: Lost): boolean {
    return this.#options.loses?.(agent, what) ?? false;
  }

  #count(code: string): void {
    this.counts.answers.set(code, (this.counts.answers.get(code) ?? 0) + 1);
  }
}

/** Opens the jobs of a fleet. */
export function openOfficialJobs(options: OfficialJobsOptions = {}): OfficialJobs {
  return new OfficialJobs(options);
}

const noPlan: Plan = { steps: [] };
const schemas = ['1.0', '1.2', '2.0', '2.0.1', '2.0.2', '2.0.3', '2.2'];

const words: Readonly<Record<string, string>> = {
  [JobStatusCode.accepted]: 'Successful',
  [JobStatusCode.closedProcessor]: 'ClosedProcessor',
  [JobStatusCode.bufferFull]: 'ProcessorBufferFull',
  [JobStatusCode.unexpectedDocumentType]: 'UnexpectedDocumentType',
  [JobStatusCode.errorCodeTranslationFailed]: 'ProcessorErrorCodeTranslationFailed',
  [JobStatusCode.duplicateCommand]: 'DuplicateCommand',
  [JobStatusCode.invalidDocument]: 'InvalidDocument',
  [JobStatusCode.containerNotSupported]: 'ContainerNotSupported',
  [JobStatusCode.parseError]: 'AgentJobMessageParseError',
};

function wait(until: Promise<void> | undefined, next: () => void): void {
  if (until) void until.then(next);
  else next();
}

function readTarget(content: string): string | undefined {
  try {
    const { CancelMessageId: id } = JSON.parse(content);
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

/** A document whose steps all succeed at once; or why it is none. */
function readPlan(content: string): Plan | string {
  let document: {
    schemaVersion?: string;
    mainSteps?: { name: string; action: string }[];
    runtimeConfig?: object;
  };
  try {
    ({ DocumentContent: document } = JSON.parse(content));
  } catch (error) {
    return (error as Error).message;
  }
  if (typeof document !== 'object' || document === null) return 'there is no document';
  if (!schemas.includes(document.schemaVersion ?? '')) {
    return `Document with schema version ${document.schemaVersion} is not supported by this version of ssm agent, please update to latest version`;
  }
  const names = document.mainSteps
    ? document.mainSteps.map(({ name, action }) => ({ name, plugin: action }))
    : Object.keys(document.runtimeConfig ?? {}).map((plugin) => ({ name: plugin, plugin }));
  return { steps: names.map((name) => ({ ...name, status: 'Success', code: 0, stdout: '', stderr: '' })) };
}

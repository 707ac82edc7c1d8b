/**
 * One command on this node, from the moment it was taken until the server knows how it ended. Whatever is told
 * or done is in its journal first, so that it can go on from there after any crash, and does nothing twice.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DocumentStatus } from '@rollcall/wire';
import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config.ts';
import type { Facts } from '../facts.ts';
import type { Log } from '../log.ts';
import { killedCode } from '../plugins/plugin.ts';
import { killTree, markOf } from '../plugins/process-tree.ts';
import { agentName, agentVersion } from '../version.ts';
import { type History, historyOf } from './history.ts';
import type { Job } from './job.ts';
import { downloadsName, type EndedJob, type StoredJob, stepsName } from './job-store.ts';
import type { JournalRecord } from './journal.ts';
import { isToBeKept, keepOutput, type OutputKeeper } from './keep-output.ts';
import type { Outbox } from './outbox.ts';
import type { Reboot } from './reboot.ts';
import {
  bareReply,
  beginningReply,
  documentStatus,
  finalReply,
  type StepOutcome,
  stepEndedReply,
} from './replies.ts';
import type { ReserveEntry } from './reserve.ts';
import { runSteps, type StepOutput } from './run-steps.ts';
import { callServer, type ServerLink } from './server-link.ts';

/** What commands need of the agent around them. */
export interface CommandDeps {
  readonly nodeId: string;
  readonly region: string;
  readonly facts: Facts;
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly link: ServerLink;
  readonly outbox: Outbox;
  readonly reboot: Reboot | undefined;
  readonly bootId: () => string;
  /** Why there can be no reboot; undefined when there can. */
  readonly noReboot: string | undefined;
  /** Called when a command has ended and the server has all of its replies. */
  readonly settled: (command: Command) => void;
}

/** A command. */
export interface Command {
  readonly id: string;
  readonly stored: StoredJob;
  /** How it ended, once it has. */
  readonly ended: EndedJob | undefined;
  readonly cancelled: boolean;
  /** The reboot that it waits for, and since when. */
  readonly rebooting: { readonly at: number; readonly boot: string } | undefined;
  /** Sends the replies that the server may not have. */
  sendPending(): void;
  /**
   * Runs it, or goes on where it was; once at a time. `rebooting`: it goes on after a reboot; `interrupted`: it
   * was stopped.
   */
  run(): Promise<'ended' | 'rebooting' | 'interrupted'>;
  /** Resolves when it is kept that the command is to be cancelled; what runs is killed meanwhile. */
  cancel(): Promise<void>;
  /** Kills what runs, to go on at the next start of the agent. */
  stop(): void;
  /** The reboot that a step asked for didn't come. */
  rebootMissed(): Promise<void>;
}

/** A step that asks for one reboot after the other is stopped at this many. */
const mostReboots = 15;
/** Replies whose text is held in memory, all together; others are read from disk when they are sent. */
const heldLimit = 4 * 1024 * 1024;
let held = 0;

const interruptedText =
  'The agent was stopped or killed while this step ran, so its end is not known. It is not run again.';
/** Of a step, or of a whole command. */
export const lostText =
  'The disk was full and the agent was stopped or killed, so what this did is not known. It is not run again.';

const noCloudWatch = `The output is not in CloudWatch Logs: ${agentName} ${agentVersion} does not send it there.`;

/** Opens a command: a new one, or with what is known of it from before. */
export function openCommand(
  deps: CommandDeps,
  stored: StoredJob,
  jobId: string,
  /** Or why it can't be run. */
  task: Job | string,
  history: History = historyOf([]),
  reserve?: ReserveEntry,
): Command {
  const { clock, log, outbox } = deps;
  const { id, journal } = stored;
  const about = { commandId: id };
  const job = typeof task === 'string' ? undefined : task;
  const abort = new AbortController();
  const outcomes = new Map(history.outcomes);
  const remarks = [...history.remarks];
  const told = new Set(history.replies.map((reply) => reply.about));
  const pending = new Set<string>();
  let ended: EndedJob | undefined;
  let { running, rebooting, reboots } = history;
  if (history.cancelled) abort.abort('cancelled');
  const lastReply = history.replies.find((reply) => reply.about === 'end');
  if (lastReply) ended = endedBy(jobId, lastReply);

  /** The outcomes of the document's own steps, in its order. */
  const stepOutcomes = () => (job?.document.steps ?? []).flatMap((step) => outcomes.get(step.name) ?? []);

  function post(reply: { id: string; at: number }, content: string | undefined): void {
    pending.add(reply.id);
    let text = content;
    if (text !== undefined && journal.onDisk() && held + text.length > heldLimit) text = undefined;
    const length = text?.length ?? 0;
    held += length;
    outbox.add({
      id: reply.id,
      jobId,
      at: reply.at,
      async content() {
        if (text !== undefined) return text;
        const written = historyOf(await journal.records()).replies.find((one) => one.id === reply.id);
        return written?.content;
      },
      done() {
        held -= length;
        pending.delete(reply.id);
        void journal.add([{ is: 'acknowledged', id: reply.id }], false);
        if (ended !== undefined && pending.size === 0) deps.settled(command);
      },
    });
  }

  /** Writes a reply down, with what it is the consequence of, and sends it. */
  async function tell(what: string, content: string, records: readonly JournalRecord[] = []): Promise<void> {
    if (told.has(what)) return void (await journal.add(records));
    told.add(what);
    const reply = { is: 'reply', id: randomUUID(), at: clock.now(), about: what, content } as const;
    await journal.add([...records, reply]);
    log('debug', 'A reply is written.', { ...about, about: what });
    if (what === 'end') ended = endedBy(jobId, reply);
    post(reply, content);
  }

  const keeper: OutputKeeper = {
    ...deps,
    commandId: id,
    s3: job?.s3,
    remark(text) {
      if (remarks.includes(text)) return;
      remarks.push(text);
      void journal.add([{ is: 'remark', text }], false);
    },
  };

  async function begin(path: string): Promise<void> {
    const at = clock.now();
    running = { path, at };
    const started = { is: 'started', path, at } as const;
    if (told.has('begin')) await journal.add([started]);
    else await tell('begin', beginningReply(at), [started]);
    const safe = await stored.secure({ state: 'started', path });
    if (!safe) log('warn', 'A step runs of which a kill of the agent would leave no trace.', about);
    log('debug', 'A step starts.', { ...about, path });
  }

  async function stepEnded(path: string, outcome: StepOutcome, output?: StepOutput): Promise<StepOutcome> {
    running = undefined;
    log('debug', 'A step ended.', { ...about, path, status: outcome.status, code: outcome.code });
    if (outcome.status === 'SuccessAndReboot') return askForReboot(path, outcome);
    let kept = outcome;
    if (output !== undefined && isToBeKept(keeper, output)) {
      await journal.add([{ is: 'ended', path, outcome }]);
      const s3 = await keepOutput(keeper, outcome, folderInS3(outcome), output);
      if (s3 !== undefined) kept = { ...outcome, s3 };
    }
    await tellStep(path, kept);
    return kept;
  }

  /** Isn't waited for to be on disk: nothing is done on the strength of it before something later is. */
  async function tellStep(path: string, outcome: StepOutcome): Promise<void> {
    if (!told.has('begin')) await tell('begin', beginningReply(outcome.startedAt));
    outcomes.set(path, outcome);
    const content = stepEndedReply(clock.now(), stepOutcomes(), outcome);
    void tell(`step ${path} ${outcome.status}`, content, [{ is: 'ended', path, outcome }]);
  }

  async function askForReboot(path: string, outcome: StepOutcome): Promise<StepOutcome> {
    const at = clock.now();
    let why = '';
    if (command.cancelled) why = 'The command was cancelled meanwhile.';
    else if (reboots >= mostReboots) why = `The machine was started again ${reboots} times for this step.`;
    else {
      rebooting = { path, at, boot: deps.bootId() };
      reboots += 1;
      await journal.add([
        { is: 'ended', path, outcome },
        { is: 'rebooting', ...rebooting },
      ]);
      log('warn', 'A command asks for a reboot, and gets it.', about);
      await deps.reboot?.().catch((error: Error) => {
        why = `The machine could not be started again: ${error.message}.`;
      });
    }
    if (why === '') {
      await tellStep(path, outcome);
      return outcome;
    }
    rebooting = undefined;
    const failed = failedOutcome(outcome, why);
    await tellStep(path, failed);
    return failed;
  }

  function folderInS3(outcome: StepOutcome): string {
    if (job?.document.schemaVersion !== '1.2') return outcome.name;
    const inputs = job.document.steps.find((step) => step.name === outcome.name)?.inputs;
    const own = inputs?.at(-1)?.id;
    return typeof own === 'string' ? own : outcome.name;
  }

  /** What the reserve says of a step is old when the journal could be written again and knows how it ended. */
  function isNewsOf(entry: ReserveEntry | undefined): boolean {
    if (entry?.state !== 'started' || entry.path === undefined) return false;
    const status = outcomes.get(entry.path)?.status;
    return status === undefined || status === 'SuccessAndReboot';
  }

  /** What was running when the agent ended is over, whatever came of it. */
  async function closeInterrupted(): Promise<void> {
    const path = (isNewsOf(reserve) ? reserve?.path : undefined) ?? running?.path;
    if (path === undefined) return;
    for (const { pid, started, path: of } of history.processes) {
      const count = await killTree({ pid, started, mark: markOf(deps.nodeId, id, of) });
      if (count > 0) log('warn', 'Processes of an interrupted command were killed.', { ...about, count });
    }
    await killTree({ pid: 0, started: '', mark: markOf(deps.nodeId, id, path) });
    const wasKnown = running?.path === path;
    for (const step of job?.document.steps ?? []) {
      const isIt = step.name === path;
      if (isIt || !outcomes.has(step.name)) {
        const at = clock.now();
        const startedAt = isIt && running ? running.at : at;
        const nothing = { name: step.name, action: step.action, startedAt, endedAt: at, stdout: '' };
        const stderr = isIt && wasKnown ? interruptedText : lostText;
        // The kill that a cancellation meant came about one way or the other.
        const status = history.cancelled ? 'Cancelled' : 'Failed';
        await tellStep(step.name, { ...nothing, status, code: status === 'Failed' ? 1 : killedCode, stderr });
      }
      if (isIt) break;
    }
    running = undefined;
  }

  async function end(content: string, status: DocumentStatus): Promise<void> {
    await tell('end', content);
    await stored.secure({ state: 'ended', status });
    log('info', 'A command ended.', { ...about, status });
  }

  async function run(): Promise<'ended' | 'rebooting' | 'interrupted'> {
    if (job === undefined || reserve?.state === 'ended') {
      const status = (reserve?.status ?? 'Failed') as DocumentStatus;
      const why = typeof task === 'string' ? task : lostText;
      await end(bareReply(clock.now(), status, why), status);
      return 'ended';
    }
    await closeInterrupted();
    reserve = undefined;
    for (const outcome of stepOutcomes()) {
      // It ended just before the agent did: perhaps nobody was told.
      if (outcome.status !== 'SuccessAndReboot') await tellStep(outcome.name, outcome);
    }
    rebooting = undefined;
    const done = await runSteps(
      {
        commandId: id,
        nodeId: deps.nodeId,
        region: deps.region,
        facts: deps.facts,
        clock,
        way: deps.config,
        downloads: join(stored.folder, downloadsName),
        signal: abort.signal,
        outputLimit: deps.config.outputLimitBytes,
        noReboot: deps.noReboot,
        outcomes,
        getDocument: (name, version) =>
          callServer(deps.link, (ask) =>
            ask((visit, credentials) => deps.link.calls.getDocument(visit, credentials, name, version)),
          ),
        process: (path, { pid, started }) => void journal.add([{ is: 'process', path, pid, started }], false),
        partEnded(path, outcome) {
          outcomes.set(path, outcome);
          void journal.add([{ is: 'ended', path, outcome }], false);
        },
      },
      {
        document: job.document,
        values: job.values,
        prefix: '',
        folder: join(stored.folder, stepsName),
        depth: 1,
        begin,
        ended: stepEnded,
      },
    );
    if (done.how === 'interrupted') return 'interrupted';
    if (job.wantsCloudWatch) keeper.remark(noCloudWatch);
    const content = finalReply(clock.now(), done.outcomes, remarks.join(' '));
    if (done.how === 'rebooting') {
      await tell(`reboot ${reboots}`, content);
      return 'rebooting';
    }
    await end(content, documentStatus(done.outcomes.map((outcome) => outcome.status)));
    return 'ended';
  }

  const command: Command = {
    id,
    stored,
    get ended() {
      return ended;
    },
    get cancelled() {
      return abort.signal.reason === 'cancelled';
    },
    get rebooting() {
      return rebooting;
    },
    sendPending() {
      for (const reply of history.replies) {
        if (!history.acknowledged.has(reply.id)) post(reply, undefined);
      }
      if (ended !== undefined && pending.size === 0) deps.settled(command);
    },
    run,
    async cancel() {
      const kept = journal.add([{ is: 'cancelled' }]);
      abort.abort('cancelled');
      await kept;
    },
    stop: () => abort.abort('stopping'),
    async rebootMissed() {
      const path = rebooting?.path;
      const outcome = path === undefined ? undefined : outcomes.get(path);
      rebooting = undefined;
      if (path === undefined || outcome === undefined) return;
      await tellStep(path, failedOutcome(outcome, 'The reboot that the step asked for did not come.'));
    },
  };
  return command;
}

function endedBy(jobId: string, reply: { id: string; at: number; content: string }): EndedJob {
  const { documentStatus: status } = JSON.parse(reply.content) as { documentStatus: string };
  return { jobId, at: reply.at, status, reply: { id: reply.id, content: reply.content } };
}

function failedOutcome(outcome: StepOutcome, why: string): StepOutcome {
  const before =
    outcome.stderr === '' || outcome.stderr.endsWith('\n') ? outcome.stderr : `${outcome.stderr}\n`;
  return { ...outcome, status: 'Failed', stderr: before + why };
}

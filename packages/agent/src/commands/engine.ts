/**
 * Takes commands, lets them run, and tells the server about them. Loaded when there is the first one to do: an
 * agent at rest has none of this in memory.
 */
import { FrameType, JobStatusCode, messageFrame } from '@rollcall/wire';
import type { Timer } from '../clock.ts';
import { isPassing, ServerRefusal } from '../failures.ts';
import { type Command, type CommandDeps, lostText, openCommand } from './command.ts';
import type { CommandsDeps, IncomingJob, JobAnswer } from './commands.ts';
import { readCancellation, readJob } from './job.ts';
import { commandIdOf } from './job-id.ts';
import { type FoundJob, openJobStore } from './job-store.ts';
import { type Letter, openOutbox, type WrittenLetter } from './outbox.ts';
import { openPool } from './pool.ts';
import { bareReply, beginningReply } from './replies.ts';
import { callServer } from './server-link.ts';

/** Commands that may wait behind those that run. */
const buffer = 100;
/**
 * Commands that ended and can't be written down; with more, no further ones are taken. Together with those that
 * run and wait they have room in the reserve.
 */
const mostUnsettled = 256;
/** How often what is old is dropped, and what couldn't be written is tried again. */
const sweepEvery = 3_600_000;
const retryEvery = 60_000;
/** A reboot that was asked for has come in this time (ms), or doesn't come. */
const rebootWithin = 600_000;
/** How long an agent that stops waits for its commands to be killed. */
const stopWithin = 3000;

const { accepted, bufferFull, closedProcessor, duplicateCommand, parseError } = JobStatusCode;

/** Opens the engine, and goes on with what wasn't done when the agent last ended. */
export async function openEngine(deps: CommandsDeps) {
  const { root, clock, log, config, nodeId } = deps;
  const store = await openJobStore(root, clock, log);
  const commands = new Map<string, Command>();
  const taking = new Map<string, Promise<JobAnswer>>();
  const settling = new Set<Command>();
  /** Those whose end couldn't be written. */
  const unsettled = new Set<Command>();
  const running = new Set<Promise<unknown>>();
  const pool = openPool(config.commandWorkers, buffer, deps.changed);
  let lastTurn: Promise<unknown> = Promise.resolve();
  let closing = false;
  let rebooting: Timer | undefined;
  let sweep: Timer;

  const outbox = openOutbox(clock, log, {
    open: deps.way,
    send: ({ id, jobId }, content) => deps.send(replyFrame(jobId, content, id)),
    post,
  });

  const noReboot = !config.allowReboot
    ? "The settings of this node's agent don't allow one."
    : deps.reboot === undefined
      ? "This node's agent can't give it one: only an agent that runs as root can."
      : undefined;
  const commandDeps: CommandDeps = { ...deps, outbox, noReboot, settled: (one) => void settle(one) };

  function replyFrame(jobId: string, content: string, id?: string, topic = 'aws.ssm.sendCommand') {
    const reply = { schemaVersion: 1, jobId, content, topic };
    const made = { createdAt: clock.now(), ...(id === undefined ? {} : { id }) };
    return messageFrame(FrameType.agentJobReply, reply, made);
  }

  async function post(
    letters: readonly WrittenLetter[],
    taken: (letter: Letter) => void,
    refused: (letter: Letter) => void,
  ) {
    await callServer(deps.link, async (ask) => {
      for (const { letter, content } of letters) {
        const input = { MessageId: letter.jobId, Payload: polledPayload(content), ReplyId: letter.id };
        try {
          await ask((visit, credentials) =>
            deps.link.calls.answerMessage(visit, credentials, 'SendReply', input),
          );
          taken(letter);
        } catch (error) {
          // What the server will have none of mustn't keep the others from it.
          if (!(error instanceof ServerRefusal) || isPassing(error)) throw error;
          log('warn', 'The server refused a reply.', { jobId: letter.jobId, error: error.message });
          refused(letter);
        }
      }
    });
  }

  async function settle(command: Command): Promise<void> {
    if (command.ended === undefined || settling.has(command)) return;
    settling.add(command);
    const settled = await store.settle(command.stored, command.ended);
    settling.delete(command);
    if (settled) {
      unsettled.delete(command);
      commands.delete(command.id);
    } else if (!closing) {
      unsettled.add(command);
      sweep.cancel();
      sweep = clock.after(retryEvery, () => void tidy());
    }
  }

  /** Runs a command when its turn comes; one that is cancelled has nothing to do, and does that at once. */
  function start(command: Command): void {
    const work = () => {
      const run = command
        .run()
        .then((how) => {
          if (how === 'rebooting') awaitReboot(command);
        })
        .catch((error: Error) =>
          log('error', 'A command came to an end that it must not have.', {
            id: command.id,
            error: error.stack,
          }),
        )
        .finally(() => running.delete(run));
      running.add(run);
      return run;
    };
    if (command.cancelled) void work();
    else pool.add(command.id, work);
  }

  function awaitReboot(command: Command): void {
    const since = command.rebooting?.at;
    if (since === undefined || closing) return;
    pool.pause();
    rebooting ??= clock.after(Math.max(0, since + rebootWithin - clock.now()), () => void rebootMissed());
  }

  async function rebootMissed(): Promise<void> {
    rebooting = undefined;
    log('warn', 'The machine was to be started again, and was not.');
    for (const command of commands.values()) {
      if (command.rebooting === undefined) continue;
      await command.rebootMissed();
      start(command);
    }
    pool.resume();
  }

  function goOn({ job: stored, history, reserve }: FoundJob): void {
    const content = history.accepted?.content;
    const jobId = history.accepted?.jobId ?? reserve!.jobId;
    const task = content === undefined ? lostText : readJob(content);
    const command = openCommand(commandDeps, stored, jobId, task, history, reserve);
    commands.set(command.id, command);
    command.sendPending();
    if (command.ended !== undefined) return;
    const boot = deps.bootId();
    if (boot !== '' && command.rebooting?.boot === boot) awaitReboot(command);
    else start(command);
  }

  async function take(job: IncomingJob, id: string): Promise<JobAnswer> {
    if (!job.jobId.endsWith(`.${nodeId}`))
      return refused(`The job ${job.jobId.slice(0, 200)} is another node's.`);
    const release = unsettled.size < mostUnsettled ? pool.reserve() : undefined;
    if (release === undefined) return { code: bufferFull, message: 'ProcessorBufferFull' };
    // However long writing them down takes: they begin in the order in which they came.
    const turn = lastTurn;
    const taken = Promise.withResolvers<void>();
    lastTurn = turn.then(() => taken.promise);
    try {
      const task = readJob(job.content);
      if (typeof task === 'string') return refused(task);
      const stored = store.open(id, job.jobId);
      const { jobId, content } = job;
      await stored.journal.add([{ is: 'accepted', at: clock.now(), jobId, content }]);
      await stored.secure({ state: 'accepted' });
      log('info', 'A command was taken.', { commandId: id });
      const command = openCommand(commandDeps, stored, jobId, task);
      commands.set(id, command);
      release();
      void turn.then(() => {
        // Told first that it was taken, then that it begins.
        setImmediate(() => {
          if (!closing) start(command);
        });
      });
      return { code: accepted, message: 'Successful' };
    } finally {
      taken.resolve();
      release();
    }
  }

  function refused(reason: string): JobAnswer {
    log('warn', 'A command was refused.', { reason });
    return { code: parseError, message: `AgentJobMessageParseError: ${reason.slice(0, 1000)}`, reason };
  }

  /** A command that came before: it isn't run again, and whoever asks hears how it ended. */
  function repeat(id: string): JobAnswer {
    const ended = store.ended(id);
    if (ended !== undefined) {
      const { jobId, status } = ended;
      const kept = 'The command ran on this node before; what it printed is no longer kept.';
      const content = ended.reply?.content ?? bareReply(clock.now(), status as 'Success', kept);
      const letter = { id: ended.reply?.id ?? crypto.randomUUID(), jobId, at: clock.now(), done() {} };
      outbox.add({ ...letter, content: async () => content });
    }
    return { code: duplicateCommand, message: 'DuplicateCommand' };
  }

  async function run(job: IncomingJob): Promise<JobAnswer> {
    const id = commandIdOf(job.jobId);
    if (id === undefined)
      return refused(`${JSON.stringify(job.jobId.slice(0, 200))} has no id of a command in it.`);
    if (closing || rebooting) return { code: closedProcessor, message: 'ClosedProcessor' };
    while (taking.has(id)) await taking.get(id);
    if (commands.has(id) || store.ended(id) !== undefined) return repeat(id);
    const answer = take(job, id).finally(() => taking.delete(id));
    taking.set(id, answer);
    return answer;
  }

  async function cancel(job: IncomingJob): Promise<JobAnswer> {
    const wanted = readCancellation(job.content);
    const id = wanted === undefined ? undefined : commandIdOf(wanted);
    if (id === undefined) return refused('The job does not say which command to cancel.');
    while (taking.has(id)) await taking.get(id);
    const command = commands.get(id);
    if (command !== undefined && command.ended === undefined) {
      const waited = pool.withdraw(id);
      log('info', 'A command is cancelled.', { commandId: id });
      await command.cancel();
      if (waited) start(command);
    }
    return { code: accepted, message: 'Successful' };
  }

  function answer(job: IncomingJob): Promise<JobAnswer> {
    if (job.topic.startsWith('aws.ssm.sendCommand')) return run(job);
    if (job.topic.startsWith('aws.ssm.cancelCommand')) return cancel(job);
    return Promise.resolve(refused(`The topic ${JSON.stringify(job.topic.slice(0, 200))} is not known.`));
  }

  async function tidy(): Promise<void> {
    for (const command of unsettled) await settle(command);
    await store.sweep();
    if (closing) return;
    sweep = clock.after(unsettled.size > 0 ? retryEvery : sweepEvery, () => void tidy());
  }

  for (const found of store.found) goOn(found);
  sweep = clock.after(0, () => void tidy());

  return {
    get running() {
      return pool.running;
    },
    get queued() {
      return pool.queued;
    },
    answer,
    /** The replies that go at once with an answer, and aren't kept: they are made again if they are lost. */
    beginning: () => beginningReply(clock.now()),
    failing: (reason: string) => bareReply(clock.now(), 'Failed', reason),
    polledPayload,
    replyFrame,
    acknowledged: (replyId: string) => outbox.acknowledged(replyId),
    connected: () => outbox.connected(),
    async close() {
      closing = true;
      sweep.cancel();
      rebooting?.cancel();
      pool.pause();
      outbox.close();
      for (const command of commands.values()) command.stop();
      let late: NodeJS.Timeout | undefined;
      const tooLate = new Promise<void>((resolve) => {
        late = setTimeout(resolve, stopWithin);
      });
      await Promise.race([Promise.allSettled([...running, ...taking.values()]), tooLate]);
      clearTimeout(late);
      await Promise.all([...commands.values()].map((command) => command.stored.journal.close()));
      await store.close();
    },
  };
}

/** {@link openEngine}. */
export type Engine = Awaited<ReturnType<typeof openEngine>>;

/** A reply as it is posted: the same, and one thing more. */
function polledPayload(content: string): string {
  const reply = JSON.parse(content);
  reply.additionalInfo.ableToOpenMGSConnection = false;
  return JSON.stringify(reply);
}

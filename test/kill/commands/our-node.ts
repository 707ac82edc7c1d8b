/** A node with our agent: a real process that really runs what it is sent, and a file by which that is counted. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The node. */
export interface OurNode {
  readonly id: string;
  /** A command line that counts itself under a name, waits until it is let go, and says something. */
  script(name: string): readonly string[];
  /** How often what is counted under this name has begun. */
  begun(name: string): number;
  /** Lets a script go on. */
  letGo(name: string): void;
  turn(ms: number): Promise<void>;
  /** Kills the agent with `kill -9`, and starts it again. */
  restart(turned: number): Promise<void>;
  close(): Promise<void>;
}

/** What the node needs. */
export interface OurNodeOptions {
  readonly url: string;
  readonly ca: string;
  readonly folder: string;
  readonly activation: { readonly id: string; readonly code: string };
  /** By how many milliseconds its clock is ahead at the start. */
  readonly turned: number;
}

/** Starts it; resolves when it is registered and its agent runs. */
export async function startOurNode(options: OurNodeOptions): Promise<OurNode> {
  const { url, ca, folder, activation } = options;
  mkdirSync(folder, { recursive: true });
  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, ca);
  const root = join(folder, 'root');
  const file = (name: string, kind: string) => join(folder, `${name}.${kind}`);
  const start = (turned: number) =>
    startAgent([url, caFile, activation.id, activation.code, root, String(turned)]);
  let agent = await start(options.turned);
  return {
    id: agent.nodeId,
    script: (name) => [
      `echo begun >> ${file(name, 'begun')}`,
      `n=0; while [ ! -e ${file(name, 'go')} ] && [ $n -lt 500 ]; do sleep 0.02; n=$((n+1)); done`,
      `echo done`,
    ],
    begun(name) {
      if (!existsSync(file(name, 'begun'))) return 0;
      return readFileSync(file(name, 'begun'), 'utf8').trim().split('\n').length;
    },
    letGo: (name) => writeFileSync(file(name, 'go'), ''),
    turn: (ms) => agent.turn(ms),
    async restart(turned) {
      await agent.kill();
      agent = await start(turned);
    },
    close: () => agent.kill(),
  };
}

interface RunningAgent {
  readonly nodeId: string;
  turn(ms: number): Promise<void>;
  kill(): Promise<void>;
}

async function startAgent(args: readonly string[]): Promise<RunningAgent> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'our-agent-entry.ts'), [...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-20_000);
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const nodeId = await new Promise<string>((done, failed) => {
    child.once('message', (message) => done((message as { nodeId: string }).nodeId));
    void ended.then(() => failed(new Error(`our agent ended before it was up:\n${said}`)));
  });
  let told = 0;
  const understood = new Map<number, () => void>();
  child.on('message', (message) => {
    const { id } = message as { id: number };
    understood.get(id)?.();
    understood.delete(id);
  });
  return {
    nodeId,
    turn: (ms) =>
      new Promise((done) => {
        told += 1;
        understood.set(told, done);
        void ended.then(() => done());
        if (child.connected) child.send({ id: told, turn: ms }, () => {});
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

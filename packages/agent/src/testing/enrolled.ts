/** A registered agent in a folder of its own, against a {@link FakeServer}, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, type AgentOptions, openAgent } from '../agent.ts';
import { type AgentConfig, saveConfig } from '../config.ts';
import { silentLog } from '../log.ts';
import { register } from '../register.ts';
import { authority } from './certificates.ts';
import { type FakeServer, startFakeServer } from './fake-server.ts';

/** A server and an agent that was registered with it and isn't running yet. */
export async function enrol(config: Partial<AgentConfig> = {}) {
  const server = await startFakeServer();
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  await register({
    serverUrl: server.url,
    activationId: '11111111-2222-3333-4444-555555555555',
    activationCode: 'abcdefghijklmnopqrst',
    region: 'us-east-1',
    root,
    ca: authority,
  });
  saveConfig(root, config);
  let agent: Agent | undefined;
  return {
    server,
    root,
    /** Starts the agent, and waits until its channel is open. */
    async start(options: Partial<AgentOptions> = {}): Promise<Agent> {
      const before = server.hellos.length;
      agent = openAgent({ root, log: silentLog, addresses: () => 'eth0=192.0.2.7', ...options });
      await server.until('the channel is open', () => server.hellos.length > before);
      return agent;
    },
    async stop(): Promise<void> {
      await agent?.close();
      agent = undefined;
    },
    async remove(): Promise<void> {
      await agent?.close();
      await server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** {@link enrol}. */
export type Enrolled = Awaited<ReturnType<typeof enrol>>;

/** A document that runs lines in a shell, as its only step. */
export function shellDocument(lines: readonly string[], inputs: object = {}): object {
  return {
    schemaVersion: '2.2',
    mainSteps: [{ action: 'aws:runShellScript', name: 'step', inputs: { runCommand: lines, ...inputs } }],
  };
}

/** A document of several such steps; their names are those of the members. */
export function stepsDocument(steps: Readonly<Record<string, object>>): object {
  const mainSteps = Object.entries(steps).map(
    ([name, { action = 'aws:runShellScript', precondition, ...inputs }]: [
      string,
      { action?: string; precondition?: object },
    ]) => ({ action, name, ...(precondition && { precondition }), inputs }),
  );
  return { schemaVersion: '2.2', mainSteps };
}

export { isEnd } from './fake-server.ts';
export type { FakeServer };

/** What our agent sees of its machine reaches the operator's side: server, agent and look are the real ones. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { agentProcess, register } from '@rollcall/agent';
import { startServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let agent: ChildProcess | undefined;
const root = mkdtempSync(join(tmpdir(), 'rollcall-evidence-'));

before(async () => {
  server = await startServer();
});
after(async () => {
  if (agent?.exitCode === null) {
    const ended = new Promise((done) => agent?.once('exit', done));
    agent.kill('SIGTERM');
    await ended;
  }
  await server?.stop();
  server?.remove();
  rmSync(root, { recursive: true, force: true });
});

test('a node’s own look stands beside the records, and beside nobody else’s', async (t) => {
  const { ActivationId, ActivationCode } = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'Service',
  });
  const { nodeId } = await register({
    serverUrl: server.url,
    region: 'us-east-1',
    activationId: ActivationId,
    activationCode: ActivationCode,
    root,
    ca: server.ca,
  });
  const { file, args, env } = agentProcess({ root });
  agent = spawn(file, args, { env, stdio: 'ignore' });
  const why = async () => {
    const answer = await server.admin.ask('rollcall:Why', { Subject: nodeId, WithEvidence: true });
    return { verdict: JSON.parse(answer.Verdict), evidence: JSON.parse(answer.Evidence) };
  };
  const own = async () => {
    const { verdict, evidence } = await why();
    assert.equal(evidence.node?.by, 'agent');
    return { verdict, node: evidence.node };
  };
  const { verdict, node } = await t.waitFor(own, { timeout: 40_000 });
  assert.equal(verdict.state, 'well', JSON.stringify(verdict));
  assert.ok(node.host.addresses.length > 0 || node.host.macs.length >= 0);
  assert.ok(node.agents.some((one: { kind: string }) => one.kind === 'rollcall'));
  const text = JSON.stringify(node);
  assert.doesNotMatch(text, /PRIVATE KEY|secretAccessKey/i);
});

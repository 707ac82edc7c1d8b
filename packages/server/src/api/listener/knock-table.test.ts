/**
 * How each client refuses our certificate, as it looks at the door: client × (unknown root, expired, wrong name).
 * Clients that are on the machine are run; of the others the recorded hello tells the family, and what they do
 * next is played back as it was seen.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { manualClock } from '../../clock.ts';
import { readClientHello } from './client-hello.ts';
import type { ListenerReason } from './door.ts';
import { type ClientFamily, familyOf } from './families.ts';
import { openTestDoor, type TestDoor } from './harness.ts';

type Fault = 'unknown-root' | 'expired' | 'wrong-name';

/** What the door saw: the reason, with the alert in it when there was one. */
type Sign = ListenerReason | `${ListenerReason} alert=${number}`;

interface Client {
  readonly family: ClientFamily;
  /** The program that must be there, or undefined when it always is. */
  readonly needs?: readonly string[];
  readonly signs: Readonly<Record<Fault, Sign>>;
  /** Knocks once: `ca` is the file of trusted roots, absent when it shall trust none of ours. */
  run(at: { name: string; port: number; ca: string | undefined }): void;
}

const quietly = { timeout: 5_000, env: { PATH: process.env.PATH } };
const nothing = () => {};

const python = `
import sys, botocore.httpsession as h, botocore.awsrequest as a, urllib3.util.connection as u
real = u.create_connection
u.create_connection = lambda address, *rest, **more: real(("127.0.0.1", address[1]), *rest, **more)
h.URLLib3Session(verify=sys.argv[2] or True).send(a.AWSRequest("GET", sys.argv[1]).prepare())`;

const clients: Record<string, Client> = {
  'node, our agent': {
    family: 'node',
    signs: {
      'unknown-root': 'reset-after-certificate',
      expired: 'reset-after-certificate',
      'wrong-name': 'reset-after-certificate',
    },
    run({ name, port, ca }) {
      const trusted = ca === undefined ? {} : { ca: readFileSync(ca) };
      connect({ host: '127.0.0.1', port, servername: name, ...trusted }).on('error', nothing);
    },
  },
  curl: {
    family: 'curl',
    needs: ['curl', '--version'],
    signs: {
      'unknown-root': 'client-rejected-certificate alert=48',
      expired: 'client-rejected-certificate alert=45',
      'wrong-name': 'handshake-then-nothing',
    },
    run({ name, port, ca }) {
      const trusted = ca === undefined ? [] : ['--cacert', ca];
      const url = `https://${name}:${port}/`;
      execFile(
        'curl',
        ['-sS', '--noproxy', '*', ...trusted, '--resolve', `${name}:${port}:127.0.0.1`, url],
        quietly,
        nothing,
      );
    },
  },
  'botocore, the AWS CLI': {
    family: 'botocore',
    needs: ['python3', '-c', 'import botocore'],
    signs: {
      'unknown-root': 'client-rejected-certificate alert=48',
      expired: 'client-rejected-certificate alert=45',
      // botocore switches OpenSSL's check of the name off; urllib3 compares it after the handshake.
      'wrong-name': 'handshake-then-nothing',
    },
    run({ name, port, ca }) {
      execFile('python3', ['-c', python, `https://${name}:${port}/`, ca ?? ''], quietly, nothing);
    },
  },
  'session-manager-plugin': {
    family: 'go',
    needs: ['session-manager-plugin', '--version'],
    signs: {
      'unknown-root': 'client-rejected-certificate alert=42',
      expired: 'client-rejected-certificate alert=42',
      'wrong-name': 'client-rejected-certificate alert=42',
    },
    run({ name, port, ca }) {
      // It can't be told where a name leads, so here the wrong name is an address of this machine.
      const host = name === 'localhost' ? name : '127.0.0.2';
      const session = {
        SessionId: 'x-1',
        TokenValue: 't',
        StreamUrl: `wss://${host}:${port}/v1/data-channel/x-1`,
      };
      const args = [
        JSON.stringify(session),
        'us-east-1',
        'StartSession',
        '',
        '{"Target":"mi-0"}',
        `https://${host}:${port}`,
      ];
      const env = { ...quietly.env, ...(ca === undefined ? {} : { SSL_CERT_FILE: ca }) };
      execFile('session-manager-plugin', args, { ...quietly, timeout: 1_500, env }, nothing);
    },
  },
};

/** Whether a program is here and is the kind that was recorded (curl may be built on another TLS library). */
function missing(client: Client): string | false {
  if (!client.needs) return false;
  const [command, ...args] = client.needs as [string, ...string[]];
  try {
    const text = execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', timeout: 5_000 });
    return command === 'curl' && !/OpenSSL/.test(text) ? 'this curl is not built on OpenSSL' : false;
  } catch {
    return `${command} is not here`;
  }
}

/** A door whose certificate has the fault; an expired one is from a year ago. */
async function doorFor(t: TestContext, fault: Fault, host: string): Promise<TestDoor> {
  const then = manualClock(Date.now() - 365 * 86_400_000);
  return openTestDoor(t, { host, ...(fault === 'expired' ? { certificateClock: then } : {}) });
}

for (const [title, client] of Object.entries(clients)) {
  for (const [fault, sign] of Object.entries(client.signs) as [Fault, Sign][]) {
    test(`${title}, ${fault}: ${sign}`, { skip: missing(client), timeout: 10_000 }, async (t) => {
      const name = fault === 'wrong-name' ? 'other.example' : 'localhost';
      const byAddress = title === 'session-manager-plugin' && fault === 'wrong-name';
      const door = await doorFor(t, fault, byAddress ? '127.0.0.2' : '127.0.0.1');
      client.run({ name, port: door.port, ca: fault === 'unknown-root' ? undefined : door.caFile });
      const knock = await door.knock();
      assert.deepEqual(
        { layer: knock.layer, client: knock.client, serverName: knock.serverName, address: knock.address },
        {
          layer: 'tls',
          client: client.family,
          serverName: byAddress ? undefined : name,
          address: '127.0.0.1',
        },
      );
      assert.equal([knock.reason, knock.detail].filter(Boolean).join(' '), sign);
      if (client.family !== 'go') assert.equal(door.knocks.length, 1); // the plugin tries again
    });
  }
}

interface Recorded {
  readonly name: string;
  readonly family: ClientFamily;
  /** Hex, from the first byte on the wire. */
  readonly hello: string;
}

const recorded = JSON.parse(
  readFileSync(new URL('fixtures/hellos.json', import.meta.url), 'utf8'),
) as Recorded[];

for (const { name, family, hello } of recorded) {
  test(`the recorded hello of ${name} is told to be ${family}`, () => {
    const reading = readClientHello(Buffer.from(hello, 'hex'));
    assert.equal(reading.state, 'read');
    assert.equal(familyOf(reading.state === 'read' ? reading.hello : assert.fail()), family);
  });
}

for (const { name, hello } of recorded.filter(({ family }) => family === 'go')) {
  test(`${name}, whatever is wrong with our certificate: client-rejected-certificate alert=42`, async (t) => {
    const door = await openTestDoor(t);
    const socket = dial(door.port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write(Buffer.from(hello, 'hex'));
    socket.once('data', () => socket.end(Buffer.from('1503030002022a', 'hex'))); // fatal, bad_certificate
    const { reason, detail, client } = await door.knock();
    assert.deepEqual(
      { reason, detail, client },
      { reason: 'client-rejected-certificate', detail: 'alert=42', client: 'go' },
    );
  });
}

/** Solution 7: certificates, and who trusts them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued } from '../middle/authority.ts';
import { openSecure, wiki } from '../middle/impostors.ts';
import { openReverse } from '../middle/reverse.ts';
import { edit } from '../node/agent.ts';
import { type Machine, serverName } from '../node/machine.ts';
import type { World } from '../world.ts';
import type { Fault, Question } from './fault.ts';
import { cut, knocksOf, lively, put, sleep, sureCurl, troubled, until } from './help.ts';
import { distrust, installOfficial, livelyOfficial } from './official.ts';

const day = 86_400_000;

/** Whatever ends TLS in front of the server shows this. */
async function shows(world: World, machine: Machine, shown: Issued): Promise<Question> {
  const gate = world.closes(
    await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: machine.address }),
  );
  await machine.way.change({ kind: 'astray', port: gate.port });
  await troubled(machine);
  return { machine };
}

export const tls: readonly Fault[] = [
  {
    id: 's7-trust-replaced',
    story: "The agent's list of trusted certificates was replaced by that of another department.",
    asked: 'node',
    expected: ['ca-missing'],
    async inject(world) {
      const machine = await lively(world);
      const company = await world.company();
      await machine.stop();
      edit(machine.root, 'identity.json', (identity) => {
        identity.trust = [`${company.cert.trim()}\n`];
      });
      await machine.start({ online: false });
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 's7-store-without-root',
    story: "The official agent's machine was hardened: the server's root is gone from the system's store.",
    asked: 'node',
    expected: ['ca-missing'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      distrust(world, machine);
      await official.start({ online: false });
      await until('it is refused', () => /unknown authority/.test(official.log()), 40_000);
      return { machine };
    },
  },
  {
    id: 's7-store-empty',
    story: 'A minimal image without ca-certificates: the store of the official agent is empty.',
    asked: 'node',
    expected: ['ca-missing', 'ca-store-unreadable'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      machine.run(
        'rm',
        '-rf',
        '/etc/ssl/certs',
        '/usr/share/ca-certificates',
        '/usr/local/share/ca-certificates',
      );
      await official.start({ online: false });
      await until('it is refused', () => /x509/.test(official.log()), 40_000);
      return { machine };
    },
  },
  {
    id: 's7-bundle-env',
    story: "A drop-in sets AWS_CA_BUNDLE, meant for the CLI, in the official agent's environment.",
    asked: 'node',
    expected: ['ca-bundle-env'],
    official: true,
    async inject(world) {
      const machine = await world.machine();
      const official = installOfficial(world, machine);
      await official.register();
      const company = await world.company();
      put(machine, 'etc/ssl/company.pem', company.cert);
      await official.start({ online: false, env: { AWS_CA_BUNDLE: '/etc/ssl/company.pem' } });
      await until('some calls fail', () => /x509/.test(official.log()), 40_000);
      world.age(official.nodeId);
      return { machine };
    },
  },
  {
    id: 's7-root-missing-operator',
    story: "The same missing root, asked at the server: it sees handshakes refused from the node's address.",
    asked: 'operator',
    expected: ['ca-missing', 'unknown'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      distrust(world, machine);
      await official.start({ online: false });
      await until('the door notes it', async () =>
        (await knocksOf(world)).some(({ Address }) => Address === machine.address),
      );
      await sleep(2_500);
      await world.server.pass(31_000);
      return { subject: official.nodeId };
    },
  },
  {
    id: 's7-inspection',
    story: 'A firewall on the way opens TLS and shows a certificate of the company.',
    asked: 'node',
    expected: ['tls-inspection'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.company()).issue({ names: [serverName] });
      const question = await shows(world, machine, shown);
      await sureCurl(world, machine, [60]);
      return question;
    },
  },
  {
    id: 's7-official-inspection',
    story: 'The same for an official agent.',
    asked: 'node',
    expected: ['tls-inspection'],
    official: true,
    async inject(world) {
      const [machine, official] = await livelyOfficial(world);
      official.stop();
      const shown = await (await world.company()).issue({ names: [serverName] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: machine.address,
        }),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await official.start({ online: false });
      await until('it is refused', () => /x509/.test(official.log()), 40_000);
      return { machine };
    },
  },
  {
    id: 's7-expired',
    story: 'The load balancer in front of the server shows a certificate that expired yesterday.',
    asked: 'node',
    expected: ['certificate-expired-or-not-yet-valid', /expired/],
    async inject(world) {
      const machine = await lively(world);
      const now = Date.now();
      const shown = await (await world.authority()).issue({
        names: [serverName],
        from: now - 6 * day,
        to: now - day,
      });
      const question = await shows(world, machine, shown);
      await sureCurl(world, machine, [60]);
      return question;
    },
  },
  {
    id: 's7-from-tomorrow',
    story: 'Its new certificate is valid from tomorrow on.',
    asked: 'node',
    expected: ['certificate-expired-or-not-yet-valid', /not-yet-valid/],
    async inject(world) {
      const machine = await lively(world);
      const now = Date.now();
      const shown = await (await world.authority()).issue({
        names: [serverName],
        from: now + day,
        to: now + 30 * day,
      });
      const question = await shows(world, machine, shown);
      await sureCurl(world, machine, [60]);
      return question;
    },
  },
  {
    id: 's7-other-name',
    story: 'Its new certificate is good and trusted, and for another name.',
    asked: 'node',
    expected: [/name/, 'wrong-host-answers'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: ['intranet.zoo.internal'] });
      const question = await shows(world, machine, shown);
      await sureCurl(world, machine, [60]);
      return question;
    },
  },
  {
    id: 's7-old-protocol',
    story: 'An old appliance in front of the server speaks TLS 1.1 at most.',
    asked: 'node',
    expected: ['tls-version-or-cipher'],
    async inject(world) {
      const machine = await lively(world);
      const shown = await (await world.authority()).issue({ names: [serverName] });
      const gate = world.closes(
        await openSecure(
          { shown, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
          wiki,
        ),
      );
      await machine.way.change({ kind: 'astray', port: gate.port });
      await troubled(machine);
      await sureCurl(world, machine, [35]);
      return { machine };
    },
  },
  {
    id: 's7-server-changed-operator',
    story:
      "The server's CA was lost and made anew; nodes that trust the old one turn away. Asked at the server.",
    asked: 'operator',
    expected: ['server-identity-changed'],
    async inject(world) {
      const machine = await lively(world);
      await changeAuthority(world);
      await cut(machine);
      await until('the door notes it', async () =>
        (await knocksOf(world)).some(({ Address }) => Address === machine.address),
      );
      await sleep(2_500);
      await world.server.pass(660_000);
      return { subject: machine.nodeId };
    },
  },
  {
    id: 's7-server-changed-node',
    story: 'The same, asked on the machine.',
    asked: 'node',
    expected: ['server-identity-changed', 'ca-missing'],
    async inject(world) {
      const machine = await lively(world);
      await changeAuthority(world);
      await cut(machine);
      await troubled(machine);
      return { machine };
    },
  },
  {
    id: 's7-official-trusted-by-file',
    story: 'Nothing is wrong: SSL_CERT_FILE names a bundle with the root, which the system store lacks.',
    asked: 'node',
    expected: ['none'],
    official: true,
    async inject(world) {
      const machine = await world.machine();
      const official = installOfficial(world, machine);
      await official.register();
      distrust(world, machine);
      put(machine, 'etc/ssl/rollcall-bundle.pem', world.server.ca());
      await official.start({ env: { SSL_CERT_FILE: '/etc/ssl/rollcall-bundle.pem' } });
      return { machine };
    },
  },
];

/** The server starts with a CA that nobody has seen yet. */
async function changeAuthority(world: World): Promise<void> {
  const { server } = world;
  await server.stop();
  for (const name of ['ca.crt', 'ca.key', 'server.crt', 'server.key'])
    rmSync(join(server.data, name), { force: true });
  await server.start({ cutOffNodes: 1 });
}

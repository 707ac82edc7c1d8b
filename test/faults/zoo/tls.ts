/** Certificates and what trusts them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPart } from '../case.ts';
import { openPlain, openSecure, portal, wiki } from '../middle/impostors.ts';
import { openReverse } from '../middle/reverse.ts';
import { edit } from '../node/agent.ts';
import { serverName } from '../node/machine.ts';
import type { Node } from '../node/node.ts';
import type { Stage } from '../stage.ts';
import { restartInto } from './common.ts';

const { cases, fault, decoy } = openPart('tls');
const day = 86_400_000;

/** The way leads to something else, from the agent's next start on; answers how that is undone. */
async function astray(node: Node, port: number): Promise<void> {
  await restartInto(node, () => node.way.change({ kind: 'astray', port }));
}

async function undo(stage: Stage, node: Node): Promise<void> {
  await node.way.change({ kind: 'pass' });
  await stage.mended(node);
}

for (const [id, from, to] of [
  ['certificate-expired', -30 * day, -day],
  ['certificate-not-yet-valid', day, 30 * day],
] as const)
  fault(
    {
      id,
      cause: 'certificate-expired-or-not-yet-valid',
      gate: 'path',
      solution: 7,
      node: 'proven',
      operator: 'blind',
      both: 'proven',
      fix: 'explained',
    },
    async (stage) => {
      const world = await stage.world();
      const node = await stage.node();
      const shown = await (await world.authority()).issue({
        names: ['localhost'],
        from: Date.now() + from,
        to: Date.now() + to,
      });
      const gate = world.closes(
        await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: node.address }),
      );
      await astray(node, gate.port);
      await stage.judge(node);
      await undo(stage, node);
    },
  );

fault(
  {
    id: 'certificate-wrong-name',
    cause: 'certificate-wrong-name',
    gate: 'path',
    solution: 7,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const shown = await (await world.authority()).issue({ names: ['other.internal'] });
    const gate = world.closes(
      await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: node.address }),
    );
    await astray(node, gate.port);
    await stage.judge(node);
    await undo(stage, node);
  },
);

fault(
  {
    id: 'ca-missing',
    cause: 'ca-missing',
    gate: 'path',
    solution: 7,
    node: 'sure',
    operator: 'likely',
    both: 'proven',
  },
  async (stage) => {
    const company = await (await stage.world()).company();
    const node = await stage.node();
    const before = JSON.parse(readFileSync(join(node.root, 'identity.json'), 'utf8')).trust;
    await restartInto(node, () =>
      edit(node.root, 'identity.json', (identity) => {
        identity.trust = [company.cert];
      }),
    );
    await stage.judge(node);
    await node.stop();
    edit(node.root, 'identity.json', (identity) => {
      identity.trust = before;
    });
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'tls-inspection',
    cause: 'tls-inspection',
    gate: 'path',
    solution: 7,
    decoyOf: ['ca-missing'],
    // Only the server knows whose certificate it should have been.
    node: 'likely',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const shown = await (await world.company()).issue({ names: ['localhost'] });
    const gate = world.closes(
      await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: node.address }),
    );
    await astray(node, gate.port);
    await stage.judge(node);
    await undo(stage, node);
  },
);

fault(
  {
    id: 'tls-inspection-behind-proxy',
    cause: 'tls-inspection',
    gate: 'path',
    solution: 7,
    node: 'likely',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const shown = await (await world.company()).issue({ names: ['localhost'] });
    const gate = world.closes(
      await openReverse({ shown, target: world.server.port, ca: world.server.ca(), source: node.address }),
    );
    const { openProxy } = await import('../middle/proxy.ts');
    const proxy = world.closes(await openProxy({ target: world.server.port, source: node.address }));
    proxy.change({ leadsTo: () => gate.port });
    await restartInto(node, () =>
      edit(node.root, 'config.json', (config) => {
        config.proxy = `http://127.0.0.1:${proxy.port}`;
        config.noProxy = ['nothing.internal'];
      }),
    );
    await stage.judge(node);
    proxy.change({ leadsTo: () => world.server.port });
    await node.stop();
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'tls-version-or-cipher',
    cause: 'tls-version-or-cipher',
    gate: 'path',
    solution: 7,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const shown = await (await world.authority()).issue({ names: ['localhost'] });
    const old = world.closes(
      await openSecure(
        { shown, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
        wiki,
      ),
    );
    await astray(node, old.port);
    await stage.judge(node);
    await undo(stage, node);
  },
);

fault(
  {
    id: 'captive-portal-without-tls',
    cause: 'wrong-host-answers',
    gate: 'path',
    solution: 7,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const hotel = world.closes(await openPlain(portal));
    await astray(node, hotel.port);
    await stage.judge(node);
    await undo(stage, node);
  },
);

for (const [id, answering] of [
  ['captive-portal', portal],
  ['another-service-answers', wiki],
] as const)
  fault(
    {
      id,
      cause: 'wrong-host-answers',
      gate: 'path',
      solution: 7,
      node: 'proven',
      operator: 'blind',
      both: 'proven',
    },
    async (stage) => {
      const world = await stage.world();
      const node = await stage.node();
      const shown = await (await world.authority()).issue({ names: ['localhost'] });
      const other = world.closes(await openSecure({ shown }, answering));
      await astray(node, other.port);
      await stage.judge(node);
      await undo(stage, node);
    },
  );

fault(
  {
    id: 'gateway-error',
    cause: 'gateway-error',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const shown = await (await world.authority()).issue({ names: ['localhost'] });
    const gate = world.closes(
      await openReverse({
        shown,
        target: world.server.port,
        ca: world.server.ca(),
        source: node.address,
        status: 502,
      }),
    );
    await astray(node, gate.port);
    await stage.judge(node);
    await undo(stage, node);
  },
);

fault(
  {
    id: 'service-does-not-answer',
    cause: 'service-does-not-answer',
    gate: 'path',
    solution: 3,
    node: 'likely',
    both: 'likely',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const shown = await (await world.authority()).issue({ names: ['localhost'] });
    const mute = world.closes(await openSecure({ shown }, () => {}));
    await restartInto(node, () => node.way.change({ kind: 'astray', port: mute.port }), { fails: false });
    await stage.judge(node);
    await node.way.change({ kind: 'pass' });
    await node.stop();
    await node.start();
    await stage.mended(node);
  },
);

for (const websockets of ['strip', 'deny'] as const)
  fault(
    {
      id: `websocket-blocked-${websockets}`,
      cause: 'websocket-blocked',
      gate: 'path',
      solution: 3,
      node: 'proven',
      operator: 'blind',
      both: 'proven',
      fix: 'explained',
    },
    async (stage) => {
      const world = await stage.world();
      const node = await stage.node();
      const shown = await (await world.authority()).issue({ names: ['localhost'] });
      const gate = world.closes(
        await openReverse({
          shown,
          target: world.server.port,
          ca: world.server.ca(),
          source: node.address,
          websockets,
        }),
      );
      await node.stop();
      await node.way.change({ kind: 'astray', port: gate.port });
      const began = world.server.clock.now();
      await node.start({ online: false });
      await world.heard(node, began);
      await stage.judge(node, { stays: true });
      await undo(stage, node);
    },
  );

fault(
  {
    id: 'server-identity-changed',
    cause: 'server-identity-changed',
    gate: 'path',
    solution: 7,
    node: { cause: 'ca-missing', as: 'sure' },
    operator: 'likely',
    both: 'proven',
    decoyOf: ['ca-missing'],
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node();
    const { server } = world;
    const files = ['ca.crt', 'ca.key', 'server.crt', 'server.key'];
    await node.stop();
    await server.stop();
    const kept = files.map((name) => [name, readFileSync(join(server.data, name))] as const);
    for (const name of files) rmSync(join(server.data, name), { force: true });
    await server.start({ cutOffNodes: 1 });
    await node.start({ online: false });
    await world.refused(node, 'client-rejected-certificate', 'reset-after-certificate');
    await stage.judge(node);
    await server.stop();
    for (const [name, content] of kept) writeFileSync(join(server.data, name), content);
    await server.start();
    // The server's time was turned on for longer than signatures live: that they arrive is what the fix was for.
    await node.stop();
    await node.start({ online: false });
    await world.refused(node, 'signature-expired');
  },
);

fault(
  {
    id: 'server-certificate-expired',
    cause: 'server-certificate-expired',
    gate: 'path',
    solution: 7,
    // What the machine alone sees is a certificate out of its time.
    node: { cause: 'certificate-expired-or-not-yet-valid', as: 'sure' },
    operator: 'sure',
    both: 'sure',
    decoyOf: ['ca-missing', 'clock-skew'],
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const company = await world.company();
    const { server } = world;
    // A certificate of one's own, which nobody renews.
    const shown = await company.issue({
      names: ['localhost', '127.0.0.1', serverName],
      to: Date.now() + 9_000,
    });
    const files = { tlsCert: join(world.folder, 'own.crt'), tlsKey: join(world.folder, 'own.key') };
    writeFileSync(files.tlsCert, shown.chain);
    writeFileSync(files.tlsKey, shown.key);
    await server.stop();
    await server.start(files);
    const node = await stage.node({}, { ca: company.cert });
    await node.stop();
    await sleep(9_500);
    await node.start({ online: false });
    await world.refused(node, 'client-rejected-certificate', 'reset-after-certificate');
    await stage.judge(node);
  },
);

decoy(
  {
    id: 'middlebox-that-distrusts-us',
    cause: 'middlebox-distrusts-us',
    decoyOf: ['ca-missing'],
    operator: 'likely',
  },
  async (stage) => {
    const world = await stage.world();
    const site = '10.50.7.1';
    const node = await stage.node({ address: site });
    const same = await world.neighbours(6, site, { backOff: { first: 600_000, cap: 600_000 } });
    await world.neighbours(40, '10.50.8.1');
    await node.stop();
    await same.way.change({ kind: 'refuse' });
    await world.strangerRejects('10.50.7.1');
    await stage.judge(node);
  },
);

decoy(
  {
    id: 'scanner-on-a-former-lease',
    decoyOf: ['ca-missing'],
    operator: 'blind',
  },
  async (stage) => {
    const world = await stage.world();
    const node = await stage.node({ address: '10.50.6.2' });
    await node.stop();
    // The machine is off; somebody else has its address now, and looks at the server with curl.
    await world.strangerRejects(node.address);
    await stage.judge(node);
  },
);

export const tls = cases;

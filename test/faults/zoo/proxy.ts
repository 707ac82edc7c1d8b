/** Proxies: wanted and not there, there and not willing. */
import { openPart } from '../case.ts';
import { openProxy, type Proxy as WayOut } from '../middle/proxy.ts';
import { edit } from '../node/agent.ts';
import type { Node } from '../node/node.ts';
import type { Stage } from '../stage.ts';
import { restartInto } from './common.ts';

const { cases, fault } = openPart('proxy');

/** A node whose agent goes through a proxy; directly nothing is to be reached. */
async function proxied(stage: Stage, password = ''): Promise<{ node: Node; proxy: WayOut }> {
  const world = await stage.world();
  const node = await stage.node();
  const proxy = world.closes(await openProxy({ target: world.server.port, source: node.address }));
  await node.stop();
  setProxy(node, `http://${password}127.0.0.1:${proxy.port}`);
  await node.way.change({ kind: 'refuse' });
  await node.start();
  return { node, proxy };
}

function setProxy(node: Node, proxy: string | undefined, noProxy?: readonly string[]): void {
  edit(node.root, 'config.json', (config) => {
    config.proxy = proxy;
    // Ours reaches `localhost` directly unless something else is named.
    config.noProxy = noProxy ?? ['elsewhere.internal'];
  });
}

fault(
  {
    id: 'proxy-auth-required',
    cause: 'proxy-auth-required',
    gate: 'path',
    solution: 6,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const { node, proxy } = await proxied(stage);
    await restartInto(node, () => proxy.change({ password: 'zoo:secret' }));
    await stage.judge(node);
    await node.stop();
    setProxy(node, `http://zoo:secret@127.0.0.1:${proxy.port}`);
    await node.start();
    await stage.mended(node);
  },
);

for (const [id, status] of [
  ['proxy-blocks-host', 403],
  ['proxy-cannot-reach-host', 502],
] as const)
  fault(
    {
      id,
      cause: 'proxy-blocks-host',
      gate: 'path',
      solution: 6,
      node: 'proven',
      operator: 'blind',
      both: 'proven',
      fix: 'explained',
    },
    async (stage) => {
      const { node, proxy } = await proxied(stage);
      await restartInto(node, () => proxy.change({ refuse: () => status }));
      await stage.judge(node);
      proxy.change({});
      await stage.mended(node);
    },
  );

fault(
  {
    id: 'proxy-unreachable',
    cause: 'proxy-unreachable',
    gate: 'path',
    solution: 6,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
  },
  async (stage) => {
    const { node, proxy } = await proxied(stage);
    await restartInto(node, () => proxy.close());
    await stage.judge(node);
    await node.stop();
    await node.way.change({ kind: 'pass' });
    setProxy(node, undefined);
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'proxy-is-none',
    cause: 'proxy-unreachable',
    gate: 'path',
    solution: 6,
    node: 'proven',
    both: 'proven',
  },
  async (stage) => {
    const { node, proxy } = await proxied(stage);
    const world = await stage.world();
    // Something listens there, and it isn't a proxy.
    await restartInto(node, () => setProxy(node, `http://127.0.0.1:${world.server.port}`));
    await stage.judge(node);
    await node.stop();
    setProxy(node, `http://127.0.0.1:${proxy.port}`);
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'proxy-url-malformed',
    cause: 'proxy-url-malformed',
    solution: 6,
    node: 'sure',
    operator: 'blind',
    both: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const { node, proxy } = await proxied(stage);
    await restartInto(node, () => setProxy(node, `127.0.0.1:${proxy.port}`));
    await stage.judge(node);
    setProxy(node, `http://127.0.0.1:${proxy.port}`);
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'proxy-not-configured-for-service',
    cause: 'proxy-not-configured-for-service',
    gate: 'path',
    solution: 6,
    node: 'likely',
    operator: 'blind',
    both: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const { node, proxy } = await proxied(stage);
    const shell = { PATH: process.env.PATH, https_proxy: `http://127.0.0.1:${proxy.port}` };
    await restartInto(node, () => setProxy(node, undefined));
    await stage.judge(node, { look: { environment: shell } });
    await node.stop();
    setProxy(node, `http://127.0.0.1:${proxy.port}`);
    await node.start();
    await stage.mended(node);
  },
);

fault(
  {
    id: 'no-proxy-covers-the-server',
    cause: 'proxy-bypassed',
    gate: 'path',
    node: 'likely',
    both: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const { node, proxy } = await proxied(stage);
    await restartInto(node, () => setProxy(node, `http://127.0.0.1:${proxy.port}`, ['localhost']));
    await stage.judge(node);
    await node.stop();
    setProxy(node, `http://127.0.0.1:${proxy.port}`);
    await node.start();
    await stage.mended(node);
  },
);

export const proxy = cases;

/** A certificate of one's own whose intermediate one isn't shown: nodes have its root, and can't get from one to the other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPart } from '../case.ts';
import { serverName } from '../node/machine.ts';

const { cases, fault } = openPart('chain');

fault(
  {
    id: 'intermediate-certificate-missing',
    // The root may be missing on the node as well, for all that is shown: no more than likely, and no command.
    cause: 'ca-missing',
    gate: 'path',
    solution: 7,
    decoyOf: ['tls-inspection'],
    node: 'likely',
    // What the books tell is that the server shows something else than it did.
    operator: { cause: 'server-identity-changed', as: 'likely' },
    both: 'likely',
    fix: 'explained',
  },
  async (stage) => {
    const world = await stage.world();
    const company = await world.company();
    const { server } = world;
    const shown = await (await company.below('Example Corp Issuing CA')).issue({
      names: ['localhost', '127.0.0.1', serverName],
    });
    const whole = `${shown.chain}${company.cert}\n`;
    const files = {
      tlsCert: join(world.folder, 'own.crt'),
      tlsKey: join(world.folder, 'own.key'),
      askersTrust: whole,
    };
    writeFileSync(files.tlsCert, whole);
    writeFileSync(files.tlsKey, shown.key);
    await server.stop();
    await server.start(files);
    const node = await stage.node({}, { ca: company.cert });
    await node.stop();
    await server.stop();
    // It was renewed, and only the certificate itself was put there.
    writeFileSync(files.tlsCert, shown.cert);
    await server.start({ ...files, cutOffNodes: 1 });
    await node.start({ online: false });
    await world.refused(node, 'client-rejected-certificate', 'reset-after-certificate');
    await stage.judge(node);
    await node.stop();
    await server.stop();
    writeFileSync(files.tlsCert, whole);
    await server.start({ ...files, cutOffNodes: 1 });
    await node.start();
    await stage.mended(node);
  },
);

export const chain = cases;

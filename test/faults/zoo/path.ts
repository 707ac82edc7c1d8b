/** The way to the server: names, routes, connections. */
import { openPart } from '../case.ts';
import { serverName } from '../node/machine.ts';

const { cases, fault } = openPart('path');

fault(
  {
    id: 'tcp-refused',
    cause: 'tcp-refused',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    fix: 'explained',
  },
  async (stage) => {
    const node = await stage.node();
    await node.way.change({ kind: 'refuse' });
    await stage.judge(node);
    await node.way.change({ kind: 'pass' });
    await stage.mended(node);
  },
);

fault(
  {
    id: 'dns-fails',
    cause: 'dns-fails',
    gate: 'path',
    solution: 3,
    node: 'proven',
    operator: 'blind',
    both: 'proven',
    needs: ['root'],
  },
  async (stage) => {
    const world = await stage.world();
    const machine = await stage.machine();
    const dns = await world.dns();
    await machine.stop();
    dns.zone.set(serverName, 'no-such-name');
    await machine.start({ online: false });
    await stage.judge(machine);
    dns.zone.set(serverName, { addresses: ['10.77.0.1'] });
    await stage.mended(machine);
  },
);

export const path = cases;

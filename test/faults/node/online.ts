/** Whether a node is there, as anybody would see it who lists nodes. */
import type { ZooServer } from '../server.ts';
import { until } from '../until.ts';
import type { Started } from './agent.ts';

/** Waits until it is; throws with what its agent said when it isn't in time. */
export async function becomesOnline(
  server: ZooServer,
  nodeId: string,
  began: number,
  agent: Started,
  ms?: number,
): Promise<void> {
  try {
    await until(`${nodeId} is Online`, () => isOnline(server, nodeId, began), ms);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${agent.said()}`);
  }
}

/** Heard since `began` (the server's time), Online, with an open channel. */
export async function isOnline(server: ZooServer, nodeId: string, began: number): Promise<boolean> {
  for (const region of server.regions) {
    const admin = server.admin(region);
    const { InstanceInformationList: list } = await admin.ask('ssm:DescribeInstanceInformation', {
      Filters: [{ Key: 'InstanceIds', Values: [nodeId] }],
    });
    const node = list[0];
    if (!node) continue;
    const { Status } = await admin.ask('ssm:GetConnectionStatus', { Target: nodeId });
    // Times of the wire are cut off.
    const heard = node.LastPingDateTime * 1000 >= began - 1000;
    return heard && node.PingStatus === 'Online' && Status === 'connected';
  }
  return false;
}

/** For tests of the roster and of what builds on it. */
import type { TestContext } from 'node:test';
import { account, type NodesWorld, openNodesWorld, region, type WorldOptions } from '../nodes/testing.ts';
import { openRoster, type Roster } from './index.ts';

export { region };

/** What a test holds. */
export interface RosterWorld extends NodesWorld {
  readonly roster: Roster;
  /** Imports CSV as a source. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it gets.
  list(source: string, csv: string, more?: object): Promise<any>;
  /** A node that reports in under a host name and an address. */
  node(computerName: string, address?: string, peer?: string): Promise<string>;
}

/** Opens the roster with all that is to its left. */
export async function openRosterWorld(
  context: TestContext,
  options: WorldOptions = {},
): Promise<RosterWorld> {
  const world = await openNodesWorld(context, options);
  const { store, clock, presence, events } = world;
  const roster = openRoster({
    store,
    clock,
    account,
    regions: [region],
    presence,
    events,
    seal: (owner, text) => Buffer.from(`${owner}\n${text}`).toString('base64'),
    unseal(owner, sealed) {
      const [who, text] = Buffer.from(sealed, 'base64').toString().split('\n');
      return who === owner ? text : undefined;
    },
  });
  world.atEnd(() => roster.close());
  world.serve(roster.operations);
  return {
    ...world,
    roster,
    list: (Source, Text, more = {}) => world.call('ImportRoster', { Source, Format: 'csv', Text, ...more }),
    async node(ComputerName, IPAddress = '192.0.2.2', peer = '192.0.2.10') {
      const nodeId = await world.join();
      await world.beat(nodeId, { ComputerName, IPAddress }, peer);
      return nodeId;
    },
  };
}

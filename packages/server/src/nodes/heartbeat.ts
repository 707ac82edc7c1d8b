/**
 * `UpdateInstanceInformation`: the heartbeat. The hottest call of all: a node whose facts are as before
 * costs one line of a gathered statement, and the answer waits until that is on disk.
 */
import type { UpdateInstanceInformationInput, UpdateInstanceInformationOutput } from '@rollcall/wire';
import { type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import type { NodesRow, WriteTx } from '../store/index.ts';
import type { KnownNode } from './books.ts';
import type { NodesCore } from './core.ts';
import type { KnownRow } from './known-row.ts';
import { updateRegistered } from './queries.ts';
import { otherSeenAt, type Sighted, sight } from './sightings.ts';

type Changes = Partial<Omit<NodesRow, 'region' | 'node_id'>>;

/** After so long without the other machine, a clone counts as gone. */
const cloneForgottenAfter = 86_400_000;

/** Declares the heartbeat. Routine: it leaves no audit row. */
export function heartbeatOperation(core: NodesCore): AnyOperation {
  return operation<UpdateInstanceInformationInput, UpdateInstanceInformationOutput>({
    service: 'ssm',
    name: 'UpdateInstanceInformation',
    access: { by: 'own-node', action: 'ssm:UpdateInstanceInformation', node: (input) => input.InstanceId },
    changes: false,
    async handle(call, input) {
      const node = await core.books.find(input.InstanceId);
      if (!node?.identity.registered || node.row.region !== call.region) throw notExisting(input.InstanceId);
      const { changes, cloned } = changesOf(core, call, node, input);
      const ping = core.presence.ping(call.region, input.InstanceId, call.at, skewOf(call));
      if (Object.keys(changes).length > 0) await writeFacts(core, node, changes, cloned);
      node.period = (await ping) ?? node.period;
      return {};
    },
  });
}

/**
 * How far the caller's clock is ahead, by the time under its signature. That is cut off to the second, so half of
 * one is added: what is left is wrong by as much in both directions.
 */
function skewOf(call: Call): number | undefined {
  const signed = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(call.headers['x-amz-date'] ?? '');
  if (!signed) return undefined;
  const [year, month, day, hour, minute, second] = signed.slice(1).map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + 500 - call.at;
}

/** The node isn't there, or isn't any more. In AWS's words, which the official agent knows. */
export function notExisting(nodeId: string): Refusal {
  return new Refusal('InvalidInstanceId', `Not existing InstanceId ${nodeId}`, {
    knock: { reason: 'unknown-node', claim: nodeId },
  });
}

function changesOf(
  core: NodesCore,
  call: Call,
  node: KnownNode,
  input: UpdateInstanceInformationInput,
): { changes: Changes; cloned: boolean } {
  const { row } = node;
  const changes: Changes = {};
  const facts: Partial<NodesRow> = {
    agent_name: input.AgentName ?? null,
    agent_version: input.AgentVersion ?? null,
    platform_type: input.PlatformType ?? null,
    platform_name: input.PlatformName ?? null,
    platform_version: input.PlatformVersion ?? null,
    ip_address: input.IPAddress ?? null,
    computer_name: input.ComputerName ?? null,
    availability_zone: input.AvailabilityZone ?? null,
  };
  // The short form that agents send as a probe says nothing of the rest: what it leaves out stays.
  for (const name of Object.keys(facts) as (keyof KnownRow & keyof Changes)[]) {
    const value = facts[name];
    if (value !== null && value !== '' && value !== row[name]) Object.assign(changes, { [name]: value });
  }
  const trusts = core.trustOf(call);
  if (trusts !== undefined && trusts !== row.trusts) changes.trusts = trusts;
  const sighted = sightedIn(call, node, input);
  if (!sighted) return { changes, cloned: false };
  node.sightings = sighted.sightings;
  if (sighted.changed) {
    changes.sightings = JSON.stringify(sighted.sightings);
    changes.peer = call.source.address;
  }
  if (sighted.interleaved && row.clone_seen_at === null) changes.clone_seen_at = call.at;
  const other = otherSeenAt(sighted.sightings);
  if (row.clone_seen_at !== null && (other === undefined || other < call.at - cloneForgottenAfter)) {
    changes.clone_seen_at = null;
  }
  return { changes, cloned: sighted.interleaved && row.clone_seen_at === null };
}

function sightedIn(call: Call, node: KnownNode, input: UpdateInstanceInformationInput): Sighted | undefined {
  if (!input.ComputerName && !input.IPAddress) return undefined;
  const seen = {
    name: input.ComputerName ?? '',
    address: input.IPAddress ?? '',
    peer: call.source.address,
    at: call.at,
  };
  return sight(node.sightings, seen, 2 * node.period * 1000);
}

async function writeFacts(
  core: NodesCore,
  node: KnownNode,
  changes: Changes,
  cloned: boolean,
): Promise<void> {
  const { region, node_id: nodeId } = node.row;
  await core.store.write(async (tx: WriteTx) => {
    await updateRegistered(tx, region, nodeId, changes);
    if (cloned) {
      const [one, other] = node.sightings;
      await core.events?.record(tx, {
        region,
        kind: 'clone-seen',
        subject: nodeId,
        detail: `Two machines take turns under this id: ${one?.name} (${one?.address}) and ${other?.name} (${other?.address}).`,
      });
    }
    tx.afterCommit(() => core.books.forget(nodeId));
  });
}

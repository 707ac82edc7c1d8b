/**
 * A line of the roster that only its address joins to a node, while their host names differ: that node may be another
 * machine which has the address now. What is known of it then says nothing of the machine that is asked about.
 */
import type { Evidence, NodeRecord } from '../evidence/index.ts';

/** The evidence without what may be another machine's. */
export function ownEvidence(evidence: Evidence): Evidence {
  const { records, door, request, now, fleet } = evidence;
  const { machine, node } = records ?? {};
  if (!records || machine?.otherName === undefined || !node) return evidence;
  const { node: _, successor: __, ...rest } = records;
  // Asked for the node itself, or for whoever has the address: then it is the line of the roster that is left out.
  if (isAskedFor(node, machine.otherName, request?.asked)) {
    const { machine: ___, ...own } = records;
    return { ...evidence, records: own };
  }
  const listed = machine.addresses.filter((one) => one.to === undefined).map((one) => one.address);
  const address = [node.address, ...(node.sources ?? []).map((one) => one.address), ...listed].find(
    (one) => one !== undefined && listed.includes(one),
  );
  return {
    now,
    ...(request && { request }),
    records: {
      ...rest,
      machine: { ...machine, ...(isOtherHardware(evidence) && { isOther: true }) },
      addressUsers: [{ address: address ?? '?', nodeId: node.nodeId, at: node.lastPing ?? now }],
    },
    ...(door && { door: { knocks: door.knocks.filter(({ claim }) => claim !== node.nodeId) } }),
    ...(fleet && { fleet }),
  };
}

function isAskedFor(node: NodeRecord, host: string, asked = node.nodeId): boolean {
  const text = asked.toLowerCase();
  const [short] = text.split('.');
  const isAddress = /^[\d.]+$|:/.test(text);
  const names = [node.nodeId, node.name, host].flatMap((name) => name?.toLowerCase() ?? []);
  return isAddress || names.some((name) => name === text || name === short || name.split('.')[0] === text);
}

/** Whether the node's own word of its hardware contradicts what the roster lists. */
function isOtherHardware({ node, records }: Evidence): boolean {
  const listed = records?.machine?.hardware;
  if (!node || !listed) return false;
  const { systemUuid, macs } = node.host;
  if (listed.uuid !== undefined && systemUuid !== undefined)
    return plainOf(listed.uuid) !== plainOf(systemUuid);
  const own = macs.map(plainOf);
  return listed.macs.length > 0 && own.length > 0 && !listed.macs.some((mac) => own.includes(plainOf(mac)));
}

function plainOf(text: string): string {
  return text.toLowerCase().replace(/[^0-9a-f]/g, '');
}

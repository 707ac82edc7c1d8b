/** What our own books say: taken out of the list, replaced, or its address given to another. */
import { isCurrent, observe } from '../../facts/index.ts';
import { byOperator, slot } from '../../fixes/index.ts';
import { type Cause, excluded, type FixPlan, likely, proven, unknown } from '../cause.ts';

const machineReplaced: Cause = {
  id: 'machine-replaced',
  gate: 'scope',
  solution: null,
  breaks: 'listed',
  near: ['deregistered', 'machine-stopped'],
  decide({ records, request }) {
    if (!records) return unknown;
    const newer = records.successor;
    const old = records.node;
    if (!newer || !old) return excluded;
    if (newer.status !== 'Online' || newer.registeredAt <= old.registeredAt) return excluded;
    if (old.deregisteredAt === undefined && old.status === 'Online') return excluded;
    return proven(
      [
        observe('records', 'nodes', 'newer-node', `${newer.nodeId} ${newer.status}`, newer.registeredAt),
        observe('records', 'nodes', 'older-node', old.nodeId, old.lastPing ?? old.registeredAt),
      ],
      {
        newer: newer.nodeId,
        older: old.nodeId,
        since: String(newer.registeredAt),
        asked: request?.asked ?? old.nodeId,
      },
    );
  },
  en: {
    name: 'replaced by a newer node',
    because: 'the machine is registered anew',
    sentence: '{older} is of the past: the same machine or its successor is {newer}, Online.',
    explain: 'Use {newer}. The old entry goes with: rollcall node deregister {older}',
    about:
      'A newer node with the same name is Online: the machine was registered anew, or a scaling group replaced it. The old id will not come back.',
  },
  ja: {
    name: '新しいノードに置き換え済み',
    because: 'マシンが新しく登録し直されている',
    sentence: '{older} は過去のノードです。同じマシンまたは後継が {newer} として Online になっています。',
    explain: '{newer} を使ってください。古い登録は rollcall node deregister {older} で消せます。',
    about:
      '同じ名前の新しいノードが Online です。マシンが登録し直されたか、スケーリンググループが置き換えました。古い ID は戻りません。',
  },
};

const deregisteredInBulk: Cause = {
  id: 'deregistered-in-bulk',
  gate: 'scope',
  solution: null,
  breaks: 'listed',
  shared: true,
  near: ['deregistered', 'stale-hybrid-registration'],
  decide({ records }) {
    if (!records) return unknown;
    const bulk = records.bulkDeregistration;
    if (!bulk || bulk.count < 5 || records.node?.deregisteredAt === undefined) return excluded;
    return proven(
      [
        observe('records', 'audit', 'deregistered-by', bulk.by, bulk.from),
        observe('records', 'audit', 'deregistered-count', bulk.count, bulk.to),
      ],
      { count: String(bulk.count), by: bulk.by, since: String(bulk.from) },
    );
  },
  fix: ({ records }) => restoreFix(records?.node?.nodeId),
  en: {
    name: 'deregistered with many others',
    because: 'it was deregistered together with others: {count} nodes within minutes, by one identity',
    fix: 'puts this one node back, with the key that it had',
    explain: 'Ask whoever did it ({by}) first; then: rollcall node restore ID, for each of them.',
    about:
      'Five or more nodes were deregistered within ten minutes by the same identity: a script or a mistake, not the end of one machine.',
  },
  ja: {
    name: '一括で登録解除',
    because: '1 つの ID によって {count} 台のノードが数分のうちにまとめて登録解除された',
    fix: 'このノードだけを、元の鍵のまま一覧に戻します',
    explain:
      'まず実行した人（{by}）に確認し、その後ノードごとに rollcall node restore ID を実行してください。',
    about:
      '同じ ID が 10 分以内に 5 台以上のノードの登録を解除しました。1 台の撤去ではなく、スクリプトか誤操作です。',
  },
};

const deregistered: Cause = {
  id: 'deregistered',
  gate: 'scope',
  solution: null,
  breaks: 'listed',
  near: ['stale-hybrid-registration', 'thirty-day-hidden', 'machine-replaced', 'wrong-region'],
  decide({ records, attempts, now }) {
    if (!records) return unknown;
    const node = records.node;
    if (node?.deregisteredAt === undefined) return excluded;
    // It tries to come back, and is refused: that is what keeps it out now.
    const since = node.deregisteredAt;
    const triesAgain = attempts.some(
      (one) => one.reason.startsWith('activation-') && one.firstAt > since && isCurrent(one, now),
    );
    if (triesAgain) return unknown;
    return proven([observe('records', 'audit', 'deregistered-by', node.deregisteredBy ?? '?', since)], {
      by: node.deregisteredBy ?? '?',
      since: String(since),
    });
  },
  fix: ({ records }) => restoreFix(records?.node?.nodeId),
  en: {
    name: 'deregistered',
    because: 'it was deregistered at {since:time} by {by}',
    fix: 'puts the node back, with the key that it had',
    explain: 'To bring it back with the key that it had: rollcall node restore ID.',
    about:
      'The node was taken out of the list and its keys were revoked. Its agent goes on trying and is refused. The audit trail says who did it.',
  },
  ja: {
    name: '登録解除',
    because: '{since:time} に {by} が登録を解除した',
    fix: 'ノードを元の鍵のまま一覧に戻します',
    explain: '元の鍵のまま戻すには、rollcall node restore ID を実行してください。',
    about:
      'ノードは一覧から外され、鍵も無効になりました。エージェントは接続を試み続け、拒否されます。誰が行ったかは監査記録にあります。',
  },
};

const addressReused: Cause = {
  id: 'address-reused',
  gate: 'scope',
  solution: null,
  breaks: 'listed',
  near: ['machine-replaced', 'wrong-region'],
  decide({ records, row, node }) {
    if (!records) return unknown;
    const machine = records.machine;
    if (!machine || node) return excluded;
    if (row && machine.joinedBy !== undefined && machine.joinedBy !== 'address') return excluded;
    const addresses = machine.addresses.filter((one) => one.to === undefined).map((one) => one.address);
    const user = (records.addressUsers ?? []).find(
      (one) => addresses.includes(one.address) && one.nodeId !== records.node?.nodeId,
    );
    if (!user) return excluded;
    const seen = [observe('records', 'nodes', 'address-user', `${user.address} ${user.nodeId}`, user.at)];
    const parameters = { address: user.address, other: user.nodeId };
    if (machine.isOther) {
      const listed = machine.hardware?.uuid ?? machine.hardware?.macs.join(' ') ?? '?';
      return proven([...seen, observe('records', 'roster', 'hardware', listed)], parameters);
    }
    // Another name is no proof: rosters call machines by names that these don't have themselves.
    return machine.otherName === undefined ? likely('address-is-a-lease', seen, parameters) : unknown;
  },
  en: {
    name: 'address now used by another node',
    because: 'its address {address} belongs to {other} now, so the roster no longer leads to it',
    explain:
      'Correct the address in the source of the roster, or give the machine a key that stays (id, UUID, MAC).',
    about: 'The roster knows the machine only by an address, and another node signs from that address now.',
  },
  ja: {
    name: 'アドレスが別のノードに移った',
    because: 'アドレス {address} を今は {other} が使っていて、名簿から本来のマシンをたどれない',
    explain: '名簿の元データのアドレスを直すか、変わらないキー（ID、UUID、MAC）を付けてください。',
    about: '名簿ではアドレスだけがマシンの手がかりですが、そのアドレスからは今、別のノードが署名しています。',
  },
};

function restoreFix(nodeId: string | undefined): FixPlan | undefined {
  const restore = byOperator('rollcall', 'node', 'restore', slot('nodeId', nodeId));
  const undo = byOperator('rollcall', 'node', 'deregister', slot('nodeId', nodeId));
  return restore && undo && { risk: 'guarded', commands: [restore], undo: [undo], withinSeconds: 60 * 60 };
}

export const books: readonly Cause[] = [machineReplaced, deregisteredInBulk, deregistered, addressReused];

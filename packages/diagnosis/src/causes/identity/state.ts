/** The agent's own state: damaged, of another machine, of another time. */

import type { Facts } from '../../facts/index.ts';
import { attemptFor, lineSaying, observe, observeAttempt, observeLine } from '../../facts/index.ts';
import { type Cause, excluded, type Finding, likely, proven, unknown } from '../cause.ts';

const unreadable = /permission|EACCES|EPERM|not readable|can(no|')t be (read|opened)|denied/i;
const runtime = /runtimeconfig|identity_config/i;

/** What is wrong with the files, in the words of whoever looked; kinds are told apart by these words. */
function byDamage(facts: Facts, isKind: (words: string) => boolean, saying: RegExp): Finding {
  const { node, agent } = facts;
  if (!node || !agent) return unknown;
  // An agent that keeps two generations goes on with the other one.
  const words =
    agent.identity?.damage?.filter((text) => isKind(text) && !/the one before it is whole/.test(text)) ?? [];
  const line = lineSaying(facts, saying);
  if (words.length === 0 && !line) return agent.identity ? excluded : unknown;
  return proven(
    [
      ...words.slice(0, 2).map((text) => observe('node', 'agent', 'damage', text, node.at)),
      ...(line ? [observeLine(line)] : []),
    ],
    { what: words[0] ?? line?.text ?? '?' },
  );
}

const runtimeconfigStale: Cause = {
  id: 'runtimeconfig-stale',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['vault-corrupt', 'golden-image-with-vault'],
  decide: (facts) =>
    byDamage(
      facts,
      (text) => runtime.test(text),
      /(failed|unable) to (load|read|parse).*(runtimeconfig|identity_config)/i,
    ),
  en: {
    name: 'runtime state from another life',
    because: "its agent's runtimeconfig is damaged or from another life ({what})",
    explain: 'Stop the agent, move /var/lib/amazon/ssm/runtimeconfig aside, start it again: it is made anew.',
    about:
      'The folder runtimeconfig tells the worker who it is. Baked into an image, or cut off by a full disk, it misleads the agent.',
  },
  ja: {
    name: '古い runtimeconfig',
    because: 'エージェントの runtimeconfig が壊れているか、以前の環境のもののままである（{what}）',
    explain:
      'エージェントを止め、/var/lib/amazon/ssm/runtimeconfig を別の場所へ移してから起動してください。新しく作られます。',
    about:
      'runtimeconfig フォルダーはワーカーに身元を伝えます。イメージに含まれていたり、ディスク不足で途中で切れたりすると、エージェントを誤らせます。',
  },
};

const vaultUnreadable: Cause = {
  id: 'vault-unreadable',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['vault-corrupt', 'agent-wrong-user', 'read-only-filesystem'],
  decide(facts) {
    const finding = byDamage(
      facts,
      (text) => unreadable.test(text) && !runtime.test(text),
      /failed to set permission for vault|vault.*permission denied/i,
    );
    // Whoever looks without being root finds it unreadable on every machine.
    return finding.state === 'confirmed' && facts.node?.privileged === false ? unknown : finding;
  },
  en: {
    name: "agent can't read its key",
    because: 'its agent may not read its own key ({what})',
    explain: 'Give the folder back to root with mode 0600 for its files, and restart the agent.',
    about:
      'Owner or mode of the folder with the registration changed: after a restore, a hardening script, or a start as another user.',
  },
  ja: {
    name: '鍵を読む権限がない',
    because: 'エージェントが自分の鍵を読めない（{what}）',
    explain:
      'フォルダーの所有者を root に、ファイルのモードを 0600 に戻し、エージェントを再起動してください。',
    about:
      '登録情報のフォルダーの所有者かモードが、復元、強化スクリプト、別ユーザーでの起動などで変わっています。',
  },
};

const vaultCorrupt: Cause = {
  id: 'vault-corrupt',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['vault-unreadable', 'runtimeconfig-stale', 'disk-full'],
  decide: (facts) =>
    byDamage(
      facts,
      (text) =>
        !unreadable.test(text) && !runtime.test(text) && !/RegistrationKey does not exist/i.test(text),
      /failed to unmarshal vault manifest|data file of [^ ]+ is missing|failed to read data file for|failed to load vault/i,
    ),
  en: {
    name: "agent's state is damaged",
    because: "the state that holds its agent's key is damaged ({what})",
    explain:
      'Put the folder back from a backup of this machine if there is one; else register anew with a fresh activation. Keep the damaged folder until then.',
    about:
      'Files of the registration are cut off, missing or no valid content: a full disk or a power cut while they were written.',
  },
  ja: {
    name: 'エージェントの状態の破損',
    because: 'エージェントの鍵を保存した状態ファイルが壊れている（{what}）',
    explain:
      'このマシンのバックアップがあれば元に戻し、なければ新しいアクティベーションで登録し直してください。それまで壊れたフォルダーは残しておきます。',
    about:
      '登録情報のファイルが途中で切れているか、欠けているか、内容が正しくありません。書き込み中のディスク不足や停電が原因です。',
  },
};

const cloned: Cause = {
  id: 'cloned-machine',
  gate: 'identity',
  solution: null,
  breaks: 'working',
  near: ['snapshot-rollback', 'fingerprint-changed', 'double-agent'],
  decide({ row, records, agent, node }) {
    const clone = row?.clone ?? records?.node?.clone;
    if (clone)
      return proven(
        clone.sightings.slice(0, 3).map((text) => observe('records', 'nodes', 'seen-as', text, clone.at)),
        { count: String(Math.max(2, clone.sightings.length)), nodeId: records?.node?.nodeId ?? '?' },
      );
    if (agent?.identity?.witness?.same === false) {
      const { witness } = agent.identity;
      return likely(
        'moved-or-copied',
        [observe('node', 'agent', 'key-saved-on', witness.machineId ?? '?', node?.at)],
        {
          count: '2',
          nodeId: agent.identity.nodeId ?? '?',
        },
      );
    }
    return records?.node || agent?.identity?.witness ? excluded : unknown;
  },
  en: {
    name: 'two machines with one identity',
    because: '{count} machines use the one identity {nodeId}: a copy was started',
    explain:
      'Give the copy (not the original) an identity of its own: a new machine-id, its registration cleared, enrolled with a fresh activation. Be sure which is which first.',
    about:
      'Signed calls of one node come in turns from two sets of facts (A, B, A) within two periods. A rename, a new lease or a restored snapshot changes once, and is no copy.',
  },
  ja: {
    name: '同じ ID を使う 2 台のマシン',
    because: '{count} 台のマシンが 1 つの ID {nodeId} を使っている（複製が起動された）',
    explain:
      '元のマシンではなく複製のほうに、新しい machine-id を付け、登録を消して、新しいアクティベーションで登録してください。先にどちらが複製かを確かめます。',
    about:
      '1 つのノードの署名付き呼び出しが、2 周期のうちに 2 種類の特徴で交互（A、B、A）に届いています。名前の変更、新しいリース、スナップショットの復元は 1 度しか変わらず、複製ではありません。',
  },
};

const fingerprintChanged: Cause = {
  id: 'fingerprint-changed',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['cloned-machine', 'snapshot-rollback', 'stale-hybrid-registration'],
  decide(facts) {
    const { node, agent } = facts;
    const print = agent?.identity?.fingerprint;
    const refused = attemptFor(facts, 'fingerprint-changed');
    const line = lineSaying(
      facts,
      /MachineFingerprintDoesNotMatch|hardware ID.*has changed|changed more than the allowed threshold/i,
    );
    const changed = print?.changed ?? [];
    const parameters = { fields: changed.map(({ field }) => field).join(', ') || '?' };
    const seen = [
      ...changed
        .slice(0, 3)
        .map(({ field, was, is }) => observe('node', 'agent', field, `${was} -> ${is}`, node?.at)),
      ...(refused ? [observeAttempt(refused)] : []),
      ...(line ? [observeLine(line)] : []),
    ];
    if (line || (refused && refused.proof === 'proven')) return proven(seen, parameters);
    if (print && !print.matches) return proven(seen, parameters);
    if (refused) return likely('only-claimed', seen, parameters);
    return print ? excluded : unknown;
  },
  en: {
    name: 'hardware fingerprint changed',
    because: 'its hardware is another than the one that was registered (changed: {fields})',
    explain:
      'If the change was meant, register it anew with a fresh activation; if not, put the value back. To keep it from happening: the similarity threshold of the official agent.',
    about:
      'The agent proves with a digest of hardware facts that it still runs where it was registered. Too many of them changed, or the machine-id did. It tries again every 25 to 30 minutes.',
  },
  ja: {
    name: 'ハードウェアの指紋の変化',
    because: 'ハードウェアの情報が登録時と異なる（変わった項目: {fields}）',
    explain:
      '意図した変更なら新しいアクティベーションで登録し直し、そうでなければ値を元に戻してください。再発は公式エージェントの類似度のしきい値で防げます。',
    about:
      'エージェントは、登録時と同じ場所で動いていることをハードウェア情報の要約値で示します。変化が多すぎるか machine-id が変わりました。25〜30 分ごとに再試行します。',
  },
};

const keyRotation: Cause = {
  id: 'key-rotation-broken',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['snapshot-rollback', 'vault-corrupt', 'stale-hybrid-registration'],
  decide(facts) {
    if (!facts.node || !facts.agent) return unknown;
    const line = lineSaying(facts, /roll-?back remove public key change|verify neither new nor old key/i);
    if (!line) return facts.agent.log ? excluded : unknown;
    return proven([observeLine(line)]);
  },
  en: {
    name: 'change of the key broke off',
    because: "its agent's change of key broke off halfway, and neither key is accepted",
    explain: 'Register it anew with a fresh activation (rollcall activation create).',
    about: 'The log says that a change of the private key could be neither finished nor taken back.',
  },
  ja: {
    name: '鍵の更新の中断',
    because: 'エージェントの鍵の更新が途中で止まり、新旧どちらの鍵も受け付けられない',
    explain: '新しいアクティベーションで登録し直してください（rollcall activation create）。',
    about: '秘密鍵の更新を完了も取り消しもできなかったと、ログに記録されています。',
  },
};

const snapshotRollback: Cause = {
  id: 'snapshot-rollback',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['cloned-machine', 'key-rotation-broken', 'fingerprint-changed'],
  decide(facts) {
    const { records } = facts;
    const refused = attemptFor(facts, 'node-signature-mismatch');
    if (!facts.door) return unknown;
    if (!refused) return excluded;
    // Anybody can name this node. Only from where the node itself used to come does the attempt say something.
    const sources = records?.node?.sources ?? [];
    if (!sources.some(({ address }) => address === refused.address)) return unknown;
    return likely('only-claimed', [observeAttempt(refused)], {
      nodeId: refused.claim ?? records?.node?.nodeId ?? '?',
    });
  },
  en: {
    name: 'restored from an older state',
    because: 'it signs with a key that the server no longer accepts, as after a restore from a snapshot',
    explain:
      'If the machine was restored, register it anew with a fresh activation (rollcall activation create).',
    about:
      'From where the node used to come, somebody signs in its name with another key: the state of the agent is older than its last change of key.',
  },
  ja: {
    name: '古い状態からの復元',
    because: 'スナップショットから復元したときのように、サーバーが受け付けなくなった鍵で署名している',
    explain:
      'マシンを復元したのであれば、新しいアクティベーションで登録し直してください（rollcall activation create）。',
    about:
      'このノードがいつも使っていた場所から、別の鍵による署名が届いています。エージェントの状態が、最後の鍵の更新より古くなっています。',
  },
};

export const state: readonly Cause[] = [
  runtimeconfigStale,
  vaultUnreadable,
  vaultCorrupt,
  cloned,
  fingerprintChanged,
  keyRotation,
  snapshotRollback,
];

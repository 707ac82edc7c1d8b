/** The gates: their names, and what is said of one that was passed or could not be seen. Parts between `|`. */
import type { Gate } from '../verdict.ts';
import type { Both } from './language.ts';

export const gateNames: Readonly<Record<Gate, Both>> = {
  scope: { en: 'Scope', ja: '見る場所' },
  machine: { en: 'Machine', ja: 'マシン' },
  agent: { en: 'Agent', ja: 'エージェント' },
  identity: { en: 'Identity', ja: '登録情報' },
  path: { en: 'Path', ja: '通信' },
  authorization: { en: 'Permitted', ja: '権限' },
  freshness: { en: 'Fresh', ja: '待機状態' },
};

/** A part whose slots aren't all known is left out; `{slot?words}` are words that stand only if the slot is known. */
export const gateTexts: Readonly<Record<string, Both>> = {
  scope: { en: 'region {region}|at {server}', ja: 'リージョン {region}|接続先 {server}' },
  machine: {
    en: '{os}|up {uptime:span}|{free} % of disk free|clock {skew:skew}',
    ja: '{os}|稼働 {uptime:span}|ディスクの空き {free} %|時計のずれ {skew:skew}',
  },
  'machine-partly': {
    en: '{os}|up {uptime:span}|clock {skew:skew}|disks were not looked at',
    ja: '{os}|稼働 {uptime:span}|時計のずれ {skew:skew}|ディスクは未確認',
  },
  agent: {
    en: '{agent}|as {user}|{enabled?starts at boot}|{restarts} restarts',
    ja: '{agent}|{user} で稼働中|{enabled?自動起動は有効}|再起動 {restarts} 回',
  },
  'agent-partly': { en: '{agent}|its processes could not be seen', ja: '{agent}|プロセスは未確認' },
  identity: {
    en: 'the one that it registered with|{nodeId}|since {since:time}',
    ja: '登録したときのまま|{nodeId}|登録 {since:time}',
  },
  'identity-partly': { en: 'its registration could not be read', ja: '登録情報を読み取れない' },
  'no-agent': { en: 'no agent was found', ja: 'エージェントが見つからない' },
  'no-registration': {
    en: 'no registration was found on the machine',
    ja: 'マシンに登録情報が見つからない',
  },
  registering: { en: 'not registered yet; it tries to', ja: '未登録。登録を試みている' },
  path: {
    en: 'name > route > TCP > TLS > HTTP, {count} of {count} endpoints|{ms} ms|{direct?no proxy}|proxy {proxy}',
    ja: '名前解決 > 経路 > TCP > TLS > HTTP、エンドポイント {count}/{count}|{ms} ミリ秒|{direct?プロキシなし}|プロキシ {proxy}',
  },
  'path-partly': { en: 'was not tried to the end', ja: '最後までは試していない' },
  authorization: {
    en: 'last signed call accepted {at:time}',
    ja: '最後の署名付き呼び出しは {at:time} に受理',
  },
  freshness: {
    en: 'last heartbeat {heartbeat:time}|channel open since {channel:time}|{polling?commands by polling}',
    ja: '最後のハートビート {heartbeat:time}|チャネルは {channel:time} から接続中|{polling?コマンドはポーリング}',
  },
  'by-heartbeat': { en: 'heartbeats arrive, so this is in order', ja: 'ハートビートが届いているので正常' },
  'by-call': {
    en: 'its signed call arrived {at:time} from {address}',
    ja: '署名付き呼び出しが {at:time} に {address} から到達',
  },
  'not-seen': { en: "can't be seen from here", ja: 'ここからは見えない' },
};

export const notTried: Both = { en: 'not tried', ja: '未確認' };
export const needs: Both = { en: '(needs {gate})', ja: '（{gate}が先）' };

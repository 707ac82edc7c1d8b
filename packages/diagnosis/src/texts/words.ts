/** Words of the frame around a verdict: titles, answers, marks of risk, reasons for doubt. */
import type { Both } from './language.ts';

export const titles = {
  listed: { en: 'In the list?', ja: '一覧に出るか' },
  pickable: { en: 'Can be picked?', ja: '選択できるか' },
  working: { en: 'Will it work?', ja: '使えるか' },
  seen: { en: 'Seen', ja: '確認した事実' },
  likely: { en: 'Likely', ja: '確度' },
  ruledOut: { en: 'Ruled out', ja: '除外した原因' },
  inside: { en: 'Inside', ja: '内部の確認' },
  next: { en: 'Look next', ja: '次の確認' },
  nextTry: { en: 'Next try', ja: '次の試行' },
  fix: { en: 'Fix', ja: '直し方' },
  undo: { en: 'undo', ja: '元に戻すには' },
  expect: { en: 'Expect', ja: '実行後' },
  warning: { en: 'Note', ja: '補足' },
  docs: { en: 'More', ja: '詳細' },
} as const satisfies Readonly<Record<string, Both>>;

export const answers = {
  yes: { en: 'yes', ja: 'はい' },
  no: { en: 'no', ja: 'いいえ' },
  unknown: { en: 'not known', ja: '不明' },
} as const satisfies Readonly<Record<string, Both>>;

export const risks = {
  safe: { en: 'safe', ja: '安全' },
  guarded: { en: 'guarded', ja: '要確認' },
  manual: { en: 'by hand', ja: '手動' },
} as const satisfies Readonly<Record<string, Both>>;

/** Behind the first answer, by how the node stands. */
export const standings = {
  online: { en: 'Online, heartbeat {heartbeat:ago}', ja: 'Online、ハートビートは {heartbeat:ago}' },
  lost: { en: 'as Connection Lost since {since:time}', ja: '{since:time} から Connection Lost' },
  lostAlways: { en: 'as Connection Lost, never reported in', ja: 'Connection Lost（報告は一度もない）' },
  hidden: { en: 'hidden: lost since {since:time}', ja: '非表示（{since:time} から途絶）' },
  deregistered: { en: 'deregistered {since:time}', ja: '{since:time} に登録解除' },
  elsewhere: { en: 'not here; yes in {region}', ja: 'ここにはなく {region} にある' },
  absent: { en: '', ja: '' },
} as const satisfies Readonly<Record<string, Both>>;

export const channelOpen: Both = {
  en: 'channel open for {channel:age}',
  ja: 'チャネルは {channel:age}前から接続中',
};
export const waitsBut: Both = {
  en: 'but commands will wait and sessions will fail',
  ja: 'ただしコマンドは待たされ、セッションは失敗します',
};
export const forDocument: Both = { en: 'for {document}', ja: '{document} の対象として' };

/** "NAME isn't in the list because …": the head of the sentence, by how the node stands and how sure it is. */
export const heads = {
  absent: {
    en: "{name} isn't in the list because {because}.",
    ja: '{name} が一覧にないのは、{because}ためです。',
  },
  lost: {
    en: '{name} is lost because {because}.',
    ja: '{name} が Connection Lost なのは、{because}ためです。',
  },
  hidden: {
    en: '{name} is hidden from the list because {because}.',
    ja: '{name} が一覧に表示されないのは、{because}ためです。',
  },
  working: {
    en: "{name} is in the list, but won't work: {because}.",
    ja: '{name} は一覧にありますが使えません。{because}ためです。',
  },
  picked: {
    en: "{name} can't be picked because {because}.",
    ja: '{name} を選択できないのは、{because}ためです。',
  },
  soon: {
    en: '{name} is about to be lost: {because}.',
    ja: '{name} はまもなく Connection Lost になります。{because}ためです。',
  },
  unknown: {
    en: "{name} can't report in because {because}.",
    ja: '{name} から報告が届かないのは、{because}ためです。',
  },
} as const satisfies Readonly<Record<string, Both>>;

export const likelyHeads = {
  absent: {
    en: "{name} probably isn't in the list because {because}.",
    ja: '{name} が一覧にないのは、{because}ためと考えられます。',
  },
  lost: {
    en: '{name} is probably lost because {because}.',
    ja: '{name} が Connection Lost なのは、{because}ためと考えられます。',
  },
  hidden: {
    en: '{name} is probably hidden from the list because {because}.',
    ja: '{name} が一覧に表示されないのは、{because}ためと考えられます。',
  },
  working: {
    en: "{name} is in the list, but probably won't work: {because}.",
    ja: '{name} は一覧にありますが、おそらく使えません。{because}ためと考えられます。',
  },
  picked: {
    en: "{name} probably can't be picked because {because}.",
    ja: '{name} を選択できないのは、{because}ためと考えられます。',
  },
  soon: {
    en: '{name} will probably be lost soon: {because}.',
    ja: '{name} はまもなく Connection Lost になるおそれがあります。{because}ためです。',
  },
  unknown: {
    en: "{name} probably can't report in because {because}.",
    ja: '{name} から報告が届かないのは、{because}ためと考えられます。',
  },
} as const satisfies Readonly<Record<keyof typeof heads, Both>>;

export const wellSentence: Both = { en: 'Nothing to do.', ja: '対応は不要です。' };
export const intendedSentence: Both = {
  en: 'Nothing to do: {because}.',
  ja: '対応は不要です。{because}ためです。',
};
export const pendingSentence: Both = {
  en: '{name} is on its way: it is younger than 5 min, and nothing was refused.',
  ja: '{name} は準備中です。起動または登録から 5 分未満で、拒否された試行はありません。',
};
export const pendingNext: Both = {
  en: 'It should be there by {to:time}. To watch: rollcall wait {name}',
  ja: '{to:time} までに一覧に出るはずです。確認: rollcall wait {name}',
};
export const unclearSentence: Both = {
  en: "Why {name} isn't there is not known yet: nothing that was seen is wrong.",
  ja: '{name} が一覧にない理由はまだ分かりません。確認できた範囲に異常はありません。',
};
export const unclearLost: Both = {
  en: 'Why {name} is lost is not known yet. Its agent or machine may have stopped, or the way between may be cut.',
  ja: '{name} が Connection Lost になった理由はまだ分かりません。エージェントかマシンが止まったか、途中の通信が切れている可能性があります。',
};
/** It counts as Online, and its channel is closed. */
export const unclearOnline: Both = {
  en: '{name} is still listed as Online, but its command channel is closed; why is not known yet.',
  ja: '{name} はまだ Online と表示されていますが、コマンド用チャネルは閉じています。理由はまだ分かりません。',
};
export const unclearHere: Both = {
  en: 'Nothing wrong was found on {name}; whether it is in the list only the server knows.',
  ja: '{name} に異常は見つかりませんでした。一覧にあるかどうかはサーバーでしか分かりません。',
};
export const expectOnline: Both = {
  en: 'Online within {within:span}. To watch: rollcall wait {name}',
  ja: '{within:span}以内に Online になります。確認: rollcall wait {name}',
};
export const unclearAddress: Both = {
  en: "Whether {name} is there isn't known: its address {address} now belongs to {host}, which is another name.",
  ja: '{name} があるかどうかは分かりません。アドレス {address} を今は別の名前の {host} が使っています。',
};
export const insideNow: Both = {
  en: 'its own agent looked at the machine {at:ago}',
  ja: 'エージェント自身がマシンを {at:ago}に確認',
};
export const insideBefore: Both = {
  en: 'its own agent last looked at the machine {at:ago}: no proof of now',
  ja: 'エージェント自身の最後の確認は {at:ago}。現在の証明にはなりません',
};
export const expectCheck: Both = {
  en: 'the gate "{gate}" passes. To check: rollcall why {name}',
  ja: '「{gate}」が正常になります。確認: rollcall why {name}',
};
export const between: Both = {
  en: 'between {from:time} and {to:time}',
  ja: '{from:time} から {to:time} の間',
};
export const atTime: Both = { en: 'at {from:time}', ja: '{from:time}' };
export const solution: Both = { en: '{id}, solution {number}', ja: '{id}（解決策 {number}）' };
export const likelyMark: Both = { en: ', likely', ja: '、おそらく' };
export const stopsHere: Both = { en: 'stops here', ja: 'ここで停止' };
export const fine: Both = { en: 'ok', ja: '正常' };
export const sides = {
  node: { en: 'node', ja: 'ノード' },
  door: { en: 'server', ja: 'サーバー' },
  records: { en: 'server', ja: 'サーバー' },
  request: { en: 'request', ja: '要求' },
} as const satisfies Readonly<Record<string, Both>>;

/** Why a verdict is only likely. */
export const doubts: Readonly<Record<string, Both>> = {
  'unknown-before': {
    en: 'something before it could not be seen',
    ja: 'その手前に確認できないものがあります',
  },
  'only-claimed': {
    en: 'nothing proves who made the attempt: its name was only claimed',
    ja: '試行の主を証明するものがなく、名乗っただけです',
  },
  'only-address': {
    en: 'the attempt is tied to it by its address only',
    ja: '試行との結び付きがアドレスだけです',
  },
  'address-is-a-lease': {
    en: 'an address is a lease: it may have been passed on',
    ja: 'アドレスは貸し出されるもので、移った可能性があります',
  },
  'by-elimination': {
    en: 'everything else that shows this way was excluded',
    ja: '同じ症状になるほかの原因を除外した結果です',
  },
  'by-correlation': {
    en: 'so do others at the same time; the cause itself was not seen',
    ja: 'ほかのノードと同時に起きていますが、原因そのものは見ていません',
  },
  'by-comparison': {
    en: 'it follows from comparing with other nodes',
    ja: 'ほかのノードとの比較による判断です',
  },
  'by-amount': {
    en: 'the amount speaks for it; no failure was seen',
    ja: '量からの判断で、失敗そのものは見ていません',
  },
  'by-issuer': { en: "the issuer's name speaks for it", ja: '発行者の名前からの判断です' },
  'by-time': {
    en: 'the times fit; the node itself was not looked at',
    ja: '時刻が一致していますが、ノード自体は見ていません',
  },
  'issuer-unknown': {
    en: 'the server was not asked which authority is its own',
    ja: 'サーバー本来の認証局を確認できていません',
  },
  'shown-alone': {
    en: 'the server shows its certificate alone: its intermediate one may be missing there, rather than the root here',
    ja: 'サーバーが自分の証明書だけを示しており、ルートではなく中間証明書の不足かもしれません',
  },
  'store-unknown': {
    en: 'which store the agent reads was not seen for sure',
    ja: 'エージェントの参照先を確実には確認できていません',
  },
  'clock-alone': {
    en: "no third clock was asked: the server's own could be the wrong one",
    ja: '第三の時計と比べておらず、サーバー側の時計が誤っている可能性もあります',
  },
  'clock-unknown': {
    en: "the machine's clock could not be compared",
    ja: 'マシンの時計を比較できていません',
  },
  'not-seen-on-node': { en: 'the node itself was not looked at', ja: 'ノード自体は見ていません' },
  'two-answers': { en: 'two sources of names answer differently', ja: '2 つの名前解決の答えが異なります' },
  'rule-and-failure': {
    en: 'a rule fits and the connection fails; that one causes the other was not seen',
    ja: '該当する規則があり接続も失敗していますが、因果関係は見ていません',
  },
  'denial-and-stopped': {
    en: 'a denial was logged and the agent is down; that one causes the other was not seen',
    ja: '拒否の記録がありエージェントも停止していますが、因果関係は見ていません',
  },
  'proxy-untried': {
    en: 'the way through that proxy was not tried',
    ja: 'そのプロキシ経由では試していません',
  },
  'server-or-way': {
    en: 'it may be the server or something on the way',
    ja: 'サーバーか途中の装置かは分かりません',
  },
  'still-through': {
    en: 'its last heartbeat was in time; it will show when the next one is due',
    ja: '直近のハートビートは間に合っていて、次の報告の時刻に表面化します',
  },
  'shared-by-many': {
    en: 'many nodes have the same: look at what they share first',
    ja: '多くのノードに共通です。まず共有しているものを確認してください',
  },
  'age-unknown': {
    en: 'when the machine was started is not known: it may be on its way',
    ja: 'マシンの起動時刻が不明で、準備中かもしれません',
  },
  'some-unseen': { en: 'some processes could not be seen', ja: '確認できないプロセスがありました' },
  'no-earlier-sign': {
    en: 'nothing shows that the agent ever ran',
    ja: 'エージェントが動いた形跡がありません',
  },
  'no-time': { en: 'the time of what was seen is not known', ja: '発生時刻が不明です' },
  'one-moment': { en: 'it was seen at one moment only', ja: '一瞬の状態しか見ていません' },
  'worker-waits': {
    en: 'a worker is not started while the agent waits for credentials',
    ja: '認証情報の待機中はワーカーが起動しないことがあります',
  },
  'moved-or-copied': {
    en: 'the disk may have been moved, not copied',
    ja: 'ディスクの複製ではなく移動かもしれません',
  },
  'default-role-possible': {
    en: 'default host management could give it credentials',
    ja: 'デフォルトホスト管理から認証情報を得られる可能性があります',
  },
  'names-differ': {
    en: 'only the address joins them; a UUID or MAC in the roster would decide it',
    ja: '結び付きはアドレスだけです。ロスターに UUID か MAC があれば判断できます',
  },
  'seen-before': {
    en: 'it was so when the agent last looked; how it is now, nobody saw',
    ja: 'エージェントが最後に確認した時点の状態で、現在の状態は見ていません',
  },
  'way-is-free': { en: 'the way is free by now', ja: '現在は通信できます' },
};

/** What to look at next. */
export const nextSteps: Readonly<Record<string, Both>> = {
  'doctor-on-node': {
    en: 'on the machine: sudo rollcall doctor (or from here: rollcall why {name} --via ssh://HOST)',
    ja: 'マシン上で sudo rollcall doctor（ここからは rollcall why {name} --via ssh://HOST）',
  },
  'as-root': {
    en: "the same as root: without it some things can't be seen",
    ja: 'root で再実行（root でないと見えないものがあります）',
  },
  'ask-server': {
    en: 'what the server knows of it: rollcall why {name}',
    ja: 'サーバー側の情報: rollcall why {name}',
  },
  'agent-log': {
    en: 'the log of the agent, which was not found',
    ja: 'エージェントのログ（見つかりませんでした）',
  },
  wait: { en: 'wait', ja: '待つ' },
};

/** Observed values that are words of ours, not somebody's text. */
export const values: Readonly<Record<string, Both>> = {
  open: { en: 'open', ja: '接続中' },
  closed: { en: 'closed', ja: '切断' },
  'closed-by-node': { en: "closed from the node's side", ja: 'ノード側から切断' },
  'closed-by-silence': { en: 'closed: nothing came over it any more', ja: '応答が途絶えて切断' },
  'closed-by-server': { en: 'closed with the server', ja: 'サーバーの停止で切断' },
  'closed-by-unknown': { en: 'closed', ja: '切断' },
  'not-running': { en: 'not running', ja: '稼働していない' },
};

/** Words for how a layer ended. */
export const errors: Readonly<Record<string, Both>> = {
  timeout: { en: 'no answer in time', ja: '時間内に応答なし' },
  reset: { en: 'cut off', ja: '切断' },
  refused: { en: 'refused', ja: '拒否' },
  unreachable: { en: 'no way there', ja: '経路なし' },
  denied: { en: 'forbidden', ja: '禁止' },
  failed: { en: 'failed', ja: '失敗' },
  prohibited: { en: 'prohibited by a route', ja: '経路で禁止' },
  'not-found': { en: 'name not known', ja: '名前が未登録' },
  'no-address': { en: 'name has no address', ja: 'アドレスなし' },
  temporary: { en: 'resolver could not say', ja: 'リゾルバーが答えられない' },
  malformed: { en: 'written wrongly', ja: '書式の誤り' },
  'not-a-proxy': { en: 'no proxy answers there', ja: 'プロキシではない' },
  'auth-required': { en: 'wants a password (407)', ja: '認証が必要（407）' },
  'bad-gateway': { en: 'proxy does not reach it', ja: 'プロキシから届かない' },
  'refused-connect': { en: 'proxy refuses CONNECT', ja: 'プロキシが CONNECT を拒否' },
  untrusted: { en: 'certificate not trusted here', ja: '証明書を信頼できない' },
  expired: { en: 'certificate has expired', ja: '証明書の期限切れ' },
  'not-yet-valid': { en: 'certificate is not valid yet', ja: '証明書がまだ有効でない' },
  'wrong-name': { en: 'certificate is for another name', ja: '証明書の名前が違う' },
  'protocol-version': { en: 'no common version', ja: '共通のバージョンなし' },
  'handshake-failure': { en: 'no common cipher', ja: '共通の暗号なし' },
  'not-tls': { en: 'does not speak TLS', ja: 'TLS ではない' },
  'no-store': { en: 'store of roots not readable', ja: 'ストアを読めない' },
  'wrong-host': { en: 'another service answers', ja: '別のサービスが応答' },
  'captive-portal': { en: 'a portal answers', ja: 'ポータルが応答' },
  stripped: { en: 'upgrade was stripped', ja: '切り替えが取り除かれた' },
};

export const layerNames: Readonly<Record<string, Both>> = {
  name: { en: 'name', ja: '名前解決' },
  route: { en: 'route', ja: '経路' },
  tcp: { en: 'TCP', ja: 'TCP' },
  proxy: { en: 'proxy', ja: 'プロキシ' },
  tls: { en: 'TLS', ja: 'TLS' },
  http: { en: 'HTTP', ja: 'HTTP' },
  websocket: { en: 'websocket', ja: 'WebSocket' },
};

/** What was seen of the server's own machine, weighed and put into words. Pure. */
import type { EndpointEvidence } from '@rollcall/diagnosis';
import type { SelfEvidence } from '@rollcall/probes';
import type { Language } from '../language.ts';
import type { Mark, Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { padTo, widthOf } from '../output/width.ts';
import { isOver, problemText } from '../why/server-problem.ts';

/** All that is known. */
export interface SelfFacts {
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly seen: SelfEvidence;
  readonly answer: { readonly ms: number } | { readonly error: string };
  readonly publicUrls?: readonly string[];
  /** What the server says is wrong with itself. */
  readonly problems?: readonly { readonly Cause: string; readonly Detail: string }[];
  /** When a backup was last made; null: never. Absent: nobody knows. */
  readonly backupAt?: number | null;
}

/** One thing that was looked at. */
export interface SelfRow {
  readonly id:
    | 'answers'
    | 'addresses'
    | 'certificate'
    | 'clock'
    | 'disk'
    | 'writes'
    | 'files'
    | 'backup'
    | 'server';
  readonly state: Exclude<Mark, 'skipped'>;
  /** What was seen. Names and addresses in it are untrusted. */
  readonly text: string;
  /** What to do. */
  readonly next?: string;
}

const minute = 60_000;
const day = 86_400_000;
const mib = 1_048_576;

/** Weighs it: what stops the server, or soon will, is `no`; what an operator should know, `warning`. */
export function rowsOf(facts: SelfFacts, lang: Language): SelfRow[] {
  const say = words[lang];
  return [
    answers(facts, say),
    ...addresses(facts, say),
    certificate(facts.seen, say),
    clock(facts.seen, say),
    disk(facts.seen, say),
    writes(facts.seen, say),
    files(facts.seen, say),
    backup(facts, say),
    ...(facts.problems ?? []).map(
      (problem): SelfRow => ({
        id: 'server',
        state: isOver(problem) ? 'warning' : 'no',
        text: `${problem.Cause}: ${problemText(problem, lang)}`,
      }),
    ),
  ];
}

function answers({ url, answer }: SelfFacts, say: Words): SelfRow {
  if ('error' in answer) return { id: 'answers', state: 'no', text: say.silent(url, answer.error) };
  return { id: 'answers', state: 'yes', text: say.answers(url, Math.round(answer.ms)) };
}

function addresses({ seen, url }: SelfFacts, say: Words): SelfRow[] {
  return seen.endpoints
    .filter((endpoint) => endpoint.url.replace(/\/$/, '') !== url)
    .map((endpoint): SelfRow => {
      const broken = brokenLayer(endpoint);
      return broken === undefined
        ? { id: 'addresses', state: 'yes', text: say.reached(endpoint.url) }
        : { id: 'addresses', state: 'no', text: say.notReached(endpoint.url, broken), next: say.publicUrl };
    });
}

const layers = ['name', 'route', 'tcp', 'proxy', 'tls', 'http', 'websocket'] as const;

function brokenLayer(endpoint: EndpointEvidence): string | undefined {
  for (const name of layers) {
    const layer = endpoint[name];
    if (layer && !layer.ok) return [name, layer.error, layer.detail].filter(Boolean).join(', ');
  }
  return undefined;
}

function certificate({ certificate: shown }: SelfEvidence, say: Words): SelfRow {
  const days = shown?.daysLeft;
  if (days === undefined) return { id: 'certificate', state: 'unknown', text: say.noCertificate };
  if (days < 0) return { id: 'certificate', state: 'no', text: say.expired(-days), next: say.restart };
  const state = days < 14 ? 'warning' : 'yes';
  return { id: 'certificate', state, text: say.daysLeft(days), ...(days < 14 && { next: say.restart }) };
}

function clock({ clock: seen }: SelfEvidence, say: Words): SelfRow {
  const asked = seen.sources.filter((source) => 'aheadMs' in source).length;
  const silent = seen.sources.length - asked;
  const compared = seen.aheadMs === undefined ? '' : say.compared(seen.aheadMs / 1000, asked);
  const kept = seen.synchronized === undefined ? '' : say.synchronized(seen.synchronized, seen.service);
  const missed = silent > 0 ? say.notAsked(silent) : '';
  const text = [kept, compared, missed].filter(Boolean).join(say.comma);
  if (seen.aheadMs !== undefined && Math.abs(seen.aheadMs) > minute)
    return { id: 'clock', state: 'no', text, next: say.setClock };
  if (seen.synchronized === false && seen.aheadMs === undefined)
    return { id: 'clock', state: 'warning', text, next: say.setClock };
  if (text === '') return { id: 'clock', state: 'unknown', text: say.noClock };
  return {
    id: 'clock',
    state: seen.synchronized === undefined && seen.aheadMs === undefined ? 'unknown' : 'yes',
    text,
  };
}

function disk({ disk: room, storeBytes }: SelfEvidence, say: Words): SelfRow {
  if (!room) return { id: 'disk', state: 'unknown', text: say.noDisk };
  const percent = Math.floor((room.freeBytes / room.totalBytes) * 100);
  const text = say.room(
    Math.round(room.freeBytes / mib),
    percent,
    storeBytes === undefined ? undefined : Math.ceil(storeBytes / mib),
  );
  const full = room.freeBytes < 512 * mib || percent < 3;
  const noInodes = room.totalInodes > 0 && room.freeInodes < room.totalInodes * 0.01;
  if (full || noInodes)
    return {
      id: 'disk',
      state: 'no',
      text: noInodes && !full ? say.inodes(room.freeInodes) : text,
      next: say.makeRoom,
    };
  return { id: 'disk', state: percent < 10 ? 'warning' : 'yes', text };
}

function writes({ fsync }: SelfEvidence, say: Words): SelfRow {
  if (fsync === undefined) return { id: 'writes', state: 'unknown', text: say.noWrites };
  if ('error' in fsync) return { id: 'writes', state: 'no', text: say.cantWrite(fsync.error) };
  const text = say.writes(fsync.medianMs, fsync.worstMs);
  return { id: 'writes', state: fsync.medianMs > 100 ? 'warning' : 'yes', text };
}

function files({ openFiles }: SelfEvidence, say: Words): SelfRow {
  if (!openFiles) return { id: 'files', state: 'unknown', text: say.noFiles };
  const { count, limit } = openFiles;
  const text = say.files(count, limit);
  if (count > limit * 0.9) return { id: 'files', state: 'no', text, next: say.raiseFiles };
  // Every node holds one: the limit is what a fleet grows against.
  return { id: 'files', state: count > limit * 0.7 ? 'warning' : 'yes', text };
}

function backup({ backupAt, now }: SelfFacts, say: Words): SelfRow {
  if (backupAt === undefined) return { id: 'backup', state: 'unknown', text: say.noBackupKnown };
  if (backupAt === null)
    return { id: 'backup', state: 'warning', text: say.neverBackup, next: say.makeBackup };
  const age = Math.floor((now - backupAt) / day);
  return age > 7
    ? { id: 'backup', state: 'warning', text: say.backup(age), next: say.makeBackup }
    : { id: 'backup', state: 'yes', text: say.backup(age) };
}

/** The page. */
export function selfLines(
  facts: SelfFacts,
  rows: readonly SelfRow[],
  lang: Language,
  tookMs: number,
  screen: Screen,
): string[] {
  const say = words[lang];
  const widest = Math.max(...Object.values(say.names).map(widthOf));
  const seconds = `${(tookMs / 1000).toFixed(1)} ${say.seconds}`;
  const title = screen.text(facts.url, 60);
  const lines = [title + padTo(seconds, 66 - widthOf(title), 'right'), ''];
  for (const row of rows) {
    const indent = ' '.repeat(widthOf(screen.mark(row.state).replaceAll(colours, '')) + 1 + widest + 2);
    const [first = '', ...rest] = wrap(screen.text(row.text, 600), indent);
    lines.push(
      `${screen.mark(row.state)} ${padTo(say.names[row.id], widest)}  ${first.trimStart()}`,
      ...rest,
    );
    if (row.next !== undefined) lines.push(...wrap(row.next, indent));
  }
  const bad = rows.filter(({ state }) => state === 'no').length;
  const warned = rows.filter(({ state }) => state === 'warning').length;
  return [...lines, '', bad ? say.bad(bad) : warned ? say.warned(warned) : say.well];
}

const colours = /\u001b\[\d*m/g;

interface Words {
  readonly names: Record<SelfRow['id'], string>;
  readonly comma: string;
  readonly seconds: string;
  answers(url: string, ms: number): string;
  silent(url: string, error: string): string;
  reached(url: string): string;
  notReached(url: string, why: string): string;
  readonly publicUrl: string;
  readonly noCertificate: string;
  expired(days: number): string;
  daysLeft(days: number): string;
  readonly restart: string;
  compared(ahead: number, sources: number): string;
  synchronized(is: boolean, by: string | undefined): string;
  notAsked(count: number): string;
  readonly noClock: string;
  readonly setClock: string;
  readonly noDisk: string;
  room(mib: number, percent: number, store: number | undefined): string;
  inodes(count: number): string;
  readonly makeRoom: string;
  readonly noWrites: string;
  cantWrite(error: string): string;
  writes(median: number, worst: number): string;
  readonly noFiles: string;
  files(count: number, limit: number): string;
  readonly raiseFiles: string;
  readonly noBackupKnown: string;
  readonly neverBackup: string;
  backup(days: number): string;
  readonly makeBackup: string;
  bad(count: number): string;
  warned(count: number): string;
  readonly well: string;
}

const number = (value: number) => value.toLocaleString('en-US');
const signed = (seconds: number) => `${seconds > 0 ? '+' : ''}${seconds.toFixed(1)}`;

const words: Record<Language, Words> = {
  en: {
    names: {
      answers: 'Answers',
      addresses: 'Address',
      certificate: 'Certificate',
      clock: 'Clock',
      disk: 'Disk',
      writes: 'Writes',
      files: 'Files',
      backup: 'Backup',
      server: 'Server',
    },
    comma: ', ',
    seconds: 's',
    answers: (url, ms) => `${url} in ${ms} ms`,
    silent: (url, error) => `${url} doesn't: ${error}`,
    reached: (url) => `${url} is reached from here, websocket included`,
    notReached: (url, why) => `${url} isn't reached from here: ${why}`,
    publicUrl: 'Nodes are told this address. Is it right? rollcall up --public-url',
    noCertificate: 'not seen: nothing answered with one',
    expired: (days) => `expired ${days} days ago`,
    daysLeft: (days) => `${days} days left`,
    restart: 'A restart renews it; your own has to be replaced (--tls-cert).',
    compared: (ahead, sources) =>
      `${signed(ahead)} s against ${sources === 1 ? '1 other' : `${sources} others`}`,
    synchronized: (is, by) => (is ? `synchronized${by ? ` by ${by}` : ''}` : 'not synchronized'),
    notAsked: (count) => `${count} could not be asked`,
    noClock: 'nobody says whether it is right; compare: --clock URL',
    setClock: 'Signed calls are refused at 300 s: timedatectl set-ntp true',
    noDisk: 'not seen',
    room: (mib, percent, store) =>
      `${number(mib)} MiB free (${percent} %)${store === undefined ? '' : `, the store has ${number(store)} MiB`}`,
    inodes: (count) => `${number(count)} inodes free`,
    makeRoom: 'Make room: a full disk stops everything that is written.',
    noWrites: 'not seen',
    cantWrite: (error) => `the data folder can't be written: ${error}`,
    writes: (median, worst) => `safe on disk in ${median} ms, at worst ${worst} ms`,
    noFiles: 'not seen: no process of this folder, or not its user',
    files: (count, limit) => `${number(count)} of ${number(limit)} open; each node holds one`,
    raiseFiles: 'Raise it: LimitNOFILE= of the service, or ulimit -n',
    noBackupKnown: 'not known: the server did not say',
    neverBackup: 'none was ever made, as far as the records go back',
    backup: (days) => (days === 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`),
    makeBackup: 'Make one: rollcall backup FILE',
    bad: (count) =>
      `${count === 1 ? '1 thing is' : `${count} things are`} wrong with the server itself. Before any node is blamed, mend that.`,
    warned: (count) =>
      `The server is healthy; ${count === 1 ? '1 thing is' : `${count} things are`} worth a look.`,
    well: 'The server is healthy.',
  },
  ja: {
    names: {
      answers: '応答',
      addresses: '公開アドレス',
      certificate: '証明書',
      clock: '時計',
      disk: 'ディスク',
      writes: '書き込み',
      files: 'ファイル数',
      backup: 'バックアップ',
      server: 'サーバー',
    },
    comma: '、',
    seconds: '秒',
    answers: (url, ms) => `${url} から ${ms} ミリ秒`,
    silent: (url, error) => `${url} が応答しない: ${error}`,
    reached: (url) => `${url} にここから到達（websocket も正常）`,
    notReached: (url, why) => `${url} にここから届かない: ${why}`,
    publicUrl: 'ノードにはこのアドレスが伝わります。正しいですか: rollcall up --public-url',
    noCertificate: '未確認。証明書が返ってこない',
    expired: (days) => `${days} 日前に期限切れ`,
    daysLeft: (days) => `残り ${days} 日`,
    restart: '再起動で更新されます。独自の証明書は差し替えが必要です（--tls-cert）。',
    compared: (ahead, sources) => `ほかの ${sources} 台との差 ${signed(ahead)} 秒`,
    synchronized: (is, by) => (is ? `同期済み${by ? `（${by}）` : ''}` : '同期していない'),
    notAsked: (count) => `${count} 台は応答なし`,
    noClock: '正しいかどうか不明。比較するには --clock URL',
    setClock: '300 秒ずれると署名付きの呼び出しは拒否されます: timedatectl set-ntp true',
    noDisk: '未確認',
    room: (mib, percent, store) =>
      `空き ${number(mib)} MiB（${percent} %）${store === undefined ? '' : `、ストアは ${number(store)} MiB`}`,
    inodes: (count) => `空き inode ${number(count)}`,
    makeRoom: '空きを作ってください。満杯になると書き込みがすべて止まります。',
    noWrites: '未確認',
    cantWrite: (error) => `データフォルダーに書き込めない: ${error}`,
    writes: (median, worst) => `ディスクへの確定に ${median} ミリ秒、最悪 ${worst} ミリ秒`,
    noFiles: '未確認。このフォルダーのプロセスがないか、別のユーザー',
    files: (count, limit) => `上限 ${number(limit)} のうち ${number(count)} を使用。ノードごとに 1 つ`,
    raiseFiles: '上限を上げてください: サービスの LimitNOFILE=、または ulimit -n',
    noBackupKnown: '不明。サーバーから聞けない',
    neverBackup: '記録の残る範囲では一度も作られていない',
    backup: (days) => (days === 0 ? '今日' : `${days} 日前`),
    makeBackup: '作るには: rollcall backup FILE',
    bad: (count) => `サーバー自身に ${count} 件の異常があります。ノードを疑う前に直してください。`,
    warned: (count) => `サーバーは正常です。確認したほうがよい点が ${count} 件あります。`,
    well: 'サーバーは正常です。',
  },
};

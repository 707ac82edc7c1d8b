/** What the server says is wrong with itself: how grave it is, and in the reader's language where it is known. */
import type { WhyAllOutput } from '@rollcall/wire';
import type { Language } from '../language.ts';
import type { Wire } from '../wire.ts';

/** One of them. */
export type ServerProblem = Wire<WhyAllOutput>['Server'][number];

/** Whether it is over: worth knowing, since agents may still wait because of it, and nothing is to be mended. */
export function isOver({ Cause }: Pick<ServerProblem, 'Cause'>): boolean {
  return Cause === 'server-was-away';
}

/** The server's sentence. It says it in English; of its known ones the figures are put into another language. */
export function problemText({ Cause, Detail }: ServerProblem, lang: Language): string {
  const known = lang === 'ja' ? japanese[Cause] : undefined;
  const figures = known?.form.exec(Detail);
  return known && figures ? known.say(...figures.slice(1).map(unitInJapanese)) : Detail;
}

const japanese: Readonly<Record<string, { readonly form: RegExp; say(...figures: string[]): string }>> = {
  'server-was-away': {
    form: /for (\d+ \w+) of the last hour/,
    say: (time) => `直近 1 時間に ${time}停止していました。エージェントは再試行待ちかもしれません。`,
  },
  'server-clock-wrong': {
    form: /clock is (\d+ s) (ahead|behind), by those of (\d+) nodes/,
    say: (time, way, nodes) =>
      `ノード ${nodes} 台の時計と比べ、サーバーの時計が ${time}${way === 'ahead' ? '進んで' : '遅れて'}います。`,
  },
  'certificate-expired': {
    form: /expired (\d+ \w+) ago/,
    say: (time) => `証明書は ${time}前に期限切れになりました。`,
  },
  'certificate-expires': {
    form: /expires in (\d+ \w+)/,
    say: (time) => `証明書はあと ${time}で期限切れになります。`,
  },
  'many-lost-at-once': {
    form: /^(\d+) of (\d+) nodes/,
    say: (lost, all) =>
      `15 分の間に ${all} 台中 ${lost} 台が途絶えました。原因はこのサーバーの近くでしょう。`,
  },
  'disk-full': {
    form: /has (\d+) MiB left/,
    say: (room) => `データのあるディスクの空きは ${room} MiB です。`,
  },
  'inodes-full': {
    form: /has (\d+) inodes left/,
    say: (count) => `データのあるディスクの空き inode は ${count} です。`,
  },
};

const units: Readonly<Record<string, string>> = { s: '秒', min: '分', h: '時間', days: '日' };

function unitInJapanese(figure: string): string {
  return figure.replace(/ (s|min|h|days)$/, (_, unit: string) => `\u00a0${units[unit]}`);
}

/**
 * How a machine that belongs to nobody yet looks from the server: its address there, its clock against the
 * server's, and what something on the way has added. The server tells strangers this, and nothing of its records.
 */
import { lookAt } from '../enroll/door.ts';
import type { Language } from '../language.ts';
import type { Screen } from '../output/screen.ts';

/** The members of the server's answer that are shown. */
interface Echo {
  readonly now: number;
  readonly address: string;
  readonly serverName?: string;
  readonly onTheWay: Readonly<Record<string, string>>;
}

/** What the server says; nothing when it says nothing, which the path's own layers explain better. */
export async function echoLines(
  url: string,
  now: () => number,
  lang: Language,
  screen: Screen,
): Promise<string[]> {
  // Nothing here is trusted or acted on, so it may come from whoever answers.
  const began = now();
  const door = await lookAt({ url, untrusted: true }, '/echo').catch(() => undefined);
  const echo = door?.status === 200 ? readEcho(door.body) : undefined;
  if (!echo) return [];
  const ahead = Math.round(((began + now()) / 2 - echo.now) / 1000);
  const address = screen.text(echo.address, 60);
  const added = Object.keys(echo.onTheWay).map((name) => screen.text(name, 40));
  return lang === 'ja'
    ? [
        '',
        `サーバーから見たこのマシン  ${address}（時計の差 ${signed(ahead)} 秒）`,
        ...(added.length ? [`途中で加わったヘッダー      ${added.join('、')}`] : []),
        'サーバーは、未登録のマシンに記録を見せません。',
      ]
    : [
        '',
        `Seen from the server   ${address}, clock ${signed(ahead)} s`,
        ...(added.length ? [`Added on the way       ${added.join(', ')}`] : []),
        'A server shows no records to a machine that has not registered there.',
      ];
}

function signed(seconds: number): string {
  return seconds > 0 ? `+${seconds}` : String(seconds);
}

function readEcho(body: string): Echo | undefined {
  try {
    const value = JSON.parse(body) as Partial<Echo>;
    const { now, address, onTheWay } = value;
    if (typeof now !== 'number' || typeof address !== 'string') return undefined;
    return { now, address, onTheWay: typeof onTheWay === 'object' && onTheWay !== null ? onTheWay : {} };
  } catch {
    return undefined;
  }
}

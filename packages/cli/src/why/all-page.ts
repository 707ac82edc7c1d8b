/** Everybody who should be there, on one page: how many are, and for those that aren't each cause once. Pure. */

import { causeOf, type Verdict } from '@rollcall/diagnosis';
import type { WhyAllOutput } from '@rollcall/wire';
import { atData, dataWords } from '../at-data.ts';
import { nameLines } from '../commands/names.ts';
import { quote } from '../env/shell.ts';
import type { Language } from '../language.ts';
import { commandLines } from '../output/command.ts';
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { padTo, widthOf } from '../output/width.ts';
import type { Wire } from '../wire.ts';
import { isOver, problemText } from './server-problem.ts';

/** How to write it. */
export interface PageOptions {
  readonly lang: Language;
  /** All members that are known, not only the first two lines of them. */
  readonly verbose: boolean;
  /** The reader's clock. */
  readonly now: number;
  readonly tookMs: number;
}

type All = Wire<WhyAllOutput>;
type Group = All['Groups'][number];

const columns = 80;
const minute = 60_000;
const day = 86_400_000;

/** Its lines, none wider than the page but for a command that can't be broken. */
export function allLines(all: All, options: PageOptions, screen: Screen): string[] {
  const say = words[options.lang];
  return [
    countsLine(all, say),
    ...serverLines(all, options, say, screen),
    ...rosterLines(all, options, say, screen),
    ...groupLines(all, options, say, screen),
    '',
    ...notCounted(all, say),
    lastLine(all, options, say),
  ];
}

function countsLine({ Counts }: All, say: Words): string {
  const parts = [
    [Counts.Expected, say.expected],
    [Counts.There, say.there],
    [Counts.Missing, say.missing],
    [Counts.Lost, say.lost],
    [Counts.Hidden, say.hidden],
    [Counts.Unclear, say.unclear],
  ] as const;
  return parts
    .filter(([count], index) => index < 2 || count > 0)
    .map(([count, word]) => `${number(count)} ${word}`)
    .join('   ');
}

function serverLines({ Server }: All, { lang }: PageOptions, say: Words, screen: Screen): string[] {
  return [
    Server.every(isOver) ? say.healthy : say.unhealthy,
    ...Server.flatMap((problem) => [
      `${plainMark(isOver(problem) ? 'warning' : 'no', screen)} ${screen.text(problem.Cause, 70)}`,
      ...wrap(screen.text(problemText(problem, lang), 300), '    '),
    ]),
  ];
}

/** Without the colour, which is added to whole lines later. */
function plainMark(mark: 'no' | 'warning', screen: Screen): string {
  if (mark === 'warning') return '[!]';
  return screen.utf8 ? '[✗]' : '[X]';
}

function rosterLines({ Sources, At }: All, { now }: PageOptions, say: Words, screen: Screen): string[] {
  if (Sources.length === 0) return [say.noRoster, `  rollcall roster import${atData()} FILE`];
  const readable = Sources.filter((source) => source.Error === undefined);
  const ages = readable.map((source) =>
    say.age(
      screen.text(source.Source, 30),
      source.ReadAt === undefined ? undefined : span(At * 1000 - source.ReadAt * 1000, say),
    ),
  );
  return [
    ...(ages.length ? wrap(say.roster(ages.join(say.comma))) : []),
    ...Sources.filter((source) => source.Error !== undefined).flatMap((source) => [
      `${plainMark('warning', screen)} ${say.unreadable(screen.text(source.Source, 30), source.Machines, since(source.FailingSince, now, say))}`,
      ...wrap(screen.text(source.Error, 200), '    '),
    ]),
  ];
}

function groupLines({ Groups }: All, options: PageOptions, say: Words, screen: Screen): string[] {
  if (Groups.length === 0) return [];
  const widest = Math.max(...Groups.map((group) => number(group.Count).length), 1);
  const causes = Groups.map((group) => causeWords(group, say, screen));
  const whens = Groups.map((group) => since(group.Since, options.now, say));
  const causeWidth = Math.max(widthOf(say.cause), ...causes.map(widthOf));
  const whenWidth = Math.max(widthOf(say.since), ...whens.map(widthOf));
  const head = `  ${padTo('N', widest, 'right')}  ${padTo(say.cause, causeWidth)}  ${padTo(say.since, whenWidth)}  ${say.first}`;
  return [
    '',
    head,
    ...Groups.flatMap((group, index) => {
      const start = `  ${padTo(number(group.Count), widest, 'right')}  ${padTo(causes[index] ?? '', causeWidth)}  ${padTo(whens[index] ?? '', whenWidth)}`;
      return oneGroup(group, start, ' '.repeat(widest + 4), options, screen);
    }),
  ];
}

function oneGroup(
  group: Group,
  start: string,
  indent: string,
  options: PageOptions,
  screen: Screen,
): string[] {
  const first = firstThing(group, screen);
  const besides = widthOf(start) + 2 + widthOf(first) <= columns;
  const names = group.Members.map((member) => member.Name || member.InstanceId || '');
  const title = group.Cause === undefined ? undefined : causeOf(group.Cause)?.[options.lang].name;
  const rows = options.verbose ? Number.POSITIVE_INFINITY : 2;
  // The answer may name fewer than there are.
  const unnamed = group.Count - names.length;
  return [
    besides ? `${start}  ${first}` : start.trimEnd(),
    ...(besides ? [] : commandLines(first, indent)),
    ...(title === undefined ? [] : wrap(title, indent)),
    ...nameLines(names, screen, { indent, rows }),
    ...(unnamed > 0 ? [`${indent}${words[options.lang].andMore(unnamed)}`] : []),
  ];
}

function causeWords(group: Group, say: Words, screen: Screen): string {
  if (group.Cause === undefined) return say.unknown;
  return screen.text(group.Cause, 40) + (group.Confidence === 'likely' ? ` ${say.likely}` : '');
}

/**
 * What an operator does first: the command of the fix where it runs here, else the question about one of them,
 * which has the rest.
 */
function firstThing(group: Group, screen: Screen): string {
  const { fix } = JSON.parse(group.Verdict) as Verdict;
  const [command] = fix?.commands ?? [];
  if (command?.where === 'operator' && fix?.risk !== 'manual')
    return screen.text(
      [...command.argv, ...(command.argv[0] === 'rollcall' ? dataWords() : [])]
        .map((word) => quote(word, 'sh'))
        .join(' '),
      400,
    );
  const [member] = group.Members;
  // An id, or a machine with its source, can't stand for two; a name can.
  const name = member?.InstanceId ?? member?.Machine ?? member?.Name ?? '';
  return screen.text(`rollcall why${atData()} ${quote(name, 'sh')}`, 200);
}

function notCounted({ Counts }: All, say: Words): string[] {
  const parts = [
    [Counts.Off, say.off],
    [Counts.Retired, say.retired],
    [Counts.InMaintenance, say.maintenance],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${number(count)} ${word}`);
  return [
    ...(said.length ? wrap(say.notCounted(said.join(say.comma))) : []),
    ...(Counts.Pending > 0 ? wrap(say.pending(Counts.Pending)) : []),
  ];
}

function lastLine({ Groups }: All, { tookMs }: PageOptions, say: Words): string {
  const all = Groups.reduce((sum, group) => sum + group.Count, 0);
  const explained = Groups.filter((group) => group.Cause !== undefined);
  const count = explained.reduce((sum, group) => sum + group.Count, 0);
  const text = all === 0 ? say.nobody : say.explained(explained.length, count, all);
  return text + padTo(`${(tookMs / 1000).toFixed(1)} ${say.seconds}`, 66 - widthOf(text), 'right');
}

/** When it began: the time today, days within a month, else the date. */
function since(at: number | undefined, now: number, say: Words): string {
  if (at === undefined) return '';
  const date = new Date(at * 1000);
  const age = now - date.getTime();
  if (age < day) return `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (age < 30 * day) return say.days(Math.floor(age / day));
  return say.date(date);
}

function span(ms: number, say: Words): string {
  if (ms < 2 * minute) return say.now;
  if (ms < 120 * minute) return say.minutes(Math.floor(ms / minute));
  return ms < 2 * day ? say.hours(Math.floor(ms / (60 * minute))) : say.days(Math.floor(ms / day));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}

interface Words {
  readonly expected: string;
  readonly there: string;
  readonly missing: string;
  readonly lost: string;
  readonly hidden: string;
  readonly unclear: string;
  readonly healthy: string;
  readonly unhealthy: string;
  readonly noRoster: string;
  roster(ages: string): string;
  age(source: string, age: string | undefined): string;
  unreadable(source: string, machines: number, since: string): string;
  readonly comma: string;
  readonly cause: string;
  readonly since: string;
  readonly first: string;
  readonly unknown: string;
  readonly likely: string;
  andMore(count: number): string;
  readonly off: string;
  readonly retired: string;
  readonly maintenance: string;
  notCounted(list: string): string;
  pending(count: number): string;
  readonly nobody: string;
  explained(causes: number, count: number, all: number): string;
  readonly seconds: string;
  readonly now: string;
  minutes(count: number): string;
  hours(count: number): string;
  days(count: number): string;
  date(date: Date): string;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const plural = (count: number, one: string, many: string) => `${number(count)} ${count === 1 ? one : many}`;

const words: Record<Language, Words> = {
  en: {
    expected: 'expected',
    there: 'there',
    missing: 'missing',
    lost: 'lost',
    hidden: 'hidden',
    unclear: 'unclear',
    healthy: 'Server: healthy.',
    unhealthy: 'Server: something is wrong with itself. Mend that first.',
    noRoster: 'No roster: only nodes that have registered are known. To name the others:',
    roster: (ages) => `Roster: ${ages}.`,
    age: (source, age) => (age === undefined ? `${source} never read` : `${source} ${age} old`),
    unreadable: (source, machines, since) =>
      `${source} can't be read${since === '' ? '' : ` since ${since}`}; its ${plural(machines, 'machine is', 'machines are')} as last read.`,
    comma: ', ',
    cause: 'CAUSE',
    since: 'SINCE',
    first: 'FIRST THING TO DO',
    unknown: 'unknown',
    likely: 'likely',
    andMore: (count) => `and ${number(count)} more`,
    off: 'off as expected',
    retired: 'retired',
    maintenance: 'in maintenance',
    notCounted: (list) => `Not counted: ${list}.`,
    pending: (count) => `${plural(count, 'is', 'are')} younger than five minutes: on the way, not missing.`,
    nobody: 'Everybody who should be there is there.',
    explained: (causes, count, all) =>
      causes === 0
        ? `No cause is known yet for ${number(all)}.`
        : `${plural(causes, 'cause explains', 'causes explain')} ${number(count)} of ${number(all)}.`,
    seconds: 's',
    now: 'a minute',
    minutes: (count) => `${count} min`,
    hours: (count) => `${count} h`,
    days: (count) => `${count} d`,
    date: (date) => `${date.getDate()} ${months[date.getMonth()]}`,
  },
  ja: {
    expected: '台のはず',
    there: '台あり',
    missing: '台なし',
    lost: '台 Connection Lost',
    hidden: '台 30 日超',
    unclear: '台 不明',
    healthy: 'サーバー: 正常',
    unhealthy: 'サーバー: 自身に異常があります。先に直してください。',
    noRoster: 'ロスターなし: 登録済みのノードしか分かりません。ほかも数えるには',
    roster: (ages) => `ロスター: ${ages}`,
    age: (source, age) => (age === undefined ? `${source}（未読）` : `${source}（${age}前）`),
    unreadable: (source, machines, since) =>
      `${source} が${since === '' ? '' : ` ${since} から`}読めません。${number(machines)} 台は最後に読めたときのままです。`,
    comma: '、',
    cause: '原因',
    since: 'いつから',
    first: '最初にすること',
    unknown: '不明',
    likely: 'おそらく',
    andMore: (count) => `ほか ${number(count)} 台`,
    off: '台 停止中（想定どおり）',
    retired: '台 廃止',
    maintenance: '台 保守中',
    notCounted: (list) => `対象外: ${list}`,
    pending: (count) => `${number(count)} 台は 5 分未満です。登録の途中で、欠けてはいません。`,
    nobody: 'あるはずのマシンはすべて一覧にあります。',
    explained: (causes, count, all) =>
      causes === 0
        ? `${number(all)} 台の原因はまだ分かっていません。`
        : `${number(all)} 台のうち ${number(count)} 台を ${number(causes)} 件の原因で説明できます。`,
    seconds: '秒',
    now: '1 分',
    minutes: (count) => `${count} 分`,
    hours: (count) => `${count} 時間`,
    days: (count) => `${count} 日`,
    date: (date) => `${date.getMonth() + 1}/${date.getDate()}`,
  },
};

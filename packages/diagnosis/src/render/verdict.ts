/**
 * A verdict as a person reads it: who, three answers, the gates, the cause in one sentence, what proves it, what
 * was ruled out, the fix with its risk and its undo, what to expect. In this order, always.
 */
import { type Cause, causeOf } from '../causes/index.ts';
import { cutTo, padTo, widthOf } from '../text/index.ts';
import { type Both, fieldLabel, gateNames, gateTexts, needs, notTried, words } from '../texts/index.ts';
import { type GateState, gates, type Observation, type Verdict } from '../verdict.ts';
import { fill, fillParts, shown, shownValue, type Writing } from './format.ts';
import { commandLines, quoted, titled, withRight } from './page.ts';

/** How to write a verdict. */
export interface RenderOptions {
  readonly lang: 'en' | 'ja';
  /** False: marks and everything else in ASCII. Japanese then isn't possible, and English is written. */
  readonly utf8: boolean;
  readonly verbose?: boolean;
  /** Columns of the page, 80 at most. */
  readonly width?: number;
  /** By the reader's clock. Default: when it was judged. */
  readonly now?: number;
  /** An IANA name. Default UTC. */
  readonly timeZone?: string;
  /** Words that commands of ours need behind their verb here: `--data DIR`. */
  readonly at?: readonly string[];
  /** How long it took. */
  readonly tookMs?: number;
}

/** Where the words for how a layer ended begin. */
const layerColumns = 60;

/** The widest that any page is. */
const widest = 80;

/** Lines of a verdict, none wider than the page. */
export function renderVerdict(verdict: Verdict, options: RenderOptions): string[] {
  const page = new Page(verdict, options);
  return page.lines();
}

class Page {
  readonly #verdict: Verdict;
  readonly #writing: Writing;
  readonly #width: number;
  readonly #cause: Cause | undefined;
  readonly #tookMs: number | undefined;
  readonly #name: string;
  /** What commands of ours need here, as words and as they are written. */
  readonly #atWords: readonly string[];
  readonly #at: string;

  constructor(verdict: Verdict, options: RenderOptions) {
    this.#verdict = verdict;
    this.#width = Math.min(widest, Math.max(40, options.width ?? widest));
    this.#writing = {
      lang: options.utf8 ? options.lang : 'en',
      utf8: options.utf8,
      verbose: options.verbose ?? false,
      now: options.now ?? verdict.at,
      timeZone: options.timeZone ?? 'UTC',
    };
    this.#cause = causeOf(verdict.cause);
    this.#tookMs = options.tookMs;
    this.#atWords = options.at ?? [];
    this.#at = this.#atWords.map(quoted).join(' ');
    this.#name = this.#text(verdict.subject.name ?? verdict.subject.nodeId ?? verdict.subject.asked, 40);
  }

  lines(): string[] {
    const blocks = [
      this.#head(),
      this.#answers(),
      this.#gates(),
      this.#sentence(),
      this.#proof(),
      this.#fix(),
      this.#notes(),
    ];
    return blocks
      .filter((block) => block.length > 0)
      .flatMap((block, index) => (index === 0 ? block : ['', ...block]));
  }

  #head(): string[] {
    const { subject } = this.#verdict;
    const parts = [this.#name, subject.nodeId, subject.agent].filter((one): one is string => !!one);
    const texts = [...new Set(parts)].map((one) => this.#text(one, 60));
    const took =
      this.#tookMs === undefined
        ? ''
        : `${(this.#tookMs / 1000).toFixed(1)} ${this.#lang === 'ja' ? '秒' : 's'}`;
    const lines: string[] = [];
    for (const text of texts) {
      const last = lines.at(-1);
      if (last !== undefined && widthOf(last) + 3 + widthOf(text) <= this.#width)
        lines[lines.length - 1] = `${last}   ${text}`;
      else lines.push(this.#cut(text));
    }
    return took === '' ? lines : withRight(lines, took, Math.min(this.#width, 72));
  }

  #answers(): string[] {
    const { answers, standing, asked } = this.#verdict;
    const indent = this.#lang === 'ja' ? 16 : 18;
    const slots = {
      ...(standing?.since !== undefined && { since: String(standing.since) }),
      ...(standing?.lastHeartbeatAt !== undefined && { heartbeat: String(standing.lastHeartbeatAt) }),
      ...(standing?.region !== undefined && { region: standing.region }),
      ...(standing?.channelOpenSince !== undefined && { channel: String(standing.channelOpenSince) }),
      ...(asked.document !== undefined && { document: asked.document }),
    };
    const isLost = standing?.is === 'lost' && standing.since === undefined;
    const how =
      standing && this.#fillOr(isLost ? words.standings.lostAlways : words.standings[standing.is], slots);
    const waits = answers.pickable === 'yes' && answers.working === 'no' ? words.waitsBut[this.#lang] : '';
    const forWhat = asked.document === undefined ? '' : this.#fill(words.forDocument, slots);
    const channel = answers.working === 'yes' ? this.#fillOr(words.channelOpen, slots) : '';
    const row = (title: Both, answer: Both, more: string) =>
      titled(
        title[this.#lang],
        `${padTo(answer[this.#lang], more ? 5 : 0)}${more ? ` ${more}` : ''}`,
        indent,
        this.#width,
        this.#ellipsis,
      );
    return [
      // "as Connection Lost" says more than "yes".
      ...(standing?.is === 'lost' && how
        ? titled(words.titles.listed[this.#lang], how, indent, this.#width, this.#ellipsis)
        : row(words.titles.listed, words.answers[answers.listed], how ?? '')),
      ...row(words.titles.pickable, words.answers[answers.pickable], waits || forWhat),
      ...row(words.titles.working, words.answers[answers.working], channel),
    ];
  }

  #gates(): string[] {
    const rows = this.#verdict.gates;
    const indent = this.#lang === 'ja' ? 19 : 16;
    const failed = rows.find(({ state }) => state === 'failed' || state === 'warned')?.gate;
    const lines: string[] = [];
    let merged = 0;
    for (const [index, row] of rows.entries()) {
      if (index < merged) continue;
      const alike = this.#alikeFrom(index);
      if (alike.length > 1) {
        merged = index + alike.length;
        const names = alike
          .map(({ gate }) => gateNames[gate][this.#lang])
          .join(this.#lang === 'ja' ? '、' : ', ');
        lines.push(...this.#row(row.state, names, this.#gateText(row), indent, true));
        continue;
      }
      const name = gateNames[row.gate][this.#lang];
      if (row.state === 'not-tried')
        lines.push(...this.#row(row.state, name, this.#notTried(row.gate, failed), indent));
      else if (row.text === 'cause') lines.push(...this.#failed(row, name, indent));
      else lines.push(...this.#row(row.state, name, this.#gateText(row), indent));
    }
    return lines;
  }

  /** Gates one after the other of which only the same is known: one line says it. */
  #alikeFrom(index: number): Verdict['gates'] {
    const rows = this.#verdict.gates;
    const { text } = rows[index] ?? {};
    if (this.#writing.verbose || (text !== 'by-heartbeat' && text !== 'by-call' && text !== 'not-seen'))
      return [];
    const end = rows.findIndex(
      (row, at) => at > index && (row.text !== text || row.state !== rows[index]?.state),
    );
    return rows.slice(index, end < 0 ? rows.length : end);
  }

  #row(state: GateState, name: string, text: string, indent: number, isMerged = false): string[] {
    const title = `${this.#mark(state)} ${name}`;
    if (isMerged || widthOf(title) >= indent)
      return titled('', `${title}  ${text}`, 0, this.#width, this.#ellipsis);
    return titled(title, text, indent, this.#width, this.#ellipsis);
  }

  #failed(row: Verdict['gates'][number], name: string, indent: number): string[] {
    const parameters = row.parameters ?? {};
    const cause = causeOf(parameters.cause);
    const { url } = parameters;
    if (url === undefined) {
      const text = cause
        ? this.#fill({ en: cause.en.name, ja: cause.ja.name }, this.#verdict.parameters)
        : '';
      return this.#row(row.state, name, text, indent);
    }
    const found = this.#row(row.state, name, this.#text(url, 200), indent);
    for (const [layer, label] of Object.entries(words.layerNames)) {
      const value = parameters[layer];
      if (value === undefined) continue;
      const isStop = value.startsWith('stop ');
      const [word = '', ...rest] = value.slice(isStop ? 5 : 3).split(': ');
      const text = isStop ? this.#errorText(word, rest.join(': ')) : this.#text(word, 60);
      const left = `${padTo(label[this.#lang], 10)}${text}`;
      const end = isStop ? words.stopsHere[this.#lang] : words.fine[this.#lang];
      const line = `${padTo(' '.repeat(indent) + left, layerColumns)}`;
      const fits = widthOf(line) + 2 + widthOf(end) <= this.#width;
      found.push(...(fits ? [`${line}  ${end}`] : [this.#cut(line.trimEnd()), ' '.repeat(indent) + end]));
    }
    return found;
  }

  #errorText(word: string, detail: string): string {
    const known = words.errors[word]?.[this.#lang] ?? this.#text(word, 40);
    const room = this.#width - 45;
    return detail && room > 8 ? `${known} (${this.#text(detail, Math.min(40, room))})` : known;
  }

  #gateText(row: Verdict['gates'][number]): string {
    const template = gateTexts[row.text ?? ''];
    return template ? fillParts(template[this.#lang], row.parameters ?? {}, this.#writing) : '';
  }

  #notTried(gate: Verdict['gates'][number]['gate'], failed: (typeof gates)[number] | undefined): string {
    const { nextAttempt } = this.#verdict;
    if (gate === 'freshness' && nextAttempt)
      return `${notTried[this.#lang]}${this.#lang === 'ja' ? '。次の試行は ' : '; the agent tries again '}${this.#attempt(nextAttempt)}`;
    if (failed === undefined) return notTried[this.#lang];
    const isNext = gates.indexOf(gate) === gates.indexOf(failed) + 1;
    const hint = this.#fill(needs, { gate: gateNames[failed][this.#lang] });
    return isNext ? `${notTried[this.#lang]}${this.#lang === 'ja' ? '' : ' '}${hint}` : notTried[this.#lang];
  }

  #sentence(): string[] {
    const verdict = this.#verdict;
    const slots = { ...verdict.parameters, name: this.#name };
    const broken = (text: Both) => titled('', this.#fill(text, slots), 0, this.#width, this.#ellipsis);
    if (verdict.state === 'pending') return broken(words.pendingSentence);
    if (!this.#cause) {
      if (verdict.state === 'well') return broken(words.wellSentence);
      if (verdict.doubt === 'names-differ') return broken(words.unclearAddress);
      if (!verdict.standing) return broken(words.unclearHere);
      const { is } = verdict.standing;
      if (is === 'online') return broken(words.unclearOnline);
      return broken(is === 'lost' ? words.unclearLost : words.unclearSentence);
    }
    const texts = this.#cause[this.#lang];
    const because = this.#fill({ en: texts.because, ja: texts.because }, slots);
    const sentence = texts.sentence
      ? this.#fill({ en: texts.sentence, ja: texts.sentence }, slots)
      : this.#composed(because);
    const number = this.#cause.solution;
    const id =
      number === null
        ? this.#cause.id
        : this.#fill(words.solution, { id: this.#cause.id, number: String(number) });
    const sure = verdict.confidence === 'likely' ? words.likelyMark[this.#lang] : '';
    return withRight(titled('', sentence, 0, this.#width, this.#ellipsis), id + sure, this.#width);
  }

  #composed(because: string): string {
    const { standing, answers, confidence } = this.#verdict;
    const key =
      this.#cause?.breaks === 'picked'
        ? 'picked'
        : standing?.is === 'hidden'
          ? 'hidden'
          : standing?.is === 'lost'
            ? 'lost'
            : answers.listed === 'yes'
              ? this.#cause?.breaks === 'working'
                ? 'working'
                : 'soon'
              : standing
                ? 'absent'
                : 'unknown';
    const head = (confidence === 'likely' ? words.likelyHeads : words.heads)[key][this.#lang];
    // Both are of our own making and already free of anything untrusted.
    return head.replace('{name}', () => this.#name).replace('{because}', () => because);
  }

  #proof(): string[] {
    const { evidence, doubt, ruledOut, next, nextAttempt, state, cause, inside } = this.#verdict;
    const indent = this.#indent;
    const lines: string[] = [];
    const row = (title: Both, text: string) =>
      titled(title[this.#lang], text, indent, this.#width, this.#ellipsis);
    evidence.forEach((one, index) => {
      lines.push(...this.#observation(one, index === 0));
    });
    const reason = doubt === undefined ? undefined : words.doubts[doubt];
    if (reason) lines.push(...row(words.titles.likely, reason[this.#lang]));
    if (ruledOut.length > 0) {
      const names = ruledOut.map((id) => causeOf(id)?.[this.#lang].name ?? id);
      const list = names.map((one) => this.#fill({ en: one, ja: one }, this.#verdict.parameters));
      lines.push(...row(words.titles.ruledOut, list.join(this.#lang === 'ja' ? '、' : ', ')));
    }
    if (inside)
      lines.push(
        ...row(
          words.titles.inside,
          this.#fill(inside.ofNow ? words.insideNow : words.insideBefore, { at: String(inside.at) }),
        ),
      );
    if (nextAttempt && (cause !== undefined || state === 'unclear'))
      lines.push(...row(words.titles.nextTry, this.#attempt(nextAttempt)));
    if (state === 'pending') {
      const to = { to: String(nextAttempt?.to ?? this.#verdict.at), name: this.#name };
      lines.push(...row(words.titles.next, this.#fill(words.pendingNext, to)));
    } else
      (next ?? []).forEach((step, index) => {
        const text = words.nextSteps[step];
        const shownStep = text ? this.#fill(text, { name: this.#name }) : this.#text(step);
        lines.push(...row(index === 0 ? words.titles.next : { en: '', ja: '' }, shownStep));
      });
    return lines;
  }

  #observation(one: Observation, isFirst: boolean): string[] {
    const label = fieldLabel(one.field)?.[this.#lang] ?? this.#text(one.field, 24);
    const isOther = one.at !== undefined && Math.abs(one.at - this.#verdict.at) > 60_000;
    const when = isOther ? fill('{at:time}', { at: String(one.at) }, this.#writing) : '';
    const side = words.sides[one.side][this.#lang];
    const whose = this.#writing.verbose
      ? `${side}: ${this.#text(one.source, 60)}`
      : one.side === 'node'
        ? ''
        : side;
    const tail = [whose, when].filter((part) => part !== '').join(' ');
    const bracket = tail === '' ? '' : this.#lang === 'ja' ? `（${tail}）` : ` (${tail})`;
    const inner = this.#lang === 'ja' ? 16 : 14;
    const value = `${shownValue(one.value, this.#writing, 200)}${bracket}`;
    const title = `${padTo(isFirst ? words.titles.seen[this.#lang] : '', this.#indent)}${padTo(label, inner - 1)} `;
    return titled(
      title,
      value,
      this.#indent + Math.max(inner, widthOf(label) + 1),
      this.#width,
      this.#ellipsis,
    );
  }

  #fix(): string[] {
    const { fix, state } = this.#verdict;
    const cause = this.#cause;
    if (!fix || !cause || state === 'pending') return [];
    const texts = cause[this.#lang];
    const slots = { ...this.#verdict.parameters, ...fix.parameters, name: this.#name };
    const fixTitle = words.titles.fix[this.#lang];
    const hasCommands = fix.commands.length > 0;
    const what = this.#fill(
      {
        en: hasCommands ? (texts.fix ?? texts.explain) : texts.explain,
        ja: hasCommands ? (texts.fix ?? texts.explain) : texts.explain,
      },
      slots,
    );
    const risk = words.risks[fix.risk][this.#lang];
    const title =
      this.#lang === 'ja'
        ? titled('', `${fixTitle}（${risk}）: ${what}`, 0, this.#width, this.#ellipsis)
        : titled(fixTitle, `${risk}: ${what}`, this.#indent, this.#width, this.#ellipsis);
    const lines = [...title];
    for (const command of fix.commands) lines.push(...this.#command(command, 2));
    for (const [index, command] of (fix.undo ?? []).entries()) {
      const undo = words.titles.undo[this.#lang];
      const prefix = this.#lang === 'ja' ? padTo(undo, 15) : `${' '.repeat(this.#indent)}${undo}:`;
      const whole = this.#command(command, 0);
      const first = `${prefix} ${whole[0] ?? ''}`;
      if (index === 0 && whole.length === 1 && widthOf(first) <= this.#width) lines.push(first);
      else lines.push(...(index === 0 ? [prefix.trimEnd()] : []), ...this.#command(command, 2));
    }
    if (hasCommands && fix.withinSeconds !== undefined && this.#cause?.breaks !== 'picked') {
      const within = String(fix.withinSeconds * 1000);
      lines.push(
        ...titled(
          words.titles.expect[this.#lang],
          this.#fill(words.expectOnline, { within, name: this.#name }),
          this.#indent,
          this.#width,
          this.#ellipsis,
        ),
      );
    }
    return lines;
  }

  #command({ argv, where }: NonNullable<Verdict['fix']>['commands'][number], indent: number): string[] {
    const needsRoot = where === 'node' && !/\.exe$/.test(argv[0] ?? '');
    const own = where === 'operator' && argv[0] === 'rollcall' ? this.#atWords : [];
    const safe = [...argv, ...own].map((part) => this.#text(part, 400));
    return commandLines(needsRoot ? ['sudo', ...safe] : safe, indent, this.#width).map((line) =>
      this.#cut(line),
    );
  }

  #notes(): string[] {
    const more = `${words.titles.docs[this.#lang]} docs/causes.${this.#lang}.md#${this.#cause?.id}`;
    return [...this.#warnings(), ...(this.#writing.verbose && this.#cause ? [more] : [])];
  }

  #warnings(): string[] {
    return this.#verdict.warnings.flatMap(({ cause, parameters }) => {
      const texts = causeOf(cause)?.[this.#lang];
      const template = texts?.warning ?? texts?.name;
      if (template === undefined) return [];
      const text = this.#fill({ en: template, ja: template }, parameters);
      return titled(`${this.#mark('warned')} `, `${text} (${cause})`, 5, this.#width, this.#ellipsis);
    });
  }

  #attempt({ from, to }: NonNullable<Verdict['nextAttempt']>): string {
    const isOne = to === undefined || to - from < 60_000;
    return this.#fill(isOne ? words.atTime : words.between, { from: String(from), to: String(to ?? from) });
  }

  get #lang() {
    return this.#writing.lang;
  }

  get #indent() {
    return this.#lang === 'ja' ? 16 : 10;
  }

  get #ellipsis() {
    return this.#writing.utf8 ? '…' : '...';
  }

  #mark(state: GateState): string {
    const [utf8, ascii] = marks[state];
    return padTo(this.#writing.utf8 ? utf8 : ascii, this.#writing.utf8 ? 3 : 4);
  }

  #text(text: string, limit?: number): string {
    return shown(text, this.#writing, limit);
  }

  #cut(line: string): string {
    return widthOf(line) <= this.#width ? line : cutTo(line, this.#width, this.#ellipsis);
  }

  #fill(text: Both, slots: Readonly<Record<string, string>>): string {
    const template = text[this.#lang];
    if (this.#at === '') return fill(template, slots, this.#writing);
    const whole = template.replace(/\brollcall (wait|why) /g, 'rollcall $1 {commandWords} ');
    return fill(whole, { ...slots, commandWords: this.#at }, this.#writing);
  }

  /** Nothing, where one of the slots isn't known. */
  #fillOr(text: Both, slots: Readonly<Record<string, string>>): string {
    return fillParts(text[this.#lang], slots, this.#writing);
  }
}

const marks: Readonly<Record<GateState, readonly [utf8: string, ascii: string]>> = {
  passed: ['[✓]', '[ok]'],
  failed: ['[✗]', '[X]'],
  warned: ['[!]', '[!]'],
  unknown: ['[?]', '[?]'],
  'not-tried': ['[–]', '[-]'],
};

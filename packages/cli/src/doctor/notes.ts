/** What the doctor adds to a verdict of its own: what it couldn't see, whom it didn't ask. In two languages. */
import type { NodeEvidence } from '@rollcall/diagnosis';
import type { Language } from '../language.ts';
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';

/** How much to say. */
export interface NoteOptions {
  readonly lang: Language;
  readonly verbose: boolean;
  /** Whether this is the machine itself, so that looking again as root is possible here and now. */
  readonly here: boolean;
}

/** So many unseen things are named unless asked for all. */
const usual = 3;

/** What wasn't seen; nothing when everything was. */
export function unseenLines(node: NodeEvidence, options: NoteOptions, screen: Screen): string[] {
  const { lang, verbose, here } = options;
  const unseen = verbose ? node.unseen : node.unseen.slice(0, usual);
  const left = node.unseen.length - unseen.length;
  if (node.privileged && (unseen.length === 0 || !verbose)) return [];
  const words = texts[lang];
  const names = unseen.map(({ what, why }) =>
    verbose ? `${screen.text(what, 120)}: ${screen.text(why, 120)}` : screen.text(what, 60),
  );
  const lines: string[] = [];
  if (verbose && names.length > 0) {
    lines.push(`${screen.mark('unknown')} ${words.unseen}`);
    for (const name of names) lines.push(...wrap(name, '    '));
  } else if (names.length > 0) {
    const list = names.join(words.comma) + (left > 0 ? words.more(left) : '');
    lines.push(...wrap(`${screen.mark('unknown')} ${words.unseen} ${list}`, ''));
  }
  if (!node.privileged) lines.push(here ? words.asRoot : words.wasNotRoot);
  return lines;
}

const texts: Record<
  Language,
  {
    readonly unseen: string;
    readonly comma: string;
    more(count: number): string;
    readonly asRoot: string;
    readonly wasNotRoot: string;
  }
> = {
  en: {
    unseen: 'Not seen:',
    comma: ', ',
    more: (count) => `, and ${count} more (-v)`,
    asRoot: 'Root sees more: sudo rollcall doctor',
    wasNotRoot: 'Whoever looked there was not root; root sees more.',
  },
  ja: {
    unseen: '確認できなかったもの:',
    comma: '、',
    more: (count) => `、ほか ${count} 件（-v）`,
    asRoot: 'root ならもっと見えます: sudo rollcall doctor',
    wasNotRoot: 'root 以外で収集されています。root ならもっと見えます。',
  },
};

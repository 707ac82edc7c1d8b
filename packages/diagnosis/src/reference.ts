/** The reference of the causes, as Markdown: made from the catalogue, so that it says what the program says. */
import { type Cause, causeOf, causes } from './causes/index.ts';
import { type Both, gateNames, type Language } from './texts/index.ts';
import { type Gate, gates } from './verdict.ts';

const gateQuestions: Readonly<Record<Gate, Both>> = {
  scope: {
    en: 'Is it looked for in the right place, by somebody who may, and does it stand in the books?',
    ja: '正しい場所を、権限のある人が見ているか。記録に残っているか。',
  },
  machine: {
    en: 'Does it run, with the right time and with room?',
    ja: '動いているか。時刻は正しく、空きはあるか。',
  },
  agent: {
    en: 'Is there exactly one agent, running, and set up to run again?',
    ja: 'エージェントがちょうど 1 つ動いていて、次回も起動するか。',
  },
  identity: {
    en: "Whose is it, and is it this machine's?",
    ja: '登録情報は誰のもので、このマシンのものか。',
  },
  path: {
    en: 'Does the way to every endpoint that is needed lead to the end?',
    ja: '必要なすべてのエンドポイントまで届くか。',
  },
  authorization: {
    en: "What did the service answer to the agent's own call?",
    ja: 'エージェント自身の呼び出しに、サービスは何と答えたか。',
  },
  freshness: {
    en: 'Does it only wait, or has what it said aged out?',
    ja: '待っているだけか。最後の報告が古くなっていないか。',
  },
};

const words = {
  title: { en: 'Why a machine is not in the list: the causes', ja: 'マシンが一覧にない理由: 原因の一覧' },
  made: {
    en: 'Generated from the catalogue by `node packages/diagnosis/scripts/write-reference.ts`. What `rollcall doctor` and `rollcall why` say is the same text.',
    ja: '`node packages/diagnosis/scripts/write-reference.ts` で原因のカタログから生成しています。`rollcall doctor` と `rollcall why` が示す文と同じものです。',
  },
  method: {
    en: 'Seven gates, in order. The first that fails is the cause; what lies behind it is not tried. A cause is *proven* by a signature, by a right code, by our own books, or by what was seen on the machine itself. What was only claimed, or is tied to the machine by an address, makes it *likely* at most; so does a gate before it that could not be seen. Where many nodes have the same trouble, what they share is looked at first, and no command is offered for the node.',
    ja: '7 つの関門を順に調べ、最初に失敗したものを原因とし、その先は調べません。原因が確定するのは、署名、正しいコード、サーバーの記録、マシン自体で見た事実がある場合だけです。名乗っただけのもの、アドレスだけで結び付くもの、手前に確認できない関門があるものは「おそらく」にとどまります。多くのノードに同じ問題があるときは、まず共有しているものを調べ、ノード側のコマンドは示しません。',
  },
  solutions: {
    en: '"Solution" is the number on AWS\'s page *Troubleshooting managed node availability*.',
    ja: '「解決策」の番号は、AWS のページ「マネージドノードの可用性のトラブルシューティング」のものです。',
  },
  count: { en: '{n} causes.', ja: '原因は {n} 件です。' },
  solution: { en: ' (solution {n})', ja: '（解決策 {n}）' },
  clause: { en: 'because {because}', ja: '{because}ためです。' },
  says: { en: 'It says', ja: '表示' },
  shows: { en: 'How it shows', ja: '現れ方' },
  command: { en: 'The command', ja: 'コマンドの作用' },
  byHand: { en: 'By hand', ja: '手動' },
  alike: { en: 'Looks alike', ja: '似た原因' },
} as const satisfies Readonly<Record<string, Both>>;

/** The whole page. */
export function causesReference(lang: Language): string {
  const lines = [
    `# ${words.title[lang]}`,
    '',
    words.made[lang],
    '',
    words.method[lang],
    '',
    `${words.solutions[lang]}${lang === 'ja' ? '' : ' '}${words.count[lang].replace('{n}', String(causes.length))}`,
    '',
    ...gates.flatMap((gate) => section(gate, lang)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(gate: Gate, lang: Language): readonly string[] {
  return [
    `## ${gateNames[gate][lang]}`,
    '',
    gateQuestions[gate][lang],
    '',
    ...causes.filter((one) => one.gate === gate).flatMap((one) => entry(one, lang)),
  ];
}

function entry(cause: Cause, lang: Language): readonly string[] {
  const texts = cause[lang];
  const solution = cause.solution === null ? '' : words.solution[lang].replace('{n}', String(cause.solution));
  const near = cause.near.map((id) => (causeOf(id) ? `[${id}](#${id})` : `\`${id}\``));
  const item = (title: Both, text: string | undefined) =>
    text === undefined ? [] : [`- ${title[lang]}: ${slotless(text)}`];
  return [
    `### ${cause.id}`,
    '',
    `**${slotless(texts.name)}**${solution}`,
    '',
    ...item(words.says, texts.sentence ?? words.clause[lang].replace('{because}', () => texts.because)),
    ...item(words.shows, texts.about),
    ...item(words.command, texts.fix),
    ...item(words.byHand, texts.explain),
    ...(near.length > 0 ? [`- ${words.alike[lang]}: ${near.join(', ')}`] : []),
    '',
  ];
}

/** Slots as a reader of the page sees them: what will stand there. */
function slotless(text: string): string {
  return text.replace(/\{(\w+)(?::\w+)?\}/g, '‹$1›');
}

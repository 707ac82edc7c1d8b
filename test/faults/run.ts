/**
 * The fault zoo: `node test/faults/run.ts [--only PART,…] [--case ID,…] [--at-once N] [--verbose]`. Injects every
 * fault that this machine can have, compares what the node's end and the operator's end say of it, and prints a
 * table. What goes wrong beside others is played once more alone, and both are shown: a busy machine is slow, a
 * wrong verdict stays wrong. Exit 1 when anything is called by a wrong name then.
 */
import { parseArgs } from 'node:util';
import { play, type Result, summary } from './play.ts';
import { head, row } from './table.ts';
import { cases } from './zoo/index.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    case: { type: 'string' },
    'at-once': { type: 'string', default: '3' },
    verbose: { type: 'boolean', default: false },
  },
});
const listed = (text: string | undefined) => text?.split(',');
const parts = listed(values.only);
const ids = listed(values.case);
const wanted = cases.filter((one) => (parts?.includes(one.part) ?? true) && (ids?.includes(one.id) ?? true));
console.log(head());
const first = await play(wanted, { atOnce: Number(values['at-once']), done: show });
const wrong = first.filter((result) => result.wrong.length > 0);
if (wrong.length > 0) console.log(`once more, alone: ${wrong.map(({ id }) => id).join(', ')}`);
const again = await play(
  wrong.map((result) => result.case),
  { atOnce: 1, done: show },
);
const results = first.map((result) => again.find(({ id }) => id === result.id) ?? result);
console.log(summary(results) + (wrong.length > 0 ? `; ${wrong.length} played twice` : ''));
process.exit(results.some((result) => result.wrong.length > 0) ? 1 : 0);

function show(result: Result): void {
  console.log(row(result));
  for (const line of result.wrong) console.log(`    ! ${line}`);
  if (values.verbose && result.wrong.length > 0)
    for (const { end, verdict, evidence } of result.said)
      console.log(`    ${end}: ${JSON.stringify({ verdict, evidence })}`);
}

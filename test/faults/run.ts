/**
 * The fault zoo: `node test/faults/run.ts [--only PART,…] [--case ID,…] [--at-once N] [--verbose]`. Injects every
 * fault that this machine can have, compares what the node's end and the operator's end say of it, and prints a
 * table. Exit 1 when anything is called by a wrong name.
 */
import { parseArgs } from 'node:util';
import { play, summary } from './play.ts';
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
const results = await play(wanted, {
  atOnce: Number(values['at-once']),
  done(result) {
    console.log(row(result));
    for (const line of result.wrong) console.log(`    ! ${line}`);
    if (values.verbose && result.wrong.length > 0)
      for (const { end, verdict, evidence } of result.said)
        console.log(`    ${end}: ${JSON.stringify({ verdict, evidence })}`);
  },
});
console.log(summary(results));
process.exit(results.some(({ wrong }) => wrong.length > 0) ? 1 : 0);

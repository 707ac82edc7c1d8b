/**
 * A look at this machine, as a process of its own: `node look.ts --root DIR [--way]`. Prints what was seen as one
 * line of JSON, without secrets. What looking takes is given back when it ends.
 */
import { parseArgs } from 'node:util';
import { collectNode, redact } from '@rollcall/probes';
import { defaultRoot } from './files.ts';

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: defaultRoot },
    /** Tries the way to the server as well. */
    way: { type: 'boolean', default: false },
  },
});
const evidence = await collectNode({ root: values.root, way: values.way, by: 'agent' });
process.stdout.write(`${JSON.stringify(redact(evidence))}\n`, () => process.exit(0));

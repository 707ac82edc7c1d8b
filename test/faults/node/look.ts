/** Looks at the machine that it runs on and prints what was seen: `node look.ts '{"root": "…"}'`. */
import { collectNode } from '@rollcall/probes';

const evidence = await collectNode(JSON.parse(process.argv[2] ?? '{}'));
process.stdout.write(`${JSON.stringify(evidence)}\n`);

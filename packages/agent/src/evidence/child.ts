/**
 * The process that looks: `node child.ts --at=ROOT [--ahead=MS]`. Prints a sign and whether
 * anything is wrong, and on a second line the redacted evidence. Without `--ahead` nobody knows whether the server is reached, and the way there is tried.
 */
import { constants, setPriority } from 'node:os';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { at: { type: 'string' }, ahead: { type: 'string' } } });
try {
  setPriority(constants.priority.PRIORITY_LOW);
} catch {
  // Where that isn't allowed, it is as important as everything else, and short.
}
if (values.at !== undefined) {
  const { collectNode, redact, showsTrouble, signOf } = await import('@rollcall/probes');
  const reached = values.ahead === undefined ? undefined : Number(values.ahead);
  const evidence = redact(
    await collectNode({
      by: 'agent',
      root: values.at,
      ...(reached === undefined
        ? {}
        : { way: false, clock: { aheadMs: reached, source: 'answers of the server' } }),
    }),
  );
  const word = (await showsTrouble(evidence)) ? 'trouble' : 'well';
  const said = `${signOf(evidence)} ${word}\n${JSON.stringify(evidence)}\n`;
  await new Promise<void>((resolve) => process.stdout.write(said, () => resolve()));
}
process.exit(0);

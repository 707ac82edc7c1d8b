/** Verdicts on SQLite. */
import { test } from 'node:test';
import { cases } from './verdicts.case.ts';

for (const [name, run] of Object.entries(cases)) test(name, (context) => run(context));

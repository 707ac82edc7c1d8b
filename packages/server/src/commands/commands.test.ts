/** Run Command on SQLite. */
import { test } from 'node:test';
import { cases } from './commands.case.ts';

for (const [name, run] of Object.entries(cases)) test(name, (context) => run(context));

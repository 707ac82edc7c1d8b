/** SQLite keeps the contract. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { contractSuite } from './contract.case.ts';
import { openStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
contractSuite('SQLite', (options) =>
  openStore({ kind: 'sqlite', directory: join(folder, `${++count}`) }, options),
);

/** Writes docs/causes.en.md and docs/causes.ja.md from the catalogue. A test says when that is due. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { causesReference } from '../src/reference.ts';

const docs = join(import.meta.dirname, '../../../docs');
for (const lang of ['en', 'ja'] as const)
  writeFileSync(join(docs, `causes.${lang}.md`), causesReference(lang));

/** The pages in docs/ are what the catalogue says today. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { causes } from './causes/index.ts';
import { causesReference } from './reference.ts';

const docs = join(import.meta.dirname, '../../../docs');

for (const lang of ['en', 'ja'] as const)
  test(`docs/causes.${lang}.md is current and has an anchor for every cause`, () => {
    const written = readFileSync(join(docs, `causes.${lang}.md`), 'utf8');
    assert.equal(written, causesReference(lang), 'run: node packages/diagnosis/scripts/write-reference.ts');
    for (const { id } of causes) assert.ok(written.includes(`\n### ${id}\n`), id);
    assert.doesNotMatch(written, /\{\w+/);
  });

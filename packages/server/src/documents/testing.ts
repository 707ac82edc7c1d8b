/** For tests of documents: what they need, the DocumentName filter wired as a server wires it. */
import type { TestContext } from 'node:test';
import { account, type NodesWorld, openNodesWorld } from '../nodes/testing.ts';
import type { Ground } from '../presence/testing.ts';
import { type Documents, openDocuments } from './index.ts';

/** What a test holds. */
export interface DocumentsWorld extends NodesWorld {
  readonly documents: Documents;
  /** Makes a document that runs a line in a shell. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it gets.
  create(name: string, more?: object): Promise<any>;
}

/** The text of a document that runs a line in a shell. */
export function shellDocument(line = 'true', more: object = {}): string {
  return JSON.stringify({
    schemaVersion: '2.2',
    mainSteps: [{ action: 'aws:runShellScript', name: 'one', inputs: { runCommand: [line] } }],
    ...more,
  });
}

/** Opens documents with all that is to their left. */
export async function openDocumentsWorld(
  context: TestContext,
  options: { ground?: Ground } = {},
): Promise<DocumentsWorld> {
  let documents: Documents | undefined;
  const world = await openNodesWorld(context, {
    ...options,
    hooks: { documentPlatforms: async (...asked) => documents!.platformsOf(...asked) },
  });
  documents = openDocuments({ store: world.store, account, tags: world.tags });
  world.serve(documents.operations);
  return {
    ...world,
    documents,
    create: (Name, more = {}) => world.call('CreateDocument', { Name, Content: shellDocument(), ...more }),
  };
}

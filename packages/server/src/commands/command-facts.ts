/**
 * What of a command never changes once it was sent, kept in memory while it is in use: its job as agents read
 * it, and what the life of its invocations depends on.
 */
import type { ReadTx, Store } from '../store/index.ts';

/** The unchanging part of a command. */
export interface CommandFacts {
  readonly commandId: string;
  readonly createdAt: number;
  readonly executionSeconds: number;
  /** The names of the document's steps, in order. */
  readonly steps: readonly string[];
  /** The job: JSON, as agents read it. */
  readonly content: string;
}

/** How many characters of jobs are kept; the least recently used go first. */
const mostCharacters = 8_000_000;

/** The commands in use. */
export class FactsBook {
  readonly #facts = new Map<string, CommandFacts>();
  #characters = 0;

  /** How much is kept, in characters. */
  get size(): number {
    return this.#characters;
  }

  /** Finds the facts of some commands of a region; those that don't exist are left out. */
  async find(
    tx: ReadTx,
    region: string,
    commandIds: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, CommandFacts>> {
    const found = new Map<string, CommandFacts>();
    const missing: string[] = [];
    for (const commandId of commandIds) {
      const key = `${region}/${commandId}`;
      const known = this.#facts.get(key);
      if (known) {
        // Used last, goes last.
        this.#facts.delete(key);
        this.#facts.set(key, known);
        found.set(commandId, known);
      } else missing.push(commandId);
    }
    if (missing.length === 0) return found;
    const rows = await tx
      .in(region)
      .selectFrom('commands')
      .select(['command_id', 'created_at', 'execution_seconds', 'steps', 'content'])
      .where('command_id', 'in', missing)
      .execute();
    for (const row of rows) {
      const facts: CommandFacts = {
        commandId: row.command_id,
        createdAt: row.created_at,
        executionSeconds: row.execution_seconds,
        steps: readStepNames(row.steps).map(([name]) => name),
        content: row.content,
      };
      found.set(row.command_id, facts);
      this.#keep(`${region}/${row.command_id}`, facts);
    }
    return found;
  }

  #keep(key: string, facts: CommandFacts): void {
    // Two who looked for it at once both bring it.
    this.#characters -= this.#facts.get(key)?.content.length ?? 0;
    this.#facts.delete(key);
    this.#facts.set(key, facts);
    this.#characters += facts.content.length;
    for (const [oldest, { content }] of this.#facts) {
      if (this.#characters <= mostCharacters || oldest === key) break;
      this.#facts.delete(oldest);
      this.#characters -= content.length;
    }
  }
}

/** The steps in a command's row: name and plugin of each. */
export function readStepNames(text: string): readonly (readonly [name: string, plugin: string])[] {
  return JSON.parse(text);
}

/** Finds the unchanging part of one command, or nothing. */
export async function factsOf(
  book: FactsBook,
  store: Store,
  region: string,
  commandId: string,
): Promise<CommandFacts | undefined> {
  return (await store.read((tx) => book.find(tx, region, new Set([commandId])))).get(commandId);
}

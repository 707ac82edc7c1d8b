/** The facts of a block, looked up by section and key. */
import type { Fact } from './block.ts';

/** What a block says. */
export interface Facts {
  /** The value; undefined when it wasn't said. */
  one(section: string, key: string): string | undefined;
  /** All values, in their order. */
  all(section: string, key: string): readonly string[];
  /** A whole number that isn't negative. */
  count(section: string, key: string): number | undefined;
  /** The part of keys behind a prefix, each once: of `1.url`, `2.url` the prefixes before the dot. */
  groups(section: string): readonly string[];
  /** Keys of a section that begin with something, with what comes behind it. */
  under(section: string, prefix: string): readonly { readonly rest: string; readonly value: string }[];
}

/** Makes facts easy to look up. */
export function openFacts(facts: readonly Fact[]): Facts {
  const values = new Map<string, string[]>();
  for (const { section, key, value } of facts) {
    const name = `${section} ${key}`;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  const all = (section: string, key: string) => values.get(`${section} ${key}`) ?? [];
  const one = (section: string, key: string) => all(section, key)[0]?.trim() || undefined;
  return {
    one,
    all,
    count: (section, key) => {
      const value = one(section, key);
      return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    },
    groups: (section) => [
      ...new Set(
        facts
          .filter((fact) => fact.section === section)
          .flatMap(({ key }) => /^([^.]+)\./.exec(key)?.[1] ?? []),
      ),
    ],
    under: (section, prefix) =>
      facts
        .filter((fact) => fact.section === section && fact.key.startsWith(prefix))
        .map(({ key, value }) => ({ rest: key.slice(prefix.length), value })),
  };
}

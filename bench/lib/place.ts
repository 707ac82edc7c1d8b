/** A folder for one benchmark, with a data folder in it whose books are filled, and children that end with it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fill, type Kinds } from './books.ts';
import { type Child, startChild } from './children.ts';

/** The ports of a child with a server in it. */
export interface Ports {
  readonly tls: number;
  readonly plain: number;
}

/** Where a benchmark runs. */
export interface Place {
  readonly folder: string;
  readonly data: string;
  /** Starts a server, on the first core: Rollcall, or a bare one with the same certificate. */
  server(kind: 'rollcall' | 'bare', ports?: Ports): Promise<Child & { readonly ports: Ports }>;
  /** Starts a client, on the second core. */
  client(file: string, args: readonly string[]): Promise<Child>;
  clear(): Promise<void>;
}

/** Makes it, with so many nodes in the books. */
export async function makePlace(nodes: number, kinds: Kinds = {}): Promise<Place> {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  await fill({ kind: 'sqlite', directory: data }, nodes, kinds);
  const children: Child[] = [];
  const keep = (child: Child) => {
    children.push(child);
    return child;
  };
  return {
    folder,
    data,
    async server(kind, ports) {
      const at = ports ? [String(ports.tls), String(ports.plain)] : [];
      const options = { core: 0, node: ['--expose-gc'] };
      const child = keep(
        await startChild(join(import.meta.dirname, 'doors.ts'), [kind, data, ...at], options),
      );
      return { ...child, ports: await child.ask<Ports>({}) };
    },
    client: async (file, args) => keep(await startChild(join(import.meta.dirname, file), args, { core: 1 })),
    async clear() {
      await Promise.all(children.map((child) => child.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the roster, and for how long activations are good, are what the audit trail says. */
import type { Row } from './command-books.ts';

/** The tables that are looked at. */
export interface RosterTables {
  readonly audit: readonly Row[];
  readonly activations: readonly Row[];
  readonly evidence: readonly Row[];
  readonly nodeMarks: readonly Row[];
  readonly sources: readonly Row[];
  readonly machines: readonly Row[];
  readonly machineMarks: readonly Row[];
  readonly machineAddresses: readonly Row[];
}

/** What is wrong, one sentence each. */
export function rosterProblems(tables: RosterTables): string[] {
  const problems: string[] = [];
  const sources = new Map<string, { listed: number; url: string | null }>();
  const renewed = new Map<string, { limit: number; expires: string }>();
  for (const row of tables.audit) {
    if (row.decision !== 'allow') continue;
    const id = String(row.resource).split('/').at(-1)!;
    const detail = JSON.parse(String(row.detail ?? '{}')) as Record<string, string | number>;
    if (row.operation === 'rollcall:ImportRoster') {
      sources.set(id, { listed: Number(detail.machines), url: null });
    } else if (row.operation === 'rollcall:PutRosterSource') {
      sources.set(id, { listed: sources.get(id)?.listed ?? 0, url: String(detail.url) });
    } else if (row.operation === 'rollcall:DeleteRosterSource') sources.delete(id);
    else if (row.operation === 'rollcall:RenewActivation') {
      renewed.set(id, { limit: Number(detail.limit), expires: String(detail.expires) });
    }
  }
  for (const [source, { listed, url }] of sources) {
    const found = tables.sources.find((row) => row.source === source);
    if (!found) problems.push(`roster source ${source} isn't there`);
    else if (found.url !== url)
      problems.push(`roster source ${source} is read from ${found.url}, not ${url}`);
    const machines = tables.machines.filter((row) => row.source === source);
    const now = machines.filter((row) => row.retired_at === null);
    if (now.length !== listed)
      problems.push(`roster source ${source} has ${now.length} machines, not ${listed}`);
    for (const { machine_key: key, retired_at: retired } of machines) {
      const its = (row: Row) => row.source === source && row.machine_key === key;
      if (!tables.machineMarks.some(its))
        problems.push(`machine ${source}/${key} can't be found by anything`);
      const open = tables.machineAddresses.filter((row) => its(row) && row.until === null).length;
      if (open !== (retired === null ? 1 : 0))
        problems.push(`machine ${source}/${key} has ${open} addresses`);
    }
  }
  for (const table of ['sources', 'machines', 'machineMarks', 'machineAddresses'] as const) {
    const orphan = tables[table].find((row) => !sources.has(String(row.source)));
    if (orphan) problems.push(`${table} has something of ${orphan.source}, which was deleted or never made`);
  }
  for (const [id, { limit, expires }] of renewed) {
    const row = tables.activations.find((one) => one.activation_id === id);
    if (!row) continue;
    if (row.registration_limit !== limit || new Date(Number(row.expires_at)).toISOString() !== expires) {
      problems.push(`activation ${id} wasn't renewed as the audit trail says`);
    }
  }
  for (const row of tables.evidence) {
    const macs: readonly string[] = JSON.parse(String(row.evidence)).host.macs;
    const marks = tables.nodeMarks.filter((one) => one.node_id === row.node_id).length;
    if (marks !== macs.length) problems.push(`${row.node_id} has ${marks} marks for ${macs.length} cards`);
  }
  return problems;
}

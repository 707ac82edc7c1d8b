/**
 * The database of a server that is dead, read from a copy: is it whole, does it say the same as its own audit
 * trail, and is everything there that was promised?
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { commandProblems, type Row } from './command-books.ts';
import { documentProblems } from './document-books.ts';
import type { Promised } from './drive.ts';
import { rosterProblems } from './roster-books.ts';

/** What stands in a database. */
export interface Books {
  node(nodeId: string): Row | undefined;
  presence(nodeId: string): Row | undefined;
  statuses(nodeId: string): readonly Row[];
  /** What the node last said of its own machine, JSON. */
  evidenceOf(nodeId: string): string | undefined;
  command(commandId: string): Row | undefined;
  readonly commands: readonly Row[];
  readonly invocations: readonly Row[];
  readonly outputs: readonly Row[];
  /** Ids of the nodes that are registered now. */
  readonly registered: readonly string[];
  readonly users: readonly string[];
  readonly audit: readonly Row[];
  /** What is wrong, one sentence each. */
  problems(promised: readonly Promised[]): string[];
}

/** Opens a database that may be another's, to read what has been committed. Leaves no trace. */
export function openBooks(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
}

/**
 * Reads the database of a server that is dead, from a copy in `scratch`; or, without that, of one that is alive, as
 * of one moment.
 */
export function readBooks(data: string, scratch: string | undefined): Books {
  if (scratch !== undefined) {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch);
    for (const name of ['rollcall.db', 'rollcall.db-wal']) {
      if (existsSync(join(data, name))) copyFileSync(join(data, name), join(scratch, name));
    }
  }
  const db =
    scratch === undefined
      ? openBooks(join(data, 'rollcall.db'))
      : new DatabaseSync(join(scratch, 'rollcall.db'));
  db.exec('BEGIN');
  const all = (sql: string): Row[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row })) as Row[];
  const broken = [
    ...all('PRAGMA integrity_check')
      .map((row) => String(row.integrity_check))
      .filter((text) => text !== 'ok'),
    ...all('PRAGMA foreign_key_check').map((row) => `foreign key of ${row.table}`),
  ];
  const tables = {
    // In the order in which they were written: ids of the same millisecond are in any.
    audit: all('SELECT * FROM audit ORDER BY rowid'),
    activations: all('SELECT * FROM activations'),
    nodes: all('SELECT * FROM nodes'),
    presence: all('SELECT * FROM presence'),
    history: all('SELECT * FROM presence_history'),
    statuses: all('SELECT * FROM association_statuses'),
    evidence: all('SELECT * FROM node_evidence'),
    nodeMarks: all('SELECT * FROM node_marks'),
    sources: all('SELECT * FROM roster_sources'),
    machines: all('SELECT * FROM machines'),
    machineMarks: all('SELECT * FROM machine_marks'),
    machineAddresses: all('SELECT * FROM machine_addresses'),
    associations: all('SELECT * FROM associations'),
    tags: all('SELECT * FROM tags'),
    users: all('SELECT * FROM users'),
    keys: all('SELECT * FROM access_keys'),
    settings: all('SELECT * FROM settings'),
    documents: all('SELECT * FROM documents'),
    versions: all('SELECT * FROM document_versions'),
    shares: all('SELECT * FROM document_shares'),
    commands: all('SELECT * FROM commands'),
    invocations: all('SELECT * FROM invocations'),
    outputs: all('SELECT * FROM command_outputs'),
  };
  db.exec('COMMIT');
  db.close();
  const registered = tables.nodes.filter((row) => row.deregistered_at === null);
  return {
    node: (nodeId) => tables.nodes.find((row) => row.node_id === nodeId),
    presence: (nodeId) => tables.presence.find((row) => row.node_id === nodeId),
    statuses: (nodeId) => tables.statuses.filter((row) => row.node_id === nodeId),
    evidenceOf: (nodeId) => {
      const found = tables.evidence.find((row) => row.node_id === nodeId)?.evidence;
      return found === undefined ? undefined : String(found);
    },
    command: (commandId) => tables.commands.find((row) => row.command_id === commandId),
    commands: tables.commands,
    invocations: tables.invocations,
    outputs: tables.outputs,
    registered: registered.map((row) => String(row.node_id)).sort(),
    users: tables.users.map((row) => String(row.user_name)).sort(),
    audit: tables.audit,
    problems(promised) {
      return [
        ...broken,
        ...halves(tables),
        ...disagreements(tables),
        ...documentProblems(tables),
        ...commandProblems(tables),
        ...rosterProblems(tables),
        ...promised.flatMap((one) => missing(this, one)),
      ];
    },
  };
}

type Tables = Readonly<Record<string, readonly Row[]>> & {
  readonly audit: readonly Row[];
  readonly activations: readonly Row[];
  readonly nodes: readonly Row[];
  readonly presence: readonly Row[];
  readonly history: readonly Row[];
  readonly statuses: readonly Row[];
  readonly evidence: readonly Row[];
  readonly nodeMarks: readonly Row[];
  readonly sources: readonly Row[];
  readonly machines: readonly Row[];
  readonly machineMarks: readonly Row[];
  readonly machineAddresses: readonly Row[];
  readonly associations: readonly Row[];
  readonly tags: readonly Row[];
  readonly users: readonly Row[];
  readonly keys: readonly Row[];
  readonly settings: readonly Row[];
  readonly documents: readonly Row[];
  readonly versions: readonly Row[];
  readonly shares: readonly Row[];
  readonly commands: readonly Row[];
  readonly invocations: readonly Row[];
  readonly outputs: readonly Row[];
};

function missing(books: Books, promised: Promised): string[] {
  if ('what' in promised)
    return promised.holds(books) ? [] : [`${promised.what} was answered and isn't there`];
  const { operation, resource, detail = '' } = promised;
  const found = books.audit.some(
    (row) =>
      row.operation === operation &&
      row.decision === 'allow' &&
      String(row.resource).endsWith(resource) &&
      String(row.detail ?? '').includes(detail),
  );
  return found ? [] : [`${operation} of ${resource} was answered and isn't there`];
}

/** What belongs together is there, or nothing of it. */
function halves(tables: Tables): string[] {
  const problems: string[] = [];
  const nodeIds = new Set(tables.nodes.map((row) => row.node_id));
  for (const { node_id: id, activation_id: activation } of tables.nodes) {
    const presences = tables.presence.filter((row) => row.node_id === id).length;
    if (presences !== 1) problems.push(`${id} has ${presences} rows of presence`);
    const statuses = tables.statuses.filter((row) => row.node_id === id);
    if (statuses.length !== 2) problems.push(`${id} has ${statuses.length} associations`);
    const known = statuses.every((row) =>
      tables.associations.some((one) => one.association_id === row.association_id),
    );
    if (!known) problems.push(`${id} has an association that isn't there (activation ${activation})`);
  }
  for (const table of ['presence', 'history', 'statuses'] as const) {
    for (const row of tables[table]) {
      if (!nodeIds.has(row.node_id!)) problems.push(`${table} of ${row.node_id}, which isn't there`);
    }
  }
  for (const row of tables.activations) {
    const used = tables.nodes.filter((node) => node.activation_id === row.activation_id).length;
    if (row.registrations_count !== used)
      problems.push(
        `activation ${row.activation_id} counts ${row.registrations_count}, ${used} nodes have it`,
      );
  }
  for (const row of tables.presence) {
    const has = (at: unknown, change: string) =>
      tables.history.some(
        (one) => one.node_id === row.node_id && one.at === at && String(one.change).startsWith(change),
      );
    if ((row.epoch === 0) !== (row.opened_at === null)) problems.push(`half a channel of ${row.node_id}`);
    if ((row.closed_at === null) !== (row.closed_by === null)) problems.push(`half an end of ${row.node_id}`);
    if (row.opened_at !== null && !has(row.opened_at, 'opened'))
      problems.push(`the opening of ${row.node_id} isn't in the history`);
    if (row.closed_at !== null && !has(row.closed_at, `closed by ${row.closed_by}`))
      problems.push(`the end of the channel of ${row.node_id} isn't in the history`);
  }
  const owners = new Set(tables.users.map((row) => row.user_name));
  for (const row of tables.keys) {
    if (!owners.has(row.user_name!)) problems.push(`key ${row.access_key_id} belongs to nobody`);
  }
  return problems;
}

/** The audit trail, done again from the beginning, ends in what the tables say. */
function disagreements(tables: Tables): string[] {
  const problems: string[] = [];
  const activations = new Set<string>();
  const nodes = new Map<string, { gone: boolean; role?: string; keys: number; tags: Map<string, string> }>();
  const users = new Map<string, { policy?: string; keys: Map<string, string> }>();
  const settings = new Map<string, string>();
  const backups: string[] = [];

  for (const row of tables.audit) {
    if (row.decision !== 'allow') continue;
    const resource = String(row.resource);
    const id = resource.slice(resource.lastIndexOf('/') + 1);
    const text = String(row.detail ?? '');
    const detail = (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, string>;
    const node = nodes.get(id);
    const user = users.get(id);
    switch (row.operation) {
      case 'ssm:CreateActivation':
        activations.add(id);
        break;
      case 'ssm:DeleteActivation':
        if (!activations.delete(id)) problems.push(`activation ${id} was deleted, and never made`);
        break;
      case 'ssm:RegisterManagedInstance': {
        if (node) problems.push(`${id} was registered twice`);
        const inherited = tables.tags.some((tag) => tag.resource_id === id && tag.key === 'from');
        const removed = tables.audit.some(
          (one) => one.operation === 'ssm:RemoveTagsFromResource' && String(one.resource).endsWith(id),
        );
        const tags = new Map(inherited || removed ? [['from', 'activation']] : []);
        if (tags.size === 0) problems.push(`${id} lacks the tag of its activation`);
        nodes.set(id, { gone: false, keys: 0, tags });
        break;
      }
      case 'ssm:DeregisterManagedInstance':
        if (node) node.gone = true;
        break;
      case 'rollcall:RestoreNode':
        if (node) node.gone = false;
        break;
      case 'ssm:UpdateManagedInstancePublicKey':
        if (node) node.keys += 1;
        break;
      case 'ssm:UpdateManagedInstanceRole':
        if (node) node.role = detail.role ?? '';
        break;
      case 'ssm:AddTagsToResource':
        for (const tag of (detail.added ?? '').split(', ')) {
          const [key = '', value = ''] = tag.split('=');
          node?.tags.set(key, value);
        }
        break;
      case 'ssm:RemoveTagsFromResource':
        for (const key of (detail.removed ?? '').split(', ')) node?.tags.delete(key);
        break;
      case 'rollcall:CreateUser':
        users.set(id, { keys: new Map([[detail.AccessKeyId ?? '', 'Active']]) });
        break;
      case 'rollcall:DeleteUser':
        users.delete(id);
        break;
      case 'rollcall:PutUserPolicy':
        if (user) user.policy = detail.PolicyDocument ?? '';
        break;
      case 'rollcall:CreateAccessKey':
        user?.keys.set(detail.AccessKeyId ?? '', 'Active');
        break;
      case 'rollcall:UpdateAccessKey':
        user?.keys.set(detail.AccessKeyId ?? '', detail.Status ?? '');
        break;
      case 'rollcall:DeleteAccessKey':
        user?.keys.delete(detail.AccessKeyId ?? '');
        break;
      case 'rollcall:PutSetting':
        settings.set(id, text);
        break;
      case 'ssm:UpdateServiceSetting':
        settings.set(`service-setting:${resource.slice(resource.indexOf('/'))}`, detail.value ?? '');
        break;
      case 'ssm:ResetServiceSetting':
        settings.delete(`service-setting:${resource.slice(resource.indexOf('/'))}`);
        break;
      case 'rollcall:CreateBackup':
        backups.push(resource.slice('backup/'.length));
        break;
      case 'ssm:SendCommand':
      case 'ssm:CreateDocument':
      case 'ssm:UpdateDocument':
      case 'ssm:UpdateDocumentDefaultVersion':
      case 'ssm:DeleteDocument':
      case 'ssm:ModifyDocumentPermission':
      case 'rollcall:ImportRoster':
      case 'rollcall:PutRosterSource':
      case 'rollcall:DeleteRosterSource':
      case 'rollcall:RenewActivation':
        // What is made of these is looked at by those who know commands, documents and the roster.
        break;
      case 'ssm:CancelCommand':
        if (!tables.commands.some((one) => one.command_id === id))
          problems.push(`command ${id} was cancelled, and never sent`);
        break;
      default:
        problems.push(`nobody knows what ${row.operation} in the audit trail did`);
    }
  }

  same(
    problems,
    'activations',
    activations,
    tables.activations.map((row) => String(row.activation_id)),
  );
  same(
    problems,
    'nodes',
    nodes.keys(),
    tables.nodes.map((row) => String(row.node_id)),
  );
  for (const row of tables.nodes) {
    const told = nodes.get(String(row.node_id));
    if (!told) continue;
    const tags = tables.tags
      .filter((tag) => tag.resource_id === row.node_id)
      .map((tag) => `${tag.key}=${tag.value}`);
    if (told.gone !== (row.deregistered_at !== null)) problems.push(`${row.node_id} is there, or isn't`);
    if (told.keys > 0 !== (row.previous_public_key !== null)) problems.push(`the key of ${row.node_id}`);
    if (told.role !== undefined && told.role !== row.iam_role) problems.push(`the role of ${row.node_id}`);
    same(
      problems,
      `tags of ${row.node_id}`,
      [...told.tags].map(([key, value]) => `${key}=${value}`),
      tags,
    );
  }
  same(
    problems,
    'users',
    ['admin', ...users.keys()],
    tables.users.map((row) => String(row.user_name)),
  );
  for (const [name, told] of users) {
    const keys = tables.keys
      .filter((row) => row.user_name === name)
      .map((row) => `${row.access_key_id} ${row.status}`);
    same(
      problems,
      `keys of ${name}`,
      [...told.keys].map(([id, status]) => `${id} ${status}`),
      keys,
    );
    const policy = tables.users.find((row) => row.user_name === name)?.policy;
    if (told.policy !== undefined && told.policy !== policy) problems.push(`the policy of ${name}`);
    if (told.policy === undefined && !String(policy).includes('[]'))
      problems.push(`${name} may do something`);
  }
  const stored = tables.settings.filter(
    (row) => row.name === 'retention-events-days' || String(row.name).startsWith('service-setting:'),
  );
  same(
    problems,
    'settings',
    [...settings].map(([name, value]) => `${name}=${value}`),
    stored.map((row) => `${row.name}=${row.value}`),
  );
  for (const file of backups) if (!existsSync(file)) problems.push(`the backup ${file} isn't there`);
  return problems;
}

function same(problems: string[], what: string, told: Iterable<string>, stored: Iterable<string>): void {
  const [a, b] = [new Set(told), new Set(stored)];
  const extra = [...b].filter((one) => !a.has(one));
  const lost = [...a].filter((one) => !b.has(one));
  if (extra.length > 0) problems.push(`${what}: ${extra.join(', ')} without an audit row`);
  if (lost.length > 0) problems.push(`${what}: ${lost.join(', ')} only in the audit trail`);
}

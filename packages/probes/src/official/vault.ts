/**
 * The official agent's registration: its vault, checked for wholeness, and the identity that it says it runs
 * under. Keys are looked for, and never kept.
 */
import type { AgentIdentityEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';
import type { Sight } from '../machine/sight.ts';
import { compareFingerprint } from './fingerprint.ts';

/** What the vault tells. */
export interface VaultEvidence {
  readonly identity: AgentIdentityEvidence;
  /** The folder of the node's own files. */
  readonly nodeFolder?: string;
}

type Entry = Readonly<Record<string, unknown>>;

/** Reads the registration. */
export async function readVault(sight: Sight, root: string): Promise<VaultEvidence> {
  const damage: string[] = [];
  const folder = await sight.facts(`${root}/Vault`);
  const hybrid = await readStore(sight, `${root}/Vault/Manifest`, damage);
  const ec2 = await readStore(sight, `${root}/Vault/EC2Manifest`, damage);
  const key = await hybrid('RegistrationKey');
  const ec2Key = await ec2('EC2RegistrationKey');
  const print = await hybrid('InstanceFingerprint');
  const plain = await readJson(sight, `${root}/registration`, damage);
  const runtime = await readJson(sight, `${root}/runtimeconfig/identity_config.json`, damage);

  const keyId = word(key, 'instanceID');
  const plainId = word(plain, 'ManagedInstanceID');
  // Only a vault that has all three is taken for an identity.
  const complete =
    keyId !== undefined && word(key, 'region') !== undefined && word(key, 'privateKey') !== undefined;
  if (key !== undefined && keyId !== undefined && !complete)
    damage.push(
      `${root}/Vault: the registration lacks its ${word(key, 'region') === undefined ? 'region' : 'key'}`,
    );
  // Without root the vault can't be read, and the file beside it can't either: what runs says who it is.
  const runtimeId = word(runtime, 'InstanceId');
  const runtimeType = word(runtime, 'IdentityType');
  const ec2Id = word(ec2Key, 'instanceID') ?? (runtimeType === 'EC2' ? runtimeId : undefined);
  if (folder === undefined && plainId !== undefined && sight.privileged)
    damage.push(`${root}/Vault is missing, although ${root}/registration names ${redactText(plainId, 40)}`);
  const expiresAt = time(runtime, 'CredentialsExpiresAt');
  const credentialSource = word(runtime, 'CredentialSource');
  const nodeId = complete ? keyId : (plainId ?? (runtimeType === 'OnPrem' ? runtimeId : undefined));
  const region = word(key, 'region') ?? word(plain, 'Region') ?? word(ec2Key, 'region');
  const createdAt = time(key, 'privateKeyCreatedDate');
  const fingerprint = print === undefined ? undefined : await compareFingerprint(sight, print);
  const isNode = complete || (nodeId !== undefined && key === undefined);
  const kind = isNode ? 'activation' : ec2Id !== undefined ? 'ec2' : 'none';
  const shownId = kind === 'ec2' ? ec2Id : nodeId;
  return {
    ...(shownId === undefined || !/^[\w-]{1,128}$/.test(shownId) ? {} : { nodeFolder: `${root}/${shownId}` }),
    identity: {
      kind,
      ...(shownId === undefined ? {} : { nodeId: redactText(shownId, 128) }),
      ...(region === undefined ? {} : { region: redactText(region, 100) }),
      ...(createdAt === undefined ? {} : { registeredAt: createdAt }),
      ...(damage.length === 0 ? {} : { damage: damage.slice(0, 8) }),
      ...(ec2Id === undefined ? {} : { ec2Id: redactText(ec2Id, 64) }),
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...(runtimeId === undefined
        ? {}
        : { running: { nodeId: redactText(runtimeId, 128), kind: redactText(runtimeType ?? '', 40) } }),
      ...(expiresAt === undefined && credentialSource === undefined
        ? {}
        : {
            credentials: {
              ...(credentialSource === undefined ? {} : { source: redactText(credentialSource, 40) }),
              ...(expiresAt === undefined ? {} : { expiresAt }),
            },
          }),
    },
  };
}

/** A vault's table of contents; answers a reader of its entries. What is broken is noted. */
async function readStore(
  sight: Sight,
  path: string,
  damage: string[],
): Promise<(name: string) => Promise<Entry | undefined>> {
  const manifest = await readJson(sight, path, damage);
  return async (name) => {
    const file = word(manifest, name);
    if (file === undefined) return undefined;
    // The manifest was written by somebody: it doesn't lead out of the vault.
    if (!file.startsWith(`${path.slice(0, path.lastIndexOf('/'))}/`) || file.includes('..')) {
      damage.push(`${path}: the entry ${name} leads elsewhere`);
      return undefined;
    }
    const entry = await readJson(sight, file, damage);
    if (entry === undefined && (await sight.facts(file)) === undefined && sight.privileged)
      damage.push(`${file} is missing, although ${path} names it`);
    return entry;
  };
}

async function readJson(sight: Sight, path: string, damage: string[]): Promise<Entry | undefined> {
  const text = await sight.text(path, 1_000_000);
  if (text === undefined) return undefined;
  if (text.trim() === '') {
    damage.push(`${path} is empty`);
    return undefined;
  }
  try {
    const value = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Entry;
  } catch {
    // Said below, without what is in it.
  }
  damage.push(`${path} is not JSON`);
  return undefined;
}

function word(entry: Entry | undefined, name: string): string | undefined {
  const value = entry?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function time(entry: Entry | undefined, name: string): number | undefined {
  const text = word(entry, name);
  if (text === undefined || text.startsWith('0001-')) return undefined;
  // Go writes `2026-11-25 22:40:39.94 +0000 UTC`, with more digits than others read.
  const plain = text
    .replace(/ [A-Z]+( m=\S+)?$/, '')
    .replace(/^(\S+) (\S+) ([+-]\d\d):?(\d\d)$/, '$1T$2$3:$4')
    .replace(/(\.\d{3})\d+/, '$1');
  const at = Date.parse(plain);
  return Number.isNaN(at) ? undefined : at;
}

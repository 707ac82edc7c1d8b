/** What the tests of identity share: an open identity on a store of its own, and requests to it. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, signRequest } from '@rollcall/wire';
import { type ManualClock, manualClock } from '../clock.ts';
import type { Call, Principal } from '../service/index.ts';
import { openStore, type Store } from '../store/index.ts';
import {
  type AuthenticationRequest,
  type Identity,
  type IdentityDeps,
  type NodeIdentity,
  openIdentity,
} from './index.ts';

export const account = '000000000000';
export const nodeId = 'mi-0123456789abcdef0';
export const otherNodeId = 'mi-0123456789abcdef1';
export const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const previousKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secretsKey = Buffer.alloc(32, 7);

/** An identity to be tested. */
export interface Bench {
  readonly identity: Identity;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly nodes: Map<string, NodeIdentity>;
  /** Another server on the same store, with the same or another secrets key. */
  another(deps?: Partial<IdentityDeps>): Identity;
  close(): Promise<void>;
}

/** Opens one; two nodes are registered in us-east-1. */
export async function openBench(deps: Partial<IdentityDeps> = {}): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-identity-'));
  const store = await openStore({ kind: 'sqlite', directory });
  const clock = manualClock(Date.UTC(2026, 10, 23, 12, 0, 0));
  const nodes = new Map<string, NodeIdentity>();
  for (const id of [nodeId, otherNodeId]) {
    const publicKeys = [keys.publicKey, previousKeys.publicKey];
    nodes.set(id, {
      nodeId: id,
      region: 'us-east-1',
      publicKeys,
      epoch: 1,
      roleName: 'Core',
      registered: true,
    });
  }
  const hooks = { findNode: async (id: string) => nodes.get(id) };
  const another = (own: Partial<IdentityDeps> = {}) =>
    openIdentity({
      store,
      clock,
      account,
      regions: ['us-east-1', 'eu-west-1'],
      secretsKey,
      hooks,
      ...deps,
      ...own,
    });
  return {
    identity: another(),
    clock,
    store,
    nodes,
    another,
    async close() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** The administrator's credentials, made at the first start. */
export async function administrator(identity: Identity): Promise<Credentials> {
  const key = await identity.ensureAdministrator();
  return { accessKeyId: key!.AccessKeyId, secretAccessKey: key!.SecretAccessKey };
}

/** Headers as they come off the wire. */
export function raw(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

/** A signed call of an SSM operation. */
export function signedCall(
  credentials: Credentials,
  at: number,
  changes: { region?: string; service?: string; body?: string; headers?: Record<string, string> } = {},
): AuthenticationRequest {
  const body = changes.body ?? '{"MaxResults":5}';
  const headers = signRequest({
    method: 'POST',
    url: 'https://localhost:8443/',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.DescribeInstanceInformation',
      ...changes.headers,
    },
    body,
    credentials,
    region: changes.region ?? 'us-east-1',
    service: changes.service ?? 'ssm',
    at,
  });
  const request = { method: 'POST', url: '/', rawHeaders: raw(headers) };
  return { request, body, service: 'ssm', nodeKeyAllowed: false };
}

/** A call by `principal`, for deciding. */
export function callBy(principal: Principal, at: number, changes: Partial<Call> = {}): Call {
  return {
    id: '00000000-0000-4000-8000-000000000000',
    at,
    region: 'us-east-1',
    account,
    principal,
    source: { address: '10.0.0.7', port: 4711, userAgent: 'aws-cli/2' },
    operation: 'ssm:Test',
    headers: {},
    ...changes,
  };
}

/** A user as a principal. */
export function userPrincipal(name: string): Principal {
  return { kind: 'user', arn: `arn:aws:iam::${account}:user/${name}`, name, accessKeyId: 'AKIATEST' };
}

/** Calls an operation of identity as its handler is called. */
export function run<O>(identity: Identity, name: string, input: object, call: Call): Promise<O> {
  return identity.operations.find((operation) => operation.name === name)!.handle(call, input);
}

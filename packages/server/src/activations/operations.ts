/** `CreateActivation`, `DescribeActivations`, `DeleteActivation`, and how far an enrolment has come. */
import { randomUUID } from 'node:crypto';
import type {
  Activation,
  CreateActivationRequest,
  CreateActivationResult,
  DeleteActivationRequest,
  DeleteActivationResult,
  DescribeActivationsRequest,
  DescribeActivationsResult,
} from '@aws-sdk/client-ssm';
import type {
  GetActivationProgressInput,
  GetActivationProgressOutput,
  RenewActivationInput,
  RenewActivationOutput,
} from '@rollcall/wire';
import { principalName, recordAudit } from '../audit/index.ts';
import {
  type AnyOperation,
  dateOf,
  operation,
  present,
  Refusal,
  readToken,
  writeToken,
} from '../service/index.ts';
import type { ActivationsRow } from '../store/index.ts';
import { checkTags } from '../tags/index.ts';
import { hashCode, newCode } from './codes.ts';
import { type ActivationsDeps, activationArn } from './deps.ts';
import { type ActivationCondition, type ActivationKey, findActivation, listActivations } from './queries.ts';

const day = 86_400_000;
const longestValidity = 30 * day;

/** Declares them. */
export function activationOperations(deps: ActivationsDeps): readonly AnyOperation[] {
  const { store } = deps;
  return [
    operation<CreateActivationRequest, CreateActivationResult>({
      service: 'ssm',
      name: 'CreateActivation',
      access: { by: 'policy', action: 'ssm:CreateActivation', resources: () => ['*'] },
      changes: true,
      async handle(call, input) {
        const expiresAt = expiryOf(input.ExpirationDate, call.at);
        const newTags = input.Tags ?? [];
        checkTags(newTags);
        const activationId = randomUUID();
        const code = newCode();
        await store.write(async (tx) => {
          await tx
            .in(call.region)
            .insertInto('activations')
            .values({
              activation_id: activationId,
              code_hash: hashCode(code),
              description: input.Description ?? null,
              default_instance_name: input.DefaultInstanceName ?? null,
              iam_role: input.IamRole ?? '',
              registration_limit: input.RegistrationLimit ?? 1,
              registrations_count: 0,
              created_at: call.at,
              created_by: principalName(call.principal),
              expires_at: expiresAt,
              tags: JSON.stringify(newTags),
            })
            .execute();
          await recordAudit(tx, call, {
            resource: activationArn(call.region, call.account, activationId),
            detail: { limit: input.RegistrationLimit ?? 1, expires: new Date(expiresAt).toISOString() },
          });
        });
        return { ActivationId: activationId, ActivationCode: code };
      },
    }),
    operation<DescribeActivationsRequest, DescribeActivationsResult>({
      service: 'ssm',
      name: 'DescribeActivations',
      access: { by: 'policy', action: 'ssm:DescribeActivations', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const conditions = (input.Filters ?? []).map((one) => condition(one.FilterKey, one.FilterValues));
        const size = input.MaxResults ?? 50;
        const question = [call.operation, call.region, conditions];
        const after = readToken<ActivationKey>(question, input.NextToken, [0, '']);
        const rows = await store.read((tx) => listActivations(tx, call.region, conditions, after, size + 1));
        const last = rows[size - 1];
        return {
          ActivationList: rows.slice(0, size).map((row) => activation(row, call.at)),
          ...(rows.length > size &&
            last && { NextToken: writeToken(question, [last.created_at, last.activation_id]) }),
        };
      },
    }),
    operation<DeleteActivationRequest, DeleteActivationResult>({
      service: 'ssm',
      name: 'DeleteActivation',
      access: {
        by: 'policy',
        action: 'ssm:DeleteActivation',
        resources: (input, call) => [activationArn(call.region, call.account, input.ActivationId ?? '')],
      },
      changes: true,
      async handle(call, input) {
        const activationId = input.ActivationId ?? '';
        await store.write(async (tx) => {
          const deleted = await tx
            .in(call.region)
            .deleteFrom('activations')
            .where('activation_id', '=', activationId)
            .executeTakeFirst();
          if (deleted.numDeletedRows === 0n) throw noActivation(activationId);
          await recordAudit(tx, call, { resource: activationArn(call.region, call.account, activationId) });
        });
        return {};
      },
    }),
    operation<RenewActivationInput, RenewActivationOutput>({
      service: 'rollcall',
      name: 'RenewActivation',
      access: {
        by: 'policy',
        action: 'rollcall:RenewActivation',
        resources: (input, call) => [activationArn(call.region, call.account, input.ActivationId)],
      },
      changes: true,
      async handle(call, input) {
        const { ActivationId: activationId } = input;
        const expiresAt = expiryOf(input.ExpirationDate, call.at);
        const row = await store.write(async (tx) => {
          const known = await findActivation(tx, call.region, activationId);
          if (!known) throw noActivation(activationId);
          const limit = input.RegistrationLimit ?? known.registration_limit;
          if (limit < known.registrations_count) {
            throw invalidParameters(
              `RegistrationLimit can't be ${limit}: ${known.registrations_count} machines have registered already.`,
            );
          }
          await tx
            .in(call.region)
            .updateTable('activations')
            .set({ expires_at: expiresAt, registration_limit: limit })
            .where('activation_id', '=', activationId)
            .execute();
          await recordAudit(tx, call, {
            resource: activationArn(call.region, call.account, activationId),
            detail: { limit, expires: new Date(expiresAt).toISOString() },
          });
          return { limit, count: known.registrations_count };
        });
        return {
          ActivationId: activationId,
          ExpirationDate: new Date(expiresAt),
          RegistrationLimit: row.limit,
          RegistrationsCount: row.count,
        };
      },
    }),
    operation<GetActivationProgressInput, GetActivationProgressOutput>({
      service: 'rollcall',
      name: 'GetActivationProgress',
      access: {
        by: 'policy',
        action: 'rollcall:GetActivationProgress',
        resources: (input, call) => [activationArn(call.region, call.account, input.ActivationId)],
      },
      changes: false,
      async handle(call, input) {
        const row = await store.read((tx) => findActivation(tx, call.region, input.ActivationId));
        if (!row) throw noActivation(input.ActivationId);
        const refused = (await deps.hooks?.refusals?.(row.activation_id)) ?? [];
        return {
          ActivationId: row.activation_id,
          Limit: row.registration_limit,
          Registered: row.registrations_count,
          Expired: row.expires_at <= call.at,
          ExpiresAt: new Date(row.expires_at),
          Refused: refused.map((one) => ({
            Reason: one.reason,
            Count: one.count,
            LastAt: new Date(one.lastAt),
          })),
          NotSeen: row.registration_limit - row.registrations_count,
        };
      },
    }),
  ];
}

/** Until when an activation is good: a day, unless told. */
function expiryOf(asked: Date | undefined, now: number): number {
  const expiresAt = asked?.getTime() ?? now + day;
  if (expiresAt <= now) throw invalidParameters('ExpirationDate has passed already.');
  if (expiresAt > now + longestValidity)
    throw invalidParameters('ExpirationDate can be 30 days ahead at most.');
  return expiresAt;
}

function condition(key: string | undefined, values: readonly string[] = []): ActivationCondition {
  switch (key) {
    case 'ActivationIds':
      return { column: 'activation_id', values };
    case 'DefaultInstanceName':
      return { column: 'default_instance_name', values };
    case 'IamRole':
      return { column: 'iam_role', values };
    default:
      throw new Refusal('InvalidFilter', `The filter key isn't valid: ${key ?? ''}`);
  }
}

function activation(row: ActivationsRow, now: number): Activation {
  const tags = JSON.parse(row.tags);
  return present<Activation>({
    ActivationId: row.activation_id,
    Description: row.description,
    DefaultInstanceName: row.default_instance_name,
    IamRole: row.iam_role,
    RegistrationLimit: row.registration_limit,
    RegistrationsCount: row.registrations_count,
    ExpirationDate: dateOf(row.expires_at),
    Expired: row.expires_at <= now,
    CreatedDate: dateOf(row.created_at),
    Tags: tags.length > 0 ? tags : undefined,
  });
}

function invalidParameters(why: string): Refusal {
  return new Refusal('InvalidParameters', why);
}

function noActivation(activationId: string): Refusal {
  return new Refusal(
    'InvalidActivation',
    `The activation isn't valid; it may have been deleted: ${activationId}`,
  );
}

/**
 * `GetServiceSetting` and kin, for the settings that agents and AWS's tools ask for. A value that would
 * promise what isn't there is refused rather than stored.
 */
import type {
  GetServiceSettingRequest,
  GetServiceSettingResult,
  ResetServiceSettingRequest,
  ResetServiceSettingResult,
  ServiceSetting,
  UpdateServiceSettingRequest,
  UpdateServiceSettingResult,
} from '@aws-sdk/client-ssm';
import { principalName, recordAudit } from '../audit/index.ts';
import { type Access, type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import type { ReadTx, SettingsRow } from '../store/index.ts';
import type { NodesCore } from './core.ts';

interface KnownSetting {
  readonly initial: string;
  /** Says why a value can't be set; nothing when it can. */
  refuse(value: string): string | undefined;
}

const settings: Readonly<Record<string, KnownSetting>> = {
  // There are no tiers: every node can do what AWS calls advanced.
  '/ssm/managed-instance/activation-tier': {
    initial: 'advanced',
    refuse: (value) => (value === 'advanced' ? undefined : 'There are no tiers here: it is always advanced.'),
  },
  '/ssm/managed-instance/default-ec2-instance-management-role': {
    initial: '$None',
    refuse: (value) =>
      value === '$None' ? undefined : 'Default Host Management is not served in this release.',
  },
  '/ssm/documents/console/public-sharing-permission': {
    initial: 'Disable',
    refuse: (value) => (value === 'Disable' ? undefined : 'Documents are never shared with the public here.'),
  },
};

/** Declares the operations of service settings. */
export function serviceSettingOperations({ store }: NodesCore): readonly AnyOperation[] {
  function access<I extends { SettingId: string | undefined }>(action: string): Access<I> {
    return { by: 'policy', action, resources: (input, call) => [settingArn(call, idOf(input.SettingId))] };
  }
  async function read(tx: ReadTx, call: Call, id: string): Promise<ServiceSetting> {
    const row = await tx
      .in(call.region)
      .selectFrom('settings')
      .selectAll()
      .where('name', '=', storedName(id))
      .executeTakeFirst();
    return describe(call, id, row);
  }
  async function forget(tx: Parameters<Parameters<typeof store.write>[0]>[0], call: Call, id: string) {
    await tx.in(call.region).deleteFrom('settings').where('name', '=', storedName(id)).execute();
  }

  return [
    operation<GetServiceSettingRequest, GetServiceSettingResult>({
      service: 'ssm',
      name: 'GetServiceSetting',
      access: access('ssm:GetServiceSetting'),
      changes: false,
      async handle(call, input) {
        const id = idOf(input.SettingId);
        known(id);
        return { ServiceSetting: await store.read((tx) => read(tx, call, id)) };
      },
    }),
    operation<UpdateServiceSettingRequest, UpdateServiceSettingResult>({
      service: 'ssm',
      name: 'UpdateServiceSetting',
      access: access('ssm:UpdateServiceSetting'),
      changes: true,
      async handle(call, input) {
        const id = idOf(input.SettingId);
        const value = input.SettingValue ?? '';
        const why = known(id).refuse(value);
        if (why !== undefined)
          throw new Refusal('ValidationException', `${id} can't be set to ${value}. ${why}`);
        await store.write(async (tx) => {
          await forget(tx, call, id);
          await tx
            .in(call.region)
            .insertInto('settings')
            .values({
              name: storedName(id),
              value,
              changed_at: call.at,
              changed_by: principalName(call.principal),
            })
            .execute();
          await recordAudit(tx, call, { resource: settingArn(call, id), detail: { value } });
        });
        return {};
      },
    }),
    operation<ResetServiceSettingRequest, ResetServiceSettingResult>({
      service: 'ssm',
      name: 'ResetServiceSetting',
      access: access('ssm:ResetServiceSetting'),
      changes: true,
      async handle(call, input) {
        const id = idOf(input.SettingId);
        known(id);
        await store.write(async (tx) => {
          await forget(tx, call, id);
          await recordAudit(tx, call, { resource: settingArn(call, id) });
        });
        return { ServiceSetting: describe(call, id, undefined) };
      },
    }),
  ];
}

/** The id may come as an ARN as well. */
function idOf(given = ''): string {
  const mark = ':servicesetting/';
  const at = given.indexOf(mark);
  return at < 0 ? given : `/${given.slice(at + mark.length).replace(/^\//, '')}`;
}

function storedName(id: string): string {
  return `service-setting:${id}`;
}

function settingArn(call: Call, id: string): string {
  return `arn:aws:ssm:${call.region}:${call.account}:servicesetting${id}`;
}

function known(id: string): KnownSetting {
  const setting = Object.hasOwn(settings, id) ? settings[id] : undefined;
  if (setting) return setting;
  throw new Refusal('ServiceSettingNotFound', `The service setting wasn't found: ${id}`);
}

function describe(call: Call, id: string, row: SettingsRow | undefined): ServiceSetting {
  return {
    SettingId: id,
    SettingValue: row?.value ?? known(id).initial,
    ...(row && { LastModifiedDate: new Date(row.changed_at), LastModifiedUser: row.changed_by }),
    ARN: settingArn(call, id),
    Status: row ? 'Customized' : 'Default',
  };
}

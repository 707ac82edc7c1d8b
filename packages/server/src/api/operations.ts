/**
 * The server's operations on itself: what it is, its settings, and a backup while it runs.
 */
import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type {
  CreateBackupInput,
  CreateBackupOutput,
  GetServerInfoOutput,
  ListSettingsOutput,
  PutSettingInput,
} from '@rollcall/wire';
import { recordAudit } from '../audit/index.ts';
import type { Clock } from '../clock.ts';
import { type AnyOperation, operation, Refusal } from '../service/index.ts';
import type { Settings } from '../settings/index.ts';
import type { Store } from '../store/index.ts';

/** What the server can say of itself. */
export interface OwnDeps {
  readonly clock: Clock;
  readonly store: Store;
  readonly settings: Settings;
  /** Everything but the time. */
  info(): Omit<GetServerInfoOutput, 'Time'>;
  /** Writes a backup; `withSecrets` adds the keys. */
  backup(file: string, withSecrets: boolean): Promise<void>;
}

/** Declares them. */
export function ownOperations(deps: OwnDeps): readonly AnyOperation[] {
  return [
    operation<object, GetServerInfoOutput>({
      service: 'rollcall',
      name: 'GetServerInfo',
      access: { by: 'policy', action: 'rollcall:GetServerInfo', resources: () => ['*'] },
      changes: false,
      handle: async () => ({ ...deps.info(), Time: new Date(deps.clock.now()) }),
    }),
    operation<object, ListSettingsOutput>({
      service: 'rollcall',
      name: 'ListSettings',
      access: { by: 'policy', action: 'rollcall:ListSettings', resources: () => ['*'] },
      changes: false,
      handle: async () => ({
        Settings: deps.settings.list().map((setting) => ({
          Name: setting.name,
          Value: setting.value,
          Default: setting.default,
          Description: setting.description,
        })),
      }),
    }),
    operation<PutSettingInput, object>({
      service: 'rollcall',
      name: 'PutSetting',
      access: { by: 'policy', action: 'rollcall:PutSetting', resources: () => ['*'] },
      changes: true,
      async handle(call, input) {
        const by = call.principal.kind === 'anonymous' ? 'anonymous' : call.principal.arn;
        await deps.store.write(async (tx) => {
          await deps.settings.put(tx, input.Name, input.Value, by);
          await recordAudit(tx, call, { resource: `setting/${input.Name}`, detail: input.Value });
        });
        return {};
      },
    }),
    operation<CreateBackupInput, CreateBackupOutput>({
      service: 'rollcall',
      name: 'CreateBackup',
      access: { by: 'policy', action: 'rollcall:CreateBackup', resources: () => ['*'] },
      changes: true,
      async handle(call, input) {
        if (!isAbsolute(input.Path)) {
          throw new Refusal(
            'ValidationException',
            'Path must be absolute: the server writes the file on its own machine.',
          );
        }
        try {
          await deps.backup(input.Path, input.WithSecrets ?? false);
        } catch (error) {
          throw new Refusal(
            'ValidationException',
            `The backup could not be written: ${(error as Error).message}`,
          );
        }
        await deps.store.write((tx) => recordAudit(tx, call, { resource: `backup/${input.Path}` }));
        return { Path: input.Path, Bytes: (await stat(input.Path)).size, At: new Date(deps.clock.now()) };
      },
    }),
  ];
}

/** `GetConnectionStatus`: is a control channel open? Unknown targets aren't an error, just not connected. */
import type { GetConnectionStatusRequest, GetConnectionStatusResponse } from '@aws-sdk/client-ssm';
import { type AnyOperation, type Call, operation } from '../service/index.ts';
import type { Store } from '../store/index.ts';
import { presenceRow } from './queries.ts';
import type { PresenceView } from './status.ts';

/** Declares the operations of presence. */
export function presenceOperations(deps: { store: Store; view(): PresenceView }): readonly AnyOperation[] {
  return [
    operation<GetConnectionStatusRequest, GetConnectionStatusResponse>({
      service: 'ssm',
      name: 'GetConnectionStatus',
      access: {
        by: 'policy',
        action: 'ssm:GetConnectionStatus',
        resources: (input, call) => [targetArn(input.Target ?? '', call)],
      },
      changes: false,
      async handle(call, input) {
        const target = input.Target ?? '';
        const row = await deps.store.read((tx) => presenceRow(tx, call.region, target));
        const connected =
          row?.channel_server != null &&
          row.opened_at !== null &&
          row.closed_at === null &&
          deps.view().liveServers.includes(row.channel_server);
        return { Target: target, Status: connected ? 'connected' : 'notconnected' };
      },
    }),
  ];
}

function targetArn(target: string, call: Call): string {
  return target.startsWith('i-')
    ? `arn:aws:ec2:${call.region}:${call.account}:instance/${target}`
    : `arn:aws:ssm:${call.region}:${call.account}:managed-instance/${target}`;
}

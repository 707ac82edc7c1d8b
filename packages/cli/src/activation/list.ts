/** The activations of a region, read and listed. */

import { type Asking, ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { table } from '../output/table.ts';
import { localTime } from '../output/time.ts';

/** The members of DescribeActivations that verbs look at. */
export interface Activation {
  readonly ActivationId: string;
  readonly DefaultInstanceName?: string;
  readonly IamRole?: string;
  readonly RegistrationLimit: number;
  readonly RegistrationsCount: number;
  readonly ExpirationDate: number;
  readonly Expired: boolean;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

/** The id of an activation as it was typed. */
export function readActivationId(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new Failure(`"${id}" is no activation id. All of them: rollcall activation list${atData()}`);
  return id;
}

/** One activation; fails when there is none of this id. */
export async function findActivation({ client, region }: Asking, id: string): Promise<Activation> {
  const page = await client.call<{ ActivationList?: Activation[] }>('ssm', 'DescribeActivations', {
    Filters: [{ FilterKey: 'ActivationIds', FilterValues: [readActivationId(id)] }],
  });
  const found = page.ActivationList?.[0];
  if (!found)
    throw new Failure(
      `There is no activation ${id} in ${region}. All of them: rollcall activation list${atData()}`,
      exitCodes.no,
    );
  return found;
}

/** Lists them. */
export function listActivations(options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson, region }) => {
    const all: Activation[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.call<{ ActivationList?: Activation[]; NextToken?: string }>(
        'ssm',
        'DescribeActivations',
        {
          MaxResults: 50,
          ...(NextToken && { NextToken }),
        },
      );
      all.push(...(page.ActivationList ?? []));
      NextToken = page.NextToken;
    } while (NextToken);
    if (options.json) {
      printJson({ ActivationList: all });
      return;
    }
    const columns = [
      { title: 'ACTIVATION' },
      { title: 'USED' },
      { title: 'EXPIRES' },
      { title: 'NAME', atLeast: 8 },
    ];
    const rows = all.map((each) => [
      each.ActivationId,
      `${each.RegistrationsCount} of ${each.RegistrationLimit}`,
      each.Expired ? 'expired' : localTime(each.ExpirationDate * 1000),
      each.DefaultInstanceName ?? '',
    ]);
    if (rows.length) print(...table(columns, rows, screen), '');
    print(
      all.length
        ? `${all.length} of ${counted(all.length, 'activation')} in ${screen.text(region)}.`
        : `No activation in ${screen.text(region)}. To make one: rollcall activation create${atData()}`,
    );
  });
}

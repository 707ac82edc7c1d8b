/** What an account of AWS refuses, or never was set up for: told by the log of the official agent alone. */
import { openPart } from '../case.ts';
import { ec2, imds, judge, logged, metadata, official } from '../node/recorded-machine.ts';

const { cases, fault, decoy } = openPart('account');

const minute = 60_000;
const now = Date.now();
const started = logged(now - 30 * minute, 'INFO', '[amazon-ssm-agent] amazon-ssm-agent - v3.3.987.0');
const dataKey = (ago: number) =>
  logged(
    now - ago * minute,
    'ERROR',
    '[ssm-session-worker] Error fetching data key: Unable to retrieve data key, Error when decrypting data key AccessDeniedException: The ciphertext refers to a customer master key that does not exist',
  );
const notConfigured = logged(
  now - minute,
  'ERROR',
  "EC2RoleProvider Failed to connect to Systems Manager with SSM role credentials. error calling RequestManagedInstanceRoleToken: AccessDeniedException: Systems Manager's instance management role is not configured for account: 123456789012",
);

decoy(
  {
    id: 'data-key-was-refused-before',
    how: 'recorded',
    decoyOf: ['kms-denied', 'role-denied'],
    node: 'blind',
  },
  // By the agent that was there before the last start.
  (stage) => judge(stage, official(stage, { log: [dataKey(62), started] })),
);

// Older instances: their maker is Xen, and what answers at the metadata address is all that names EC2.
fault(
  {
    id: 'dhmc-not-enabled-on-xen',
    how: 'recorded',
    cause: 'dhmc-not-enabled',
    gate: 'authorization',
    solution: 2,
    node: 'sure',
    fix: 'explained',
  },
  async (stage) => {
    const machine = ec2(stage, {
      log: [started, notConfigured],
      change: (one) => one.put('/sys/class/dmi/id/sys_vendor', 'Xen\n'),
    });
    await judge(stage, machine, await metadata(stage, imds));
  },
);

export const account = cases;

/** The profile for `~/.aws/config`: the way that fails closed when it is forgotten. */
import type { Connection } from '../context.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { quote } from './shell.ts';

/** Variables that AWS tools prefer to what the profile says. */
const winners = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_CA_BUNDLE',
  'AWS_ENDPOINT_URL',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
];

/** The section, with how to use it as comments, so that the whole output may be appended to the file. */
export function profileSection(connection: Connection & { data: string }, bundle: string, io: Io): string {
  const process = [io.launcher, 'credentials', '--data', connection.data]
    .map((word) => quote(word, 'sh'))
    .join(' ');
  if (/[\r\n]/.test(process + bundle))
    throw new Failure('A path with a line break in it cannot stand in ~/.aws/config. Move the data folder.');
  const inTheWay = Object.keys(io.env)
    .filter((name) => winners.includes(name) || /^AWS_ENDPOINT_URL_[A-Z0-9_]+$/.test(name))
    .sort();
  return `${[
    '# Append to ~/.aws/config:  rollcall env --profile >> ~/.aws/config',
    '# Then:                     aws --profile rollcall ssm \\',
    '#                           describe-instance-information',
    '# Needs AWS CLI 1.29 or 2.13; with an older one: rollcall aws ...',
    ...inTheWay.map((name) => `# In the way: this shell sets ${name}, which wins: unset it`),
    '[profile rollcall]',
    `region = ${connection.region}`,
    `endpoint_url = ${connection.url}`,
    `ca_bundle = ${bundle}`,
    `credential_process = ${process}`,
  ].join('\n')}\n`;
}

/**
 * The instance metadata of EC2 at their own address, version 2, on a machine that calls itself one: with no role, or
 * with one that can't be assumed. `node metadata-service.ts '{"role": "none"}'`
 */
import { createServer } from 'node:http';

const { role, disabled = false } = JSON.parse(process.argv[2] ?? '{}') as {
  role?: 'none' | 'untrusted';
  disabled?: boolean;
};
const id = 'i-0a1b2c3d4e5f60718';
const identity = {
  accountId: '111122223333',
  architecture: 'x86_64',
  availabilityZone: 'us-east-1a',
  imageId: 'ami-0abcdef1234567890',
  instanceId: id,
  instanceType: 't3.micro',
  region: 'us-east-1',
  version: '2017-09-30',
};
const unauthorized = {
  Code: 'AssumeRoleUnauthorizedAccess',
  Message: 'EC2 cannot assume the role app. Please see documentation at the IAM user guide.',
  LastUpdated: new Date().toISOString().replace(/\.\d+/, ''),
};
const texts: Record<string, string> = {
  '/latest/meta-data/instance-id': id,
  '/latest/meta-data/instance-type': 't3.micro',
  '/latest/meta-data/placement/region': 'us-east-1',
  '/latest/meta-data/placement/availability-zone': 'us-east-1a',
  '/latest/meta-data/placement/availability-zone-id': 'use1-az1',
  '/latest/dynamic/instance-identity/document': JSON.stringify(identity),
  ...(role === 'untrusted' && {
    '/latest/meta-data/iam/info': JSON.stringify({
      ...unauthorized,
      InstanceProfileArn: 'arn:aws:iam::111122223333:instance-profile/app',
      InstanceProfileId: 'AIPAEXAMPLEEXAMPLE123',
    }),
    '/latest/meta-data/iam/security-credentials': 'app',
    '/latest/meta-data/iam/security-credentials/app': JSON.stringify(unauthorized),
  }),
};

createServer((request, response) => {
  const path = (request.url ?? '/').replace(/(.)\/$/, '$1');
  const end = (status: number, text: string) => response.writeHead(status, { server: 'EC2ws' }).end(text);
  if (disabled) return void end(403, '');
  if (request.method === 'PUT' && path === '/latest/api/token') {
    response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', '21600');
    return void end(200, 'AQAEAexampletoken==');
  }
  if (request.headers['x-aws-ec2-metadata-token'] === undefined) return void end(401, '');
  const text = texts[path];
  if (text === undefined) return void end(404, 'Not Found');
  return void end(200, text);
}).listen(80, '169.254.169.254', () => process.stdout.write('listening\n'));

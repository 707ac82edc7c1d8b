/** Registers and changes its identity a few times, as a process that a test kills somewhere on the way. */
import { loadIdentity, saveIdentity } from '../identity.ts';
import { register } from '../register.ts';
import { authority } from './certificates.ts';

const [serverUrl, root] = process.argv.slice(2) as [string, string];
process.stdout.write('begun\n');
await register({
  serverUrl,
  root,
  activationId: '1',
  activationCode: '2',
  region: 'us-east-1',
  ca: authority,
});
for (;;) {
  const { identity } = loadIdentity(root)!;
  saveIdentity(root, { ...identity, fingerprint: `${identity.fingerprint}.`.slice(-80) });
}

/** What form a roster has is seen from it, and said when it can't be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { guessFormat, sourceNamed, textMembers } from './read-file.ts';

test('the form is seen from the name and the text', () => {
  assert.equal(guessFormat('/etc/hosts', '127.0.0.1 localhost\n# db\n10.0.0.7  db-1 db-1.lan\n'), 'hosts');
  assert.equal(guessFormat('hosts', '[web]\nweb[01:20]\n\n[db]\ndb-1 ansible_host=10.0.0.7\n'), 'ansible');
  assert.equal(guessFormat('site.yml', 'all:\n  hosts:\n    web-1:\n'), 'ansible');
  assert.equal(guessFormat('fleet.csv', 'name\nweb-1\n'), 'csv');
  assert.equal(guessFormat('-', 'name,mac,address\nweb-1,52:54:00:00:00:01,10.0.0.1\n'), 'csv');
  assert.equal(guessFormat('-', '{"Reservations": [{"Instances": []}]}'), 'ec2');
  assert.equal(guessFormat('export', '\ufeff[{"name": "web-1"}]'), 'json');
  assert.equal(guessFormat('-', 'web-1\nweb-2\n'), undefined);
  assert.equal(guessFormat('-', '{ not json'), undefined);
});

test('a source is called as its file is, as far as a source can be', () => {
  assert.equal(sourceNamed('/srv/ansible/prod inventory.ini'), 'prod-inventory');
  assert.equal(sourceNamed('./hosts'), 'hosts');
  assert.equal(sourceNamed('.hidden.csv'), 'hidden');
  assert.equal(sourceNamed('東京.csv'), undefined);
});

test('a long roster travels packed, and is the same', async () => {
  assert.deepEqual(await textMembers('name\nweb-1\n'), { Text: 'name\nweb-1\n' });
  const long = 'name\n'.concat(...Array.from({ length: 20_000 }, (_, index) => `wéb-${index}\n`));
  const packed = await textMembers(long);
  assert.ok('Data' in packed && packed.Data.length < long.length / 3);
  assert.equal(gunzipSync(Buffer.from(packed.Data, 'base64')).toString('utf8'), long);
});

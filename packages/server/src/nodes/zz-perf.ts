import { openNodesWorld } from './testing.ts';
import { sql } from 'kysely';
import { listNodes } from './list-query.ts';
const enders: any[] = [];
const ctx: any = { after: (f: any) => enders.push(f) };
const world = await openNodesWorld(ctx);
const N = Number(process.argv[2] ?? 100000);
const t0 = performance.now();
await world.store.write(async (tx) => {
  await sql`WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM c WHERE i < ${N - 1})
   INSERT INTO nodes (region,node_id,registered_at,activation_id,iam_role,public_key,public_key_type,fingerprint,epoch,agent_name,agent_version,platform_type,sightings,computer_name)
   SELECT 'us-east-1', printf('mi-%017x', i*7919 % 1000003), i*1000, 'a', 'r', hex(zeroblob(196)), 'Rsa','f',0,'amazon-ssm-agent','3.3.0.0','Linux','[]','web'||i FROM c`.execute(tx.everywhere);
  await sql`INSERT INTO presence (region,node_id,last_ping,period,epoch) SELECT region,node_id,${world.clock.now()},300,0 FROM nodes`.execute(tx.everywhere);
  await sql`INSERT INTO association_statuses (region,node_id,association_id,status) SELECT region,node_id,'a1','Pending' FROM nodes`.execute(tx.everywhere);
  await sql`INSERT INTO tags (region,resource_type,resource_id,key,value) SELECT region,'ManagedInstance',node_id,'stage',CASE WHEN registered_at%7000=0 THEN 'prod' ELSE 'test' END FROM nodes`.execute(tx.everywhere);
});
console.log('made', (performance.now() - t0) | 0);
async function time(name: string, f: () => Promise<any>) {
  await f(); const t = performance.now(); let n = 0;
  while (performance.now() - t < 300) { await f(); n++; }
  console.log(name, ((performance.now() - t) / n).toFixed(2), 'ms');
}
await time('first page', () => world.call('DescribeInstanceInformation', {}));
let token: string | undefined;
for (let i = 0; i < 20; i++) token = (await world.call('DescribeInstanceProperties', { MaxResults: 1000, NextToken: token })).NextToken;
await time('late page of 1000', () => world.call('DescribeInstanceProperties', { MaxResults: 1000, NextToken: token }));
const f = (Key: string, ...Values: string[]) => ({ Filters: [{ Key, Values }] });
await time('InstanceIds', () => world.call('DescribeInstanceInformation', f('InstanceIds', 'mi-00000000000001eef')));
await time('Online', () => world.call('DescribeInstanceInformation', f('PingStatus', 'Online')));
await time('ConnectionLost (none)', () => world.call('DescribeInstanceInformation', f('PingStatus', 'ConnectionLost')));
await time('Windows (none)', () => world.call('DescribeInstanceInformation', f('PlatformType', 'Windows')));
await time('tag prod', () => world.call('DescribeInstanceInformation', f('tag:stage', 'prod')));
await time('tag none', () => world.call('DescribeInstanceInformation', f('tag:stage', 'x')));
await time('tag-key', () => world.call('DescribeInstanceInformation', f('tag-key', 'stage')));
await time('ActivationIds none', () => world.call('DescribeInstanceInformation', f('ActivationIds', 'zzz')));
await time('AssociationStatus', () => world.call('DescribeInstanceInformation', f('AssociationStatus', 'Failed')));
await time('ListNodes 100', () => world.call('ListNodes', {}));
await time('ListNodes name', () => world.call('ListNodes', { Name: 'mi-00000000000001eef' }));
await time('1000 pings', () => Promise.all(Array.from({ length: 1000 }, (_, i) => world.presence.ping('us-east-1', `mi-${((i * 7919) % 1000003).toString(16).padStart(17, '0')}`, world.clock.now()))));
for (const f of enders) await f();

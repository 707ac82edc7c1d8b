/** What lists of nodes answer, for a store of either kind: filters, paging, order, what is refused. */
import assert from 'node:assert/strict';
import { passListening } from '../presence/testing.ts';
import { type NodesWorld, refusalOf } from './testing.ts';

const minute = 60_000;

/** The nodes of these tests, by the names that the tables use. */
interface Fleet {
  readonly ids: Readonly<Record<string, string>>;
  /** The names of nodes with these ids. */
  names(ids: readonly string[]): string[];
}

async function makeFleet(world: NodesWorld): Promise<Fleet> {
  const ids: Record<string, string> = {};
  const add = async (name: string, facts: object | undefined, tags: [string, string][] = []) => {
    world.clock.jump(1000);
    ids[name] = await world.join({ name, tags: tags.map(([Key, Value]) => ({ Key, Value })) });
    if (facts) await world.beat(ids[name], { ComputerName: `${name}.lan`, ...facts });
  };
  await add('old', { AgentVersion: '3.2.9.0' }, [['stage', 'prod']]);
  await passListening(world, 20 * minute);
  await add('web', { AgentVersion: '3.3.0.0', IPAddress: '10.0.0.5' }, [
    ['stage', 'prod'],
    ['team', 'blue'],
  ]);
  await add('win', { AgentVersion: '3.10.1.0', PlatformType: 'Windows', PlatformVersion: '10.0.20348' }, [
    ['stage', 'test'],
  ]);
  await add('mac', { AgentVersion: '3.3.0.0', PlatformType: 'MacOS', PlatformVersion: '9.1' });
  await add('new', undefined, [['stage%', '100% _']]);
  const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
  return { ids, names: (found) => found.map((id) => names.get(id) ?? id) };
}

type Row = readonly [key: string, values: readonly string[], names: readonly string[], operator?: string];

const everyone = ['old', 'web', 'win', 'mac', 'new'];

/** `Filters` of `DescribeInstanceInformation`; `@name` stands for the id of a node. */
const filters: readonly Row[] = [
  ['InstanceIds', ['@web', '@mac', 'mi-00000000000000000'], ['web', 'mac']],
  ['InstanceIds', ['i-0123456789abcdef0'], []],
  ['SourceIds', ['@win'], ['win']],
  ['PingStatus', ['Online'], ['web', 'win', 'mac']],
  ['PingStatus', ['ConnectionLost'], ['old', 'new']],
  ['PingStatus', ['Online', 'ConnectionLost'], everyone],
  ['PingStatus', ['Inactive'], []],
  ['PlatformType', ['Linux'], ['old', 'web']],
  ['PlatformType', ['Windows', 'MacOS'], ['win', 'mac']],
  ['AgentVersion', ['3.3.0.0'], ['web', 'mac']],
  ['ActivationIds', ['11111111-2222-3333-4444-555555555555'], everyone],
  ['ActivationIds', ['11111111-2222-3333-4444-555555555556'], []],
  ['IamRole', ['service-role'], everyone],
  ['ResourceType', ['ManagedInstance'], everyone],
  ['ResourceType', ['EC2Instance'], []],
  ['SourceTypes', ['AWS::SSM::ManagedInstance'], everyone],
  ['SourceTypes', ['AWS::IoT::Thing'], []],
  ['AssociationStatus', ['Pending'], []],
  ['tag:stage', ['prod'], ['old', 'web']],
  ['tag:stage', ['prod', 'test'], ['old', 'web', 'win']],
  ['tag:stage%', ['100% _'], ['new']],
  ['tag-key', ['team', 'stage%'], ['web', 'new']],
];

const properties: readonly Row[] = [
  ['PlatformTypes', ['Linux'], ['old', 'web']],
  ['PlatformType', ['Linux'], ['win', 'mac', 'new'], 'NotEqual'],
  ['ComputerName', ['w'], ['web', 'win'], 'BeginWith'],
  ['InstanceIds', ['mi-'], everyone, 'BeginWith'],
  ['AgentVersion', ['3.3.0.0'], ['old'], 'LessThan'],
  ['AgentVersion', ['3.3.0.0'], ['win'], 'GreaterThan'],
  ['PlatformVersion', ['9.9'], ['mac'], 'LessThan'],
  ['PingStatus', ['Online'], ['old', 'new'], 'NotEqual'],
  ['tag:stage', ['prod'], ['win', 'mac', 'new'], 'NotEqual'],
  ['tag:stage', ['te'], ['win'], 'BeginWith'],
  ['IPAddress', ['10.0.0.5'], ['web']],
  ['Name', ['mac'], ['mac'], 'Equal'],
];

/** `Filters` and the code that they are refused with. */
const refused: readonly (readonly [key: string, values: readonly string[], code: string])[] = [
  ['Platform', ['Linux'], 'InvalidFilterKey'],
  ['PlatformTypes', ['Linux'], 'InvalidFilterKey'],
  ['constructor', ['x'], 'InvalidFilterKey'],
  ['tag:', ['x'], 'InvalidFilterKey'],
  ['PingStatus', ['online'], 'InvalidInstanceInformationFilterValue'],
  ['PlatformType', ['Amiga'], 'InvalidInstanceInformationFilterValue'],
  ['ResourceType', ['Thing'], 'InvalidInstanceInformationFilterValue'],
  ['AssociationStatus', ['Queued'], 'InvalidInstanceInformationFilterValue'],
  ['InstanceIds', ['web-01'], 'InvalidInstanceId'],
];

/** Asserts all of it. */
export async function checkLists(world: NodesWorld): Promise<void> {
  const fleet = await makeFleet(world);
  const resolve = (values: readonly string[]) =>
    values.map((one) => (one.startsWith('@') ? (fleet.ids[one.slice(1)] ?? one) : one));
  const information = async (input: object): Promise<string[]> => {
    const { InstanceInformationList } = await world.call('DescribeInstanceInformation', input);
    return fleet.names(InstanceInformationList.map((row: { InstanceId: string }) => row.InstanceId));
  };
  const property = async (input: object): Promise<string[]> => {
    const { InstanceProperties } = await world.call('DescribeInstanceProperties', input);
    return fleet.names(InstanceProperties.map((row: { InstanceId: string }) => row.InstanceId));
  };

  assert.deepEqual(await information({}), everyone, 'in the order of registration');
  for (const [key, values, names] of filters) {
    const asked = resolve(values);
    assert.deepEqual(
      await information({ Filters: [{ Key: key, Values: asked }] }),
      names,
      `${key} ${values}`,
    );
    if (/^(Source|tag)/.test(key)) continue;
    const legacy = key === 'PlatformType' ? 'PlatformTypes' : key;
    const old = { InstanceInformationFilterList: [{ key: legacy, valueSet: asked }] };
    assert.deepEqual(await information(old), names, `legacy ${legacy} ${values}`);
  }
  for (const [key, values, names, operator] of properties) {
    const filter = { Key: key, Values: resolve(values), ...(operator && { Operator: operator }) };
    const what = `${key} ${operator} ${values}`;
    assert.deepEqual(await property({ FiltersWithOperator: [filter] }), names, what);
  }
  assert.deepEqual(
    await information({
      Filters: [
        { Key: 'PlatformType', Values: ['Linux'] },
        { Key: 'PingStatus', Values: ['Online'] },
      ],
    }),
    ['web'],
    'all filters hold',
  );
  for (const [key, values, code] of refused) {
    const refusal = await refusalOf(information({ Filters: [{ Key: key, Values: values }] }));
    assert.equal(refusal.code, code, `${key} ${values}`);
  }
  const both = {
    Filters: [{ Key: 'PingStatus', Values: ['Online'] }],
    InstanceInformationFilterList: [{ key: 'PingStatus', valueSet: ['Online'] }],
  };
  assert.equal((await refusalOf(information(both))).code, 'ValidationException');
  const mixed = {
    Filters: [
      { Key: 'PingStatus', Values: ['Online'] },
      { Key: 'tag:stage', Values: ['prod'] },
    ],
  };
  assert.equal((await refusalOf(information(mixed))).code, 'InvalidFilterKey');
  const document = { FiltersWithOperator: [{ Key: 'DocumentName', Values: ['AWS-RunShellScript'] }] };
  assert.equal((await refusalOf(property(document))).code, 'InvalidDocument');
  const older = { FiltersWithOperator: [{ Key: 'PingStatus', Values: ['Online'], Operator: 'LessThan' }] };
  assert.equal((await refusalOf(property(older))).code, 'InvalidInstancePropertyFilterValue');
}

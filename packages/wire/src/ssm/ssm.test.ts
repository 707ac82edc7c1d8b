/** Every operation by its shape: the tables against the SDK's schemas, and real messages of agents. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as client from '@aws-sdk/client-ssm';
import { compilePattern } from '../schema/constraints.ts';
import type { Shape } from '../schema/shape.ts';
import {
  findShapes,
  operationNames,
  readInput,
  readOutput,
  type WireService,
  writeError,
  writeInput,
  writeOutput,
} from './index.ts';
import { memberTypes } from './members.ts';
import { enumValues, memberTypesOf } from './public-shapes.ts';
import { typeFacts } from './types.ts';

const services: WireService[] = ['ssm', 'ec2messages', 'rollcall'];
const schemas = new Map(
  Object.values(client)
    .filter((value): value is never => Array.isArray(value) && typeof value[0] === 'number')
    .map((schema: readonly unknown[]) => [schema[2] as string, schema]),
);

describe('the tables of constraints', () => {
  it('name only structures and members that the SDK has', () => {
    for (const structure of Object.keys(memberTypes)) {
      const schema = schemas.get(structure);
      assert.ok(schema, structure);
      for (const member of memberTypesOf(structure).keys()) {
        assert.ok((schema[4] as string[]).includes(member), `${structure}.${member}`);
      }
    }
  });

  it('name only types that are known, and every type is used', () => {
    const used = new Set<string>();
    for (const structure of Object.keys(memberTypes)) {
      for (const type of memberTypesOf(structure).values()) used.add(type);
    }
    for (const { of, key } of Object.values(typeFacts))
      for (const part of [of, key]) if (part) used.add(part);
    for (const type of used) assert.ok(type in typeFacts || enumValues(type), type);
    for (const type of Object.keys(typeFacts)) assert.ok(used.has(type), type);
  });

  it('have patterns that compile', () => {
    for (const { pattern } of Object.values(typeFacts)) if (pattern) compilePattern(pattern);
  });

  it('fit the kinds of the members that they constrain', () => {
    const seen = new Set<object>();
    const visit = (shape: Shape, path: string): void => {
      if ('min' in shape && shape.min !== undefined && shape.max !== undefined)
        assert.ok(shape.min <= shape.max, path);
      if ('pattern' in shape) assert.equal(shape.kind, 'string', path);
      if (shape.kind === 'list' || shape.kind === 'map') visit(shape.of, `${path}[]`);
      if (shape.kind === 'integer' || shape.kind === 'boolean' || shape.kind === 'timestamp') {
        assert.ok(!('enum' in shape) && !('of' in shape), path);
      }
      if (shape.kind !== 'structure' || seen.has(shape.members)) return;
      seen.add(shape.members);
      for (const [name, member] of Object.entries(shape.members)) visit(member, `${path}.${name}`);
    };
    for (const name of operationNames('ssm')) visit(findShapes('ssm', name)!.input, name);
  });
});

describe('operations', () => {
  it('of the public API are all there, with those that only agents know', () => {
    const names = operationNames('ssm');
    const commands = Object.keys(client).filter((name) => name.endsWith('Command') && name !== '$Command');
    for (const command of commands) assert.ok(names.includes(command.slice(0, -'Command'.length)), command);
    assert.equal(new Set(names).size, names.length);
    assert.ok(findShapes('ssm', 'RegisterManagedInstance') && findShapes('ec2messages', 'GetMessages'));
  });

  it('can all be read and written', () => {
    for (const service of services) {
      for (const name of operationNames(service)) {
        const read = readInput(service, name, '{}');
        assert.ok(read.ok || read.code === 'ValidationException', name);
        assert.equal(writeOutput(service, name, {}), '{}');
        assert.deepEqual(readOutput(service, name, writeInput(service, name, {})), { ok: true, value: {} });
      }
    }
  });

  it('that no model knows are not found, whatever they are called', () => {
    for (const name of [
      'Nope',
      '',
      'constructor',
      '__proto__',
      'toString',
      'SSMClient',
      'DescribeActivations$',
    ]) {
      assert.equal(findShapes('ssm', name), undefined, name);
      assert.equal(findShapes(name, 'ListNodes'), undefined, name);
    }
    assert.equal(findShapes('rollcall', 'DescribeActivations'), undefined);
  });

  it('write dates as seconds and leave out what is absent', () => {
    const activation = {
      ActivationId: 'a',
      ExpirationDate: new Date(1_795_436_930_759),
      Expired: false,
      Tags: undefined,
    };
    assert.equal(
      writeOutput('ssm', 'DescribeActivations', { ActivationList: [{ ...activation, Extra: 1 }] }),
      '{"ActivationList":[{"ActivationId":"a","ExpirationDate":1795436930.759,"Expired":false}]}',
    );
  });

  it('check public inputs by the constraints of the model', () => {
    const refused = readInput(
      'ssm',
      'DescribeInstanceInformation',
      '{"MaxResults":2,"Filters":[{"Key":"x","Values":[]}]}',
    );
    assert.ok(!refused.ok);
    assert.match(refused.message, /^2 validation errors detected: /);
    assert.match(
      refused.message,
      /Value '\[\]' at 'filters\.1\.member\.values' failed to satisfy constraint: Member must have length/,
    );
    assert.match(
      refused.message,
      /Value '2' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 5/,
    );
    const missing = readInput('ssm', 'CreateActivation', '{}');
    assert.ok(!missing.ok && missing.message.includes("Value null at 'iamRole'"));
    const odd = readInput('ssm', 'DeregisterManagedInstance', '{"InstanceId":"../../etc"}');
    assert.ok(!odd.ok && odd.message.includes('regular expression pattern'));
    const kind = readInput('ssm', 'AddTagsToResource', '{"ResourceType":"Node","ResourceId":"x","Tags":[]}');
    assert.ok(!kind.ok && kind.message.includes('enum value set: ['));
  });
});

describe('errors', () => {
  it('spell their message as the model does', () => {
    assert.equal(
      writeError('ssm', 'X', 'InvalidInstanceId', 'no'),
      '{"__type":"InvalidInstanceId","Message":"no"}',
    );
    const filter = 'InvalidInstanceInformationFilterValue';
    assert.equal(writeError('ssm', 'X', filter, 'no'), `{"__type":"${filter}","message":"no"}`);
    assert.equal(writeError('ssm', 'X', 'Unmodelled', 'no'), '{"__type":"Unmodelled","message":"no"}');
    assert.equal(
      writeError('rollcall', 'X', 'InvalidInstanceId', 'no'),
      '{"__type":"InvalidInstanceId","message":"no"}',
    );
  });
});

describe('the official agent', () => {
  const requests: { hmac: Recorded[]; rsa: Recorded[] } = JSON.parse(
    readFileSync(new URL('../fixtures/signed-requests.json', import.meta.url), 'utf8'),
  );
  interface Recorded {
    readonly name: string;
    readonly body: string;
  }
  for (const { name, body } of [...requests.hmac, ...requests.rsa]) {
    const [prefix, operation = ''] = name.split('.');
    const service = prefix === 'AmazonSSM' ? 'ssm' : 'ec2messages';
    if (findShapes(service, operation) === undefined) continue;
    it(`is understood completely: ${name}`, () => {
      const result = readInput(service, operation, body);
      assert.ok(result.ok, result.ok ? '' : result.message);
      assert.deepEqual(JSON.parse(writeInput(service, operation, result.value)), JSON.parse(body));
    });
  }
});

describe('the entry without the SDK', () => {
  it('loads neither the client nor its libraries', () => {
    const program = `
      await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)});
      const { createRequire } = await import('node:module');
      process.stdout.write(Object.keys(createRequire(import.meta.url).cache).join('\\n'));`;
    const loaded = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.equal(loaded, '');
  });
});

/** The bus: who hears what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBus, textBus } from './index.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('those who listen to a subject hear it, in order, and nobody else', async () => {
  const bus = openBus();
  const heard: string[] = [];
  const listen = (subject: string, name: string) =>
    bus.subscribe(subject, (message, on) => heard.push(`${name} ${on} ${message.join()}`));
  const end = listen('a', 'first');
  listen('a', 'second');
  listen('b', 'third');
  bus.publish('a', Uint8Array.of(1, 2));
  bus.publish('nobody', Uint8Array.of(9));
  assert.deepEqual(heard, [], 'the publisher goes on first');
  await turn();
  end();
  bus.publish('a', Uint8Array.of(3));
  await turn();
  assert.deepEqual(heard, ['first a 1,2', 'second a 1,2', 'second a 3']);
  await bus.close();
  bus.publish('a', Uint8Array.of(4));
  await turn();
  assert.equal(heard.length, 3);
});

test('a function may listen twice, and each of its subscriptions ends by itself, once', async () => {
  const bus = openBus();
  let heard = 0;
  const listen = () => heard++;
  const [one, other] = [bus.subscribe('a', listen), bus.subscribe('a', listen)];
  const hearing = async () => {
    heard = 0;
    bus.publish('a', new Uint8Array());
    await turn();
    return heard;
  };
  assert.equal(await hearing(), 2);
  one();
  one();
  assert.equal(await hearing(), 1);
  other();
  assert.equal(await hearing(), 0);
});

test('a handler that throws harms nobody else', async () => {
  const reports: unknown[] = [];
  const bus = openBus({ report: (error) => reports.push(error) });
  const heard: number[] = [];
  bus.subscribe('a', () => {
    throw new Error('mine');
  });
  bus.subscribe('a', (message) => heard.push(message.length));
  bus.publish('a', new Uint8Array(3));
  await turn();
  assert.deepEqual(heard, [3]);
  assert.equal(reports.length, 1);
});

test('text goes over it as text', async () => {
  const text = textBus(openBus());
  const heard: string[] = [];
  text.subscribe('a', (message) => heard.push(message));
  text.publish('a', 'Grüße 👋');
  text.publish('a', '');
  await turn();
  assert.deepEqual(heard, ['Grüße 👋', '']);
});

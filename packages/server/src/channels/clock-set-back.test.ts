/** What ends in time ends in time also when somebody sets the machine's clock back meanwhile. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { helloWait, silenceLimit } from './control-channels.ts';
import { pollWait } from './polls.ts';
import { callOf, closeCode, helloText, nodeId, openTestDoor, type TestDoor, until } from './testing/door.ts';
import { tokenLifetime } from './tokens.ts';

const day = 86_400_000;

describe('when the clock is set back by a day', () => {
  let door: TestDoor;
  before(async () => {
    door = await openTestDoor();
  });
  after(() => door.close());

  const pass = (time: number) => {
    for (let left = time; left > 0; left -= 1_000) door.clock.advance(1_000);
  };

  it('a poll is answered all the same', async () => {
    const getMessages = door.channels.operations.find(({ name }) => name === 'GetMessages')!;
    const input = { Destination: nodeId, MessagesRequestId: 'fe7c23a8-cabe-4f7b-8a15-81f93bb11c08' };
    let answered = false;
    const poll = getMessages.handle(callOf(nodeId), { ...input, VisibilityTimeoutInSeconds: 10 });
    void poll.then(() => {
      answered = true;
    });
    await until(() => door.channels.counts().polling === 1);
    door.clock.step(-day);
    pass(pollWait);
    await until(() => answered);
  });

  it('who says nothing is turned away', async () => {
    const silent = await door.dial();
    await until(() => door.channels.counts().waiting === 1);
    door.clock.step(-day);
    const code = closeCode(silent);
    pass(helloWait + 1_000);
    await until(() => door.channels.counts().waiting === 0);
    assert.equal(await code, 1008);
  });

  it('a token expires', async () => {
    const token = door.token();
    door.clock.step(-day);
    door.clock.advance(tokenLifetime);
    const late = await door.dial();
    late.send(helloText(token));
    await until(() => door.channels.counts().waiting === 0);
    assert.equal(door.channels.isOpen(nodeId), false);
    assert.equal(await closeCode(late), 4401);
  });

  it('a channel that fell silent is lost, and one that does not agree to its end is destroyed', async () => {
    await door.connect();
    door.clock.step(-day);
    pass(silenceLimit);
    await until(() => !door.channels.isOpen(nodeId));
    assert.equal(door.presence.closed.at(-1)?.by, 'silence');

    const deaf = await door.connect();
    deaf.pause();
    door.channels.disconnect(nodeId, 'deregistered');
    door.clock.step(-day);
    pass(2_000);
    // It reads nothing, so it only learns by writing that nobody is there.
    await until(() => {
      deaf.ping();
      return deaf.readyState !== deaf.OPEN;
    });
  });

  it('nobody is cut when it is set on by a day', async () => {
    await door.connect();
    door.clock.step(day);
    door.clock.advance(1_000);
    assert.ok(door.channels.isOpen(nodeId));
  });
});

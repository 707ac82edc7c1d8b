/** The XML of channel answers, from the client's point of view. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  channelError,
  createControlChannelResponse,
  createDataChannelResponse,
  escapeXml,
  parseChannelToken,
} from './channel-xml.ts';

describe('channel answers', () => {
  it('are what the official agent was answered', () => {
    assert.equal(
      createControlChannelResponse('token-1'),
      '<CreateControlChannelResponse><MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>token-1</TokenValue></CreateControlChannelResponse>',
    );
  });

  it('carry any printable token there and back', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (token) => {
        const read = parseChannelToken(createDataChannelResponse(token));
        assert.deepEqual(read, { messageSchemaVersion: '1.0', tokenValue: token });
      }),
    );
  });

  it('without a token are none', () => {
    assert.equal(parseChannelToken('<CreateControlChannelResponse/>'), undefined);
    assert.equal(parseChannelToken('<a><TokenValue></TokenValue></a>'), undefined);
    assert.equal(parseChannelToken('{"TokenValue":"json"}'), undefined);
  });

  it('hold the text that sends the official agent to polling', () => {
    const refusal = channelError('AccessDeniedException', 'not <you> & yours');
    assert.ok(refusal.includes('<AccessDeniedException>'));
    assert.ok(!refusal.includes('<you>'));
  });

  it('hold nothing that XML cannot carry', () => {
    assert.equal(escapeXml('a\0b\x1b\ud800'), 'a\ufffdb\ufffd\ufffd');
  });
});

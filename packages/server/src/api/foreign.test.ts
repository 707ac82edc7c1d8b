/** Calls of services that aren't ours are answered in the form that their clients can read. */
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { answerForeign, foreignService } from './foreign.ts';

function request(service: string, headers: Record<string, string> = {}): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  message.headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=AKIA/20261123/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    ...headers,
  };
  return message;
}

function answered(service: string, headers: Record<string, string> = {}): { status: number; body: string } {
  const message = request(service, headers);
  const response = new ServerResponse(message);
  let body = '';
  response.end = ((text: string) => {
    body = text;
    return response;
  }) as typeof response.end;
  answerForeign(message, response, 'an-id', foreignService(message)!);
  return { status: response.statusCode, body };
}

test('our own services are nobody else’s, and neither is what names one of our operations', () => {
  for (const service of ['ssm', 'ssmmessages', 'ec2messages', 'rollcall']) {
    assert.equal(foreignService(request(service)), undefined);
  }
  assert.equal(
    foreignService(request('sts', { 'x-amz-target': 'AmazonSSM.DescribeActivations' })),
    undefined,
  );
  assert.equal(foreignService(new IncomingMessage(new Socket())), undefined);
  assert.equal(foreignService(request('sts')), 'sts');
});

test('each kind of client finds the code and the sentence where it looks for them', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  assert.match(answered('sts', form).body, /^<ErrorResponse><Error><Type>Sender<\/Type><Code>Unknown/);
  assert.match(answered('s3').body, /^<Error><Code>UnknownOperationException<\/Code><Message>.*serve s3/);
  assert.match(answered('ec2', form).body, /^<Response><Errors><Error><Code>/);
  const json = JSON.parse(answered('lambda').body);
  assert.equal(json.__type, 'UnknownOperationException');
  assert.match(json.message, /doesn't serve lambda.*rollcall env --off/);
});

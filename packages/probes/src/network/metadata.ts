/**
 * The metadata address: whether something answers there, and whether it is what it should be. Credentials are
 * never asked for, only the name of the role.
 */
import { request } from 'node:http';
import type { MetadataEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Asks the metadata address. `endpoint` replaces the usual one where the agent's environment does. */
export async function readMetadata(
  endpoint = 'http://169.254.169.254',
  patience = 700,
): Promise<MetadataEvidence> {
  const ask = (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) =>
    call(method, new URL(path, endpoint), headers, patience);
  let token: string | undefined;
  let detail: string | undefined;
  try {
    const reply = await ask('PUT', '/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '60' });
    if (reply.status === 200 && /^[\w+/=-]{20,200}$/.test(reply.body.trim())) token = reply.body.trim();
    else detail = `the token request was answered with ${reply.status}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // With a hop limit of one a container's question is answered, and the answer never comes.
    detail = `the token request: ${code ?? 'failed'}`;
    if (code === 'ECONNREFUSED' || code === 'ENETUNREACH' || code === 'EHOSTUNREACH' || code === 'EACCES')
      return { answers: false, detail };
  }
  const headers: Record<string, string> = token === undefined ? {} : { 'x-aws-ec2-metadata-token': token };
  let first: Reply;
  try {
    first = await ask('GET', '/latest/meta-data/instance-id', headers);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { answers: token !== undefined, detail: detail ?? `the instance id: ${code ?? 'failed'}` };
  }
  const id = first.body.trim();
  if (first.status !== 200 || !/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) {
    // The service itself answers 403 to everything when it was turned off; others may answer so, too.
    const isUnclear = token === undefined && first.status === 403;
    return {
      answers: true,
      ...(isUnclear ? {} : { isImds: token !== undefined || first.status === 401 }),
      detail: detail ?? `the instance id was answered with ${first.status}: ${redactText(id, 80)}`,
    };
  }
  const [document, roles] = await Promise.all([
    ask('GET', '/latest/dynamic/instance-identity/document', headers).catch(() => undefined),
    ask('GET', '/latest/meta-data/iam/security-credentials/', headers).catch(() => undefined),
  ]);
  const region = /"region"\s*:\s*"([A-Za-z0-9-]{1,100})"/.exec(document?.body ?? '')?.[1];
  const role = roles?.status === 200 ? roles.body.trim().split('\n')[0] : undefined;
  return {
    answers: true,
    isImds: true,
    instanceId: id,
    version: token === undefined ? 1 : 2,
    ...(region === undefined ? {} : { region }),
    ...(role ? { role: redactText(role, 128) } : {}),
    ...(roles?.status === 404 ? { detail: 'no role is attached' } : detail === undefined ? {} : { detail }),
  };
}

function call(method: string, url: URL, headers: Record<string, string>, patience: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
        if (body.length > 65_536) asked.destroy(Object.assign(new Error('too long'), { code: 'TOO_LONG' }));
      });
      response.on('error', reject);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    const timer = setTimeout(
      () => asked.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
      patience,
    );
    asked.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    asked.end();
  });
}

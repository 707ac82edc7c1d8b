/** From the pasted block of the script to evidence of a machine. */
import type { MetadataEvidence, NodeEvidence, ProxySettings } from '../evidence/index.ts';
import { agentsFrom } from './agent-facts.ts';
import { type BlockProblem, readBlock } from './block.ts';
import { endpointsFrom } from './endpoint-facts.ts';
import { type Facts, openFacts } from './facts.ts';
import { clockFrom, hostFrom, networkFrom, resourcesFrom, shown } from './machine-facts.ts';
import { redactText, redactUrl } from './redact-text.ts';

/**
 * Reads what `collect.sh` or `collect.ps1` printed, out of any text that it was pasted into. Never throws: what is
 * in the text is only text.
 */
export function readCollected(text: string): { readonly evidence: NodeEvidence } | BlockProblem {
  const block = readBlock(text);
  if ('problem' in block) return block;
  const facts = openFacts(block);
  const at = facts.count('meta', 'at');
  if (at === undefined) return { problem: 'changed', detail: 'the block does not say when it was collected' };
  const now = at * 1000;
  const agents = agentsFrom(facts, now);
  const { endpoints, clock: answered, unseen } = endpointsFrom(facts, agents);
  const clock = { ...clockFrom(facts), ...answered };
  const metadata = metadataFrom(facts);
  const proxy = proxiesFrom(facts);
  return {
    evidence: {
      format: 1,
      at: now,
      by: 'script',
      privileged: facts.one('meta', 'root') === '1',
      unseen: [
        ...facts.under('unseen', '').map(({ rest, value }) => ({
          what: redactText(rest, 200),
          why: redactText(value, 200),
        })),
        ...unseen,
      ].slice(0, 60),
      host: hostFrom(facts),
      agents: agents.agents,
      resources: resourcesFrom(facts),
      network: networkFrom(facts),
      endpoints,
      ...(Object.keys(clock).length === 0 ? {} : { clock }),
      ...(proxy === undefined ? {} : { proxy }),
      ...(metadata === undefined ? {} : { metadata }),
    },
  };
}

/** What Windows itself goes out by, and services don't: `Proxy Server(s) :  http=host:port;https=host:port`. */
function winHttpOf(facts: Facts): ProxySettings | undefined {
  const said = /Proxy Server\(s\)\s*:\s*(\S+)/i.exec(facts.one('shell', 'winhttp') ?? '')?.[1];
  const server = /https=([^;]+)/i.exec(said ?? '')?.[1] ?? /^(?:http=)?([^;=]+)/i.exec(said ?? '')?.[1];
  return server === undefined ? undefined : settingsOf([`https_proxy=http://${server}`], 'winhttp');
}

function proxiesFrom(facts: Facts): NodeEvidence['proxy'] {
  const own = facts.one('rollcall', 'proxy');
  const noOwn = facts.one('rollcall', 'noproxy');
  const core = facts
    .groups('proc')
    .find((pid) => facts.one('proc', `${pid}.stat`)?.startsWith('amazon-ssm-agen') === true);
  const running = core === undefined ? [] : facts.all('proc', `${core}.env`);
  const unit = facts
    .all('unit', 'amazon-ssm-agent')
    .flatMap((line) => [...line.matchAll(/["'\s=]((?:https?|no)_proxy=[^\s"']*)/gi)]);
  const agent =
    own !== undefined
      ? settingsOf(
          [`https_proxy=${own}`, ...(noOwn === undefined ? [] : [`no_proxy=${noOwn}`])],
          'config.json',
        )
      : (settingsOf(running, `/proc/${core}/environ`) ??
        (facts.one('proc', `${core}.environ`) === undefined
          ? settingsOf(
              unit.map((match) => match[1]!),
              'systemd: amazon-ssm-agent',
            )
          : undefined));
  const files = facts.under('shell', 'file.')[0];
  const shell =
    settingsOf(facts.all('shell', 'env'), 'environment') ??
    winHttpOf(facts) ??
    (files === undefined ? undefined : settingsOf(facts.all('shell', `file.${files.rest}`), files.rest));
  if (agent === undefined && shell === undefined) return undefined;
  return { ...(agent === undefined ? {} : { agent }), ...(shell === undefined ? {} : { shell }) };
}

function settingsOf(lines: readonly string[], source: string): ProxySettings | undefined {
  const value = (name: string) => {
    const form = new RegExp(`^\\s*(?:export\\s+)?${name}=(["']?)(.*?)\\1\\s*$`, 'i');
    const found = lines
      .map((line) => form.exec(line)?.[2])
      .findLast((text) => text !== undefined && text !== '');
    return found === undefined ? undefined : redactUrl(found);
  };
  const https = value('https_proxy');
  const http = value('http_proxy');
  const no = value('no_proxy');
  if (https === undefined && http === undefined && no === undefined) return undefined;
  return {
    source: redactText(source, 200),
    ...(https === undefined ? {} : { https }),
    ...(http === undefined ? {} : { http }),
    ...(no === undefined ? {} : { no }),
  };
}

function metadataFrom(facts: Facts): MetadataEvidence | undefined {
  const token = /^(\d+) (\d{3})?$/.exec(facts.one('metadata', 'token') ?? '');
  const id = facts.one('metadata', 'id');
  if (token === null && id === undefined) return undefined;
  const match = /^(.*?) ?(\d{3})$/.exec(id ?? '');
  const status = Number(match?.[2] ?? 0);
  const said = match?.[1]?.trim() ?? '';
  const answered = token?.[2] !== undefined && token[2] !== '000';
  if (!answered && status === 0) return { answers: false };
  const isId = status === 200 && /^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(said);
  const region = facts.one('metadata', 'region');
  const role = /^(\S+) 200$/.exec(facts.one('metadata', 'role') ?? '')?.[1];
  return {
    answers: true,
    // The service itself answers 403 to everything when it was turned off; others may answer so, too.
    ...(status === 403 && token?.[2] !== '200'
      ? {}
      : { isImds: isId || token?.[2] === '200' || status === 401 }),
    ...(isId ? { instanceId: said, version: token?.[2] === '200' ? (2 as const) : (1 as const) } : {}),
    ...(isId && region !== undefined ? { region: redactText(region, 100) } : {}),
    ...(isId && role !== undefined ? { role: redactText(role, 128) } : {}),
    ...(isId ? {} : { detail: shown(`the instance id was answered with ${status}: ${said}`)! }),
  };
}

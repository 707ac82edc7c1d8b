/**
 * Windows, which can't be had here: blocks in the form in which `collect.ps1` prints them stand for machines. That
 * they are read, and how they are judged, is the real thing; what such a machine really says is not.
 */
import { judge, type NodeEvidence } from '@rollcall/diagnosis';
import { readCollected } from '@rollcall/diagnosis/collected';
import { cksum } from '../../../packages/diagnosis/src/collected/cksum.ts';
import { openPart } from '../case.ts';

const part = openPart('windows');

const at = Math.floor(Date.now() / 1000);
const server = 'https://ssm.us-east-1.rollcall.example';
const settings = '{"Agent":{"Region":"us-east-1","ServiceDomain":"rollcall.example"}}';

const machine: readonly string[] = [
  'meta format=1',
  `meta at=${at}`,
  'meta root=1',
  'meta tools=powershell',
  'host system=Windows',
  'host name=WIN-7F3A',
  'host os.ID=windows',
  'host os.NAME=Microsoft Windows Server 2022 Standard',
  'host os.VERSION_ID=10.0.20348',
  'host kernel=10.0.20348',
  'host arch=AMD64',
  'host init=windows',
  'host zone=+0900',
  'host timezone=Tokyo Standard Time',
  `host boot=${at - 90_000}`,
  'host uuid=EC2F0B6E-7F3A-4C5D-9E21-0A1B2C3D4E5F',
  'host vendor=VMware, Inc.',
  'host address=10.0.2.15',
  'host mac=52:54:00:12:34:56',
  'net resolv=nameserver 10.0.0.2',
  'disk bytes.C:\\=C:\\ 104857600 41943040 62914560 0% C:\\',
  'room memory=MemTotal 8388608',
  'room memory=MemAvailable 4194304',
  'service AmazonSSMAgent.start=Auto',
  'service AmazonSSMAgent.User=LocalSystem',
  'package binary=C:\\Program Files\\Amazon\\SSM\\amazon-ssm-agent.exe',
  'package windows=3.3.987.0',
  `official settings=${settings}`,
  'official registration={"ManagedInstanceID":"mi-0123456789abcdef0","Region":"us-east-1"}',
];
const complete = 'host imagestate=IMAGE_STATE_COMPLETE';
const runs = [
  'service AmazonSSMAgent.windows=Running',
  'proc 700.stat=amazon-ssm-agent S 600 6000',
  'proc 710.stat=ssm-agent-worker S 700 6200',
];
const name = [`endpoint 1.url=${server}`, 'endpoint 1.agent=official', 'endpoint 1.service=ssm'];
const silent = [...name, 'endpoint 1.getent=10.0.0.5', 'endpoint 1.nc=124'];

/** What `collect.ps1` would have printed of it. */
function seenOn(lines: readonly string[]): NodeEvidence {
  const body = [...machine, ...lines].map((line) => {
    const space = line.indexOf(' ');
    const rest = line.slice(space + 1);
    return `:${line.slice(0, space)} ${rest.replaceAll('\\', '\\\\').replaceAll('_', '\\_').replaceAll(' ', '_')}`;
  });
  const { sum, length } = cksum(new TextEncoder().encode(`${body.join('\n')}\n`));
  const read = readCollected(
    [
      '-----BEGIN ROLLCALL EVIDENCE-----',
      ...body,
      `:end lines=${body.length}`,
      `:end sum=${sum}-${length}`,
      '-----END ROLLCALL EVIDENCE-----',
    ].join('\r\n'),
  );
  if ('problem' in read) throw new Error(read.detail);
  return read.evidence;
}

type Head = Omit<Parameters<typeof part.fault>[0], 'how'>;

const add = (kind: 'fault' | 'decoy', head: Head, lines: readonly string[]) =>
  part[kind]({ ...head, how: 'recorded' }, async (stage) => {
    const evidence = seenOn(lines);
    stage.compare('node', judge({ now: evidence.at, node: evidence }), evidence);
  });

add('fault', { id: 'windows-sysprep-state', cause: 'windows-sysprep-state', gate: 'agent', node: 'proven' }, [
  'host imagestate=IMAGE_STATE_UNDEPLOYABLE',
  ...runs,
]);
add('fault', { id: 'windows-service-hang', cause: 'windows-service-hang', gate: 'agent', node: 'likely' }, [
  complete,
  'service AmazonSSMAgent.windows=Start Pending',
]);
add(
  'decoy',
  {
    id: 'windows-service-stopped',
    cause: 'agent-stopped',
    decoyOf: ['windows-service-hang', 'windows-sysprep-state'],
    gate: 'agent',
    node: 'proven',
    fix: 'sc.exe start AmazonSSMAgent',
  },
  [complete, 'service AmazonSSMAgent.windows=Stopped'],
);
add(
  'fault',
  {
    id: 'windows-proxy-layers',
    cause: 'windows-proxy-layers',
    gate: 'path',
    node: 'likely',
    fix: 'explained',
  },
  [complete, ...runs, ...silent, 'shell winhttp=Proxy Server(s) :  proxy.corp.example:3128'],
);
add(
  'decoy',
  {
    id: 'windows-behind-a-firewall',
    cause: 'tcp-timeout',
    decoyOf: ['windows-proxy-layers'],
    gate: 'path',
    node: 'proven',
  },
  [complete, ...runs, ...silent],
);

export const windows = part.cases;

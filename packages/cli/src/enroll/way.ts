/**
 * The way to the server, tried before anything is registered: what is printed when it is open, and, when it
 * isn't, where it ends and what to do about it.
 */
import type { Preflight, PreflightResult } from '@rollcall/agent';
import type { Io } from '../io.ts';
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { certificatesIn, fingerprintOf, lookAt, looksRight } from './door.ts';
import type { EnrollOptions } from './options.ts';

/** An open way. */
export interface OpenWay {
  readonly open: true;
  readonly lines: readonly string[];
  /** What to trust the server by, PEM; undefined: what the system trusts. */
  readonly ca: string | undefined;
}

/** A way that ends before the server. */
export interface ClosedWay {
  readonly open: false;
  readonly lines: readonly string[];
  /** What to do, ready to be printed: lines that aren't wrapped any more. */
  readonly advice: readonly string[];
}

/** Tries the way. */
export async function tryWay(
  server: string,
  options: EnrollOptions,
  io: Io,
  screen: Screen,
): Promise<OpenWay | ClosedWay> {
  const { preflight } = await import('@rollcall/agent');
  const { ca, pin, proxy, noProxy } = options;
  const found = await preflight({ serverUrl: server, ca, pin, proxy, noProxy, now: io.now });
  const broken = found.steps.at(-1);
  if (!found.ok && broken)
    return {
      open: false,
      lines: brokenLines(server, found, screen),
      advice: await adviceFor(broken, found, server, options, io),
    };
  const door = await lookAt({ url: server, trust: found.ca, proxy, noProxy }, '/').catch(() => undefined);
  if (!door || !looksRight(door)) {
    const sentence = `what answers isn't a Rollcall server${door ? ` (HTTP ${door.status})` : ''}`;
    const stranger: PreflightResult = { step: 'http', ok: false, milliseconds: 0, sentence };
    const steps = [...found.steps.filter(({ step }) => step !== 'http' && step !== 'clock'), stranger];
    return {
      open: false,
      lines: brokenLines(server, { ...found, steps }, screen),
      advice: wrap('Is the address right, with its port? A portal or a proxy may answer in its place.'),
    };
  }
  const duration = found.steps.find(({ step }) => step === 'connection')?.milliseconds ?? 0;
  return {
    open: true,
    ca: found.ca,
    lines: [
      `${screen.mark('yes')} ${screen.text(server)} reached in ${duration} ms, ${trustWords(options)}`,
      `${screen.mark('yes')} ${clockWords(found.clockAheadSeconds)}`,
    ],
  };
}

function trustWords({ pin, ca }: EnrollOptions): string {
  if (pin?.startsWith('sha256//')) return 'key is the pinned one';
  if (pin !== undefined) return 'authority is the pinned one';
  return ca === undefined ? 'certificate trusted by the system' : 'certificate by its own authority';
}

function clockWords(ahead: number | undefined): string {
  if (ahead === undefined) return "clock not compared: the server doesn't tell its time";
  return ahead === 0 ? 'clock right to the second' : `clock ${ahead > 0 ? '+' : '-'}${Math.abs(ahead)} s`;
}

const stepNames: Readonly<Record<PreflightResult['step'], string>> = {
  name: 'name',
  connection: 'TCP',
  tls: 'TLS',
  http: 'HTTP',
  clock: 'clock',
};

/** The steps, each on a line of its own, up to the one that stops the way. */
function brokenLines(server: string, found: Preflight, screen: Screen): string[] {
  const steps = found.steps.flatMap(({ step, ok, sentence }) => {
    const [first = '', ...rest] = wrap(screen.text(sentence, 400), ' '.repeat(12));
    const name = `    ${stepNames[step].padEnd(8)}`;
    return [`${name}${first.trimStart()}`, ...rest, ...(ok ? [] : [`            stops here`])];
  });
  return [`${screen.mark('no')} ${screen.text(server)} can't be used from here`, ...steps];
}

async function adviceFor(
  broken: PreflightResult,
  found: Preflight,
  server: string,
  options: EnrollOptions,
  io: Io,
): Promise<readonly string[]> {
  const { hostname } = new URL(server);
  const code = broken.code ?? '';
  const atProxy = broken.sentence.startsWith('proxy ');
  if (broken.step === 'clock')
    return [
      ...wrap(
        `The clock here is off by ${Math.abs(found.clockAheadSeconds ?? 0)} s; at 300 s every signed call is refused. Set it, then try again:`,
      ),
      '  timedatectl set-ntp true',
    ];
  if (broken.step === 'name')
    return wrap(
      atProxy
        ? 'The name of the proxy is unknown here. Correct --proxy.'
        : `Correct the name, let this machine's resolver know ${hostname}, or use --proxy.`,
    );
  if (code === 'ERR_PROXY_TUNNEL')
    return wrap("The proxy refuses: it must let CONNECT through to the server's port. Ask who runs it.");
  if (broken.step === 'connection')
    return wrap(
      code === 'ECONNREFUSED'
        ? atProxy
          ? 'Does the proxy run there? Correct --proxy, or name the server in --no-proxy.'
          : 'Does the server run, and listen on an address that others reach (up --public-url)? Is the port right?'
        : 'Outbound TCP to this port must be allowed. Ask who runs the network, or use --proxy.',
    );
  if (broken.step === 'http') return wrap('Is the address right, with its port?');
  return adviceOnTls(code, server, options, io);
}

async function adviceOnTls(
  code: string,
  server: string,
  options: EnrollOptions,
  io: Io,
): Promise<readonly string[]> {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return [
      "Use a name that the server's certificate has, or give the server this one:",
      `  rollcall up --public-url ${server}`,
    ];
  const way = { url: server, untrusted: true, proxy: options.proxy, noProxy: options.noProxy };
  const shown = await lookAt(way, '/ca.pem').catch(() => undefined);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const seconds = shown?.date === undefined ? 0 : Math.round((io.now() - shown.date) / 1000);
    if (Math.abs(seconds) > 300)
      return [
        ...wrap(
          `The clock here is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the server's: that is why. Set it, then try again:`,
        ),
        '  timedatectl set-ntp true',
      ];
    return wrap('Restart the server: it renews its certificate. If the certificate is your own, renew it.');
  }
  const authorities = certificatesIn(shown?.body ?? '');
  if (authorities.length === 0)
    return wrap('What answers there shows no authority. Is it a Rollcall server? See its address and port.');
  const shownNow = authorities.map((authority) => `  ${fingerprintOf(authority)}`);
  if (options.pin !== undefined || options.ca !== undefined)
    return [
      ...wrap(
        'Another server, a proxy that inspects TLS, or an old fingerprint. What answers there shows the authority:',
      ),
      ...shownNow,
      ...wrap('Compare it with what "rollcall status" shows on the server, before you trust it.'),
    ];
  return [
    'Nothing here vouches for this server. It shows the authority:',
    ...shownNow,
    ...wrap('If "rollcall status" on the server shows the same, add it to the line:'),
    ...shownNow.flatMap((line) => ['  --ca-fingerprint \\', line]),
  ];
}

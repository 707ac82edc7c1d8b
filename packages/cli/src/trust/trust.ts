/**
 * Trusting a server's authority on this machine, and no longer. The server is asked without being trusted:
 * what it shows counts only when its fingerprint is the given one, or when a person says that it is right.
 */
import { createInterface } from 'node:readline/promises';
import { certificatesIn, fingerprintOf, lookAt, readFingerprint } from '../enroll/door.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { Machine } from '../machine.ts';
import { type Screen, screenOf } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { isOurUrl } from '../url.ts';
import {
  type Anchor,
  addAnchor,
  anchorFile,
  bundleWith,
  findStore,
  listAnchors,
  removeAnchor,
} from './store.ts';

/** What both verbs are told. */
export interface TrustTarget {
  readonly url: string;
  /** `sha256:` and 64 digits. */
  readonly fingerprint: string | undefined;
  readonly proxy: string | undefined;
}

/** Reads the arguments of both verbs. */
export function readTarget(
  url: string,
  fingerprint: string | undefined,
  proxy: string | undefined,
): TrustTarget {
  if (!isOurUrl(url))
    throw new Failure(`The server must be https://HOST or https://HOST:PORT, not "${url}".`);
  const read = fingerprint === undefined ? undefined : readFingerprint(fingerprint);
  if (fingerprint !== undefined && read === undefined)
    throw new Failure(
      'The fingerprint must be sha256: and 64 hexadecimal digits. "rollcall status" shows it.',
    );
  if (proxy !== undefined && !URL.canParse(proxy)) throw new Failure('--proxy must be http://HOST:PORT.');
  return { url: new URL(url).origin, fingerprint: read, proxy };
}

/** Adds the server's authority to what this machine trusts. */
export async function trustServer(target: TrustTarget, io: Io, machine: Machine): Promise<void> {
  const screen = screenOf(io);
  const store = findStore(machine);
  const shown = await authoritiesAt(target);
  const chosen = choose(shown, target);
  const { fingerprint } = chosen;
  const known = listAnchors(machine, store).find((anchor) => anchor.fingerprint === fingerprint);
  if (known) {
    io.stdout.write(`${screen.mark('yes')} trusted already: ${known.file}\n`);
    return;
  }
  if (target.fingerprint === undefined) await ask(chosen, target, io, machine, screen);
  needRoot(machine, target, fingerprint, 'trust');
  const anchor: Anchor = { ...chosen, file: anchorFile(store, fingerprint) };
  await addAnchor(machine, store, anchor);
  const bundle = bundleWith(machine, anchor.pem);
  io.stdout.write(
    [
      `${screen.mark('yes')} This machine now trusts the authority of ${target.url}:`,
      `  ${fingerprint}`,
      `  added    ${anchor.file}`,
      ...(bundle ? [`  is in    ${bundle}`] : []),
      ...(store.keychain ? [`  keychain ${store.keychain}`] : []),
      ...(await agentAdvice(machine, bundle, screen)),
      'To undo it:',
      `  sudo rollcall untrust ${target.url} \\`,
      `  ${fingerprint}`,
      '',
    ].join('\n'),
  );
}

/** Removes the server's authority from what this machine trusts. */
export async function untrustServer(target: TrustTarget, io: Io, machine: Machine): Promise<void> {
  const screen = screenOf(io);
  const store = findStore(machine);
  const anchors = listAnchors(machine, store);
  if (anchors.length === 0)
    throw new Failure(
      `Nothing to undo: there is no authority of Rollcall's in ${store.folder}.`,
      exitCodes.no,
    );
  const wanted = target.fingerprint
    ? [target.fingerprint]
    : (await authoritiesAt(target).catch(() => [])).map(({ fingerprint }) => fingerprint);
  const found = anchors.filter(({ fingerprint }) => wanted.includes(fingerprint));
  if (found.length === 0) {
    const why = target.fingerprint
      ? 'That authority was not added here.'
      : wanted.length === 0
        ? `${target.url} doesn't answer, so name the authority.`
        : `The authority of ${target.url} was not added here.`;
    const lines = anchors.flatMap(({ fingerprint }) => [
      `  sudo rollcall untrust ${target.url} \\`,
      `  ${fingerprint}`,
    ]);
    throw new Failure([`${why} Added were:`, ...lines].join('\n'), exitCodes.no);
  }
  needRoot(machine, target, found[0]!.fingerprint, 'untrust');
  for (const anchor of found) {
    await removeAnchor(machine, store, anchor);
    io.stdout.write(
      [
        `${screen.mark('yes')} This machine no longer trusts this authority:`,
        `  ${anchor.fingerprint}`,
        `  removed  ${anchor.file}`,
        'To undo it:',
        `  sudo rollcall trust ${target.url} \\`,
        `  ${anchor.fingerprint}`,
        '',
      ].join('\n'),
    );
  }
}

interface Shown {
  readonly fingerprint: string;
  readonly pem: string;
  readonly subject: string;
  readonly until: string;
}

async function authoritiesAt({ url, proxy }: TrustTarget): Promise<Shown[]> {
  const door = await lookAt({ url, untrusted: true, proxy }, '/ca.pem').catch((error: Error) => {
    throw new Failure(`${url} can't be reached: ${error.message}`);
  });
  const shown = certificatesIn(door.body).map((certificate) => ({
    fingerprint: fingerprintOf(certificate),
    pem: certificate.toString(),
    subject: certificate.subject.replaceAll('\n', ', '),
    until: certificate.validTo,
  }));
  if (door.status !== 200 || shown.length === 0)
    throw new Failure(`${url} shows no authority: is it a Rollcall server? (HTTP ${door.status})`);
  return shown;
}

/** The authority to add: the one with the given fingerprint, or the one that the server uses now. */
function choose(shown: readonly Shown[], target: TrustTarget): Shown {
  const chosen = target.fingerprint
    ? shown.find(({ fingerprint }) => fingerprint === target.fingerprint)
    : shown[0];
  if (chosen) return chosen;
  throw new Failure(
    [
      `${target.url} shows another authority than the given one:`,
      ...shown.map(({ fingerprint }) => `  ${fingerprint}`),
      ...wrap(
        'Another server, a proxy that inspects TLS, or an old fingerprint. Compare it with what "rollcall status" shows on the server. Nothing was changed.',
      ),
    ].join('\n'),
    exitCodes.no,
  );
}

/** Lets a person compare. Where nobody can answer, the line to run is given instead. */
async function ask(
  shown: Shown,
  target: TrustTarget,
  io: Io,
  machine: Machine,
  screen: Screen,
): Promise<void> {
  if (!io.stdin.isTTY || !io.stdout.isTTY)
    throw new Failure(
      [
        `${target.url} shows this authority:`,
        `  ${shown.fingerprint}`,
        'If "rollcall status" on the server shows the same, trust it with:',
        `  sudo rollcall trust ${target.url} \\`,
        `  ${shown.fingerprint}`,
        'Nothing was changed.',
      ].join('\n'),
    );
  needRoot(machine, target, shown.fingerprint, 'trust');
  io.stdout.write(
    [
      `${target.url} shows this authority:`,
      `  ${screen.text(shown.subject)}, until ${screen.text(shown.until)}`,
      `  ${shown.fingerprint}`,
      'Compare it with what "rollcall status" shows on the server. From then on this',
      'machine trusts whatever certificates that authority signs.',
      '',
    ].join('\n'),
  );
  const lines = createInterface({ input: io.stdin, terminal: false });
  io.stdout.write('The same? Type yes to trust it: ');
  try {
    const { value: answer } = await lines[Symbol.asyncIterator]().next();
    if (
      String(answer ?? '')
        .trim()
        .toLowerCase() !== 'yes'
    )
      throw new Failure('Nothing was changed.', exitCodes.no);
  } finally {
    lines.close();
  }
}

function needRoot(machine: Machine, target: TrustTarget, fingerprint: string, verb: string): void {
  if (machine.isRoot()) return;
  throw new Failure(
    `Only root changes what this machine trusts:\n  sudo rollcall ${verb} ${target.url} \\\n  ${fingerprint}`,
  );
}

/** What the official agent on this machine still needs: a restart, or another file. */
async function agentAdvice(machine: Machine, bundle: string | undefined, screen: Screen): Promise<string[]> {
  if (!machine.find('systemctl')) return [];
  const { code, output } = await machine.run('systemctl', [
    'show',
    'amazon-ssm-agent',
    '-p',
    'LoadState,Environment',
  ]);
  if (code !== 0 || !output.includes('LoadState=loaded')) return [];
  const other = /\bSSL_CERT_FILE=(\S+)/.exec(output)?.[1];
  if (other && other !== bundle)
    return wrap(
      `${screen.mark('warning')} amazon-ssm-agent here reads ${screen.text(other)} instead (SSL_CERT_FILE of its service): add the authority there.`,
    );
  return [
    'The official agent reads it when it starts; to skip its wait:',
    '  sudo systemctl restart amazon-ssm-agent',
  ];
}

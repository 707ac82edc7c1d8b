/** What is wrong with the server itself: asked before any node is blamed for it. */
import { statfs } from 'node:fs/promises';
import type { OwnProblem, VerdictsDeps } from './deps.ts';
import type { Fleet } from './fleet.ts';

const day = 86_400_000;
const minute = 60_000;

/** All that shows, what stops most first. */
export async function problemsOf(
  deps: Pick<VerdictsDeps, 'ownProblems'>,
  { evidence, lost }: Fleet,
  now: number,
): Promise<readonly OwnProblem[]> {
  const problems: OwnProblem[] = [];
  const { certificate, medianSkewMs, skewSamples = 0, nodes, serverBlind = [] } = evidence;
  if (
    medianSkewMs !== undefined &&
    Math.abs(medianSkewMs) > minute &&
    skewSamples >= Math.max(3, nodes * 0.2)
  ) {
    const seconds = Math.round(-medianSkewMs / 1000);
    problems.push({
      cause: 'server-clock-wrong',
      detail: `This server's clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}, by those of ${skewSamples} nodes.`,
    });
  }
  if (certificate && certificate.notAfter <= now) {
    problems.push({
      cause: 'certificate-expired',
      detail: `The certificate expired ${ago(now - certificate.notAfter)} ago.`,
    });
  } else if (certificate && certificate.notAfter - now < 14 * day) {
    problems.push({
      cause: 'certificate-expires',
      detail: `The certificate expires in ${ago(certificate.notAfter - now)}.`,
    });
  }
  const lately = lost.filter((one) => one.at > now - 15 * minute);
  if (lately.length >= 5 && lately.length >= nodes * 0.2) {
    problems.push({
      cause: 'many-lost-at-once',
      detail: `${lately.length} of ${nodes} nodes were lost within a quarter of an hour: the fault is likely near this server.`,
    });
  }
  const away = serverBlind.filter((time) => time.to > now - 60 * minute);
  if (away.length > 0) {
    const sum = away.reduce((all, time) => all + (time.to - time.from), 0);
    problems.push({
      cause: 'server-was-away',
      detail: `No server listened for ${ago(sum)} of the last hour: agents may still wait before they try again.`,
    });
  }
  return [...problems, ...((await deps.ownProblems?.()) ?? [])];
}

function ago(ms: number): string {
  if (ms < 2 * minute) return `${Math.round(ms / 1000)} s`;
  if (ms < 120 * minute) return `${Math.round(ms / minute)} min`;
  return ms < 2 * day ? `${Math.round(ms / (60 * minute))} h` : `${Math.floor(ms / day)} days`;
}

const leastFree = 512 * 1024 * 1024;

/** Whether the folder that everything is kept in has room left. */
export async function roomProblems(directory: string): Promise<readonly OwnProblem[]> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(directory);
  const free = bavail * bsize;
  const problems: OwnProblem[] = [];
  if (free < leastFree || bavail < blocks * 0.03) {
    problems.push({
      cause: 'disk-full',
      detail: `The disk with the data has ${Math.floor(free / 1_048_576)} MiB left.`,
    });
  }
  if (files > 0 && ffree < files * 0.01) {
    problems.push({ cause: 'inodes-full', detail: `The disk with the data has ${ffree} inodes left.` });
  }
  return problems;
}

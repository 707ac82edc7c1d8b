/** Whether whoever keeps the clock says that it is right. */
import type { HostEvidence } from '@rollcall/diagnosis';
import type { Sight } from './sight.ts';

/** Asks chrony, else systemd; undefined when neither says. */
export async function readTimeService(
  sight: Sight,
  init: HostEvidence['init'],
): Promise<boolean | undefined> {
  const chrony = await sight.run('chronyc', ['-n', 'tracking'], 600);
  if (chrony?.code === 0) return !/Leap status\s*:\s*Not synchronised/i.test(chrony.out);
  if (init !== 'systemd') return undefined;
  const ran = await sight.run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], 600);
  const answer = ran?.code === 0 ? ran.out.trim() : '';
  return answer === 'yes' ? true : answer === 'no' ? false : undefined;
}

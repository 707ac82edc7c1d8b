/** The five minutes by which two clocks may differ. */
import { amzDate, type SignedRequest } from '@rollcall/wire';
import * as no from './no.ts';

const tolerance = 300_000;

/** Refuses a signature that is too old or not yet good, with the skew that was measured. */
export function checkWindow({ at, atMs, expiresIn }: SignedRequest, now: number, claim: no.Claim): void {
  const skew = Math.round((atMs - now) / 1000);
  if (atMs - tolerance > now) {
    const latest = `${amzDate(now + tolerance)} (${amzDate(now)} + 5 min.)`;
    throw no.outsideWindow(
      `Signature not yet current: ${at} is still later than ${latest}`,
      true,
      skew,
      claim,
    );
  }
  if (expiresIn === undefined) {
    if (atMs + tolerance >= now) return;
    const earliest = `${amzDate(now - tolerance)} (${amzDate(now)} - 5 min.)`;
    throw no.outsideWindow(`Signature expired: ${at} is now earlier than ${earliest}`, false, skew, claim);
  }
  const until = atMs + expiresIn * 1000;
  if (until >= now) return;
  throw no.outsideWindow(
    `Signature expired: ${amzDate(until)} is now earlier than ${amzDate(now)}`,
    false,
    skew,
    claim,
  );
}

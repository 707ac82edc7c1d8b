/** How many nodes may have a command at a time, and how many errors it may make: numbers, or percent of all. */
import { Refusal } from '../service/index.ts';

const form = /^(\d{1,7})(%?)$/;

/** AWS's own defaults. */
export const defaultConcurrency = '50';
export const defaultErrors = '0';

/** Nodes at a time: a part of one counts as one, so that something happens at all. */
export function concurrencyOf(text: string, targets: number): number {
  const { amount, percent } = read(text, 'MaxConcurrency', 1);
  return percent ? Math.max(1, Math.ceil((targets * amount) / 100)) : amount;
}

/** Errors after which the command goes to no further node; that many are borne, one more is not. */
export function errorLimitOf(text: string, targets: number): number {
  const { amount, percent } = read(text, 'MaxErrors', 0);
  return percent ? Math.floor((targets * amount) / 100) : amount;
}

function read(text: string, member: string, least: number): { amount: number; percent: boolean } {
  const match = form.exec(text);
  const amount = Number(match?.[1]);
  const percent = match?.[2] === '%';
  if (!match || amount < least || (percent && amount > 100)) {
    throw new Refusal(
      'ValidationException',
      `${member} is a whole number from ${least}, or a percentage up to 100%: ${JSON.stringify(text)} is neither.`,
    );
  }
  return { amount, percent };
}

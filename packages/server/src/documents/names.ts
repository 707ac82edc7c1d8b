/** How documents are named: by name, or by an ARN; and which names nobody can take. */
import { Refusal } from '../service/index.ts';
import { isBuiltIn } from './built-in.ts';

const arnForm = /^arn:aws:ssm:([a-z0-9-]*):(\d*):document\/([a-zA-Z0-9_.-]{3,128})$/;

/**
 * The ARN that policies and the audit trail name. A document that every installation has belongs to no
 * account. Takes an ARN as well; one of another region or account stays what it is, so that policies judge
 * what was really asked for.
 */
export function documentArn(region: string, account: string, nameOrArn: string): string {
  const name = nameHere(region, account, nameOrArn);
  if (name === undefined) return nameOrArn;
  return `arn:aws:ssm:${region}:${isBuiltIn(name) ? '' : account}:document/${name}`;
}

/** The name that a name or an ARN stands for; `undefined` for an ARN of another region or account. */
export function nameHere(region: string, account: string, nameOrArn: string): string | undefined {
  if (!nameOrArn.includes(':') && !nameOrArn.includes('/')) return nameOrArn;
  const [, arnRegion, arnAccount, name] = arnForm.exec(nameOrArn) ?? [];
  if (name === undefined || arnRegion !== region) return undefined;
  return arnAccount === (isBuiltIn(name) ? '' : account) ? name : undefined;
}

/** Refuses names that AWS keeps for its own documents. */
export function checkNewName(name: string): void {
  const prefix = /^(aws|amazon|amzn)/i.exec(name)?.[0];
  if (prefix === undefined) return;
  throw new Refusal(
    'ValidationException',
    `Invalid document name ${name}: names that begin with ${prefix} are reserved.`,
  );
}

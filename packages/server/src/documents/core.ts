/** What all operations of documents share. */
import { type Access, type Call, Refusal } from '../service/index.ts';
import type { Store } from '../store/index.ts';
import type { Tags } from '../tags/index.ts';
import { isBuiltIn } from './built-in.ts';
import type { Library } from './library.ts';
import { documentArn } from './names.ts';

/** What documents need. */
export interface DocumentsDeps {
  readonly store: Store;
  readonly account: string;
  readonly tags: Tags;
}

/** The same, with what is kept in memory. */
export interface DocumentsCore extends DocumentsDeps {
  readonly library: Library;
}

/** Policies decide on the document that is named. */
export function accessByName<I extends { Name: string | undefined }>(action: string): Access<I> {
  return {
    by: 'policy',
    action,
    resources: (input, call) => [documentArn(call.region, call.account, input.Name ?? '')],
  };
}

/** The ARN of what was changed. */
export function changedArn(call: Call, name: string): string {
  return documentArn(call.region, call.account, name);
}

/** Refuses to change a document that every installation has. */
export function refuseBuiltIn(name: string): void {
  if (!isBuiltIn(name)) return;
  throw new Refusal(
    'InvalidDocumentOperation',
    `${name} belongs to every installation and can't be changed. Copy it under a name of your own.`,
  );
}

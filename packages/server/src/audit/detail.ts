/** What may stand in the detail of an audit row: names and values, short, and never a secret. */

/** A sentence, or named values. */
export type AuditDetail = string | Readonly<Record<string, string | number | boolean | undefined>>;

const longest = 1000;
const secretName = /secret|password|passphrase|token|signature|privatekey|activationcode|^code$/i;

/** Writes a detail as the text that is stored; values under a name that smells of a secret are left out. */
export function detailText(detail: AuditDetail | undefined): string | null {
  if (detail === undefined) return null;
  if (typeof detail === 'string') return detail.slice(0, longest);
  const shown = Object.entries(detail).filter(
    ([name, value]) => value !== undefined && !secretName.test(name),
  );
  const text = JSON.stringify(Object.fromEntries(shown.map(([name, value]) => [name, short(value)])));
  return text.length <= longest ? text : JSON.stringify({ shortened: text.slice(0, longest / 2) });
}

function short(value: string | number | boolean | undefined) {
  return typeof value === 'string' && value.length > 256 ? `${value.slice(0, 256)}…` : value;
}

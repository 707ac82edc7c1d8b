/**
 * Typed slots of commands. What goes into an argument came from outside: each kind of value has one shape, and
 * what hasn't that shape isn't put into a command at all.
 */
import type { Fix } from '../verdict.ts';

/** A command and who runs it. */
export type Command = Fix['commands'][number];

const shapes = {
  /** A unit of a service manager. */
  unit: /^[A-Za-z0-9_.@:][A-Za-z0-9_.@:-]{0,99}$/,
  nodeId: /^(mi-[0-9a-f]{17}|i-[0-9a-f]{8}([0-9a-f]{9})?)$/,
  /** Scheme, host and port; no path, no user. */
  url: /^https:\/\/(\[[0-9a-f:]+\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?$/,
  host: /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/,
  fingerprint: /^sha256:[0-9a-f]{64}$/,
  path: /^\/[A-Za-z0-9_@+][A-Za-z0-9_./@+-]{0,250}$/,
  activation: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  region: /^[a-z0-9][a-z0-9-]{1,62}$/,
  /** A machine's or a node's own name. */
  name: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
  document: /^[A-Za-z0-9_.:/-]{3,128}$/,
  process: /^[1-9]\d{0,9}$/,
} as const;

/** What a slot can hold. */
export type SlotKind = keyof typeof shapes;

/** The value when it has the shape of its kind and can't be taken for an option; otherwise undefined. */
export function slot(kind: SlotKind, value: string | number | undefined): string | undefined {
  const text = value === undefined ? '' : String(value);
  return shapes[kind].test(text) && !text.startsWith('-') ? text : undefined;
}

/** A command for the machine itself; undefined when one of its slots couldn't be filled. */
export function onNode(...argv: readonly (string | undefined)[]): Command | undefined {
  return command('node', argv);
}

/** A command for wherever the operator sits. */
export function byOperator(...argv: readonly (string | undefined)[]): Command | undefined {
  return command('operator', argv);
}

/** All of the commands, or undefined when one is missing: half a fix is none. */
export function all(...commands: readonly (Command | undefined)[]): readonly Command[] | undefined {
  return commands.every((one) => one !== undefined) ? commands : undefined;
}

function command(where: Command['where'], argv: readonly (string | undefined)[]): Command | undefined {
  return argv.every((part) => part !== undefined) ? { argv, where } : undefined;
}

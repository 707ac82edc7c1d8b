/**
 * All operations that go over `POST /`, public and our own, with one reader, one writer and one validator.
 * Loads the SDK's client for its schemas, so only the server and its tests import this entry.
 */
import { agentOperations, messageOperations, rollcallOperations } from '../operations/index.ts';
import { compileReader, type ReadResult } from '../schema/read.ts';
import type { OperationShapes } from '../schema/shape.ts';
import { compileWriter } from '../schema/write.ts';
import { publicErrors, publicOperationNames, publicShapes } from './public-shapes.ts';

export type { ReadResult } from '../schema/read.ts';
export type { OperationShapes } from '../schema/shape.ts';

/** The services that share the one port, by signing name. */
export type WireService = 'ssm' | 'ec2messages' | 'rollcall';

/** An operation's shapes, and the codes of the errors that its service's model knows. */
export interface FoundShapes extends OperationShapes {
  readonly errors: readonly string[];
}

/** What an operation needs at run time, compiled when it is first called. */
interface Codec {
  readonly shapes: FoundShapes;
  // biome-ignore lint/suspicious/noExplicitAny: the value has the shape of the operation, which only its handler knows.
  readonly readInput: (text: string) => ReadResult<any>;
  readonly writeInput: (value: unknown) => string;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly readOutput: (text: string) => ReadResult<any>;
  readonly writeOutput: (value: unknown) => string;
}

const ownOperations: Readonly<Record<WireService, Readonly<Record<string, OperationShapes>>>> = {
  ssm: agentOperations,
  ec2messages: messageOperations,
  rollcall: rollcallOperations,
};
const errorCodes = [...publicErrors.keys()];
const codecs = new Map<string, Codec>();

/** The shapes of an operation; undefined when no model knows it. */
export function findShapes(service: string, operation: string): FoundShapes | undefined {
  return codecOf(service, operation)?.shapes;
}

/** The names of all operations of a service, sorted. */
export function operationNames(service: WireService): string[] {
  return [
    ...Object.keys(ownOperations[service]),
    ...(service === 'ssm' ? publicOperationNames() : []),
  ].sort();
}

/** Reads and checks a request's body. Never throws for what a client sent. */
export function readInput(service: string, operation: string, text: string): ReturnType<Codec['readInput']> {
  return needed(service, operation).readInput(text);
}

/** Writes a request's body, as a client does. */
export function writeInput(service: string, operation: string, value: unknown): string {
  return needed(service, operation).writeInput(value);
}

/** Reads an answer's body, as a client does: types are checked, constraints are not. */
export function readOutput(
  service: string,
  operation: string,
  text: string,
): ReturnType<Codec['readOutput']> {
  return needed(service, operation).readOutput(text);
}

/** Writes an answer's body. @throws TypeError when the value doesn't fit the shape, which is a bug. */
export function writeOutput(service: string, operation: string, value: unknown): string {
  return needed(service, operation).writeOutput(value);
}

/** Writes a refusal, with the message under the name that the model gives it for this code. */
export function writeError(service: string, _operation: string, code: string, message: string): string {
  const member = service === 'ssm' ? (publicErrors.get(code) ?? 'message') : 'message';
  return JSON.stringify({ __type: code, [member]: message });
}

function needed(service: string, operation: string): Codec {
  const codec = codecOf(service, operation);
  if (codec === undefined) throw new Error(`no shapes for ${service}:${operation}`);
  return codec;
}

function codecOf(service: string, operation: string): Codec | undefined {
  const key = `${service}:${operation}`;
  const known = codecs.get(key);
  if (known !== undefined) return known;
  const shapes = shapesOf(service, operation);
  if (shapes === undefined) return undefined;
  const codec: Codec = {
    shapes: { ...shapes, errors: service === 'ssm' ? errorCodes : [] },
    readInput: compileReader(shapes.input),
    writeInput: compileWriter(shapes.input),
    readOutput: compileReader(shapes.output, { lenient: true }),
    writeOutput: compileWriter(shapes.output),
  };
  codecs.set(key, codec);
  return codec;
}

function shapesOf(service: string, operation: string): OperationShapes | undefined {
  const own = Object.hasOwn(ownOperations, service) ? ownOperations[service as WireService] : undefined;
  if (own !== undefined && Object.hasOwn(own, operation)) return own[operation];
  return service === 'ssm' ? publicShapes(operation) : undefined;
}

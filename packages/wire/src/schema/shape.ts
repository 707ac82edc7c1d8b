/**
 * Shapes as data: what a JSON message consists of, with its constraints. Our own operations are written in
 * them, the public ones are brought into the same form, and one reader and one writer serve both.
 */

/** A string; `sensitive` ones are never repeated in a message. */
export interface StringShape<V extends string = string> {
  readonly kind: 'string';
  readonly min?: number;
  readonly max?: number;
  /** A regular expression in Java's notation, which must match the whole string. */
  readonly pattern?: string;
  readonly enum?: readonly V[];
  readonly sensitive?: boolean;
}
/** A whole number. */
export interface IntegerShape {
  readonly kind: 'integer';
  readonly min?: number;
  readonly max?: number;
}
export interface BooleanShape {
  readonly kind: 'boolean';
}
/** Epoch seconds on the wire, a `Date` in TypeScript. */
export interface TimestampShape {
  readonly kind: 'timestamp';
}
/** Base64 on the wire, bytes in TypeScript. */
export interface BlobShape {
  readonly kind: 'blob';
  readonly min?: number;
  readonly max?: number;
  readonly sensitive?: boolean;
}
export interface ListShape<S extends Shape = Shape> {
  readonly kind: 'list';
  readonly of: S;
  readonly min?: number;
  readonly max?: number;
}
/** An object with any keys. */
export interface MapShape<S extends Shape = Shape> {
  readonly kind: 'map';
  readonly key: StringShape;
  readonly of: S;
  readonly min?: number;
  readonly max?: number;
}
/** An object with known members; unknown ones are ignored. A union has exactly one. */
export interface StructureShape<M extends Members = Members> {
  readonly kind: 'structure';
  readonly members: M;
  readonly union?: boolean;
}
export type Shape =
  | StringShape
  | IntegerShape
  | BooleanShape
  | TimestampShape
  | BlobShape
  | ListShape
  | MapShape
  | StructureShape;

/** A member of a structure: its shape, and whether it must be there. */
export type Member = Shape & { readonly required?: boolean };
export type Members = { readonly [name: string]: Member };

/** The TypeScript type of the values of a shape. */
export type ValueOf<S> =
  S extends StringShape<infer V>
    ? V
    : S extends IntegerShape
      ? number
      : S extends BooleanShape
        ? boolean
        : S extends TimestampShape
          ? Date
          : S extends BlobShape
            ? Uint8Array
            : S extends ListShape<infer E>
              ? ValueOf<E>[]
              : S extends MapShape<infer E>
                ? Record<string, ValueOf<E>>
                : S extends StructureShape<infer M>
                  ? StructureValue<M>
                  : never;

type RequiredNames<M> = { [K in keyof M]: M[K] extends { readonly required: true } ? K : never }[keyof M];
type StructureValue<M> = Flat<
  { [K in RequiredNames<M>]: ValueOf<M[K]> } & {
    [K in Exclude<keyof M, RequiredNames<M>>]?: ValueOf<M[K]> | undefined;
  }
>;
type Flat<T> = { [K in keyof T]: T[K] };

type Facts<S> = Omit<S, 'kind'>;

export function string(facts: Facts<StringShape> = {}): StringShape {
  return { kind: 'string', ...facts };
}
/** A string that is one of a few. */
export function oneOf<const V extends string>(...values: V[]): StringShape<V> {
  return { kind: 'string', enum: values };
}
export function integer(facts: Facts<IntegerShape> = {}): IntegerShape {
  return { kind: 'integer', ...facts };
}
export function boolean(): BooleanShape {
  return { kind: 'boolean' };
}
export function timestamp(): TimestampShape {
  return { kind: 'timestamp' };
}
/** Bytes; limits are of the bytes, not of their base64. */
export function blob(facts: Facts<BlobShape> = {}): BlobShape {
  return { kind: 'blob', ...facts };
}
export function list<S extends Shape>(of: S, facts: { min?: number; max?: number } = {}): ListShape<S> {
  return { kind: 'list', of, ...facts };
}
export function map<S extends Shape>(
  of: S,
  facts: { min?: number; max?: number; key?: StringShape } = {},
): MapShape<S> {
  return { kind: 'map', key: string(), of, ...facts };
}
export function structure<M extends Members>(members: M): StructureShape<M> {
  return { kind: 'structure', members };
}
/** Marks a member that must be there. */
export function required<S extends Shape>(shape: S): S & { readonly required: true } {
  return { ...shape, required: true };
}

/** What goes in and what comes out of an operation. */
export interface OperationShapes {
  readonly input: StructureShape;
  readonly output: StructureShape;
}

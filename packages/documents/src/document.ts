/**
 * What a command document is once it was read: types only. Reading, checking and substituting are in the
 * files beside this one; running the steps is the agent's.
 */

/** A JSON value as documents hold it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json };

/** How a document is written. */
export type DocumentFormat = 'JSON' | 'YAML';

/** The platforms that a document can name, in AWS's words. */
export type PlatformType = 'Linux' | 'MacOS' | 'Windows';

/** The types that a parameter can be declared as. */
export type ParameterType = 'String' | 'StringList' | 'Boolean' | 'Integer' | 'MapList' | 'StringMap';

/** The declaration of one parameter. */
export interface ParameterDeclaration {
  readonly type: ParameterType;
  readonly description?: string;
  /** What it is when the sender doesn't name it; without one it must be named. */
  readonly default?: Json;
  readonly allowedValues?: readonly Json[];
  /** A regular expression that each text in it must match. */
  readonly allowedPattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minChars?: number;
  readonly maxChars?: number;
  /** `textfield` or `textarea`: a hint for forms. */
  readonly displayType?: string;
  /** With `ENV_VAR`, agents that know it also put the value into the step's environment, as `SSM_` and the name. */
  readonly interpolationType?: 'ENV_VAR';
}

/** One thing that a document does, in order. */
export interface DocumentStep {
  /** The step's name (schema 2.x), or the plugin's (1.2): what replies and outputs are filed under. */
  readonly name: string;
  /** The plugin, e.g. `aws:runShellScript`. */
  readonly action: string;
  /**
   * What it works on, one after another: always one in schema 2.x, the elements of `properties` in 1.2. None
   * when a parameter brings all properties of a 1.2 plugin: `stepsWith` has them.
   */
  readonly inputs: readonly JsonObject[];
  /** Only in 2.2. Operator to its two operands, e.g. `{ StringEquals: ['platformType', 'Linux'] }`. */
  readonly precondition?: JsonObject;
}

/** A command document. */
export interface CommandDocument {
  readonly schemaVersion: '1.2' | '2.0' | '2.2';
  readonly description: string | undefined;
  readonly parameters: Readonly<Record<string, ParameterDeclaration>>;
  readonly steps: readonly DocumentStep[];
  /** The whole document as an object: what agents are sent. */
  readonly content: JsonObject;
}

/** One thing that is wrong, and where: `mainSteps[1].action`. */
export interface Problem {
  readonly path: string;
  /** A sentence that says what it must be. */
  readonly message: string;
}

/** Something that was read, or everything that is wrong with it. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The values of parameters, shaped as they were declared: text, a list of texts, or a JSON value. */
export type ParameterValues = Readonly<Record<string, Json>>;

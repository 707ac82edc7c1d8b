/** How a verb stops: one clear line, and the exit code that scripts read. */

/** Exit codes, the same for every verb. */
export const exitCodes = {
  /** Done, or the answer is yes. */
  ok: 0,
  /** The answer is no, or the server refused. */
  no: 1,
  /** Used wrongly, or it couldn't be tried. */
  unable: 2,
} as const;

/** Ends the verb: the message says what is wrong and what to do next; it is printed as it is, after escaping. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.unable, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** What can be wrong with certificates and their files, each with the sentence that says it to a person. */

/** Why certificates can't be used; one word per cause. */
export type CertificateProblem =
  /** A file is there but can't be read, or the folder can't be written. */
  | 'unreadable'
  /** A file doesn't hold what its name promises. */
  | 'damaged'
  /** One half of a certificate and key is missing. */
  | 'incomplete'
  /** The key belongs to another certificate. */
  | 'key-mismatch'
  /** The key is protected by a passphrase. */
  | 'key-encrypted'
  | 'expired'
  | 'not-yet-valid'
  /** This machine's clock is so far behind that a CA made now would be worth nothing. */
  | 'clock-wrong'
  /** A public name isn't in the certificate that the operator brought. */
  | 'name-not-covered'
  /** A public name lies outside what our CA may vouch for: a successor is needed. */
  | 'successor-needed';

/** Certificates that can't be used as they are. The message is one sentence for a person. */
export class CertificateError extends Error {
  readonly problem: CertificateProblem;
  /** The file that has to be looked at, when it is one. */
  readonly file: string | undefined;

  constructor(problem: CertificateProblem, message: string, file?: string) {
    super(message);
    this.name = 'CertificateError';
    this.problem = problem;
    this.file = file;
  }
}

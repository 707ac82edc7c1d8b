/** The server's certificates: our private CA or the operator's, and the guard against cutting nodes off. */
export * from './certificates.ts';
export { CertificateError, type CertificateProblem } from './errors.ts';
export * from './guard.ts';
export { covers, machineAddresses, machineNames, type NameSources, type Names } from './names.ts';
export { shownSince } from './shown-since.ts';

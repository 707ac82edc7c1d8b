/** Bytes and values of the protocol, without I/O and without any client library. */
export * from './channel-xml.ts';
export * from './frames.ts';
export * from './messages.ts';
export * from './operations/index.ts';
export { parseJson } from './parse-json.ts';
export * from './schema/index.ts';
export * from './signing/index.ts';

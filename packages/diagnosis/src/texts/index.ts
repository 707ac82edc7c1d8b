/** Everything that the doctor says besides the causes themselves. */
export { fieldLabel } from './fields.ts';
export { gateNames, gateTexts, needs, notTried } from './gates.ts';
export type { Both, Language } from './language.ts';
export * as words from './words.ts';

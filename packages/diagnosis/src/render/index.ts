/** Verdicts as a person reads them. */
export { type RenderOptions, renderVerdict } from './verdict.ts';

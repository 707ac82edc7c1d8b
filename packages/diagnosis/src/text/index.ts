/** Text for terminals, pure: how wide it is, where it may break, and untrusted text made harmless. */
export { type PlainOptions, plain, plainJson, plainLines, plainOutput } from './plain.ts';
export { cutTo, padTo, widthOf } from './width.ts';
export { breakLines } from './wrap.ts';

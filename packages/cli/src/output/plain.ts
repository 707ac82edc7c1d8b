/** The one exit to a terminal for text that came from outside. The doctor's pages use the same. */
export { type PlainOptions, plain, plainJson, plainLines, plainOutput } from '@rollcall/diagnosis/text';

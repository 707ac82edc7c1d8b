/** How much text a reply may carry, and how text that is longer is cut: as agent 3.3.0.0 does it. */

/** Characters of `standardOutput` and of `standardError`. */
export const streamLimit = 24_000;
/** Characters of `output`, which is both together. */
const summaryLimit = 2500;

const streamCut = '--output truncated--';
const errorTitle = '\n----------ERROR-------\n';
const outputCut = '\n---Output truncated---';
const errorCut = '\n---Error truncated----';

/** One stream as a reply carries it: whole, or its beginning and a word that it was longer. */
export function streamText(text: string, limit = streamLimit): string {
  return text.length <= limit ? text : beginning(text, limit - streamCut.length) + streamCut;
}

/** Both streams together, the errors under a title; what doesn't fit is cut, of both if both are long. */
export function summaryText(output: string, errors: string, limit = summaryLimit): string {
  const title = errors === '' ? '' : errorTitle;
  const room = limit - title.length;
  if (output.length + errors.length <= room) return output + title + errors;
  const half = Math.floor(room / 2);
  if (output.length > half && errors.length > half) {
    const each = Math.floor((room - outputCut.length - errorCut.length) / 2);
    return beginning(output, each) + outputCut + title + beginning(errors, each) + errorCut;
  }
  if (output.length <= half)
    return output + title + beginning(errors, room - output.length - errorCut.length) + errorCut;
  return beginning(output, room - errors.length - outputCut.length) + outputCut + title + errors;
}

/** The first characters of a text, never half of a pair that is one character. */
export function beginning(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const splits = length < text.length && last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, Math.max(0, splits ? length - 1 : length));
}

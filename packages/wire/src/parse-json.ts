/**
 * `JSON.parse` for what strangers send. The one of Node 26.10 ends the process, instead of throwing, on some
 * broken texts that are nested more than about 8,000 levels deep; 30 KB are enough for that.
 */

/** The deepest real message of the protocol has about ten levels. */
export const deepestJson = 64;

/**
 * Parses JSON text.
 * @throws SyntaxError when it is no JSON, or nested deeper than 64 levels.
 */
export function parseJson(text: string): unknown {
  if (nestedTooDeeply(text)) throw new SyntaxError('The text is nested too deeply.');
  return JSON.parse(text);
}

/** Whether JSON text is nested deeper than 64 levels. Of broken text it may say so when it isn't. */
export function nestedTooDeeply(text: string): boolean {
  // Short texts can't be deep enough to cost anything.
  if (text.length <= 2048) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      // To the quote that ends the string.
      for (i += 1; i < text.length && text.charCodeAt(i) !== 0x22; i += 1)
        if (text.charCodeAt(i) === 0x5c) i += 1;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > deepestJson) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/** An address in the one form that can be compared with another. */

/** `FD00:0:0:0:0:0:0:2` is `fd00::2`; what is no IPv6 address stays as it is. */
export function plainAddress(text: string): string {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(':')) return text;
  const url = `http://[${text}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : text;
}

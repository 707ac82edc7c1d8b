/** The XML that CreateControlChannel and CreateDataChannel answer, and the little of it that a client reads. */

/** What the answer carries. */
export interface ChannelToken {
  readonly messageSchemaVersion: string;
  readonly tokenValue: string;
}

/** The version of the channel messages that every known client speaks. */
export const messageSchemaVersion = '1.0';

/** The body of the 201 to `POST /v1/control-channel/…`. */
export function createControlChannelResponse(tokenValue: string): string {
  return response('CreateControlChannelResponse', tokenValue);
}

/** The body of the 201 to `POST /v1/data-channel/…`. */
export function createDataChannelResponse(tokenValue: string): string {
  return response('CreateDataChannelResponse', tokenValue);
}

/**
 * A refusal on the channel paths. The official agent looks for the text `<AccessDeniedException>` in it, and
 * goes over to polling for messages when it is there.
 */
export function channelError(code: string, message: string): string {
  const element = code.replace(/[^A-Za-z0-9]/g, '');
  return `<${element}><Message>${escapeXml(message)}</Message></${element}>`;
}

/** Reads either answer; undefined when it carries no token. */
export function parseChannelToken(xml: string): ChannelToken | undefined {
  const tokenValue = elementText(xml, 'TokenValue');
  if (tokenValue === undefined || tokenValue === '') return undefined;
  return {
    messageSchemaVersion: elementText(xml, 'MessageSchemaVersion') ?? messageSchemaVersion,
    tokenValue,
  };
}

/** Escapes text for an XML element; what XML can't carry becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function response(element: string, tokenValue: string): string {
  return (
    `<${element}><MessageSchemaVersion>${messageSchemaVersion}</MessageSchemaVersion>` +
    `<TokenValue>${escapeXml(tokenValue)}</TokenValue></${element}>`
  );
}

function elementText(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  if (text === undefined) return undefined;
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (all, decimal, hex, name) => {
      if (name !== undefined) return named[name]!;
      const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point) : all;
    },
  );
}

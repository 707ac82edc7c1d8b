/**
 * The first words on either half of a control channel: the body that asks for one, and the text frame
 * that opens it.
 */
import { parseJson } from '@rollcall/wire';

/** The body of CreateControlChannel. */
export interface ChannelRequest {
  readonly requestId: string;
}

/** The first text frame of a control channel. */
export interface Hello {
  readonly token: string;
}

/** Everything that was ever published speaks this version. */
const schemaVersion = '1.0';

/** Reads the body of CreateControlChannel; a string says what is wrong with it. */
export function readChannelRequest(text: string): ChannelRequest | string {
  const body = readObject(text);
  if (!body) return 'The request body is not a JSON object.';
  if (body.MessageSchemaVersion !== schemaVersion) return 'MessageSchemaVersion must be 1.0.';
  const requestId = body.RequestId;
  if (typeof requestId !== 'string' || requestId.length < 16 || requestId.length > 64)
    return 'RequestId must be a string of 16 to 64 characters.';
  return { requestId };
}

/** Reads the first text frame; a string says what is wrong with it. */
export function readHello(text: string): Hello | string {
  const body = readObject(text);
  if (!body) return 'the first frame is not a JSON object';
  if (body.MessageSchemaVersion !== schemaVersion) return 'MessageSchemaVersion must be 1.0';
  if (typeof body.TokenValue !== 'string' || body.TokenValue === '') return 'TokenValue is missing';
  return { token: body.TokenValue };
}

/** The object that this JSON text is, or undefined when it is anything else. */
export function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

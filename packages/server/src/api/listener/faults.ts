/** Reads from OpenSSL's errors why a handshake failed. */
import type { ListenerReason } from './door.ts';

/** Alerts (RFC 8446, 6.2) by which a client judges a certificate. */
const certificateAlerts = new Set([
  42, // bad_certificate: Go says it for unknown roots, expiry and wrong names alike
  43, // unsupported_certificate
  44, // certificate_revoked
  45, // certificate_expired
  46, // certificate_unknown
  48, // unknown_ca
]);

const byCode: readonly (readonly [RegExp, ListenerReason])[] = [
  [
    /UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|INAPPROPRIATE_FALLBACK/,
    'no-shared-version',
  ],
  [/NO_SHARED_CIPHER|NO_SUITABLE_|NO_SHARED_GROUP|NO_SHARED_SIGNATURE/, 'no-shared-cipher'],
  [/NO_APPLICATION_PROTOCOL|ALPN/, 'no-shared-protocol'],
  [/HANDSHAKE_TIMEOUT/, 'handshake-unfinished'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|ERR_SSL_UNEXPECTED_EOF\w*)$/, 'reset-after-certificate'],
];

/** Why a handshake failed, by the error of a TLS server. */
export function handshakeFault(error: Error & { code?: string }): {
  reason: ListenerReason;
  detail?: string;
} {
  const alert = /alert number (\d+)/.exec(error.message)?.[1];
  if (alert !== undefined) {
    const number = Number(alert);
    const detail = `alert=${number}`;
    if (certificateAlerts.has(number)) return { reason: 'client-rejected-certificate', detail };
    return { reason: number === 70 ? 'no-shared-version' : 'client-alert', detail };
  }
  const code = error.code ?? '';
  const reason = byCode.find(([pattern]) => pattern.test(code))?.[1];
  return reason ? { reason } : { reason: 'handshake-failed', detail: code.slice(0, 60) };
}

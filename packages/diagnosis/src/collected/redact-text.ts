/**
 * Takes out of a text what nobody else may learn: keys, codes, tokens, passwords. What a machine's logs and
 * settings say is shown to people and kept in bundles; this stands between.
 */

const hidden = '[hidden]';

const word =
  '(?:password|passwd|secret|token|activation-?_?code|private-?_?key|session-?_?key|access-?_?key|api-?_?key|credential|signature|fingerprint)';

/** Each is replaced whole, or all but its first group. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*(?:\/[^\s/@:]*)?@/gi, `$1${hidden}@`],
  [/\b((?:proxy-)?authorization\s*[:=]\s*)[^\r\n]+/gi, `$1${hidden}`],
  [/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi, `$1 ${hidden}`],
  [/\b((?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,})\b/g, hidden],
  // `"token": "x"`, `token=x`: whatever it is. `token: x` only when x isn't a word: codes of errors stand so.
  [
    new RegExp(`(["'][\\w-]*${word}[\\w-]*["']\\s*:\\s*)("(?:\\\\.|[^"\\\\])*"|'[^']*'|[^\\s,}]+)`, 'gi'),
    `$1${hidden}`,
  ],
  [new RegExp(`(\\b[\\w-]*${word}[\\w-]*\\s*=\\s*)("[^"]*"|'[^']*'|[^\\s,;&}]+)`, 'gi'), `$1${hidden}`],
  [
    new RegExp(
      `(\\b[\\w-]*${word}[\\w-]*\\s*:\\s*)(?=[^\\s]*\\d)(?=[^\\s]*[A-Za-z])("[^"]*"|'[^']*'|[^\\s,;&}]{8,})`,
      'gi',
    ),
    `$1${hidden}`,
  ],
  [/(\s-{1,2}(?:code|password|token|secret|key)[ =])("[^"]*"|\S+)/gi, `$1${hidden}`],
  [/([?&](?:X-Amz-[A-Za-z-]+|token|sig|key|code)=)[^&\s]+/gi, `$1${hidden}`],
  // Long runs without a space are keys, tokens or signatures more often than anything that helps.
  [/(?<![\w+=])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{40,}/g, hidden],
];

/** Base64, which may have slashes in it, though far fewer than a path of that length. */
const base64 =
  /(?<![\w+/])(?=[A-Za-z0-9+/]*\d)(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{48,}={0,2}/g;

function hideBase64(run: string): string {
  return run.split('/').length - 1 > run.length / 20 ? run : hidden;
}

/** A text without secrets, at most `most` characters long, without control characters. */
export function redactText(text: string, most = 400): string {
  let safe = text.slice(0, most * 4);
  for (const [pattern, instead] of secrets) safe = safe.replace(pattern, instead);
  safe = safe.replace(base64, hideBase64);
  safe = safe.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    ' ',
  );
  return safe.length > most ? `${safe.slice(0, most - 1)}…` : safe;
}

/** A proxy's or a server's address without the password in it, however it is written. */
export function redactUrl(text: string): string {
  const at = text.lastIndexOf('@');
  if (at < 0) return redactText(text, 300);
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? '';
  const rest = redactText(text.slice(at + 1), 300);
  return `${scheme}${hidden}@${rest}`;
}

const proxyNames = /^(https?|no|all)_proxy$/i;
const trustNames =
  /^(SSL_CERT_FILE|SSL_CERT_DIR|AWS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|CURL_CA_BUNDLE|HOME|AWS_SHARED_CREDENTIALS_FILE|AWS_EC2_METADATA_SERVICE_ENDPOINT)$/;

/** Whether a variable's value may be shown: it is about a proxy, about trust, or about where files are. */
export function mayShow(name: string): boolean {
  return proxyNames.test(name) || trustNames.test(name);
}

/** An environment as it may be shown: proxies without passwords, trust; of the rest the names only, if at all. */
export function shownEnvironment(
  environment: Readonly<Record<string, string>>,
  others: 'names' | 'none',
): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name)) continue;
    if (mayShow(name)) shown[name] = proxyNames.test(name) ? redactUrl(value) : redactText(value, 300);
    else if (others === 'names') shown[name] = hidden;
  }
  return shown;
}

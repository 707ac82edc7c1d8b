/**
 * The server's log: JSON lines on standard error. Nothing secret may reach it; the fields in which secrets
 * travel are removed here as well, in case somebody logs a whole object one day.
 */
import { type Logger, pino } from 'pino';

const SECRET_FIELDS = [
  'authorization',
  'ActivationCode',
  'SecretAccessKey',
  'SessionToken',
  'TokenValue',
  'secretAccessKey',
  'x-amz-security-token',
];

/** Opens the log. `level` is one of pino's. */
export function openLog(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]),
        censor: '[removed]',
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * What the server and the clients tell about their work: one JSON object in a line, on stderr. Tokens and bodies of requests
 * are never given to it, and fields with such names are blanked.
 */
import { pino } from 'pino';

type Fields = Readonly<Record<string, unknown>>;

export interface BackupLog {
  info(fields: Fields, text: string): void;
  warn(fields: Fields, text: string): void;
  error(fields: Fields, text: string): void;
}

const STDERR = 2;
const SECRETS = ['token', 'authorization', 'headers', 'body'];

/** `write` gets each line, its end included; default: stderr, written at once, so that a crash loses none. */
export function createBackupLog(program: string, write?: (line: string) => void): BackupLog {
  const destination = write ? { write } : pino.destination({ dest: STDERR, sync: true });
  return pino(
    {
      base: { program, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS, censor: '(secret)' },
    },
    destination,
  );
}

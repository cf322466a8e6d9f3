/**
 * Operating errors: everything a user or a host can cause. One table maps each code to the errno a
 * file operation returns, the exit status of the CLI and the HTTP status of the console. Programmer
 * errors are assertions (assert.ts), never one of these.
 */

interface ErrorRow {
  /** Linux errno, positive. */
  readonly errno: number;
  /** Exit status of the CLI. */
  readonly exitStatus: number;
  /** HTTP status of the web console. */
  readonly httpStatus: number;
}

export const ERROR_TABLE = {
  EPERM: { errno: 1, exitStatus: 1, httpStatus: 403 },
  ENOENT: { errno: 2, exitStatus: 1, httpStatus: 404 },
  EINTR: { errno: 4, exitStatus: 1, httpStatus: 503 },
  EIO: { errno: 5, exitStatus: 1, httpStatus: 500 },
  ENXIO: { errno: 6, exitStatus: 1, httpStatus: 502 },
  EBADF: { errno: 9, exitStatus: 1, httpStatus: 400 },
  EACCES: { errno: 13, exitStatus: 1, httpStatus: 403 },
  EBUSY: { errno: 16, exitStatus: 1, httpStatus: 409 },
  EEXIST: { errno: 17, exitStatus: 1, httpStatus: 409 },
  EXDEV: { errno: 18, exitStatus: 1, httpStatus: 400 },
  ENODEV: { errno: 19, exitStatus: 1, httpStatus: 502 },
  ENOTDIR: { errno: 20, exitStatus: 1, httpStatus: 400 },
  EISDIR: { errno: 21, exitStatus: 1, httpStatus: 400 },
  EINVAL: { errno: 22, exitStatus: 1, httpStatus: 400 },
  EFBIG: { errno: 27, exitStatus: 1, httpStatus: 413 },
  ENOSPC: { errno: 28, exitStatus: 1, httpStatus: 507 },
  EROFS: { errno: 30, exitStatus: 1, httpStatus: 403 },
  EOPNOTSUPP: { errno: 95, exitStatus: 1, httpStatus: 501 },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** An operating error: a code from the table and a reason a user can act on. */
export class ArrayError extends Error {
  constructor(
    readonly code: ErrorCode,
    /** One line, no code, no trailing full stop. */
    readonly reason: string,
    /** Trying again cannot help before the next mount. */
    readonly isFinal = false,
  ) {
    super(`${code}: ${reason}`);
    this.name = 'ArrayError';
  }

  get errno(): number {
    return ERROR_TABLE[this.code].errno;
  }
}

/** A host's errno that is not in the table, and the code that tells a user the same. */
const HOST_CODES: Readonly<Record<string, ErrorCode>> = {
  EDQUOT: 'ENOSPC',
  ENOMEDIUM: 'ENODEV',
  /** A mount whose daemon or server has gone. */
  ENOTCONN: 'ENXIO',
  ESTALE: 'ENXIO',
};

/** The ArrayError an unknown exception stands for; a host's own errno keeps its code, else EIO. */
export function asArrayError(error: unknown): ArrayError {
  if (error instanceof ArrayError) return error;
  const reason = error instanceof Error ? reasonOf(error) : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code !== 'string') return new ArrayError('EIO', reason);
  if (code in ERROR_TABLE) return new ArrayError(code as ErrorCode, reason);
  return new ArrayError(HOST_CODES[code] ?? 'EIO', reason);
}

/** Node's `ENOENT: no such file or directory, open '/x'` is of a call that users do not know: `/x: no such file or directory`. */
function reasonOf(error: NodeJS.ErrnoException & { readonly dest?: string }): string {
  const { code, syscall, message, path, dest } = error;
  const start = `${code}: `;
  const end = message.indexOf(`, ${syscall}`);
  if (syscall === undefined || !message.startsWith(start) || end < 0) return message;
  const places = [path, dest].filter((place) => typeof place === 'string').join(' to ');
  const what = message.slice(start.length, end);
  return places === '' ? what : `${places}: ${what}`;
}

/**
 * What every request to the backup server passes before anything is done: size, protocol, token, schema; and how a refusal is
 * answered.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { ArrayError, asArrayError, ERROR_TABLE } from '../../base/errors.js';
import { BACKUP_REQUEST_BYTES_MAX } from '../../base/limits.js';
import { PROTOCOL_HEADER } from '../api.js';
import type { BackupLog } from '../backup-log.js';
import { PROTOCOL_VERSION } from '../errands.js';
import type { ClientBook } from './client-book.js';

const UNAUTHORIZED = 401;

/** `client` is set for requests of clients alone. */
export interface ServerEnv {
  readonly Variables: { client: string };
}

export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: BACKUP_REQUEST_BYTES_MAX,
  onError: () => {
    throw new ArrayError('EFBIG', `a request has more than ${BACKUP_REQUEST_BYTES_MAX} bytes`);
  },
});

/** Programs say which protocol they speak; a person with curl need not. */
export function checkProtocol(version: string): MiddlewareHandler {
  return async (context, next) => {
    context.header(PROTOCOL_HEADER, `${PROTOCOL_VERSION}`);
    const theirs = context.req.header(PROTOCOL_HEADER);
    if (theirs !== undefined && theirs !== `${PROTOCOL_VERSION}`) {
      const reason = `this backup server (arrayfs ${version}) speaks protocol ${PROTOCOL_VERSION}, the program that asks ${theirs.slice(0, 20)}: use the same version of arrayfs on both sides`;
      throw new ArrayError('EOPNOTSUPP', reason);
    }
    await next();
  };
}

/** Lets only those in who have a token of this role. */
export function requireRole(
  clients: ClientBook,
  role: 'admin' | 'client',
): MiddlewareHandler<ServerEnv> {
  return async (context, next) => {
    const [, token] =
      /^Bearer ([A-Za-z0-9_-]{1,256})$/.exec(context.req.header('authorization') ?? '') ?? [];
    if (token === undefined) throw new UnknownCaller('this backup server wants a token');
    const found = clients.roleOf(token);
    if (found === undefined) throw new UnknownCaller('the backup server does not know this token');
    const isAdmin = 'admin' in found;
    if (isAdmin !== (role === 'admin')) {
      const what = isAdmin
        ? 'that of a user, this is for clients'
        : 'that of a client, this is for users';
      throw new ArrayError('EACCES', `the token is ${what}`);
    }
    if (!isAdmin) context.set('client', found.client);
    await next();
  };
}

class UnknownCaller extends ArrayError {
  constructor(reason: string) {
    super('EACCES', reason);
  }
}

/** The body by `schema`; EINVAL with the place and the reason. No body is an empty object. */
export async function bodyOf<S extends z.ZodType>(
  context: Context,
  schema: S,
): Promise<z.infer<S>> {
  const text = await context.req.text();
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ArrayError('EINVAL', 'the body of the request is no JSON');
  }
  return schema.parse(value);
}

/** `{ error, reason }` with the status of its code. */
export function answerRefusal(log: BackupLog, error: unknown, context: Context): Response {
  const failure = error instanceof z.ZodError ? invalid(error) : asArrayError(error);
  const { code, reason } = failure;
  const isStranger = error instanceof UnknownCaller;
  const status = isStranger ? UNAUTHORIZED : ERROR_TABLE[code].httpStatus;
  const fields = { method: context.req.method, path: context.req.path, code, reason };
  if (isStranger || status >= 500) log.warn(fields, 'request refused');
  context.header(PROTOCOL_HEADER, `${PROTOCOL_VERSION}`);
  return context.json({ error: code, reason }, status as ContentfulStatusCode);
}

function invalid(error: z.ZodError): ArrayError {
  const problems = error.issues.slice(0, 3).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join('.')}: ${message}`;
  });
  return new ArrayError('EINVAL', problems.join('; '));
}

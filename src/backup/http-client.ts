/**
 * JSON requests to a backup server: one refusal for each thing that can be wrong, told in words. A server that is away
 * (ServerAwayError) may be asked again, any other refusal stands.
 */
import { Agent, fetch as fetchThrough } from 'undici';
import { ArrayError, ERROR_TABLE, type ErrorCode } from '../base/errors.js';
import { API_PREFIX, PROTOCOL_HEADER } from './api.js';
import { PROTOCOL_VERSION } from './errands.js';

/** Beyond the time that a request asks the server to wait. */
const ANSWER_MS_MAX = 30_000;
const UNAUTHORIZED = 401;
/** Of what stands between: no server behind it, or one that is starting. */
const GATEWAY_STATUSES: readonly number[] = [502, 503, 504];

export interface ServerAddress {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string;
  /** PEM; undefined: what the system trusts. */
  readonly ca?: string | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the API's prefix, encoded. */
  readonly path: string;
  /** Left out where undefined. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** How long the server was asked to wait before it answers. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** The server was not reached, or went away before it answered: what was asked may have been done. */
export class ServerAwayError extends ArrayError {
  constructor(reason: string) {
    super('ENXIO', reason);
    this.name = 'ServerAwayError';
  }
}

export class HttpClient {
  private readonly agent: Agent;

  constructor(private readonly address: ServerAddress) {
    this.agent = new Agent(address.ca === undefined ? {} : { connect: { ca: address.ca } });
  }

  /** The value of the answer; undefined where it has no body. */
  async request(request: HttpRequest): Promise<unknown> {
    const { status, protocol, text } = await this.exchange(request);
    this.checkProtocol(status, protocol);
    const value = this.parse(text);
    if (status >= 200 && status < 300) return value;
    throw this.refusal(status, value);
  }

  /** Connections end; requests under way fail. */
  close(): Promise<void> {
    return this.agent.destroy();
  }

  private async exchange({ method, path, query, body, waitMs = 0, signal }: HttpRequest) {
    const limit = AbortSignal.timeout(ANSWER_MS_MAX + waitMs);
    try {
      const answer = await fetchThrough(this.urlOf(path, query), {
        method,
        headers: {
          authorization: `Bearer ${this.address.token}`,
          [PROTOCOL_HEADER]: `${PROTOCOL_VERSION}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
        dispatcher: this.agent,
        redirect: 'error',
      });
      const protocol = answer.headers.get(PROTOCOL_HEADER);
      return { status: answer.status, protocol, text: await answer.text() };
    } catch (error) {
      if (signal?.aborted) throw new ArrayError('EINTR', 'given up');
      throw this.failure(error, limit.aborted);
    }
  }

  private urlOf(path: string, query: HttpRequest['query'] = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) parameters.set(name, `${value}`);
    }
    const suffix = parameters.size === 0 ? '' : `?${parameters}`;
    return `${this.address.url}${API_PREFIX}${path}${suffix}`;
  }

  private failure(error: unknown, isTimeout: boolean): ArrayError {
    const { url } = this.address;
    if (isTimeout) return new ServerAwayError(`the backup server at ${url} does not answer`);
    const cause = rootOf(error);
    const code = cause.code ?? '';
    if (CERTIFICATE_CODES.test(code)) {
      const reason = `the certificate of the backup server at ${url} is not trusted: ${cause.message}; name its authority with --ca FILE`;
      return new ArrayError('EACCES', reason);
    }
    const words = AWAY_WORDS[code] ?? cause.message;
    return new ServerAwayError(`the backup server at ${url} cannot be reached: ${words}`);
  }

  private checkProtocol(status: number, protocol: string | null): void {
    if (protocol === `${PROTOCOL_VERSION}`) return;
    const { url } = this.address;
    if (protocol !== null) {
      const reason = `the backup server at ${url} speaks protocol ${protocol}, this program ${PROTOCOL_VERSION}: use the same version of arrayfs on both sides`;
      throw new ArrayError('EOPNOTSUPP', reason);
    }
    if (GATEWAY_STATUSES.includes(status)) {
      throw new ServerAwayError(`the backup server at ${url} cannot be reached: status ${status}`);
    }
    throw new ArrayError('EINVAL', `what answers at ${url} is no backup server of arrayfs`);
  }

  private parse(text: string): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw new ArrayError('EIO', `the backup server at ${this.address.url} answers no JSON`);
    }
  }

  private refusal(status: number, value: unknown): ArrayError {
    const { error, reason } = (value ?? {}) as { error?: unknown; reason?: unknown };
    const words = typeof reason === 'string' ? reason : `status ${status}`;
    if (status === UNAUTHORIZED) {
      return new ArrayError('EACCES', `the backup server at ${this.address.url}: ${words}`);
    }
    const isKnown = typeof error === 'string' && Object.hasOwn(ERROR_TABLE, error);
    return new ArrayError(isKnown ? (error as ErrorCode) : 'EIO', words);
  }
}

/** As OpenSSL and Node name what is wrong with a certificate. */
const CERTIFICATE_CODES =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_\w+)$/;

const AWAY_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host for now',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the host',
};

/** fetch hides what happened behind causes; of several addresses that were tried the last counts. */
function rootOf(error: unknown): { readonly code?: string; readonly message: string } {
  if (error instanceof AggregateError && error.errors.length > 0)
    return rootOf(error.errors.at(-1));
  if (error instanceof Error && error.cause !== undefined) return rootOf(error.cause);
  return error instanceof Error ? error : { message: String(error) };
}

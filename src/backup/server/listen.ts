/** Opens the backup server's port, with TLS where there is a certificate, and closes it without cutting off an answer. */
import { createServer } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { type Clock, pause } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import type { ServerEnv } from './request-checks.js';

/** An answer that takes longer is cut off at the end. */
const ENDING_MS_MAX = 5_000;
const IDLE_LOOK_MS = 20;

export interface ListenOptions {
  readonly host: string;
  /** 0 means one that is free. */
  readonly port: number;
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** EBUSY where somebody has the port, EINVAL where the certificate or the address is of no use. */
export function listen(
  app: Hono<ServerEnv>,
  { host, port, tls }: ListenOptions,
  clock: Clock,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const scheme = tls === undefined ? 'http' : 'https';
    const refuse = (error: NodeJS.ErrnoException) => reject(refusal(error, `${host}:${port}`));
    try {
      const secure = tls === undefined ? {} : { createServer, serverOptions: { ...tls } };
      const options = { fetch: app.fetch, hostname: host, port, ...secure };
      const server = serve(options, (address) => {
        server.off('error', refuse);
        resolve({ url: urlOf(scheme, host, address), close: () => close(server, clock) });
      });
      server.once('error', refuse);
    } catch (error) {
      refuse(error as NodeJS.ErrnoException);
    }
  });
}

function refusal(error: NodeJS.ErrnoException, place: string): ArrayError {
  const { code = '', message } = error;
  if (code === 'EADDRINUSE')
    return new ArrayError('EBUSY', `${place} is in use by another program`);
  if (code === 'EACCES') return new ArrayError('EACCES', `you may not listen on ${place}`);
  if (code.startsWith('ERR_OSSL') || code.startsWith('ERR_TLS')) {
    return new ArrayError('EINVAL', `the certificate or its key is of no use: ${message}`);
  }
  return new ArrayError('EINVAL', `cannot listen on ${place}: ${message}`);
}

/** A name stays: a certificate may be for it alone. */
function urlOf(scheme: string, host: string, { address, family, port }: AddressInfo): string {
  const number = family === 'IPv6' ? `[${address}]` : address;
  return `${scheme}://${isIP(host) === 0 ? host : number}:${port}`;
}

/** Connections that stay open for a further request are closed as each becomes idle. */
async function close(server: ServerType, clock: Clock): Promise<void> {
  let isOver = false;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const closeIdle = () => {
    if (!isOver && 'closeIdleConnections' in server) server.closeIdleConnections();
    if (!isOver) clock.after(IDLE_LOOK_MS, closeIdle);
  };
  closeIdle();
  await Promise.race([closed, pause(clock, ENDING_MS_MAX)]);
  isOver = true;
  if ('closeAllConnections' in server) server.closeAllConnections();
}

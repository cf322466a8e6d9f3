/**
 * What the command line tells a daemon, as one JSON argument, and what the daemon tells its parent,
 * as one message: that the mount is usable, or why it is not.
 */
import { ArrayError, ERROR_TABLE, type ErrorCode } from '../base/errors.js';

export const TRANSPORT_CHOICES = ['auto', 'kernel', 'fuse-native'] as const;
export type TransportChoice = (typeof TRANSPORT_CHOICES)[number];

/** Whether the host's page cache keeps images. */
export const PAGE_CACHE_POLICIES = ['none', 'kernel'] as const;
export type PageCachePolicy = (typeof PAGE_CACHE_POLICIES)[number];
/** Measured: native-notes/performance.md. */
export const DEFAULT_PAGE_CACHE: PageCachePolicy = 'none';

/** All paths are absolute. */
export interface DaemonOptions {
  readonly storeDirectory: string;
  readonly mountPoint: string;
  readonly poolDirectories: readonly string[];
  /** Names of pools to mount without. */
  readonly without: readonly string[];
  readonly readOnly: boolean;
  readonly allowOther: boolean;
  readonly allowFaults: boolean;
  /** Bound of the write cache. */
  readonly cacheBytes: number;
  readonly pageCache: PageCachePolicy;
  readonly defaultOwner: { readonly uid: number; readonly gid: number; readonly mode: number };
  readonly transport: TransportChoice;
  /** Undefined in the foreground: log lines go to stderr. */
  readonly logFile: string | undefined;
}

export type DaemonReport =
  | {
      readonly kind: 'ready';
      readonly pid: number;
      readonly serial: string;
      readonly transport: string;
      /** What the user should know, such as a dead mount that was taken over. */
      readonly notices: readonly string[];
    }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly reason: string };

export function encodeDaemonOptions(options: DaemonOptions): string {
  return JSON.stringify(options);
}

/** The argument comes from our own command line; only that it is one is checked. */
export function decodeDaemonOptions(text: string | undefined): DaemonOptions {
  try {
    const options = JSON.parse(text ?? '') as Partial<DaemonOptions>;
    if (options.storeDirectory && options.mountPoint && options.defaultOwner) {
      return { logFile: undefined, ...options } as DaemonOptions;
    }
  } catch {
    // Falls through: not JSON is as wrong as other JSON.
  }
  throw new ArrayError('EINVAL', 'the daemon is started by `arrayfs mount`, not by hand');
}

export function isDaemonReport(value: unknown): value is DaemonReport {
  const report = value as Partial<Record<'kind' | 'code', string>> | null;
  if (report?.kind === 'ready') return true;
  return report?.kind === 'failed' && (report.code ?? '') in ERROR_TABLE;
}

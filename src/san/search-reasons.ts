/**
 * What came of the search for a backup device through a port, and the words for it. Some reasons are known
 * before the search, some are the device's answer. The numbers stand in shared memory.
 */
import { ArrayError, type ErrorCode } from '../base/errors.js';
import type { PortId } from './port-id.js';

interface ReasonRow {
  /** Reads on after the name of the port. */
  readonly text: string;
  readonly code: ErrorCode;
  /** The device was asked: its answer says more than that of a port nothing went through. */
  readonly isAnswer: boolean;
}

const path = (text: string): ReasonRow => ({ text, code: 'ENXIO', isAnswer: false });
const answer = (code: ErrorCode, text: string): ReasonRow => ({ text, code, isAnswer: true });

/** In the order of their numbers in shared memory, from 1; 0 is a port not searched yet. */
export const SEARCH_REASONS = {
  found: answer('EIO', 'reaches it'),
  'controller-down': path('is at a controller that is down'),
  'port-down': path('is down'),
  'wrong-role': path('is no initiator port'),
  'wrong-usage': path('is for online only'),
  'not-chosen': path('was not asked for'),
  'no-microprocessor': path('has no microprocessor that runs'),
  'no-path': path('has no path to it'),
  'no-answer': answer('EIO', 'got no answer in time'),
  missing: answer('ENXIO', 'finds that it is not there'),
  busy: answer('EBUSY', 'finds it reserved'),
  unloaded: answer('ENODEV', 'finds no medium loaded'),
  full: answer('ENOSPC', 'finds it full'),
  'write-protected': answer('EROFS', 'finds it write-protected'),
  refused: answer('EACCES', 'is refused the login'),
  failed: answer('EIO', 'got an error'),
  'no-medium': answer('ENXIO', 'finds no such medium'),
} as const satisfies Record<string, ReasonRow>;

export type SearchReason = keyof typeof SEARCH_REASONS;
const REASONS = Object.keys(SEARCH_REASONS) as readonly SearchReason[];

export interface PortResult {
  readonly port: PortId;
  readonly reason: SearchReason;
  /** What the device said there, if it did: more than the reason. */
  readonly detail?: string;
}

/** Verbs of the texts above, where they are of several ports. */
const OF_SEVERAL: Readonly<Record<string, string>> = {
  is: 'are',
  was: 'were',
  has: 'have',
  finds: 'find',
  reaches: 'reach',
};

export function reasonNumber(reason: SearchReason): number {
  return REASONS.indexOf(reason) + 1;
}

/** The twin of `reasonNumber`; undefined for 0. */
export function reasonOfNumber(number: number): SearchReason | undefined {
  return REASONS[number - 1];
}

/** `port CL1-C has no path to it`. */
export function describeResult({ port, reason }: PortResult): string {
  return `port ${port} ${SEARCH_REASONS[reason].text}`;
}

/** Each reason once, with its ports: `port CL1-C is down; ports CL1-D, CL2-C: there is no cartridge AFS009`. */
export function describeResults(results: readonly PortResult[]): string {
  const ports = new Map<string, PortResult[]>();
  for (const result of results) {
    const said = result.detail || result.reason;
    ports.set(said, [...(ports.get(said) ?? []), result]);
  }
  return [...ports.values()].map(describeSame).join('; ');
}

function describeSame(results: readonly PortResult[]): string {
  const [first] = results as [PortResult];
  const isOne = results.length === 1;
  const names = `${isOne ? 'port' : 'ports'} ${results.map(({ port }) => port).join(', ')}`;
  if (first.detail) return `${names}: ${first.detail}`;
  const { text } = SEARCH_REASONS[first.reason];
  return `${names} ${isOne ? text : text.replace(/^\w+/, (verb) => OF_SEVERAL[verb] ?? verb)}`;
}

/** The words of the device are told for its answers alone: what it said before the port went down is over. */
export function withDetails(
  results: readonly PortResult[],
  details: ReadonlyMap<PortId, string>,
): PortResult[] {
  return results.map((result) => {
    const { isAnswer } = SEARCH_REASONS[result.reason];
    const detail = isAnswer && result.reason !== 'no-answer' ? details.get(result.port) : undefined;
    return detail === undefined ? result : { ...result, detail };
  });
}

/**
 * Why a device was found through no port: every port with its reason, in the order of the search. The code is that of
 * the last answer the device gave, ENXIO where it gave none.
 */
export function searchError(device: string, results: readonly PortResult[]): ArrayError {
  const answers = results.filter(({ reason }) => SEARCH_REASONS[reason].isAnswer);
  const last = answers.at(-1);
  const code = last === undefined ? 'ENXIO' : SEARCH_REASONS[last.reason].code;
  const reasons = describeResults(results) || 'no port may be used';
  return new ArrayError(code, `${device} is not available: ${reasons}`);
}

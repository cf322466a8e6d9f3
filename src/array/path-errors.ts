/** What microprocessors tell of failures, as the errors of the contract (backup-path.ts). */
import type { Failure } from '../microprocessor/errand-order.js';
import { decodeDetails } from '../microprocessor/search-report.js';
import { type PortResult, searchError, withDetails } from '../san/search-reasons.js';
import { PathError } from './backup-path.js';

/** What a microprocessor reported of the device. */
export function failureError({ code, reason, fault, sense }: Failure): PathError {
  const [status = 0, key = 0, asc = 0, ascq = 0] = sense ?? [];
  return new PathError(code, reason, {
    ...(fault && { fault }),
    ...(sense && { sense: { status, key, asc, ascq } }),
  });
}

/** Every port with why, by the report of the request what the device said there. */
export function unreachableError(
  device: string,
  results: readonly PortResult[],
  report: string,
): PathError {
  const { code, reason } = searchError(device, withDetails(results, decodeDetails(report)));
  return new PathError(code, reason, { results });
}

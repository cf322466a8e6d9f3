/** What microprocessors tell of failures, as the errors of the contract (backup-path.ts). */
import type { Failure } from '../microprocessor/errand-order.js';
import { type PortResult, searchError } from '../san/search-reasons.js';
import { PathError } from './backup-path.js';

/** What a microprocessor reported of the device. */
export function failureError({ code, reason, fault, sense }: Failure): PathError {
  const [status = 0, key = 0, asc = 0, ascq = 0] = sense ?? [];
  return new PathError(code, reason, {
    ...(fault && { fault }),
    ...(sense && { sense: { status, key, asc, ascq } }),
  });
}

/** Every port with why, and what the device said there: the report of the request. */
export function unreachableError(
  device: string,
  results: readonly PortResult[],
  details: string,
): PathError {
  const { code, reason } = searchError(device, results);
  const said = details === '' ? '' : ` (${details.replaceAll('\n', '; ')})`;
  return new PathError(code, `${reason}${said}`, { results });
}

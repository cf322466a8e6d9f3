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
  const said = details === '' ? '' : ` (${toldOnce(details)})`;
  return new PathError(code, `${reason}${said}`, { results });
}

/** Lines `PORT: what the device said`: ports that were told the same share one, `CL1-C, CL2-C: no such cartridge`. */
function toldOnce(details: string): string {
  const ports = new Map<string, string[]>();
  for (const line of details.split('\n')) {
    const colon = line.indexOf(': ');
    const text = line.slice(colon + 1);
    ports.set(text, [...(ports.get(text) ?? []), line.slice(0, Math.max(0, colon))]);
  }
  return [...ports].map(([text, names]) => `${names.join(', ')}:${text}`).join('; ');
}

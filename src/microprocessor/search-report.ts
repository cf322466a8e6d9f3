/**
 * What a device said at the ports through which it was searched in vain: the report of a request, a line for each thing that
 * was said, with the ports before it: `CL1-C CL2-C: no cartridge of that name`.
 */
import type { PortId } from '../san/port-id.js';

/** Of what was said; one that is longer is cut. */
const DETAIL_CHARACTERS = 240;

/** The report with what was said at one more port, which may be anew. */
export function addDetail(report: string, port: PortId, detail: string): string {
  const details = new Map(decodeDetails(report));
  details.delete(port);
  details.set(port, detail.replaceAll('\n', ' ').slice(0, DETAIL_CHARACTERS));
  const ports = new Map<string, PortId[]>();
  for (const [each, text] of details) ports.set(text, [...(ports.get(text) ?? []), each]);
  return [...ports].map(([text, names]) => `${names.join(' ')}: ${text}`).join('\n');
}

/** The twin of `addDetail`. */
export function decodeDetails(report: string): ReadonlyMap<PortId, string> {
  const details = new Map<PortId, string>();
  for (const line of report.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon < 0) continue;
    for (const port of line.slice(0, colon).split(' ')) {
      details.set(port as PortId, line.slice(colon + 2));
    }
  }
  return details;
}

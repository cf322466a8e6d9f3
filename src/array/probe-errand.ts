/** A probe: asks a device through one port what it is and which media it has. */
import type { DeviceSighting } from '../microprocessor/device-operation.js';
import { decodeDetails } from '../microprocessor/search-report.js';
import type { PortId } from '../san/port-id.js';
import type { PortProbe, ProbeRequest } from './backup-path.js';
import { DeviceErrand, type ErrandEnd, type ErrandHost } from './device-errand.js';

export class ProbeErrand extends DeviceErrand {
  readonly done: Promise<PortProbe>;
  private resolve: (probe: PortProbe) => void = () => {};

  constructor(
    host: ErrandHost,
    request: ProbeRequest,
    private readonly asked: PortId,
  ) {
    const ports = () => ({ ports: [asked], refused: [] });
    super(host, { ...request, ports }, { kind: 'probe' });
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  protected move(): void {}

  protected settle(end: ErrandEnd): void {
    this.resolve({ port: this.asked, ...this.seen(end) });
  }

  private seen(end: ErrandEnd): Omit<PortProbe, 'port'> {
    if (end.outcome === 'done') {
      const sighting = JSON.parse(end.kept) as DeviceSighting;
      return { reason: 'found', detail: '', sighting };
    }
    if (end.outcome !== 'failed')
      return { reason: 'no-answer', detail: `the probe was ${end.outcome}` };
    const found = end.results.find(({ port }) => port === this.asked);
    const detail = decodeDetails(end.details).get(this.asked) ?? '';
    const reason = found?.reason ?? 'failed';
    return reason === 'found' ? { reason: 'failed', detail: end.error.reason } : { reason, detail };
  }
}

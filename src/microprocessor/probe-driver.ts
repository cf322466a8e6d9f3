/** Tells what the device is and which media it has: the login alone is the probe. */
import type { DeviceSighting } from './device-operation.js';
import type { Driver, DriverParts, Step } from './driver.js';

/** Told of one device; it may have many more. */
const MEDIA_MAX = 500;

export class ProbeDriver implements Driver {
  constructor(private readonly parts: DriverParts) {}

  begin(): void {}

  step(): Step {
    const { session, transfer } = this.parts;
    const media = session.device.media().slice(0, MEDIA_MAX);
    const sighting: DeviceSighting = { device: session.device.kind, media };
    transfer.consumer.keep(JSON.stringify(sighting));
    return 'done';
  }

  suspend(): void {}
}

/**
 * Where the faults that a user has set happen to a microprocessor: at each search of a port, and at each chunk or operation. A
 * delay and a hang hold the thread up, `killed` ends it, the others are answers of the port or the device.
 */
import { DEVICE_FAULTS, DeviceError, type DeviceFault } from '../device/device-error.js';
import type { Fault, FaultRange, FaultTarget } from '../san/faults.js';
import { controllerOf, type PortId } from '../san/port-id.js';
import type { FaultView } from '../san/shared-faults.js';

/** Between two signs of life in a delay. */
const BEAT_MS = 100;

/** The port failed, not the device: another one may do. */
export class PortFault extends Error {}

/** What a device answered because a user wants it so. */
export class FaultedDeviceError extends DeviceError {
  constructor(
    fault: DeviceFault,
    reason: string,
    readonly sense: { status: number; key: number; asc: number; ascq: number },
  ) {
    super(fault, reason);
  }
}

export interface GateParts {
  readonly name: string;
  readonly faults: FaultView | undefined;
  /** Says that the thread is alive. */
  beat(): void;
  /** Of a clock that never goes back. */
  monotonicMs(): number;
  /** Something was counted. */
  onHit(): void;
}

export class FaultGate {
  private readonly never = new Int32Array(new SharedArrayBuffer(4));

  constructor(private readonly parts: GateParts) {}

  /** Something goes through the port to the device, bytes of the image or none. */
  pass(port: PortId, device: string, range?: FaultRange): void {
    const { faults, name } = this.parts;
    if (faults === undefined) return;
    const at = (target: FaultTarget, act: (fault: Fault) => void) => {
      const hits = faults.hits(target, range);
      if (hits.length > 0) this.parts.onHit();
      for (const fault of hits) act(fault);
    };
    const own = (fault: Fault) => this.hold(fault);
    at({ kind: 'controller', name: controllerOf(port) }, own);
    at({ kind: 'microprocessor', name }, own);
    at({ kind: 'port', name: port }, (fault) => {
      this.hold(fault);
      if (fault.kind === 'EIO') throw new PortFault(`port ${port} has the fault EIO`);
    });
    at({ kind: 'device', name: device }, (fault) => this.answer(fault, device));
  }

  private hold(fault: Fault): void {
    const { kind, delayMs, target } = fault;
    // Without a sign of life: whoever waits too long for it ends the thread.
    while (kind === 'hang' && this.parts.faults?.isSet(fault)) this.sleep(BEAT_MS);
    if (kind === 'killed') throw new Error(`${target.kind} ${target.name} has the fault killed`);
    if (kind !== 'delay') return;
    const endMs = this.parts.monotonicMs() + (delayMs ?? 0);
    for (let leftMs = delayMs ?? 0; leftMs > 0; leftMs = endMs - this.parts.monotonicMs()) {
      this.parts.beat();
      this.sleep(Math.min(leftMs, BEAT_MS));
    }
  }

  private answer(setting: Fault, device: string): void {
    this.hold(setting);
    const { kind, sense } = setting;
    const text = `device ${device} has the fault ${kind}`;
    if (kind === 'down') throw new DeviceError('missing', text);
    if (kind === 'EIO' || kind === 'damaged') throw new DeviceError('damaged', text);
    if (kind !== 'sense' || sense === undefined) return;
    const { key, asc, ascq } = sense;
    throw new FaultedDeviceError(faultOf(sense), text, { status: 0x02, key, asc, ascq });
  }

  /** Ends early when the thread is terminated, else for nothing. */
  private sleep(ms: number): void {
    Atomics.wait(this.never, 0, 0, ms);
  }
}

/** The fault that has this sense; for all others an error of the medium. */
function faultOf(sense: { key: number; asc: number; ascq: number }): DeviceFault {
  const names = Object.keys(DEVICE_FAULTS) as DeviceFault[];
  const same = names.find((name) => {
    const { key, asc, ascq } = DEVICE_FAULTS[name];
    return key === sense.key && asc === sense.asc && ascq === sense.ascq;
  });
  return same ?? 'damaged';
}

/**
 * Which microprocessors there are and which ports each is connected to ([000] fig. 7). A port always has two, so that
 * one is left when the other ends. With two in a controller both have all four ports; with four, a pair of
 * microprocessors has a pair of ports, as in the figure.
 */
import { assert } from '../base/assert.js';
import {
  CONTROLLER_IDS,
  type ControllerId,
  controllerOf,
  type PortId,
  portsOf,
} from './port-id.js';

/** Microprocessors of one controller. */
export type MicroprocessorCount = 2 | 4;
/** Of both controllers: a bit of a 32-bit word for each, and one more owner of exclusive control. */
export const MICROPROCESSORS_MAX = 8;

export interface Microprocessor {
  /** From 0: its place in shared memory and its bit in bitmap tables. */
  readonly index: number;
  /** `CL1-M0`. */
  readonly name: string;
  readonly controller: ControllerId;
  readonly ports: readonly PortId[];
}

export function microprocessorsOf(perController: MicroprocessorCount): readonly Microprocessor[] {
  return CONTROLLER_IDS.flatMap((controller, controllerIndex) =>
    Array.from({ length: perController }, (_unused, number) => ({
      index: controllerIndex * perController + number,
      name: `${controller}-M${number}`,
      controller,
      ports: portsOf(controller).filter((_port, port) => {
        return perController === 2 || Math.floor(port / 2) === Math.floor(number / 2);
      }),
    })),
  );
}

/** Bit of each microprocessor that is connected to the port and is one of `usable`. */
export function microprocessorMask(
  microprocessors: readonly Microprocessor[],
  port: PortId,
): number {
  return microprocessors.reduce((mask, { index, ports, controller }) => {
    assert(index < MICROPROCESSORS_MAX, 'a microprocessor has a bit');
    return ports.includes(port) && controller === controllerOf(port) ? mask | (1 << index) : mask;
  }, 0);
}

/**
 * Which initiator port a backup goes through, from the load of the last period ([002] figs. 5, 6 and 8 and their text). Of two
 * ports the lighter one is found by the first of these rules that tells them apart; the rule is shown to the user.
 *
 *    spread      where the load of both is light, for example at night: fewer backups that go through it already
 *    access      a sequential backup takes a port without sequential requests before one with them, of whichever
 *                controller: "not a sequential-access port but a random-access port is selected"
 *    controller  the controller with the smaller transfer amount; where both are not so large, with fewer I/Os
 *    port        a port without sequential requests before one with them, then the smaller transfer amount
 *    ios         fewer I/Os
 *    backups     fewer backups that go through it already
 *    order       the one the group, or the array, names first
 */

import type { ControllerLoad, LoadTable, PortLoad } from './load.js';
import { controllerOf, type PortId } from './port-id.js';

/** "Not so large" ([002]): less than this does not tell controllers apart. */
export const LIGHT_BYTES_PER_SECOND = 8 * 2 ** 20;
export const LIGHT_IOS_PER_SECOND = 200;

export type ChoiceRule =
  | 'forced'
  | 'only'
  | 'spread'
  | 'access'
  | 'controller'
  | 'port'
  | 'ios'
  | 'backups'
  | 'order';

export interface PathDemand {
  /** Ports that may be used, as `usablePorts` gives them. */
  readonly ports: readonly PortId[];
  /** How the backup reads and writes: of whole volumes it is sequential. */
  readonly access: 'sequential' | 'random';
  /** The user's port. It is taken if it may be used at all. */
  readonly forced?: PortId;
  /** Other backups that go through a port already. */
  readonly backups: ReadonlyMap<PortId, number>;
}

export interface PathChoice {
  /** All ports, the lightest first: the order of the search. None where no port may be used. */
  readonly ranking: readonly PortId[];
  /** What told the first from the second. */
  readonly rule: ChoiceRule;
  readonly reason: string;
}

/** What tells two ports apart; the lighter one is `order` < 0 the first. */
interface Comparison {
  readonly order: number;
  readonly rule: ChoiceRule;
  /** Both differ so much that a running backup is worth moving. */
  readonly isClear: boolean;
}

export function choosePath(demand: PathDemand, table: LoadTable): PathChoice {
  const { forced, ports } = demand;
  if (forced !== undefined) {
    const allowed = ports.filter((port) => port === forced);
    return { ranking: allowed, rule: 'forced', reason: `${forced} was asked for` };
  }
  const ranking = [...ports].sort((one, other) => compare(one, other, demand, table).order);
  const [first, second] = ranking;
  if (first === undefined) return { ranking, rule: 'only', reason: 'no port may be used' };
  if (second === undefined) {
    return { ranking, rule: 'only', reason: `${first} is the only port that may be used` };
  }
  const { rule } = compare(first, second, demand, table);
  return { ranking, rule, reason: reasonText(first, second, rule, table) };
}

export interface Reconsideration {
  /** The port that the backup goes on through; undefined: it stays. */
  readonly moveTo: PortId | undefined;
  readonly reason: string;
}

/**
 * At an interval: whether a backup that goes through `current` is handed over to a lighter port at its progress pointer. It
 * moves where its port may not be used any more, or another one is clearly lighter: by access, or by more than a light
 * load. So two ports of nearly the same load do not pass it to and fro.
 */
export function reconsiderPath(
  current: PortId,
  demand: PathDemand,
  table: LoadTable,
): Reconsideration {
  const [best] = choosePath(demand, table).ranking;
  if (best === undefined || best === current) {
    return { moveTo: undefined, reason: `${current} has the lightest load` };
  }
  if (!demand.ports.includes(current)) {
    return { moveTo: best, reason: `${current} may not be used any more` };
  }
  const { rule, isClear } = compare(best, current, demand, table);
  const reason = reasonText(best, current, rule, table);
  if (!isClear)
    return { moveTo: undefined, reason: `${current} is not clearly heavier: ${reason}` };
  return { moveTo: best, reason };
}

/** Port and controller are so idle that backups are distributed ([002]: "for example, at night"). */
function isLight(port: PortId, table: LoadTable): boolean {
  const { ios, transfer } = controllerLoadOf(port, table);
  const isQuiet = perSecond(ios, table) < LIGHT_IOS_PER_SECOND;
  const isSmall = perSecond(transfer, table) < LIGHT_BYTES_PER_SECOND;
  return isQuiet && isSmall && weight(loadOf(port, table)) === 0;
}

function compare(one: PortId, other: PortId, demand: PathDemand, table: LoadTable): Comparison {
  const spread = compareBackups(one, other, demand);
  if (spread !== 0 && isLight(one, table) && isLight(other, table)) {
    return { order: spread, rule: 'spread', isClear: false };
  }
  const loads = [loadOf(one, table), loadOf(other, table)] as const;
  const controllers = [controllerLoadOf(one, table), controllerLoadOf(other, table)] as const;
  const access = weight(loads[0]) - weight(loads[1]);
  if (access !== 0 && demand.access === 'sequential') {
    return { order: access, rule: 'access', isClear: true };
  }
  const controller = compareControllers(controllers, table);
  if (controller.order !== 0) return controller;
  if (access !== 0) return { order: access, rule: 'port', isClear: true };
  return comparePorts(loads, table) ?? compareOrder(one, other, demand);
}

function compareControllers(
  [one, other]: readonly [ControllerLoad, ControllerLoad],
  table: LoadTable,
): Comparison {
  const amounts = [one.transfer, other.transfer].map((amount) => perSecond(amount, table));
  const isLarge = Math.max(...amounts) >= LIGHT_BYTES_PER_SECOND;
  const order = isLarge ? one.transfer - other.transfer : one.ios - other.ios;
  const margin = isLarge ? LIGHT_BYTES_PER_SECOND : LIGHT_IOS_PER_SECOND;
  const isClear = perSecond(Math.abs(order), table) >= margin;
  return { order, rule: 'controller', isClear };
}

function comparePorts(
  [one, other]: readonly [PortLoad, PortLoad],
  table: LoadTable,
): Comparison | undefined {
  const order = one.transfer - other.transfer;
  if (order !== 0) {
    const isClear = perSecond(Math.abs(order), table) >= LIGHT_BYTES_PER_SECOND;
    return { order, rule: 'port', isClear };
  }
  if (one.ios === other.ios) return undefined;
  return { order: one.ios - other.ios, rule: 'ios', isClear: false };
}

function compareBackups(one: PortId, other: PortId, { backups }: PathDemand): number {
  return (backups.get(one) ?? 0) - (backups.get(other) ?? 0);
}

function compareOrder(one: PortId, other: PortId, demand: PathDemand): Comparison {
  const { ports } = demand;
  const busier = compareBackups(one, other, demand);
  if (busier !== 0) return { order: busier, rule: 'backups', isClear: false };
  return { order: ports.indexOf(one) - ports.indexOf(other), rule: 'order', isClear: false };
}

function reasonText(best: PortId, other: PortId, rule: ChoiceRule, table: LoadTable): string {
  const amount = (value: number) => `${(perSecond(value, table) / 2 ** 20).toFixed(1)} MiB/s`;
  const ios = (value: number) => `${Math.round(perSecond(value, table))} I/Os a second`;
  const loads = [best, other].map((port) => loadOf(port, table));
  const both = [best, other].map((port) => controllerLoadOf(port, table));
  const versus = (name: (port: PortId) => string, values: readonly string[]) =>
    `${name(best)} has ${values[0]}, ${name(other)} ${values[1]}`;
  switch (rule) {
    case 'access':
      return `${other} has sequential requests, ${best} has not`;
    case 'controller': {
      const values = both.map(({ transfer, ios: count }) => `${amount(transfer)}, ${ios(count)}`);
      return versus(controllerOf, values);
    }
    case 'port': {
      const values = loads.map(({ transfer, access }) => `${amount(transfer)} (${access})`);
      return versus((port) => port, values);
    }
    case 'ios':
      return versus(
        (port) => port,
        loads.map(({ ios: count }) => ios(count)),
      );
    case 'spread':
      return `the load of both is light, and fewer backups go through ${best} than ${other}`;
    case 'backups':
      return `fewer backups go through ${best}`;
    default:
      return `${best} and ${other} have the same load: ${best} comes first`;
  }
}

/** An idle port is not heavier than a random one: amounts tell them apart. */
function weight({ access }: PortLoad): number {
  return access === 'sequential' ? 1 : 0;
}

function perSecond(value: number, { periodMs }: LoadTable): number {
  return (value * 1_000) / periodMs;
}

function loadOf(port: PortId, table: LoadTable): PortLoad {
  const none = { port, ios: 0, transfer: 0, access: 'none' } as const;
  return table.ports.find((load) => load.port === port) ?? none;
}

function controllerLoadOf(port: PortId, table: LoadTable): ControllerLoad {
  const controller = controllerOf(port);
  const found = table.controllers.find((load) => load.controller === controller);
  return found ?? { controller, ios: 0, transfer: 0 };
}

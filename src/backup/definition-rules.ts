/** What a definition must fulfil beyond its form: rules between its fields, checked by server and client. */

import { asArrayError } from '../base/errors.js';
import { checkLabel } from '../base/names.js';
import type { BackupDefinition } from './definition.js';

type Rule = (definition: BackupDefinition) => string | undefined | false;

const RULES: readonly Rule[] = [
  ({ paths, volumes }) => (paths === null) === (volumes === null) && 'give either paths or volumes',
  ({ paths, volumes }) => repeated(paths ?? volumes ?? []),
  ({ volumes, freeze }) =>
    freeze && volumes !== null && 'a file system is frozen by its path: give paths, not volumes',
  ({ method, to }) =>
    method === 'snapshot' && to.length > 0 && 'a snapshot has no destination: it is for mirrors',
  ({ method, to, paths, volumes }) =>
    method === 'mirror' &&
    to.length !== (paths ?? volumes ?? []).length &&
    'a mirror takes one destination for each path or volume',
  ({ to }) => repeated(to),
  ({ class: kind, secondMedium }) =>
    kind !== 'disk' && secondMedium.length === 0 && `class ${kind} needs a second medium`,
  ({ class: kind, secondMedium }) =>
    kind === 'tape' && secondMedium.some(isVolumePath) && 'class tape needs a device, not a volume',
  ({ class: kind, secondMedium }) =>
    kind === 'array' &&
    !secondMedium.every(isVolumePath) &&
    'class array needs volumes of another array, such as /mnt/array2/volumes/db',
  ({ secondMedium, paths, volumes }) =>
    secondMedium.some(isVolumePath) &&
    secondMedium.length !== (paths ?? volumes ?? []).length &&
    'a copy on another array takes one volume for each path or volume',
  ({ secondMedium }) =>
    secondMedium.length > 1 &&
    !secondMedium.every(isVolumePath) &&
    'a second medium is one device, or volumes of one array',
  ({ incremental, secondMedium }) =>
    incremental && secondMedium.length === 0 && 'only a copy on a second medium is incremental',
  ({ resyncAfter, method }) =>
    resyncAfter && method !== 'mirror' && 'only a mirror is resynchronised',
  ({ keep }) =>
    keep !== null &&
    Object.values(keep).every((count) => count === 0) &&
    'a retention that keeps nothing: give at least one number above zero',
  ({ label }) => problemOf(() => checkLabel(label)),
];

/** Why it cannot be carried out by anybody, or undefined. */
export function definitionProblem(definition: BackupDefinition): string | undefined {
  for (const rule of RULES) {
    const problem = rule(definition);
    if (problem) return problem;
  }
  return undefined;
}

function isVolumePath(medium: string): boolean {
  return medium.startsWith('/');
}

function repeated(names: readonly string[]): string | undefined {
  const name = names.find((candidate, index) => names.indexOf(candidate) !== index);
  return name === undefined ? undefined : `${name} is named twice`;
}

function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return asArrayError(error).reason;
  }
}

/** The definition that the words of `arrayfs backup define` make. */
import { type BackupDefinition, definitionSchema } from '../backup/definition.js';
import { ArrayError } from '../base/errors.js';
import { type DefineOptions, hookOf } from './backup-definition-options.js';
import { absolutePath, nameOrPath } from './backup-words.js';

/** EINVAL where the words make no definition; what only the server and the client know they check. */
export function definitionOf(
  name: string,
  client: string,
  options: DefineOptions,
): BackupDefinition {
  if (options.timeZone !== undefined && options.schedule === undefined) {
    throw new ArrayError('EINVAL', '--time-zone is the one of a --schedule');
  }
  const parsed = definitionSchema.safeParse({
    name,
    client,
    paths: options.path?.map(absolutePath) ?? null,
    volumes: options.volume ?? null,
    array: options.array === undefined ? null : nameOrPath(options.array),
    method: options.method,
    to: options.to ?? [],
    secondMedium: options.then ?? [],
    class: options.class,
    policy: options.policy,
    incremental: options.incremental === true,
    pre: hookOf(options.pre, options.preTimeout),
    post: hookOf(options.post, options.postTimeout),
    freeze: options.freeze === true,
    resyncAfter: options.resyncAfter === true,
    sha256: options.sha256 === true,
    label: options.label,
    schedule:
      options.schedule === undefined
        ? null
        : { cron: options.schedule, timeZone: options.timeZone ?? null },
    keep: options.keep ?? null,
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ArrayError('EINVAL', `${issue?.path.join('.')}: ${issue?.message}`);
}

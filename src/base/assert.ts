/** Programmer errors. An assertion that fails is a bug in arrayfs: it stops the operation, never hides. */

/** Throws when `condition` is false; `message` says which invariant is broken. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Ends an exhaustive `switch`: the compiler proves it is never reached. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unreachable value ${JSON.stringify(value)}`);
}

/** The code with which a synchronous call is refused, `ok` where it is not. */
import { ArrayError } from '../../src/base/errors.js';

export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ArrayError) return error.code;
    throw error;
  }
  return 'ok';
}

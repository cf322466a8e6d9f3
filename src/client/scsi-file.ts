/** One SCSI command through the file of a target port: written and answered on the same descriptor. */
import { ArrayError, asArrayError } from '../base/errors.js';
import { openControlFile, readAll } from './control-file.js';

/** The bytes of the answer, when the command has ended, however long that takes. */
export async function exchangeScsi(path: string, command: Uint8Array): Promise<Uint8Array> {
  const handle = await openControlFile(path);
  try {
    for (let written = 0; written < command.length; ) {
      const left = command.length - written;
      written += (await handle.write(command, written, left, written)).bytesWritten;
    }
    for (;;) {
      const answer = await readAll(handle).catch(undefinedWhileBusy);
      if (answer !== undefined) return answer;
    }
  } finally {
    await handle.close();
  }
}

/** Where a mount is told of no signals, a read gives up after a while: the command is still at work. */
function undefinedWhileBusy(error: unknown): undefined {
  if (asArrayError(error).code !== 'EBUSY') throw error;
}

/** Why a port did not take a command, for people; undefined for what concerns the whole array. */
export function scsiRefusal(port: string, code: string | undefined): ArrayError | undefined {
  switch (code) {
    case 'EACCES':
      return new ArrayError('EACCES', `this user is no host of the array, or may not enter it`);
    case 'ENXIO':
      return new ArrayError('ENXIO', `port ${port} or its controller is down`);
    default:
      return undefined;
  }
}

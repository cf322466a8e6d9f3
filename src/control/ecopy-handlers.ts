/** The handler of ctl/ecopy, for commands; parameter lists are taken by ecopy-lists.ts. */
import { keptInformation } from '../array/copy-memo.js';
import type { DiskArray } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { given, type Handler } from './command-handler.js';
import { parseTime } from './command-time.js';
import { parseSector } from './command-values.js';
import type { ECOPY_COMMANDS } from './ecopy-command-rows.js';

type Request = Parameters<DiskArray['ecopies']['startImage']>[0];
type EcopyCommandName = (typeof ECOPY_COMMANDS)[number]['name'];

export const ECOPY_HANDLERS: Readonly<Record<EcopyCommandName, Handler>> = {
  async ecopy(array, { words: [source = '', destination = ''], options }, { owner }) {
    const at = options.get('at');
    const info = options.get('info');
    // The parser lets only the values of the row pass.
    const policy = options.get('policy') as Request['policy'];
    const anyKind = options.get('kind') as Request['anyKind'];
    if (options.has('device') !== (anyKind !== undefined)) {
      throw new ArrayError('EINVAL', 'device=any and kind= go together');
    }
    if (destination === '' && anyKind === undefined) {
      throw new ArrayError('EINVAL', 'missing DESTINATION');
    }
    const job = array.ecopies.startImage({
      source,
      destination,
      force: options.has('force'),
      plain: options.has('plain'),
      split: options.has('split'),
      ...given('policy', policy),
      ...given('anyKind', anyKind),
      ...given('atMs', at === undefined ? undefined : parseTime(at, array.nowMs())),
      ...given('poolName', options.get('pool')),
      ...given('owner', owner),
      ...given('group', options.get('group')),
      ...given('port', options.get('port')),
      ...given('backup', options.get('backup')),
      ...given('since', options.get('since')),
      ...given('information', info === undefined ? undefined : keptInformation(parseSector(info))),
    });
    await job.begun;
    return `job ${job.id} ecopy ${job.subject}`;
  },
};

/** The four actions of RECEIVE COPY RESULTS as the lines of a job, as far as something is kept. */
import type { CopyResultAction } from '../ecopy/copy-commands.js';
import {
  encodeCopyStatus,
  encodeFailedSegment,
  encodeReceivedData,
} from '../ecopy/copy-results.js';
import { encodeOperatingParameters, OPERATING_PARAMETERS } from '../ecopy/operating-parameters.js';
import { copyResultLines } from '../ecopy/scsi-description.js';
import type { CopyResults } from '../ecopy/scsi-target.js';

/** Lines of held data, 16 bytes each. */
const HELD_LINES_MAX = 256;

export function copyReport(
  { status, heldData, failure }: CopyResults,
  segmentCount: number,
): readonly string[] {
  const failed = failure === 'none' ? undefined : failure;
  return [
    `segments in the list: ${segmentCount}`,
    ...(status === undefined ? [] : part('copy-status', encodeCopyStatus(status))),
    ...(failure === undefined ? [] : part('failed-segment-details', encodeFailedSegment(failed))),
    ...(heldData === undefined ? [] : heldLines(heldData)),
    ...part('operating-parameters', encodeOperatingParameters(OPERATING_PARAMETERS)),
  ];
}

function heldLines(heldData: Uint8Array): readonly string[] {
  const [head = '', ...lines] = part('receive-data', encodeReceivedData(heldData));
  const shown = lines.slice(0, HELD_LINES_MAX);
  const rest = lines.length > shown.length ? ['  ...'] : [];
  return [`${head} ${heldData.length} bytes`, ...shown, ...rest];
}

/** A single line stands beside its name, several stand below it. */
function part(action: CopyResultAction, data: Uint8Array): readonly string[] {
  const lines = copyResultLines(data, action);
  const name = `${action.replaceAll('-', ' ')}:`;
  const isOne = lines.length === 1 && action !== 'receive-data';
  return isOne ? [`${name} ${lines[0]}`] : [name, ...lines.map((line) => `  ${line}`)];
}

/** The row of the command table for copies of whole images. */
import type { CommandRow } from './command-row.js';

export const ECOPY_COMMANDS = [
  {
    name: 'ecopy',
    group: 'ecopy',
    verb: 'start',
    words: [
      {
        name: 'SOURCE',
        kind: 'copy-or-medium',
        help: 'VOLUME, VOLUME@SNAPSHOT, #NUMBER or PRIMARY:SECONDARY; or DEVICE/MEDIUM',
      },
      {
        name: 'DESTINATION',
        kind: 'volume-or-medium',
        optional: true,
        help: 'VOLUME, or DEVICE/MEDIUM; with device=any a medium, or nothing',
      },
    ],
    options: [
      { name: 'at', kind: 'time', help: 'when it begins: 18:00, +30m, 2026-11-20T18:00' },
      { name: 'force', kind: 'yes', help: 'overwrite a volume although it is open for writing' },
      { name: 'pool', kind: 'pool', help: 'where a new volume is made' },
      { name: 'split', kind: 'yes', help: 'split the pair first, at the instant of the copy' },
      {
        name: 'policy',
        kind: 'text',
        values: ['merge', 'wait', 'copy-first', 'parallel'],
        help: 'what a secondary that is still being copied to waits for',
      },
      { name: 'device', kind: 'text', values: ['any'], help: 'the first one that is available' },
      { name: 'kind', kind: 'text', values: ['tape', 'disk', 'array'], help: 'with device=any' },
      {
        name: 'group',
        kind: 'name',
        help: 'the port group whose initiator ports reach the device',
      },
      { name: 'port', kind: 'ports', help: 'the one initiator port to be used' },
      {
        name: 'info',
        kind: 'base64',
        help: 'a volume-information sector of 512 bytes, in the place of that of the image',
      },
      { name: 'plain', kind: 'yes', help: 'on tape the bytes of the image alone, holes too' },
      { name: 'backup', kind: 'text', help: 'which one on the tape: number, name or UUID' },
      {
        name: 'since',
        kind: 'text',
        help: 'only what has changed since VOLUME@SNAPSHOT, onto what holds that',
      },
    ],
    summary: 'copy a whole image to a volume or a backup device, or from one, as a job',
    description: [
      'The image is that of the moment the job begins, whatever hosts write later. A volume that is not',
      'there is made; one that is there has the size of the image. Within a pool blocks are shared and',
      'nothing moves; holes stay holes. Volume information goes along, or that of info= in its place: it is',
      'there if and only if the whole copy is. Until the job is done the destination is a mixture. Of a pair the secondary is copied, as of its split: at once (merge), when',
      'all of it is copied there (wait), tracks in front of the copy first (copy-first), or each track when',
      'it is copied, never passing the copy pointer (parallel), also in the first copy of a pair. A backup on',
      'tape is labelled, and appended to what is on the cartridge.',
      'With since= both are snapshots of one volume, and only the blocks that are different move: to a tape,',
      'or to a volume of this or another array that holds the base unchanged. On tape that is an increment,',
      'to be restored onto a volume to which its base was restored. EXDEV or ENOENT: make a full copy.',
      'A parameter list of EXTENDED COPY (SPC-2, SPC-3, Legato form) written here as bytes is carried out',
      'as if it had come through the first target port, or that of a line port=PORT before it. Its host is',
      'whoever writes it.',
    ],
    examples: [
      { line: 'db@monday db-copy', meaning: 'db-copy has the image of the snapshot' },
      { line: 'db far at=18:00 pool=mirror', meaning: 'into another pool, at six in the evening' },
      {
        line: 'db@monday tape0/AFS001 group=g1',
        meaning: 'a backup on tape, through the ports of g1',
      },
      {
        line: 'db:db-copy tape0/AFS001 split=yes policy=merge',
        meaning: 'split and back up in one',
      },
      {
        line: 'db device=any kind=tape',
        meaning: 'on the first cartridge of a library that is free',
      },
      {
        line: 'db@tuesday tape0/AFS002 since=db@monday',
        meaning: 'only the blocks that have changed since',
      },
      { line: 'tape0/AFS001 db2', meaning: 'the newest backup on the cartridge, as volume db2' },
    ],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

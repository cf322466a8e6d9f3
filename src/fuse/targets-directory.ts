/**
 * /targets: a directory for each target port, with what the host of the caller sees there: its LUNs, and the file that
 * takes SCSI commands. A user who is no host sees the ports and is refused inside.
 */
import type { DiskArray } from '../array/disk-array.js';
import type { TargetPort, TargetPorts } from '../array/target-contract.js';
import type { Attributes, Caller, DirectoryEntry } from './file-tree.js';
import { ReadOnlyDirectory } from './fixed-directory.js';
import { LunNode } from './lun-file.js';
import { SCSI_NAME, ScsiNode } from './scsi-file.js';
import { openDirectoryAttributes } from './target-attributes.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';
import type { Watched } from './watched.js';

const LUN_NAME = /^(0|[1-9]\d{0,4})$/;

export class TargetsDirectory extends ReadOnlyDirectory {
  constructor(
    array: DiskArray,
    private readonly targets: TargetPorts,
    private readonly watched: Watched,
  ) {
    super(array, FIXED_INODES.targets, 'ctl/port says which ports are targets');
  }

  override attributes(caller?: Caller): Attributes {
    return openDirectoryAttributes(this.array, this.ino, caller);
  }

  lookup(name: string): PortDirectory | undefined {
    const port = this.targets.list().find((candidate) => candidate.name === name);
    return port && new PortDirectory(this.array, port, this.watched);
  }

  list(): readonly DirectoryEntry[] {
    return this.targets.list().map((port) => ({
      name: port.name,
      node: new PortDirectory(this.array, port, this.watched),
    }));
  }
}

class PortDirectory extends ReadOnlyDirectory {
  constructor(
    array: DiskArray,
    private readonly port: TargetPort,
    private readonly watched: Watched,
  ) {
    super(array, inodeOf('targetPort', port.number), 'ctl/lun maps volumes');
  }

  override attributes(caller?: Caller): Attributes {
    return openDirectoryAttributes(this.array, this.ino, caller);
  }

  lookup(name: string, caller?: Caller): ScsiNode | LunNode | undefined {
    const luns = this.port.luns(caller?.uid);
    if (name === SCSI_NAME) return this.scsiNode();
    const found = LUN_NAME.test(name) ? luns.find(({ lun }) => lun === Number(name)) : undefined;
    return found && new LunNode(this.array, this.port, found.copy, this.watched);
  }

  list(caller?: Caller): readonly DirectoryEntry[] {
    const luns = this.port.luns(caller?.uid).map(({ lun, copy }) => ({
      name: `${lun}`,
      node: new LunNode(this.array, this.port, copy, this.watched),
    }));
    return [{ name: SCSI_NAME, node: this.scsiNode() }, ...luns];
  }

  private scsiNode(): ScsiNode {
    return new ScsiNode(this.array, this.port, this.watched);
  }
}

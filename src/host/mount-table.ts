/**
 * The mount table of this process, as text from /proc/self/mountinfo (proc(5)) and as pure lookups in
 * it. Which mount a path is on is decided from the table alone: a mount that is dead or hangs, and
 * above all the array's own, must never be touched to find out.
 */
import { existsSync, readFileSync } from 'node:fs';

/** Type of every array's mount in the table. */
export const ARRAY_MOUNT_TYPE = 'fuse.arrayfs';
/** The source of an array's mount is this and its serial. */
const ARRAY_SOURCE_PREFIX = 'arrayfs-';
const MOUNT_TABLE_FILE = '/proc/self/mountinfo';

export interface MountEntry {
  /** Unique while mounted; a new mount at the same place has another one. */
  readonly id: number;
  readonly parentId: number;
  /** `MAJOR:MINOR`, as st_dev of everything on it. */
  readonly device: string;
  /** The directory of the file system that is mounted: `/`, but for bind mounts. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  /** Of the mount, and of the file system, as `rw,relatime` each. */
  readonly options: string;
  readonly superOptions: string;
}

/** An array's mount: where it is and which array. */
export interface ArrayMount {
  readonly mountPoint: string;
  /** Undefined for a mount that another program named. */
  readonly serial: string | undefined;
  readonly mountId: number;
}

/** The mounts this process sees, now; none where the system has no such table (macOS). */
export function readMountTable(): MountEntry[] {
  if (!existsSync(MOUNT_TABLE_FILE)) return [];
  return parseMountTable(readFileSync(MOUNT_TABLE_FILE, 'utf8'));
}

/** Lines that are not of the format of proc(5) are left out. */
export function parseMountTable(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [before, after] = line.split(' - ', 2);
    const [id, parentId, device, root, mountPoint, options] = before?.split(' ') ?? [];
    const [type, source, superOptions] = after?.split(' ') ?? [];
    if (!id || !parentId || !device || !root || !mountPoint || !type) continue;
    entries.push({
      id: Number(id),
      parentId: Number(parentId),
      device,
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source ?? ''),
      options: options ?? '',
      superOptions: superOptions ?? '',
    });
  }
  return entries;
}

/** Blank, tab, newline and backslash are `\ooo` in the table, as bytes. */
function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([0-7]{3})/g, (_match, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * The mount that an absolute, normalised path without symbolic links is on. Walks from the root's
 * mount down, as the kernel does, so a mount hidden below another one is never found; of two on one
 * place the last wins.
 */
export function mountOf(path: string, table: readonly MountEntry[]): MountEntry | undefined {
  const ids = new Set(table.map((entry) => entry.id));
  const onRoot = table.filter((entry) => entry.mountPoint === '/');
  let current = onRoot.findLast((entry) => !ids.has(entry.parentId)) ?? onRoot[0];
  if (current === undefined) return undefined;
  for (const place of prefixesOf(path)) {
    for (let next = mountedOn(current, place, table); next; ) {
      current = next;
      next = mountedOn(current, place, table);
    }
  }
  return current;
}

/** `/a/b` -> `/`, `/a`, `/a/b`. */
function prefixesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return ['/', ...names.map((_name, index) => `/${names.slice(0, index + 1).join('/')}`)];
}

function mountedOn(
  parent: MountEntry,
  place: string,
  table: readonly MountEntry[],
): MountEntry | undefined {
  return table.findLast(
    (entry) => entry.parentId === parent.id && entry.mountPoint === place && entry !== parent,
  );
}

/** The mount whose mount point is exactly `path`, the visible one. */
export function mountAt(path: string, table: readonly MountEntry[]): MountEntry | undefined {
  const entry = mountOf(path, table);
  return entry?.mountPoint === path ? entry : undefined;
}

/** The same mount in another table; by id and source, as ids are used again. */
export function findMount(
  mount: MountEntry | undefined,
  table: readonly MountEntry[],
): MountEntry | undefined {
  return table.find((entry) => entry.id === mount?.id && entry.source === mount.source);
}

export function isArrayMount(entry: MountEntry): boolean {
  return entry.type === ARRAY_MOUNT_TYPE;
}

/** `path` is `directory` or below it; both absolute and normalised. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The mount source that names an array, shown by `mount` and `df`. */
export function arraySourceName(serial: string): string {
  return `${ARRAY_SOURCE_PREFIX}${serial}`;
}

/** The other way round; undefined for what another program named. */
export function serialOf(source: string): string | undefined {
  if (!source.startsWith(ARRAY_SOURCE_PREFIX)) return undefined;
  return source.slice(ARRAY_SOURCE_PREFIX.length);
}

/** The mounted arrays of this machine, in the order of the table. */
export function arrayMounts(table: readonly MountEntry[] = readMountTable()): ArrayMount[] {
  return table.filter(isArrayMount).map(({ mountPoint, source, id }) => ({
    mountPoint,
    serial: serialOf(source),
    mountId: id,
  }));
}

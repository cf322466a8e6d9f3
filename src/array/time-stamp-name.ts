/** Names of snapshots that were not given one. */

/** UTC time as YYYYMMDDTHHMMSSZ, with -2, -3 ... where `isTaken` says so. */
export function timeStampName(timeMs: number, isTaken: (name: string) => boolean): string {
  const stamp = new Date(timeMs).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  let name = stamp;
  for (let count = 2; isTaken(name); count += 1) name = `${stamp}-${count}`;
  return name;
}

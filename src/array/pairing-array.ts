/** The parts of the array that its pairs and its directory of copies answer for: hands every call on to them. */
import type { CopyPace } from '../pair/difference-bits.js';
import type { CopyDirectory } from './copy-directory.js';
import type { CreatePairOptions, PairCommands, SplitOptions } from './pair-contract.js';
import type { Pairs } from './pairs.js';

export abstract class PairingArray implements PairCommands {
  abstract readonly pairing: Pairs;
  abstract readonly copies: CopyDirectory;

  volumes() {
    return this.copies.volumes();
  }

  findVolume(name: string) {
    return this.copies.findVolume(name);
  }

  volume(name: string) {
    return this.copies.volume(name);
  }

  findSnapshot(volumeName: string, snapshotName: string) {
    return this.copies.findSnapshot(volumeName, snapshotName);
  }

  snapshot(volumeName: string, snapshotName: string) {
    return this.copies.snapshot(volumeName, snapshotName);
  }

  copy(reference: string) {
    return this.copies.copy(reference);
  }

  pairs() {
    return this.pairing.pairs();
  }

  pair(reference: string) {
    return this.pairing.pair(reference);
  }

  findPair(reference: string) {
    return this.pairing.findPair(reference);
  }

  createPair(primary: string, secondary: string, options: CreatePairOptions) {
    return this.pairing.createPair(primary, secondary, options);
  }

  copyPairs(pairs: readonly string[], options: SplitOptions) {
    return this.pairing.copyPairs(pairs, options);
  }

  splitPairs(pairs: readonly string[], options: SplitOptions) {
    return this.pairing.splitPairs(pairs, options);
  }

  rotateSplit(primary: string, options: SplitOptions) {
    return this.pairing.rotateSplit(primary, options);
  }

  resyncPairs(pairs: readonly string[], options: Parameters<PairCommands['resyncPairs']>[1]) {
    return this.pairing.resyncPairs(pairs, options);
  }

  suspendPairs(pairs: readonly string[]) {
    return this.pairing.suspendPairs(pairs);
  }

  deletePairs(pairs: readonly string[], options: { readonly now: boolean }) {
    return this.pairing.deletePairs(pairs, options);
  }

  setPairPace(pairs: readonly string[], pace: CopyPace) {
    return this.pairing.setPairPace(pairs, pace);
  }

  reserveVolumes(volumes: readonly string[]) {
    return this.pairing.reserveVolumes(volumes);
  }

  unreserveVolumes(volumes: readonly string[]) {
    return this.pairing.unreserveVolumes(volumes);
  }
}

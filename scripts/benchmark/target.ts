/** What is measured. A target serves one image file of the size it was made for. */
import type { Cleanup } from './cleanup.js';

export interface Target {
  readonly name: string;
  /** The image, there while started. */
  readonly file: string;
  /** False where nothing is stored, so nothing can be filled, warmed or cold. */
  readonly storesData: boolean;
  /** First start makes the image, later ones find it as it was. */
  start(): Promise<void>;
  /** Everything written is durable and nothing of the target runs or is mounted. */
  stop(): Promise<void>;
  /** Everything written is durable, and the target has nothing left to do in the background. */
  settle(): Promise<void>;
  /** Process that serves the image, while started; undefined where the kernel does. */
  daemonPid(): number | undefined;
  /** Calls `overwrite` so often, with a snapshot before each and older ones deleted. Arrays only. */
  age?(overwrites: number, overwrite: () => Promise<void>): Promise<void>;
}

/** A way to make a target; `directory` is its own and exists. */
export interface TargetKind {
  readonly name: string;
  /** Bytes on disk for a byte of the image, with what a minute of overwriting adds. */
  readonly diskFactor: number;
  create(place: TargetPlace): Target;
  /** Why it cannot work on this machine, for the report; undefined where it can. */
  unavailable?(): string | undefined;
}

export interface TargetPlace {
  readonly cleanup: Cleanup;
  readonly directory: string;
  readonly imageBytes: number;
}

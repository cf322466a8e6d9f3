/** What fio is pointed at. A target serves one image file of the scale's size. */
export interface Target {
  readonly name: string;
  /** The image, there while started. */
  readonly file: string;
  /** False where nothing is stored, so nothing can be cold. */
  readonly hasColdReads: boolean;
  /** First start makes the image, later ones find it as it was. */
  start(): Promise<void>;
  /** Everything written is durable and nothing of the target runs or is mounted. */
  stop(): Promise<void>;
}

/** The labels of the worked example of the specification, as values and as text. */

/** 20 August 2026, which a label writes as 026232. */
export const CREATED_MS = Date.UTC(2026, 7, 20);

export const EXAMPLE_VOLUME = {
  volumeId: 'AFS001',
  accessibility: '',
  implementation: 'ARRAYFS',
  owner: '',
  version: '4',
};

export const EXAMPLE_FILE = {
  fileId: 'FILE.A',
  setId: 'AFS001',
  section: 1,
  sequence: 1,
  generation: 1,
  generationVersion: 0,
  createdMs: CREATED_MS,
  expiresMs: undefined,
  accessibility: '',
  blockCount: 0,
  implementation: 'ARRAYFS',
};

export const EXAMPLE_FORMAT = {
  recordFormat: 'F',
  blockBytes: 2048,
  recordBytes: 512,
  remarks: '',
  offsetBytes: 0,
};

/** `~` is a space. */
export const LABEL_TEXTS = {
  VOL1: 'VOL1AFS001~~~~~~~~~~~~~~ARRAYFS~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~4',
  HDR1: 'HDR1FILE.A~~~~~~~~~~~AFS00100010001000100026232~00000~000000ARRAYFS~~~~~~~~~~~~~',
  HDR2: 'HDR2F0204800512~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~00~~~~~~~~~~~~~~~~~~~~~~~~~~~~',
  EOF1: 'EOF1FILE.A~~~~~~~~~~~AFS00100010001000100026232~00000~000002ARRAYFS~~~~~~~~~~~~~',
  EOF2: 'EOF2F0204800512~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~00~~~~~~~~~~~~~~~~~~~~~~~~~~~~',
  EOV1: 'EOV1BIG~~~~~~~~~~~~~~AFS10100010001000100026232~00000~000002ARRAYFS~~~~~~~~~~~~~',
} as const;

/** The 80 bytes of a label of the example, or of any text in its notation. */
export function labelBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('~', ' ').padEnd(80), 'latin1');
}

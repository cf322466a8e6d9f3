/** Orders the copy of a whole image and waits for its end. */
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import type { CopyFixture } from './copy-fixture.js';

/** State and result of the job, or how it was refused. */
export async function copyImages(
  fixture: CopyFixture,
  source: string,
  destination: string,
  options: Partial<ImageCopyRequest> = {},
): Promise<string> {
  try {
    const started = fixture.ecopies.startImage({ source, destination, force: false, ...options });
    const ended = await fixture.drive(fixture.array.jobList.get(started.id).whenEnded());
    return `${ended}: ${fixture.array.job(started.id).message}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Backups that the end of the array stops: they go on in the next mount, at their durable pointer. */
import { afterAll, describe, expect, it } from 'vitest';
import { makeDevice } from '../device/device-cases.js';
import {
  BACKUP_CASES,
  backupRequest,
  bytesOn,
  CHUNK_BYTES,
  ImageInMemory,
  makePool,
  managementOf,
  moving,
  randomImage,
  undisturbed,
} from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE = randomImage(7, 12 * CHUNK_BYTES, 0.2);

describe('the end of the array', () => {
  it.each(BACKUP_CASES)(
    'stops backups to %s in %s form, which go on in the next mount',
    async (kind, form) => {
      const target = makeDevice(kind);
      const management = managementOf(IMAGE, { form });
      const first = makePool();
      const begun = first.backup(backupRequest(target, IMAGE, { management }));
      await moving(begun, 5 * CHUNK_BYTES);
      await first.close();
      expect(await begun.done).toEqual({ outcome: 'stopped' });
      const resume = begun.durable;
      if (resume === undefined) throw new Error('nothing is durable');
      expect(resume.nextOffset).toBeGreaterThan(3 * CHUNK_BYTES);
      expect(resume.nextOffset).toBeLessThanOrEqual(begun.doneBytes);
      const source = new ImageInMemory(IMAGE);
      const second = makePool();
      const rest = second.backup(backupRequest(target, IMAGE, { management, source, resume }));
      expect(await rest.done).toMatchObject({ outcome: 'done' });
      expect(source.asked[0]).toBe(resume.nextOffset);
      expect(bytesOn(target)).toBe(await undisturbed(kind, form, IMAGE));
    },
  );
});

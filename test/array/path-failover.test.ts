/** Ports and controllers that the user sets down in the middle of a copy, and up again: it goes on elsewhere, and they return. */
import { afterAll, describe, expect, it } from 'vitest';
import { CHUNK_BYTES, randomImage, until } from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BackupArray } from './backup-array.js';

afterAll(cleanScratch);

const IMAGE = randomImage(7, 12 * CHUNK_BYTES, 0.2);

describe.each(['tape', 'disk', 'array'] as const)('a backup to %s', (kind) => {
  it('leaves a controller and a port that are set down, and goes back to them when they are up', async () => {
    const fixture = await BackupArray.open(kind);
    await fixture.write('db', IMAGE);
    const { san } = fixture.array;
    fixture.hold(2 * CHUNK_BYTES);
    const { id } = fixture.start('db', fixture.medium);
    const job = fixture.array.job(id);
    /** Data moves through this port; undefined while none does. */
    const port = () => job.copyProgress?.()?.port;
    const goesThrough = (name: string) =>
      until(
        () => port() === name,
        () => job.state !== 'running',
      );
    await fixture.untilHeld(job);
    expect(port()).toBe('CL1-C');
    await san.changeController('CL1', 'down');
    await goesThrough('CL2-C');
    await san.changeController('CL1', 'up');
    await san.changePorts(['CL2-C'], { state: 'down' });
    await goesThrough('CL1-C');
    fixture.goOn();
    expect(await fixture.ended(id)).toMatch(/^done/);
    expect(fixture.onMedium().equals(IMAGE)).toBe(true);
    expect(fixture.listed()).toEqual(kind === 'tape' ? ['complete'] : []);
    expect(fixture.backups).toHaveLength(1);
    await san.changePorts(['CL1-C'], { state: 'down' });
    expect(await fixture.ended(fixture.start('db', fixture.medium).id)).toMatch(
      /^failed: ENXIO: .*ports CL1-C, CL2-C are down/,
    );
    await fixture.array.close();
  });
});

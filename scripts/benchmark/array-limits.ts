/** Memory of the daemon, and the time to mount, where there is much of everything. */
import type { ArrayStep } from './array-row.js';
import { fillFile, runFio, spreadOver } from './fio.js';
import { MemoryWatch } from './memory-watch.js';

const THIN_BYTES = 2 ** 40;
/** The smallest volume there is room for in any capacity: these are never written. */
const SMALL_BYTES = 2 ** 30;

/** Half of the bytes in sequence, half spread over the volume; then reads, which fill indexes. */
export const memoryOfThin: ArrayStep = {
  prepare: ({ create, volume }) => create(volume, THIN_BYTES),
  async measure({ array, cleanup, scale, image: file }) {
    const watch = new MemoryWatch(() => array.daemonPid());
    try {
      const half = scale.imageBytes / 2;
      await fillFile(cleanup, file, half);
      await spreadOver(cleanup, file, half, THIN_BYTES);
      const words = ['--rw=randread', '--bs=4k', '--time_based', `--runtime=${scale.rowSeconds}`];
      await runFio(cleanup, file, true, [...words, `--size=${half}`]);
    } finally {
      watch.stop();
    }
    const most = watch.stop();
    if (most === undefined) throw new Error('the memory of the daemon is unknown');
    return { value: most };
  },
};

/** The command `arrayfs mount` from start to end. */
export const mountTime: ArrayStep = {
  async prepare({ array, scale, create, volume }) {
    for (let index = 0; index < scale.volumeCount; index++) {
      await create(`${volume}-${index}`, SMALL_BYTES);
      await array.control('snapshot', `${volume}-${index} name=first`);
    }
  },
  async measure({ array }) {
    await array.unmount();
    const start = performance.now();
    await array.mount();
    return { value: (performance.now() - start) / 1000 };
  },
};

import { defineConfig } from 'vitest/config';

/**
 * The mounted tests run over each combination of these in `scripts/test --long`. In CI all of them run over
 * each transport and each container, and a few over the other two combinations.
 */
const TRANSPORTS = ['kernel', 'fuse-native'];
const BLOCK_CONTAINERS = ['lmdb', 'file'];
const IN_FULL = ['kernel, file', 'fuse-native, lmdb'];
const MOUNTED = 'test/mounted/**/*.test.ts';
const OVER_ALL = ['fio-verify', 'random-operations', 'synced-writes'].map(
  (name) => `test/mounted/${name}.test.ts`,
);
/** Once: what lies above transport and container. */
const ABOVE_TRANSPORTS = 'test/mounted/above-transports/**';
/** Once over each container: what is promised lies below the transport. */
const POWER_CUTS = 'test/power-cut/power-cut.test.ts';

const isLong = Number(process.env.ARRAYFS_TEST_FACTOR ?? '1') > 1;

const mountedProjects = TRANSPORTS.flatMap((transport) =>
  BLOCK_CONTAINERS.map((blocks) => {
    const name = `${transport}, ${blocks}`;
    const mounted = isLong || IN_FULL.includes(name) ? [MOUNTED] : OVER_ALL;
    return {
      extends: true as const,
      test: {
        name,
        include: [...mounted, ...(transport === 'kernel' ? [POWER_CUTS] : [])],
        exclude: name === 'kernel, file' ? [] : [ABOVE_TRANSPORTS],
        env: { ARRAYFS_TEST_TRANSPORT: transport, ARRAYFS_TEST_BLOCKS: blocks },
      },
    };
  }),
);

/**
 * No test depends on the machine's speed: the limits only end a test that hangs, in CI soon enough that the
 * others still report. The longest takes half a minute there.
 */
const HANGS_AFTER_MS = isLong ? 1_800_000 : 300_000;

export default defineConfig({
  test: {
    testTimeout: HANGS_AFTER_MS,
    hookTimeout: HANGS_AFTER_MS,
    pool: 'forks',
    fileParallelism: true,
    // On two processors, which the mounted tests use for half of their time: they wait for daemons and disks.
    maxWorkers: 4,
    projects: [
      {
        extends: true,
        test: {
          name: 'default',
          include: ['test/**/*.test.ts'],
          exclude: [MOUNTED, POWER_CUTS],
        },
      },
      ...mountedProjects,
    ],
  },
});

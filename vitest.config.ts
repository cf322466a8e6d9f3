import { defineConfig } from 'vitest/config';

/** The mounted tests run once over each combination of these. */
const TRANSPORTS = ['kernel', 'fuse-native'];
const BLOCK_CONTAINERS = ['lmdb', 'file'];
const MOUNTED = 'test/mounted/**/*.test.ts';
/** Once: what lies above transport and container. */
const ABOVE_TRANSPORTS = 'test/mounted/above-transports/**';
/** Once over each container: what is promised lies below the transport. */
const POWER_CUTS = 'test/power-cut/power-cut.test.ts';

const mountedProjects = TRANSPORTS.flatMap((transport) =>
  BLOCK_CONTAINERS.map((blocks) => ({
    extends: true as const,
    test: {
      name: `${transport}, ${blocks}`,
      include: [MOUNTED, ...(transport === 'kernel' ? [POWER_CUTS] : [])],
      exclude: transport === 'kernel' && blocks === 'file' ? [] : [ABOVE_TRANSPORTS],
      env: { ARRAYFS_TEST_TRANSPORT: transport, ARRAYFS_TEST_BLOCKS: blocks },
    },
  })),
);

// No test depends on the machine's speed: the time limits only end a test that hangs.
export default defineConfig({
  test: {
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
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

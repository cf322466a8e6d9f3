import { defineConfig } from 'vitest/config';

// No test depends on the machine's speed: the time limits only end a test that hangs.
export default defineConfig({
  test: {
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 2,
    projects: [
      // As root on Linux the mounted tests of this run use the kernel transport ...
      { extends: true, test: { name: 'default', include: ['test/**/*.test.ts'] } },
      // ... and of this one the other.
      {
        extends: true,
        test: {
          name: 'fuse-native',
          include: ['test/mounted/**/*.test.ts'],
          env: { ARRAYFS_TEST_TRANSPORT: 'fuse-native' },
        },
      },
    ],
  },
});

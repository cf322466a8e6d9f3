import { defineConfig } from 'vitest/config';

// No test depends on the machine's speed: the time limits only end a test that hangs.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 2,
  },
});

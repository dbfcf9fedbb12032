import { defineConfig } from 'vitest/config';

// Three projects: `unit` needs nothing but Node; `kernel` needs root and says what it lacks;
// `corpus` needs the shared data directory (IPT2EBPF_DATA, default ../shared/data).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/kernel/**', 'test/corpus/**', 'test/fuzz/**', 'test/bench/**'],
          // Commands run as processes: a busy machine takes long to start one.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'corpus',
          include: ['test/corpus/**/*.test.ts'],
          testTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

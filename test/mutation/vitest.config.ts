// SPDX-License-Identifier: Apache-2.0
// The project's suites, each test file saving which mutants' places it passes.
import { defineConfig } from 'vitest/config';
import suites from '../../vitest.config.js';

const projects = suites.test?.projects ?? [];

export default defineConfig({
  test: {
    projects: projects.map((project) =>
      typeof project === 'object' && 'test' in project
        ? { ...project, test: { ...project.test, setupFiles: ['test/mutation/save-after-file.ts'] } }
        : project,
    ),
  },
});

// SPDX-License-Identifier: Apache-2.0
// The project's suites, each test file saving which mutants' places it passes; files run in the order of
// $TEST_FILES, one after the other, so that the cheapest finds a mutant.
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import suites from '../../vitest.config.js';

const order = (process.env['TEST_FILES'] ?? '').split(' ');

class AsNamed extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number =>
      order.findIndex((name) => moduleId.endsWith(name));
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b)));
  }
}

const projects = suites.test?.projects ?? [];

export default defineConfig({
  test: {
    fileParallelism: false,
    sequence: { sequencer: AsNamed },
    projects: projects.map((project) =>
      typeof project === 'object' && 'test' in project
        ? { ...project, test: { ...project.test, setupFiles: ['test/mutation/save-after-file.ts'] } }
        : project,
    ),
  },
});

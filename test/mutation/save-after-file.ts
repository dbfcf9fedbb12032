// SPDX-License-Identifier: Apache-2.0
// A vitest set-up file: saves what each test file passed, under the file's path.
import { relative } from 'node:path';
import { afterAll, expect } from 'vitest';
import { saveCoverage } from './coverage.js';

afterAll(() => {
  const file = expect.getState().testPath;
  if (file !== undefined) saveCoverage(relative(process.cwd(), file));
});

// SPDX-License-Identifier: Apache-2.0
// Adds up vitest's JSON results of several projects: node bin/test-summary.js DIR PROJECT...
// Prints every skipped test by name (a skip must not look green) and the closing count.
// Exits 1 when a project left no result, failed, or ran no test.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory, ...projects] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
let broken = false;

for (const project of projects) {
  const file = join(directory, `${project}.json`);
  if (!existsSync(file)) {
    console.log(`${project}: no result was written`);
    broken = true;
    continue;
  }
  const result = JSON.parse(readFileSync(file, 'utf8'));
  const skipped = result.numPendingTests + result.numTodoTests;
  console.log(
    `${project}: ${result.numPassedTests} passed, ${result.numFailedTests} failed, ${skipped} skipped`,
  );
  for (const suite of result.testResults) {
    for (const test of suite.assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped' || test.status === 'todo') {
        console.log(`  skipped: ${test.fullName}`);
      }
    }
  }
  total.passed += result.numPassedTests;
  total.failed += result.numFailedTests;
  total.skipped += skipped;
  if (!result.success || result.numPassedTests === 0) broken = true;
}

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(broken || total.failed > 0 ? 1 : 0);

// SPDX-License-Identifier: Apache-2.0
// Loaded before the fuzzer (`node --import`): saves at its end what it passed, under $MUTANT_CHECK.
import { saveCoverage } from './coverage.js';

process.on('exit', () => {
  saveCoverage(process.env['MUTANT_CHECK'] ?? 'unnamed');
});

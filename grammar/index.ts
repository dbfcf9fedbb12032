// SPDX-License-Identifier: Apache-2.0
// What the rest of ipt2ebpf uses of the rule grammar.
export { detectFamily, looksLikeSaveFile } from './family.js';
export { parseSaveFile, type ParseOptions, type ParseResult } from './save-file.js';

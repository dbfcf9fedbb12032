#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Runs the built commands.
const main = await import('../dist/src/cli/main.js').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('ipt2ebpf: not built, or its packages are not installed\n  try: bin/setup');
  process.exit(2);
});
await main.main(import.meta.url);

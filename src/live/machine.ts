// SPDX-License-Identifier: Apache-2.0
// What the machine must have before anything is loaded, and which network namespace this is.
import { statSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { lacking } from '../kernel/feature.js';
import { ensureBpfFs } from './pins.js';
import { runTool } from './tools.js';

/** Throws EnvironmentError that says what lacks. */
export function requireRoot(): void {
  if (process.geteuid?.() !== 0) throw new EnvironmentError('this needs root', ['run it with sudo']);
}

/** Throws EnvironmentError that says what lacks. */
export function requireMachine(): void {
  requireRoot();
  const lack = lacking('classifier-programs');
  if (lack !== undefined) throw new EnvironmentError(lack);
  runTool('ip', ['-V']);
  runTool('tc', ['-V']);
  ensureBpfFs();
}

/** Inode of this network namespace. */
export function networkNamespace(): number {
  return statSync('/proc/self/ns/net').ino;
}

// SPDX-License-Identifier: Apache-2.0
// How trouble is told on standard error, and with which exit code: the user's text, the machine, the command
// line, or a bug. Stack traces are for --verbose.
import { Errors } from '@oclif/core';
import { nearest } from '../../grammar/nearest.js';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import { printable } from '../diagnostics/printable.js';
import { renderDiagnostics } from '../diagnostics/render.js';
import { wantsColor } from './color.js';
import { EXIT_CODE } from './exit-code.js';

export interface TroubleContext {
  /** The command line, without node and the launcher. */
  readonly args: readonly string[];
  /** The command in words, empty where none was recognised. */
  readonly command: string;
  /** Option names that the command knows, without dashes. */
  readonly options: readonly string[];
}

/** Tells the error and returns the exit code. */
export function tellTrouble(error: Error, context: TroubleContext): number {
  if (error instanceof Errors.ExitError) return error.oclif.exit ?? EXIT_CODE.trouble;
  if (error instanceof InputError) {
    const color = wantsColor(process.stderr, context.args, process.env);
    if (error.diagnostics.length > 0) process.stderr.write(renderDiagnostics(error.diagnostics, { color }));
    return error.exitCode;
  }
  if (error instanceof EnvironmentError) tell(error.message, error.suggestions);
  else if (error instanceof Errors.CLIError) {
    const help = ['ipt2ebpf', context.command, '--help'].filter((word) => word !== '').join(' ');
    tell(commandLineMessage(error, context.options), [help]);
  } else if ('code' in error && 'syscall' in error) tell(error.message, []);
  else {
    tell(`internal error: ${error.message}`, []);
    process.stderr.write('  this is a bug of ipt2ebpf: please report it with the input that led here\n');
    const where = context.args.includes('--verbose') ? error.stack : '  --verbose prints where it happened';
    process.stderr.write(`${where ?? ''}\n`);
  }
  return EXIT_CODE.trouble;
}

function tell(message: string, suggestions: readonly string[]): void {
  const lines = message.trim().split('\n').map(printable);
  process.stderr.write(`ipt2ebpf: ${lines.join('\n')}\n`);
  for (const suggestion of suggestions) process.stderr.write(`  try: ${suggestion}\n`);
}

/** oclif's message without its own heading and hint; an unknown option with the known one nearest to it. */
function commandLineMessage(error: Errors.CLIError, known: readonly string[]): string {
  if ('flags' in error && Array.isArray(error.flags) && error.message.startsWith('Nonexistent')) {
    const names = known.map((name) => `--${name}`);
    return error.flags.map((flag) => unknown('option', String(flag), names)).join('\n');
  }
  return error.message
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/\n?See more help with --help\s*$/, '')
    .replace(/^Missing required flag (\S+)/gm, 'the option --$1 is missing')
    .replace(/^Flag (\S+) expects/gm, 'the option $1 expects')
    .replace(/^ +/gm, '');
}

/** `unknown command \`chekc\`: did you mean \`check\`?` */
export function unknown(what: string, text: string, known: readonly string[]): string {
  const near = nearest(text, known);
  return `unknown ${what} \`${text}\`${near === undefined ? '' : `: did you mean \`${near}\`?`}`;
}

// SPDX-License-Identifier: Apache-2.0
// What all commands share: common flags, colour, how trouble is told, exit codes. Commands are thin:
// they read flags, call one library function, print its result.
import { constants } from 'node:os';
import { once } from 'node:events';
import { Command, Errors, Flags } from '@oclif/core';
import { EnvironmentError, type Diagnostic } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import { renderDiagnostics } from '../diagnostics/render.js';
import { EXIT_CODE } from './exit-code.js';

export { InputError };

/** Flags of every command. */
export const outputFlags = {
  json: Flags.boolean({ description: 'print data as JSON on standard output, talk on standard error' }),
  verbose: Flags.boolean({
    description: 'print all that is known: whole verifier logs, stack traces of internal errors',
  }),
  'no-color': Flags.boolean({
    description: 'never use colour (it is used on a terminal only; NO_COLOR is heeded)',
  }),
};

/** Flags of every command that reads rules. */
export const inputFlags = {
  host: Flags.string({
    description: 'the host: interfaces, addresses, routes, sysctls (a snapshot directory brings its own)',
    helpValue: 'FILE',
  }),
  family: Flags.string({
    description: 'family of a dump whose header does not tell',
    options: ['ipv4', 'ipv6'],
  }),
  waive: Flags.string({
    description: 'accept an inexact rule by name; repeatable; stands in the report and in the program header',
    helpValue: 'CODE[@table/CHAIN[:N]]',
    multiple: true,
    default: [],
  }),
};

/** Flags of every command that replays packets. */
export const replayFlags = {
  ingress: Flags.string({
    description: 'where packets come from: an interface, `local` (sent by the host itself), or a JSON file',
    helpValue: 'IF|local|FILE',
  }),
  checksums: Flags.string({
    description:
      'verify: a wrong checksum makes a packet INVALID, as in the kernel; trust: for captures cut by a snap length',
    options: ['verify', 'trust'],
    default: 'verify',
  }),
};

export abstract class BaseCommand extends Command {
  static override baseFlags = outputFlags;

  protected override async init(): Promise<void> {
    await super.init();
    // Ahead of oclif's own listener, which passes over EPIPE and throws for the rest.
    process.stdout.prependListener('error', failOnLostOutput);
  }

  /** Runs last, whatever the exit code: waits until the data is out, or failOnLostOutput has the word. */
  protected override async finally(error: Error | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      process.stdout.write('', () => {
        setImmediate(resolve);
      });
    });
    await super.finally(error);
  }

  /** Colour on a stream: only on a terminal, never with --no-color or NO_COLOR. */
  protected useColor(stream: NodeJS.WriteStream = process.stderr): boolean {
    return (
      stream.isTTY &&
      !this.argv.includes('--no-color') &&
      (process.env['NO_COLOR'] ?? '') === '' &&
      process.env['TERM'] !== 'dumb'
    );
  }

  /** Talk: standard error. */
  protected tell(text: string): void {
    process.stderr.write(text.endsWith('\n') ? text : text + '\n');
  }

  protected tellDiagnostics(diagnostics: readonly Diagnostic[]): void {
    if (diagnostics.length > 0)
      process.stderr.write(renderDiagnostics(diagnostics, { color: this.useColor() }));
  }

  /** Data: standard output. */
  protected put(text: string): void {
    process.stdout.write(text.endsWith('\n') ? text : text + '\n');
  }

  /** Data in pieces: waits for a slow reader, so that memory stays flat. */
  protected async putStreaming(text: string): Promise<void> {
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
  }

  /** Whether a progress line may be drawn. */
  protected showsProgress(json: boolean): boolean {
    return !json && process.stderr.isTTY;
  }

  protected putJson(value: unknown): void {
    process.stdout.write(JSON.stringify(value, null, 2) + '\n');
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<never> {
    if (error instanceof Errors.ExitError) throw error;
    if (error instanceof InputError) {
      this.tellDiagnostics(error.diagnostics);
      return this.exit(error.exitCode);
    }
    if (error instanceof EnvironmentError) {
      this.tell(`ipt2ebpf: ${error.message}`);
      for (const suggestion of error.suggestions) this.tell(`  try: ${suggestion}`);
      return this.exit(EXIT_CODE.trouble);
    }
    if (error instanceof Errors.CLIError) {
      this.tell(`ipt2ebpf: ${error.message.trim()}`);
      this.tell(`  try: ipt2ebpf ${(this.id ?? '').replaceAll(':', ' ')} --help`);
      return this.exit(EXIT_CODE.trouble);
    }
    if (isErrno(error)) {
      this.tell(`ipt2ebpf: ${error.message}`);
      return this.exit(EXIT_CODE.trouble);
    }
    this.tell(`ipt2ebpf: internal error: ${error.message}`);
    this.tell('  this is a bug of ipt2ebpf: please report it with the input that led here');
    if (this.argv.includes('--verbose')) this.tell(error.stack ?? '');
    else this.tell('  --verbose prints where it happened');
    return this.exit(EXIT_CODE.trouble);
  }
}

/**
 * Data that did not reach its reader must not look like success. A reader that has had enough (`| head`)
 * ends us quietly, with the code a shell gives for SIGPIPE; a full disk is trouble.
 */
function failOnLostOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(128 + constants.signals.SIGPIPE);
  process.stderr.write(`ipt2ebpf: standard output cannot be written: ${error.message}\n`);
  process.exit(EXIT_CODE.trouble);
}

function isErrno(error: Error): boolean {
  return 'code' in error && 'syscall' in error;
}

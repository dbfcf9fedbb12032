// SPDX-License-Identifier: Apache-2.0
// What all commands share: common flags, colour, how trouble is told, exit codes. Commands are thin:
// they read flags, call one library function, print its result.
import { constants } from 'node:os';
import { once } from 'node:events';
import { Command, Flags } from '@oclif/core';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { renderDiagnostics } from '../diagnostics/render.js';
import { wantsColor } from './color.js';
import { EXIT_CODE } from './exit-code.js';
import { tellTrouble } from './trouble.js';

/** Flags of every command. */
export const outputFlags = {
  json: Flags.boolean({ description: 'print data as JSON on standard output, talk on standard error' }),
  verbose: Flags.boolean({
    description: 'print all that is known: whole verifier logs, stack traces of internal errors',
  }),
  'no-color': Flags.boolean({
    description: 'never use colour (else on a terminal only; NO_COLOR and FORCE_COLOR are heeded)',
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

  protected useColor(stream: NodeJS.WriteStream = process.stderr): boolean {
    return wantsColor(stream, this.argv, process.env);
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

  protected override async catch(error: Error): Promise<never> {
    const { baseFlags, flags } = this.ctor;
    return this.exit(
      tellTrouble(error, {
        args: this.argv,
        command: (this.id ?? '').replaceAll(':', ' '),
        options: Object.keys({ ...baseFlags, ...flags }),
      }),
    );
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

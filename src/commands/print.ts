// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand, inputFlags } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { assess } from '../ruleset/assess/assess.js';
import { printAsKernel, printAsRead } from '../ruleset/print-input.js';

export default class Print extends BaseCommand {
  static override summary = 'Print rules and sets back as text';
  static override description =
    'Same order, counters kept; with --canonical, what iptables-legacy-save 1.8.9 prints after restoring the ' +
    'rules into an empty network namespace. Lines that could not be read are printed as comments. Exits as check does.';
  static override examples = [
    '<%= config.bin %> print rules.v4',
    'iptables-save | <%= config.bin %> print --canonical -',
  ];
  static override usage = '<%= command.id %> <input>... [flags]';
  static override strict = false;
  static override flags = {
    ...inputFlags,
    canonical: Flags.boolean({ description: 'the text that iptables-legacy-save 1.8.9 would print' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Print);
    const waivers = readWaivers(flags.waive);
    const input = await loadArguments(argv as string[], flags, 'anything');
    const texts = flags.canonical ? printAsKernel(input.ruleset) : printAsRead(input.files, input.ruleset);
    if (flags.json) this.putJson(texts);
    else for (const { text } of texts) process.stdout.write(Buffer.from(text, 'latin1'));
    this.tellDiagnostics(input.diagnostics);
    this.exit(assess(input, waivers).faithful ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

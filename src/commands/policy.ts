// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand, inputFlags } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { loadArguments } from '../cli/inputs.js';
import { inferPolicy } from '../policy/infer.js';
import { renderPolicy } from '../policy/render.js';

export default class Policy extends BaseCommand {
  static override summary = 'Read rules as a policy: who may speak to whom, statement by statement';
  static override description =
    'Writes the rules as ordered statements that allow or deny, over addresses, ports, ICMP types, interfaces and ' +
    'connection states, each with the rules it comes from. User chains are written out where they are called. What ' +
    'no policy can state, such as rates, is listed as residue with its reason. Exit 0: all of it is stated. ' +
    '1: there is residue, or a line was not read. 2: no policy could be formed.';
  static override examples = [
    '<%= config.bin %> policy rules.v6 --host host.json',
    '<%= config.bin %> policy rules.v6 --host host.json --json',
  ];
  static override usage = '<%= command.id %> <input>... [flags]';
  static override strict = false;
  static override flags = {
    host: inputFlags.host,
    family: inputFlags.family,
    format: Flags.string({
      description: 'model: the policy model, in YAML or with --json in JSON',
      options: ['model'],
      default: 'model',
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Policy);
    const input = await loadArguments(argv as string[], flags);
    const model = inferPolicy(input.ruleset, input.host, {
      generator: `ipt2ebpf ${this.config.version}`,
      sources: input.sources.map(({ name }) => name),
    });
    this.tellDiagnostics(input.diagnostics);
    if (flags.json) this.putJson(model);
    else this.put(renderPolicy(model));
    const isRead = input.diagnostics.every(({ severity }) => severity !== 'error');
    const complete = model.residue.length === 0 && input.problems.length === 0 && isRead;
    this.exit(complete ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { BaseCommand, inputFlags } from '../../cli/base-command.js';
import { loadArguments } from '../../cli/inputs.js';
import { columns, summarizeChains } from '../../ruleset/inspect.js';

export default class InspectChains extends BaseCommand {
  static override summary = 'List the chains of a dump: policies, rules, references';
  static override description =
    'A line for each chain: its policy, how many rules it holds, how many rules jump to it, and the packets that the ' +
    'dump counted: those of a built-in chain met its policy, those of a user chain matched one of its rules.';
  static override examples = ['<%= config.bin %> inspect chains rules.v4'];
  static override usage = '<%= command.id %> <input>... [flags]';
  static override strict = false;
  static override flags = { host: inputFlags.host, family: inputFlags.family };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(InspectChains);
    const input = await loadArguments(argv as string[], flags);
    const chains = summarizeChains(input.ruleset);
    this.tellDiagnostics(input.diagnostics);
    if (flags.json) return this.putJson(chains);
    const rows = chains.map((chain) => [
      chain.family,
      chain.table,
      chain.chain,
      chain.policy ?? '-',
      String(chain.rules),
      String(chain.references),
      chain.packets ?? '',
    ]);
    this.put(columns([['FAMILY', 'TABLE', 'CHAIN', 'POLICY', 'RULES', 'REFERENCES', 'PACKETS'], ...rows]));
  }
}

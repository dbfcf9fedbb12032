// SPDX-License-Identifier: Apache-2.0
import { BaseCommand, inputFlags } from '../../cli/base-command.js';
import { loadArguments } from '../../cli/inputs.js';
import { columns, summarizeSets } from '../../ruleset/inspect.js';

export default class InspectSets extends BaseCommand {
  static override summary = 'List the sets of a dump: types, members, references';
  static override description =
    'A line for each set: its type and family, how many members it has, how many rules and sets name it, and the ' +
    'options it was created with. Dumps of rules and of sets together tell the references.';
  static override examples = ['<%= config.bin %> inspect sets rules.v4 ipset.save'];
  static override usage = '<%= command.id %> <input>... [flags]';
  static override strict = false;
  static override flags = { host: inputFlags.host, family: inputFlags.family };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(InspectSets);
    const input = await loadArguments(argv as string[], flags, 'anything');
    const sets = summarizeSets(input.ruleset);
    this.tellDiagnostics(input.diagnostics);
    if (flags.json) return this.putJson(sets);
    const rows = sets.map((set) => [
      set.set,
      set.type,
      set.family ?? '-',
      String(set.members),
      String(set.references),
      Object.entries(set.options)
        .map(([name, value]) => (value === true ? name : `${name} ${value}`))
        .join(' '),
    ]);
    this.put(columns([['SET', 'TYPE', 'FAMILY', 'MEMBERS', 'REFERENCES', 'OPTIONS'], ...rows]));
  }
}

// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand, inputFlags } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { readSource } from '../input/source.js';
import { exportPolicy } from '../policy/export/export.js';
import { renderExport, summaryOf } from '../policy/export/render.js';
import type { Target } from '../policy/export/target.js';
import { inferPolicy, waiveResidue } from '../policy/infer.js';
import { NO_INVENTORY, parseInventory } from '../policy/inventory.js';
import { labelPolicy } from '../policy/label.js';
import { renderPolicy } from '../policy/render.js';
import { Waivers } from '../ruleset/waivers.js';

export default class Policy extends BaseCommand {
  static override summary = 'Read rules as a policy: who may speak to whom, statement by statement';
  static override description =
    'Writes the rules as ordered statements that allow or deny, over addresses, ports, ICMP types, interfaces and ' +
    'connection states, each with the rules it comes from. User chains are written out where they are called. With ' +
    'another format, objects of Cilium, Kubernetes or Calico that can be applied: INPUT and OUTPUT as policy of the ' +
    'node (of pods where the inventory names a namespace), with Calico FORWARD too. What a policy cannot state is ' +
    'listed as residue at its rule, with its reason. Exit 0: all of it is stated, or waived. ' +
    '1: there is residue, or a line was not read. 2: no policy could be formed.';
  static override examples = [
    '<%= config.bin %> policy rules.v6 --host host.json',
    '<%= config.bin %> policy rules.v6 --host host.json --json',
    '<%= config.bin %> policy rules.v6 --host host.json --inventory inventory.yaml',
    '<%= config.bin %> policy rules.v6 --host host.json --format calico --waive IPT1002 --waive IPT1004',
  ];
  static override usage = '<%= command.id %> <input>... [flags]';
  static override strict = false;
  static override flags = {
    ...inputFlags,
    format: Flags.string({
      description: 'model: the policy model; else objects that can be applied. YAML, or JSON with --json',
      options: ['model', 'cilium', 'kubernetes', 'calico'],
      default: 'model',
    }),
    inventory: Flags.string({
      description:
        'YAML: `cidrs: {192.0.2.0/24: {team: office}}` gives labels to addresses, `host: {labels, namespace, node}` ' +
        'says how the host is selected; labels take the place of addresses that they cover exactly',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Policy);
    const waivers = new Waivers(readWaivers(flags.waive));
    const input = await loadArguments(argv as string[], flags);
    const inventory =
      flags.inventory === undefined ? NO_INVENTORY : parseInventory(await readSource(flags.inventory));
    const model = inferPolicy(input.ruleset, input.host, {
      generator: `ipt2ebpf ${this.config.version}`,
      sources: input.sources.map(({ name }) => name),
    });
    this.tellDiagnostics(input.diagnostics);
    let isStated: boolean;
    if (flags.format === 'model') {
      const waived = waiveResidue(model, waivers);
      const shown = flags.inventory === undefined ? waived : labelPolicy(waived, inventory);
      if (flags.json) this.putJson(shown);
      else this.put(renderPolicy(shown));
      isStated = shown.residue.every(({ waivedBy }) => waivedBy !== undefined);
    } else {
      const format = flags.format as Target['format'];
      const exported = exportPolicy(model, input.host, { format, inventory, waivers });
      if (flags.json) this.putJson(exported);
      else this.put(renderExport(exported));
      this.tell(summaryOf(exported));
      isStated = exported.residue.every(({ waivedBy }) => waivedBy !== undefined);
    }
    for (const { text } of waivers.unused()) this.tell(`waiver ${text} accepts nothing here`);
    const isRead = input.diagnostics.every(({ severity }) => severity !== 'error');
    const complete = isStated && input.problems.length === 0 && isRead;
    this.exit(complete ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

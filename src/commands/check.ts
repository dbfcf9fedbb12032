// SPDX-License-Identifier: Apache-2.0
import { BaseCommand, inputFlags } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { renderDiagnostics } from '../diagnostics/render.js';
import { assess } from '../ruleset/assess/assess.js';
import { whatStandsAgainst } from '../ruleset/assess/messages.js';
import { lint } from '../ruleset/assess/lints.js';
import { findOtherPlanes, otherPlaneMessage } from '../ruleset/assess/other-enforcement.js';
import { checkReport, summaryText } from '../ruleset/assess/report.js';

export default class Check extends BaseCommand {
  static override summary = 'Read rules and say what can be carried over, rule by rule';
  static override description =
    'Parses and resolves the inputs, tells every rule that is not exact and why, and names what else judges ' +
    'packets on the host of a snapshot. Exit 0: all exact, without effect or waived. 1: something is not, ' +
    'unread rules and absent sets included. 2: no ruleset could be formed.';
  static override examples = [
    '<%= config.bin %> check rules.v4 rules.v6 ipset.save',
    'iptables-save | <%= config.bin %> check -',
    '<%= config.bin %> check old.v4 --waive IPT0310@filter/INPUT:7',
  ];
  static override usage = '<%= command.id %> <input>... [flags]';
  static override strict = false;
  static override flags = { ...inputFlags };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Check);
    const waivers = readWaivers(flags.waive);
    const input = await loadArguments(argv as string[], flags);
    const assessment = assess(input, waivers);
    const lints = lint(input.ruleset);
    const planes = findOtherPlanes(input.other, input.files);
    const report = checkReport(input.ruleset, assessment, input.diagnostics, lints, planes);
    const messages = [...whatStandsAgainst(input, assessment), ...lints, ...planes.map(otherPlaneMessage)];
    if (flags.json) {
      this.tellDiagnostics(messages);
      this.putJson(report);
    } else {
      const color = this.useColor(process.stdout);
      if (messages.length > 0) this.put(renderDiagnostics(messages, { color }) + '\n');
      this.put(summaryText(report));
    }
    for (const { text } of assessment.unusedWaivers) this.tell(`waiver ${text} accepts nothing here`);
    this.exit(report.ok ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { BaseCommand } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { requireRoot } from '../live/machine.js';
import { statusText } from '../live/status-text.js';
import { readStatus } from '../live/status.js';

export default class Status extends BaseCommand {
  static override summary = 'What is loaded, whether it is whole, and what it counted, rule by rule';
  static override description =
    'Prints mode, attached and bare interfaces, program and map ids, what is left to confirm, and packets and bytes ' +
    'of each original rule and chain policy, as `iptables -L -v` does. While programs only observe, these count ' +
    'beside the live iptables. Changes nothing. Exit 0: loaded, and as it should be. 1: nothing is loaded, or ' +
    'something is amiss, which is named. 2: trouble.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override usage = '<%= command.id %> [flags]';

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    requireRoot();
    const report = readStatus();
    if (flags.json) this.putJson(report);
    else this.put(statusText(report));
    this.exit(report.problems.length === 0 ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

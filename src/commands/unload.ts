// SPDX-License-Identifier: Apache-2.0
import { BaseCommand } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { withLock } from '../live/lock.js';
import { unload } from '../live/unload.js';
import { requireRoot } from '../live/machine.js';

export default class Unload extends BaseCommand {
  static override summary = 'Give the host back to iptables and leave nothing of the programs behind';
  static override description =
    'Restores the rules that `load --flush-iptables` took, then detaches the programs and removes pins, state, ' +
    'qdiscs of ours and processes. Where iptables does not take its rules back, nothing is detached. Also takes ' +
    'away what load.sh loaded. Safe to repeat. Exit 0: nothing is loaded. 2: refused, with the reason.';
  static override examples = ['<%= config.bin %> unload', '<%= config.bin %> unload --json'];
  static override usage = '<%= command.id %> [flags]';

  async run(): Promise<void> {
    const { flags } = await this.parse(Unload);
    requireRoot();
    const report = await withLock(unload);
    if (flags.json) this.putJson(report);
    else {
      if (report.restored.length > 0) this.put(`iptables restored: ${report.restored.join(', ')}`);
      this.put(report.wasLoaded ? 'unloaded' : 'nothing was loaded');
    }
    this.exit(EXIT_CODE.ok);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { BaseCommand } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { confirm } from '../live/enforce.js';
import { emptiedTables } from '../live/load-report.js';
import { withLock } from '../live/lock.js';
import { requireRoot } from '../live/machine.js';

export default class Confirm extends BaseCommand {
  static override summary = 'Keep what `load --enforce` switched to: no rollback comes any more';
  static override description =
    'Ends the time that --rollback-after gave. Confirm from a new connection to the host: that one shows that ' +
    'you still get in. Safe to repeat. Exit 0: programs enforce and stay. 2: nothing is loaded (the time may be ' +
    'over and iptables back), or programs only observe.';
  static override examples = ['<%= config.bin %> confirm', '<%= config.bin %> confirm --json'];
  static override usage = '<%= command.id %> [flags]';

  async run(): Promise<void> {
    const { flags } = await this.parse(Confirm);
    requireRoot();
    const { state, again } = await withLock(confirm);
    const emptied = emptiedTables(state.saved);
    if (flags.json) this.putJson({ again, digest: state.digest, since: state.since, emptied });
    else this.put(again ? 'confirmed before' : 'confirmed: programs enforce and stay');
    this.exit(EXIT_CODE.ok);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { refuseExisting, writeSnapshot } from '../snapshot/folder.js';
import { Place } from '../snapshot/place.js';
import { summaryText } from '../snapshot/summary.js';
import { takeSnapshot } from '../snapshot/take.js';

export default class Snapshot extends BaseCommand {
  static override summary = 'Write the running host as input for all other commands';
  static override description =
    'Rules with counters, sets, interfaces, addresses, routes, sysctls, native nft tables, connections and ' +
    'attached BPF programs, into a folder that is whole or not there. Reads only. As root the whole; as another ' +
    'user what may be read, saying what is missing and why. Exit 0: written. 2: nothing could be read or written.';
  static override examples = [
    '<%= config.bin %> snapshot -o snapshot/',
    '<%= config.bin %> snapshot -o snapshot/ --force --backend legacy',
    '<%= config.bin %> snapshot -o container/ --netns 4711 --json',
  ];
  static override flags = {
    output: Flags.string({
      char: 'o',
      description: 'folder to write, which must not be there yet',
      helpValue: 'DIR',
      required: true,
    }),
    force: Flags.boolean({ description: 'replace an earlier snapshot in that folder' }),
    backend: Flags.string({
      description: 'whose rules to take where iptables-legacy and iptables-nft both hold some',
      options: ['legacy', 'nft'],
    }),
    netns: Flags.string({
      description: 'take another network namespace: a name of `ip netns`, a path, or a process id',
      helpValue: 'NAME|PATH|PID',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Snapshot);
    refuseExisting(flags.output, flags.force);
    const place = flags.netns === undefined ? Place.here() : Place.namespace(flags.netns);
    try {
      const { files, summary } = takeSnapshot(place, flags.backend as 'legacy' | 'nft' | undefined);
      if (files.size === 0)
        throw new EnvironmentError(
          ['nothing could be read', ...summary.lacking.map(({ why }) => why)].join('\n'),
          ['run as root'],
        );
      writeSnapshot(flags.output, files, flags.force);
      this.tell(summaryText(summary, flags.output));
      if (flags.json) this.putJson({ folder: flags.output, files: [...files.keys()], ...summary });
    } finally {
      place.close();
    }
    this.exit(EXIT_CODE.ok);
  }
}

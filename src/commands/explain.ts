// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand, inputFlags, replayFlags } from '../cli/base-command.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { readIngress } from '../cli/replay-options.js';
import { explain } from '../diff/explain.js';
import { explainText } from '../diff/explain-text.js';
import { PACKET_TEXT_HELP, parsePacketText } from '../replay/packet-text.js';

export default class Explain extends BaseCommand {
  static override summary = 'Follow one packet through the rules and through the program';
  static override description =
    'Tells every rule that is tried and what of it does not fit, then what the compiled program says of the same ' +
    `packet. Several packets are taken in order: connections and limits live on between them. Packets: ` +
    `${PACKET_TEXT_HELP}.`;
  static override examples = [
    "<%= config.bin %> explain rules.v4 --packet 'tcp 192.0.2.1:4000 > 203.0.113.2:22 syn'",
    "<%= config.bin %> explain snapshot/ --packet 'udp 10.0.0.5:5000 > 192.0.2.1:53 in eth1' --json",
  ];
  static override usage = '<%= command.id %> <input>... --packet TEXT... [flags]';
  static override strict = false;
  static override flags = {
    ...inputFlags,
    ...replayFlags,
    packet: Flags.string({
      description: 'the packet as text; repeatable',
      helpValue: 'TEXT',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Explain);
    const waivers = readWaivers(flags.waive);
    const packets = flags.packet.map((text) => parsePacketText(text));
    const input = await loadArguments(argv as string[], flags);
    this.tellDiagnostics(input.diagnostics);
    const ingress = await readIngress(flags.ingress, input.host);
    const explained = await explain(input, packets, ingress, {
      checksums: flags.checksums === 'trust' ? 'trust' : 'verify',
      waivers,
    });
    if (flags.json) this.putJson(explained);
    else this.put(explained.map(explainText).join('\n\n'));
  }
}

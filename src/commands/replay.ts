// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand, inputFlags, replayFlags } from '../cli/base-command.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { Progress } from '../cli/progress.js';
import { readIngress, splitCaptures, totalBytes } from '../cli/replay-options.js';
import { openRunner } from '../replay/open-runner.js';
import { OutputFile } from '../replay/output-file.js';
import { decideBatch } from '../replay/replay.js';
import type { RunnerName } from '../replay/runner.js';
import { replayPackets } from '../replay/source.js';

export default class Replay extends BaseCommand {
  static override summary = 'Say what happens to each packet of a capture, one JSON record a line';
  static override description =
    'Runs the packets of captures through one runner: `rules` (reference evaluator), `vm` (compiled object, in ' +
    'process), `kernel` (compiled object, test-run by the kernel), `netfilter` (the real iptables in a ' +
    'namespace). Records are JSON lines with and without --json. A damaged capture gives the records before the ' +
    'fault, then the place of the fault and exit 2.';
  static override examples = [
    '<%= config.bin %> replay rules.v4 --pcap traffic.pcap --on rules',
    '<%= config.bin %> replay snapshot/ --pcap a.pcapng --pcap b.pcap --on rules --ingress eth0 -o records.jsonl',
    '<%= config.bin %> replay snapshot/ --pcap traffic.pcap --on netfilter --ingress ingress.json',
    '<%= config.bin %> replay snapshot/ --pcap traffic.pcap --on netfilter-bpf --waive IPT0439',
  ];
  static override usage = '<%= command.id %> <input>... --pcap FILE... --on RUNNER [flags]';
  static override strict = false;
  static override flags = {
    ...inputFlags,
    ...replayFlags,
    pcap: Flags.string({
      description:
        'capture to replay, pcap or pcapng; repeatable, replayed one after the other; `-` for standard input',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
    }),
    on: Flags.string({
      description: 'the runner',
      options: ['rules', 'vm', 'kernel', 'netfilter', 'netfilter-bpf'],
      default: 'rules',
    }),
    output: Flags.string({
      char: 'o',
      description: 'write the records to a file, which appears when it is complete',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Replay);
    const waivers = readWaivers(flags.waive);
    const { captures, inputs } = await splitCaptures(argv as string[], flags.pcap);
    const input = await loadArguments(inputs, flags);
    this.tellDiagnostics(input.diagnostics);
    const ingress = await readIngress(flags.ingress, input.host);
    const progress = new Progress('replay', await totalBytes(captures), this.showsProgress(flags.json));
    const runner = await openRunner(flags.on as RunnerName, input, {
      checksums: flags.checksums === 'trust' ? 'trust' : 'verify',
      trace: true,
      waivers,
    });
    const file = flags.output === undefined ? undefined : await OutputFile.create(flags.output);
    try {
      const batches = replayPackets(captures, ingress, input.host, ({ bytesRead, packets }) => {
        progress.update(bytesRead, `${packets} packets`);
      });
      for await (const batch of batches) {
        const records = await decideBatch(runner, batch);
        const text = records.map((record) => JSON.stringify(record) + '\n').join('');
        await (file === undefined ? this.putStreaming(text) : file.write(text));
      }
      await file?.commit();
    } catch (error) {
      await file?.discard();
      throw error;
    } finally {
      progress.end();
      await runner.close();
    }
  }
}

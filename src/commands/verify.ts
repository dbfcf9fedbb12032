// SPDX-License-Identifier: Apache-2.0
import { Errors, Flags } from '@oclif/core';
import { BaseCommand, inputFlags, replayFlags } from '../cli/base-command.js';
import { readAttachSet } from '../cli/attach.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { Progress } from '../cli/progress.js';
import { readIngress, splitCaptures, totalBytes } from '../cli/replay-options.js';
import { notesFor } from '../diff/notes.js';
import { parseReportRequest, render, REPORT_FORMATS } from '../diff/render.js';
import { Verification } from '../diff/verification.js';
import { verifyBatches } from '../diff/verify.js';
import { DEFAULT_ATTACH } from '../program/attach-kind.js';
import { openRunner } from '../replay/open-runner.js';
import { writeOutputFile } from '../replay/output-file.js';
import type { Runner, RunnerName } from '../replay/runner.js';
import { replayPackets } from '../replay/source.js';

export default class Verify extends BaseCommand {
  static override summary = 'Replay captures on both sides and explain every difference';
  static override description =
    'Runs the packets through the reference (--left) and through the compiled program (--right), compares the ' +
    'verdict records and groups what differs by pair of rules. Packets that one side cannot decide are counted ' +
    'apart and never called equal. Exit 0: no difference. 1: a difference. 2: trouble.';
  static override examples = [
    '<%= config.bin %> verify snapshot/ --pcap traffic.pcap',
    '<%= config.bin %> verify rules.v4 ipset.save --host host.json --pcap a.pcapng --left netfilter --right kernel',
    '<%= config.bin %> verify snapshot/ --pcap traffic.pcap --attach xdp',
    '<%= config.bin %> verify snapshot/ --pcap traffic.pcap --report text --report html=verify.html',
  ];
  static override usage = '<%= command.id %> <input>... --pcap FILE... [flags]';
  static override strict = false;
  static override flags = {
    ...inputFlags,
    ...replayFlags,
    pcap: Flags.string({
      description: 'capture to replay, pcap or pcapng; repeatable; `-` for standard input',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
    }),
    left: Flags.string({ description: 'the reference', options: ['rules', 'netfilter'], default: 'rules' }),
    right: Flags.string({
      description:
        'the program: in process, test-run by the kernel, or netfilter programs at the hooks of a namespace',
      options: ['vm', 'kernel', 'netfilter-bpf'],
      default: 'vm',
    }),
    attach: Flags.string({
      description:
        'where the program on vm or kernel attaches: tc; tc,xdp; or xdp, of which drops alone are judged and all ' +
        'else is deferred',
      helpValue: 'KINDS',
      default: DEFAULT_ATTACH.join(','),
    }),
    report: Flags.string({
      description: `form of the report: ${REPORT_FORMATS.join(', ')}; repeatable`,
      helpValue: 'FORMAT[=FILE]',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Verify);
    const requests = (flags.report ?? [flags.json ? 'json' : 'text']).map((text) => {
      const request = parseReportRequest(text);
      if (request !== undefined) return request;
      throw new Errors.CLIError(
        `--report ${text}: expected FORMAT[=FILE], FORMAT one of ${REPORT_FORMATS.join(', ')}`,
      );
    });
    const waivers = readWaivers(flags.waive);
    const attach = readAttachSet(flags.attach, ['tc', 'tc,xdp', 'xdp']);
    const { captures, inputs } = await splitCaptures(argv as string[], flags.pcap);
    const input = await loadArguments(inputs, flags);
    this.tellDiagnostics(input.diagnostics);
    const ingress = await readIngress(flags.ingress, input.host);
    const progress = new Progress('verify', await totalBytes(captures), this.showsProgress(flags.json));
    const sides = { left: flags.left as RunnerName, right: flags.right as RunnerName };
    const checksums = flags.checksums === 'trust' ? 'trust' : 'verify';
    const verification = new Verification({
      sides,
      ruleset: input.ruleset,
      captures,
      waivers: flags.waive ?? [],
      notes: notesFor(sides, input),
    });
    const runners: Runner[] = [];
    try {
      for (const name of [sides.left, sides.right]) {
        runners.push(await openRunner(name, input, { checksums, trace: true, waivers, attach }));
      }
      const batches = replayPackets(captures, ingress, input.host, ({ bytesRead, packets }) => {
        progress.update(bytesRead, `${packets} packets`);
      });
      await verifyBatches(batches, runners[0]!, runners[1]!, verification);
    } finally {
      progress.end();
      for (const runner of runners) await runner.close();
    }
    const report = verification.report();
    for (const { format, file } of requests) {
      const color = file === undefined && this.useColor(process.stdout);
      const text = render(report, format, { color });
      await (file === undefined ? this.putStreaming(text) : writeOutputFile(file, text));
    }
    this.exit(report.same ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

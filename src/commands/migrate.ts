// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core';
import { BaseCommand, inputFlags } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { loadArguments, readWaivers } from '../cli/inputs.js';
import { attachView, migrate } from '../migrate/migrate.js';
import { writeFolder } from '../migrate/output-folder.js';
import { readAttachSet } from '../cli/attach.js';
import { DEFAULT_ATTACH } from '../program/attach-kind.js';
import { assess } from '../ruleset/assess/assess.js';
import { whatStandsAgainst } from '../ruleset/assess/messages.js';

export default class Migrate extends BaseCommand {
  static override summary = 'Turn rules into a TC program, with tables, loader and report';
  static override description =
    'Writes a folder: the model, C, object and tables, a script that loads them in observe mode, what became of ' +
    'each rule (report.md, report.html, report.json), and digests. Exit 0: done. 1: something is not exact and not waived: model and report, no ' +
    'program. 2: nothing written.';
  static override examples = [
    '<%= config.bin %> migrate snapshot/ -o out/',
    '<%= config.bin %> migrate rules.v4 ipset.save --host host.json -o out/',
    '<%= config.bin %> migrate snapshot/ --attach auto -o out/',
    '<%= config.bin %> migrate snapshot/ --attach tc,xdp -o out/',
    '<%= config.bin %> migrate rules.v4 --attach netfilter --waive IPT0439 -o out/',
    '<%= config.bin %> migrate old.v4 --waive IPT0310@filter/INPUT:7 -o out/ --json',
  ];
  static override usage = '<%= command.id %> <input>... -o DIR [flags]';
  static override strict = false;
  static override flags = {
    ...inputFlags,
    output: Flags.string({
      char: 'o',
      description: 'folder to write; one that an earlier migration wrote is replaced',
      helpValue: 'DIR',
      required: true,
    }),
    attach: Flags.string({
      description:
        'where programs attach: tc (each interface), tc,xdp (and early drops before it), or netfilter (the hooks ' +
        'of iptables; no REJECT answers); auto: the best for these rules, with reasons',
      helpValue: 'KINDS',
      default: DEFAULT_ATTACH.join(','),
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Migrate);
    const waivers = readWaivers(flags.waive);
    const attach = flags.attach === 'auto' ? 'auto' : readAttachSet(flags.attach);
    const input = await loadArguments(argv as string[], flags);
    const { report, files, diagnostics } = await migrate(input, waivers, this.config.version, attach);
    await writeFolder(flags.output, files);
    const assessment = assess({ ...input, ...attachView(input, report.attach.kinds) }, waivers);
    this.tellDiagnostics([...diagnostics, ...whatStandsAgainst(input, assessment)]);
    for (const { text } of assessment.unusedWaivers) this.tell(`waiver ${text} accepts nothing here`);
    if (flags.json) this.putJson(report);
    else this.put(summary(report, flags.output));
    this.exit(report.ok ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

function summary(
  { ok, summary: counts, program, files, attach }: Awaited<ReturnType<typeof migrate>>['report'],
  folder: string,
): string {
  if (!ok || program === undefined) {
    return `no program: see ${folder}/report.md for what stands against it (${counts.rules} rules)`;
  }
  const loader = files.includes('load.sh') ? `${folder}/load.sh load` : `ipt2ebpf load ${folder}`;
  const chosen =
    attach.reasons === undefined ? '' : `attaches to ${attach.kinds.join(',')}: ${attach.reasons[0]!}\n`;
  return (
    `${chosen}${counts.rules} rules -> ${folder}/program.o (${program.objectBytes} bytes, table ${program.tableBytes})\n` +
    `what became of each rule: ${folder}/report.md; load in observe mode: ${loader}`
  );
}

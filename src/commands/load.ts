// SPDX-License-Identifier: Apache-2.0
import { Args, Errors, Flags } from '@oclif/core';
import { BaseCommand, inputFlags } from '../cli/base-command.js';
import { EXIT_CODE } from '../cli/exit-code.js';
import { readWaivers } from '../cli/inputs.js';
import { parseGuard } from '../live/guard/guard-text.js';
import { loadAndEnforce, type LoadReport } from '../live/load-report.js';

export default class Load extends BaseCommand {
  static override summary = 'Attach a migrated program to the running host: observing, or enforcing on trial';
  static override description =
    'Loads the folder that `migrate` wrote, once, pins programs and maps under /sys/fs/bpf/ipt2ebpf, and attaches ' +
    'them in observe mode: every packet passes, verdicts are counted beside the live iptables. The running host ' +
    'must be what was migrated; differences are named and can be waived. With --enforce programs decide, and ' +
    'everything goes back by itself unless `ipt2ebpf confirm` comes in time. Safe to repeat: attaches what is ' +
    'missing, and brings to an end what a crash cut off. Connections that the kernel follows already are carried ' +
    'over to TC programs; those that cannot be are listed. Another program is refused until `ipt2ebpf unload`. ' +
    'With --guard every packet of a flow, requests and answers in every connection state, is first proven to be ' +
    'accepted; else nothing is attached, and a packet and the rule that drops it are shown. ' +
    'Exit 0: done. 1: the host differs or a guard is not proven, nothing has changed. 2: trouble.';
  static override examples = [
    '<%= config.bin %> load out/',
    '<%= config.bin %> load out/ --enforce --rollback-after 60',
    "<%= config.bin %> load out/ --guard 'tcp from 192.0.2.0/24 to port 22'",
    '<%= config.bin %> load out/ --enforce --rollback-after 60 --flush-iptables --json',
  ];
  static override args = {
    folder: Args.string({ name: 'DIR', description: 'what `migrate` wrote', required: true }),
  };
  static override usage = '<%= command.id %> DIR [flags]';
  static override flags = {
    enforce: Flags.boolean({ description: 'let programs decide; needs --rollback-after' }),
    'rollback-after': Flags.integer({
      description: 'go back to iptables alone unless `ipt2ebpf confirm` comes within so many seconds',
      helpValue: 'SECONDS',
      min: 1,
      max: 86_400,
    }),
    'flush-iptables': Flags.boolean({
      description:
        'once programs enforce, empty the tables they carry; saved, and restored by rollback and unload',
    }),
    guard: Flags.string({
      description:
        'a flow to this host that must not be cut, proven before anything attaches: ' +
        '`tcp|udp|ping [from ADDRESS,...] [to [ADDRESS,...] [port PORT,...]] [in INTERFACE,...]`; repeatable',
      helpValue: "'tcp from 192.0.2.0/24 to port 22'",
      multiple: true,
    }),
    waive: inputFlags.waive,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Load);
    const seconds = flags['rollback-after'];
    refuseHalf(flags.enforce, seconds, flags['flush-iptables']);
    const report = await loadAndEnforce(
      args.folder,
      readWaivers(flags.waive),
      flags.enforce && seconds !== undefined
        ? { rollbackAfter: seconds, flush: flags['flush-iptables'] }
        : undefined,
      (flags.guard ?? []).map(parseGuard),
    );
    this.tellDiagnostics(report.diagnostics);
    for (const note of [...report.notes, ...leftConnections(report)]) this.tell(note);
    if (flags.json) this.putJson(report);
    else this.put(summary(report));
    this.exit(report.ok ? EXIT_CODE.ok : EXIT_CODE.differs);
  }
}

/** A switch that nobody can take back is none. */
function refuseHalf(enforce: boolean, seconds: number | undefined, flush: boolean): void {
  let why: string | undefined;
  if (enforce && seconds === undefined)
    why = '--enforce needs --rollback-after SECONDS: without a way back a wrong rule locks you out';
  else if (!enforce && seconds !== undefined) why = '--rollback-after goes with --enforce';
  else if (!enforce && flush)
    why = '--flush-iptables goes with --enforce: programs that observe drop nothing';
  if (why !== undefined) throw new Errors.CLIError(why, { exit: EXIT_CODE.trouble });
}

const MOST_TOLD = 10;

function leftConnections({ connections }: LoadReport): string[] {
  if (connections === null) return [];
  const told = connections.leftFirst.slice(0, MOST_TOLD);
  const more = connections.left - told.length;
  return [
    ...told.map(({ connection, reason }) => `not carried over: ${connection}: ${reason}`),
    ...(more > 0 ? [`not carried over: ${String(more)} more (--json lists the first 100)`] : []),
  ];
}

function summary(report: LoadReport): string {
  if (!report.ok) {
    const isGuarded = report.guards.every(({ outcome }) => outcome === 'proven');
    return `not loaded: ${isGuarded ? 'the running host is not what was migrated' : 'a guard is not proven'}`;
  }
  const lines = [
    `${report.mode === 'enforce' ? 'enforcing' : 'observing'} on ${report.interfaces.join(', ')}`,
  ];
  for (const { guard, states } of report.guards)
    lines.push(`guard \`${guard}\` is proven: every packet is accepted (${states.join(', ')})`);
  if (report.connections !== null)
    lines.push(
      `connections carried over from the kernel: ${String(report.connections.carried)}, not carried over: ${String(report.connections.left)}`,
    );
  if (report.emptied.length > 0) lines.push(`iptables emptied: ${report.emptied.join(', ')}`);
  if (report.rollback !== null)
    lines.push(`goes back by itself at ${report.rollback.deadline} unless confirmed: ipt2ebpf confirm`);
  return lines.join('\n');
}

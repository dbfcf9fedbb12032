// SPDX-License-Identifier: Apache-2.0
// How to go on after a migration: sentences for both forms of its report. Code stands between backticks.
import type { AttachKind } from '../program/attach-kind.js';

/** In order. `files`: what the migration folder holds. */
export function nextSteps(ok: boolean, kinds: readonly AttachKind[], files: readonly string[]): string[] {
  if (!ok) {
    return [
      'For each rule that stands against a program: change it, or accept it by name with `--waive CODE[@table/CHAIN[:N]]`. A waived rule that a program cannot hold is left out of it.',
      'Run `ipt2ebpf migrate` again.',
    ];
  }
  const sides = kinds.includes('netfilter') ? ' --left netfilter --right netfilter-bpf' : '';
  const script = files.includes('load.sh')
    ? ' On a host without Node, `./load.sh load` does the same, `./load.sh status` prints the counts and `./load.sh unload` takes it away.'
    : '';
  return [
    `Compare with recorded traffic: \`ipt2ebpf verify <the same inputs> --pcap capture.pcap${sides}\`.`,
    `Observe on the host: \`ipt2ebpf load DIR\` (DIR: this folder) attaches the programs beside iptables; every packet passes, verdicts are counted per rule.${script}`,
    'Let programs decide, on trial: `ipt2ebpf load DIR --enforce --rollback-after 60 --flush-iptables`. All goes back by itself after 60 seconds unless `ipt2ebpf confirm` comes first.',
    'Give the host back to iptables at any time: `ipt2ebpf unload`.',
  ];
}

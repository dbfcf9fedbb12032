// SPDX-License-Identifier: Apache-2.0
// A status for people, in the form of `iptables -L -v -n -x --line-numbers`: exact figures, rules in their own words.
import { printable } from '../diagnostics/printable.js';
import type { StatusChain } from './status-chains.js';
import type { Pinned, StatusReport } from './status.js';

export function statusText(report: StatusReport): string {
  const { problems, mode, since, attach, interfaces, rollback, emptied, programs, maps } = report;
  const lines: string[] = [];
  if (mode !== null && since !== null) {
    lines.push(`${mode === 'enforce' ? 'enforcing' : 'observing'} since ${since}, by ${attach.join(', ')}`);
    lines.push(`interfaces: ${interfaces.join(', ')}`);
  }
  if (rollback !== null)
    lines.push(`goes back by itself at ${rollback.deadline} unless confirmed: ipt2ebpf confirm`);
  if (emptied.length > 0) lines.push(`iptables emptied: ${emptied.join(', ')}`);
  if (programs.length > 0) lines.push(`programs: ${ids(programs)}`, `maps: ${ids(maps)}`);
  lines.push(...problems.map((problem) => `! ${printable(problem)}`));
  for (const chain of report.chains) lines.push('', ...chainLines(chain));
  return lines.join('\n');
}

function ids(all: readonly Pinned[]): string {
  return all.map(({ name, id }) => `${name} ${String(id)}`).join(', ');
}

function chainLines({ family, table, chain, chainPolicy, end, rules }: StatusChain): string[] {
  const count = end === null ? '' : `${String(end.packets)} packets, ${String(end.bytes)} bytes`;
  const last =
    chainPolicy === null
      ? end === null
        ? 'in no program'
        : `end ${count}`
      : `policy ${chainPolicy} ${count}`;
  return [
    `${family} ${table}: Chain ${printable(chain)} (${last})`,
    `${'num'.padEnd(5)}${'pkts'.padStart(12)}${'bytes'.padStart(15)}  rule`,
    ...rules.map(
      ({ number, text, counted }) =>
        String(number).padEnd(5) +
        (counted === null ? '-' : String(counted.packets)).padStart(12) +
        (counted === null ? '-' : String(counted.bytes)).padStart(15) +
        `  ${printable(text)}`,
    ),
  ];
}

// SPDX-License-Identifier: Apache-2.0
// The bench report as text: aligned tables, with the ratios that the figures are for.
import type { BenchReport } from './main.js';

/** Aims of the project: packets a second of a runner; growth of the TC program's cost from the smallest to 5,000 rules. */
const AIM_PACKETS_PER_SECOND: Readonly<Record<string, number>> = {
  rules: 300_000,
  vm: 300_000,
  kernel: 300_000,
};
const AIM_RATIO = 2;

export function renderTables(report: BenchReport): string {
  const { machine, replay, path, notMeasured } = report;
  const lines = [
    `${machine.cpu}, ${String(machine.cores)} cores, Linux ${machine.kernel}, Node ${machine.node}`,
    '',
  ];
  if (replay.length > 0) {
    lines.push(
      ...table(
        ['runner', 'packets', 'packets/s', 'aim', 'MiB in use at 10%', '50%', '100%', 'peak RSS'],
        replay.map((each) => {
          const aim = AIM_PACKETS_PER_SECOND[each.runner];
          const met =
            aim === undefined ? '-' : each.packetsPerSecond >= aim ? 'met' : `missed (${grouped(aim)})`;
          return [
            each.runner,
            grouped(each.packets),
            grouped(each.packetsPerSecond),
            met,
            ...each.liveMiB.map(String),
            String(each.peakRssMiB),
          ];
        }),
      ),
      '',
    );
  }
  if (replay.length > 1) lines.push(verdictLine(replay), '');
  if (path.length > 0) lines.push(...pathTable(report), '');
  lines.push(...notMeasured.map((each) => `not measured: ${each}`));
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Whether all runners came to the same tally of verdicts. */
function verdictLine(replay: BenchReport['replay']): string {
  const tally = ({ verdicts }: BenchReport['replay'][number]): string =>
    Object.entries(verdicts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([verdict, count]) => `${verdict} ${grouped(count)}`)
      .join(', ');
  const [first] = replay.map(tally);
  if (replay.every((each) => tally(each) === first)) return `verdicts, the same on all: ${first ?? ''}`;
  return [
    ...replay.map((each) => `verdicts of ${each.runner}: ${tally(each)}`),
    "rules, vm and kernel live by the capture's clock, netfilter by the real one: connections time out at other packets",
  ].join('\n');
}

function pathTable({ path }: BenchReport): string[] {
  const sizes = [...new Set(path.filter(({ rules }) => rules > 0).map(({ rules }) => rules))];
  const cost = (filter: string, rules: number): number | undefined =>
    path.find((each) => each.filter === filter && each.rules === rules)?.nsPerPacket;
  const base = cost('none', 0) ?? Number.NaN;
  const rows = ['tc', 'iptables-legacy', 'iptables-nft'].map((filter) => [
    filter,
    ...sizes.map((rules) => grouped(cost(filter, rules) ?? Number.NaN)),
  ]);
  const ratios = ['iptables-legacy', 'iptables-nft'].map((filter) => [
    `${filter} / tc`,
    ...sizes.map((rules) =>
      ((cost(filter, rules) ?? Number.NaN) / (cost('tc', rules) ?? Number.NaN)).toFixed(2),
    ),
  ]);
  const [first, last] = [sizes[0] ?? 0, sizes.at(-1) ?? 0];
  const growth = (cost('tc', last) ?? Number.NaN) / (cost('tc', first) ?? Number.NaN);
  const lost = path.filter(({ delivered }) => delivered < 0.999);
  return [
    `ns per accepted packet, source and veth included (${grouped(base)} without a filter); the accepting rule is the last`,
    ...table(['filter', ...sizes.map((rules) => `${grouped(rules)} rules`)], [...rows, ...ratios]),
    `tc: ${grouped(last)} rules cost ${growth.toFixed(2)} times ${grouped(first)} rules: ${growth <= AIM_RATIO ? 'aim met' : 'aim missed'} (${String(AIM_RATIO)})`,
    ...lost.map(
      ({ filter, rules, delivered }) =>
        `${filter}, ${grouped(rules)} rules: only ${(delivered * 100).toFixed(1)}% arrived: no figure`,
    ),
  ];
}

/** Left-aligned first column, right-aligned others. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  return [line(head), ...rows.map(line)];
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

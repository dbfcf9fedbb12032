// SPDX-License-Identifier: Apache-2.0
// What a snapshot holds and what it lacks, for a person.
import type { SnapshotSummary } from './take.js';

export function summaryText(summary: SnapshotSummary, folder: string): string {
  const lines: string[] = [];
  for (const { family, backend, tables, beside } of summary.rules) {
    const told = tables.map(({ table, rules }) => `${table} ${String(rules)}`).join(', ');
    lines.push(`rules ${family} (${backend}): ${told === '' ? 'none' : told}`);
    if (beside === undefined) continue;
    const suffix = family === 'ipv4' ? 'v4' : 'v6';
    lines.push(
      `warning: ${backend} and ${beside.backend} rules are loaded together for ${family}: ` +
        `${String(beside.rules)} ${beside.backend} rules are in beside.${suffix}, which no other command migrates ` +
        `(--backend ${beside.backend} takes those)`,
    );
  }
  const counts = [
    [summary.sets, 'sets'],
    [summary.interfaces, 'interfaces'],
    [summary.routes, 'routes beside those of addresses'],
    [summary.connections, 'connections'],
  ] as const;
  for (const [count, noun] of counts) if (count !== undefined) lines.push(`${noun}: ${String(count)}`);
  for (const { file, why, suggestion } of summary.lacking)
    lines.push(`not read for ${file}: ${why}${suggestion === undefined ? '' : ` (try: ${suggestion})`}`);
  for (const note of summary.notes) lines.push(`note: ${note}`);
  lines.push(`written to ${folder}`);
  return lines.join('\n');
}

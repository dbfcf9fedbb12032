// SPDX-License-Identifier: Apache-2.0
// The installed iptables 1.8.9 (legacy) as judge: rules go, one at a time, into an empty network namespace,
// and what iptables-save prints of each comes back. Needs root, unshare(1) and the legacy binaries.
import { spawnSync } from 'node:child_process';
import type { Family } from '../../src/net/family.js';

export interface OracleRow {
  readonly family: Family;
  readonly table: string;
  /** Lines between `*table` and COMMIT: chain lines, if any, and the rule. */
  readonly lines: readonly string[];
}

export interface OracleAnswer {
  readonly accepted: boolean;
  /** The `-A` lines that were printed, when accepted. */
  readonly saved: readonly string[];
  /** What iptables-restore complained of. */
  readonly message: string;
}

const SCRIPT = `
export XTABLES_LOCKFILE=$(mktemp)
ip link set lo up
[ -n "$PREPARE" ] && eval "$PREPARE" >/dev/null 2>&1
while IFS= read -r header; do
  set -- $header
  tool=$1 table=$2 count=$3 text=''
  while [ "$count" -gt 0 ]; do IFS= read -r line; text="$text$line
"; count=$((count - 1)); done
  if message=$(printf '*%s\\n%sCOMMIT\\n' "$table" "$text" | $tool-legacy-restore 2>&1); then echo '+'; else echo '-'; fi
  printf '%s\\n' "$message" | tr '\\n' ' '; echo
  $tool-legacy-save -t "$table" 2>/dev/null | grep -- '^-A'
  echo '.'
  printf '*%s\\nCOMMIT\\n' "$table" | $tool-legacy-restore >/dev/null 2>&1
done
rm -f "$XTABLES_LOCKFILE"
`;

/** Why the judge can't be asked here; undefined when it can. */
export function oracleMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const probe = spawnSync('unshare', ['-n', 'iptables-legacy-restore', '--version'], { encoding: 'utf8' });
  if (probe.status !== 0) return 'no unshare -n or no iptables-legacy-restore';
  return probe.stdout.includes('v1.8.9') ? undefined : `not iptables 1.8.9 but ${probe.stdout.trim()}`;
}

/** Asks for all rows in one namespace. `prepare` is shell text run there first (ipset, nfacct). */
export function askIptables(rows: readonly OracleRow[], prepare = ''): OracleAnswer[] {
  const input = rows
    .map((row) => {
      const tool = row.family === 'ipv4' ? 'iptables' : 'ip6tables';
      return [`${tool} ${row.table} ${row.lines.length}`, ...row.lines].join('\n') + '\n';
    })
    .join('');
  const run = spawnSync('unshare', ['-n', 'bash', '-c', SCRIPT], {
    input: Buffer.from(input, 'latin1'),
    encoding: 'latin1',
    env: { ...process.env, PREPARE: prepare, LC_ALL: 'C' },
    maxBuffer: 1 << 30,
  });
  const lines = run.stdout.split('\n');
  const answers: OracleAnswer[] = [];
  for (let i = 0; i < lines.length - 1;) {
    const accepted = lines[i++] === '+';
    const message = lines[i++]!.trim();
    const saved: string[] = [];
    while (lines[i] !== '.') saved.push(lines[i++]!);
    i++;
    answers.push({ accepted, saved: accepted ? saved : [], message });
  }
  if (answers.length !== rows.length) throw new Error(`asked ${rows.length} rows, ${answers.length} answers`);
  return answers;
}

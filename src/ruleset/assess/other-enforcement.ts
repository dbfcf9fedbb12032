// SPDX-License-Identifier: Apache-2.0
// What else judges packets on the host of a snapshot: native nft tables, the other iptables backend, eBPF
// programs. None of it is migrated; taking iptables away beside it must be a decision, not a surprise.
// Codes IPT0710 to IPT0719.
import type { SaveFileNode } from '../../ast/nodes.js';
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { SourceFile, Span } from '../../source/span.js';

/** Texts of a snapshot about it, as the host's own tools print them. */
export interface OtherEnforcement {
  /** `nft list ruleset`. */
  readonly nft?: SourceFile;
  /** Programs attached to interfaces and control groups: `bpftool` output as JSON. */
  readonly bpf?: SourceFile;
}

/** One plane besides the dump. */
export interface OtherPlane {
  readonly kind: 'nft' | 'iptables-nft' | 'xdp' | 'tc' | 'cgroup';
  /** Table, interface or control group. */
  readonly name: string;
  readonly span: Span;
}

export function findOtherPlanes(other: OtherEnforcement, files: readonly SaveFileNode[]): OtherPlane[] {
  return [...(other.nft ? nftPlanes(other.nft, files) : []), ...(other.bpf ? bpfPlanes(other.bpf) : [])];
}

export function otherPlaneMessage(plane: OtherPlane): Diagnostic {
  const told: Record<OtherPlane['kind'], readonly [string, string]> = {
    nft: ['IPT0710', `the native nft table \`${plane.name}\` judges packets too and is not migrated`],
    'iptables-nft': [
      'IPT0711',
      `iptables-nft rules are loaded beside the legacy ones of this dump (table \`${plane.name}\`)`,
    ],
    xdp: ['IPT0712', `an XDP program on \`${plane.name}\` judges packets before iptables does`],
    tc: ['IPT0713', `a TC program on \`${plane.name}\` judges packets beside iptables`],
    cgroup: ['IPT0714', `a control group program on \`${plane.name}\` judges packets beside iptables`],
  };
  const [code, message] = told[plane.kind];
  return { code, severity: 'warning', message, span: plane.span };
}

/** Tables that iptables-nft keeps for itself, as `nft list ruleset` prints them. */
const IPTABLES_TABLES = /^(?:ip|ip6) (?:raw|mangle|nat|filter|security)$/;

function nftPlanes(source: SourceFile, files: readonly SaveFileNode[]): OtherPlane[] {
  const planes: OtherPlane[] = [];
  const lines = source.text.split('\n');
  const legacy = files.some((file) => file.backend === 'legacy');
  const dumped = new Set(
    files.flatMap((file) =>
      file.tables.map((table) => `${file.family === 'ipv4' ? 'ip' : 'ip6'} ${table.name}`),
    ),
  );
  for (const [i, text] of lines.entries()) {
    const name = /^table (\S+ \S+) \{/.exec(text)?.[1];
    if (name === undefined) continue;
    // A table without base chains is never asked.
    const end = lines.indexOf('}', i);
    const hooked = lines.slice(i, end < 0 ? undefined : end).some((line) => /\btype \w+ hook \w+/.test(line));
    if (!hooked) continue;
    const span = { file: source.name, line: i + 1, column: 1, endColumn: text.length + 1 };
    const managed =
      IPTABLES_TABLES.test(name) && (lines[i - 1]?.includes('managed by iptables-nft') ?? false);
    if (!managed && !(IPTABLES_TABLES.test(name) && dumped.has(name)))
      planes.push({ kind: 'nft', name, span });
    else if (legacy) planes.push({ kind: 'iptables-nft', name, span });
  }
  return planes;
}

/** `bpftool -j net show`: a list of objects with lists `xdp` and `tc`; `bpftool -j cgroup tree`: entries with `cgroup`. */
function bpfPlanes(source: SourceFile): OtherPlane[] {
  const span = { file: source.name, line: 1, column: 1, endColumn: 2 };
  const planes: OtherPlane[] = [];
  let json: unknown;
  try {
    json = JSON.parse(source.text);
  } catch {
    return planes;
  }
  for (const entry of Array.isArray(json) ? json : [json]) {
    if (!isRecord(entry)) continue;
    for (const kind of ['xdp', 'tc'] as const) {
      const list = entry[kind];
      if (!Array.isArray(list)) continue;
      for (const one of list)
        if (isRecord(one)) planes.push({ kind, name: String(one['devname'] ?? one['ifindex']), span });
    }
    if (typeof entry['cgroup'] === 'string') planes.push({ kind: 'cgroup', name: entry['cgroup'], span });
  }
  return planes;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// SPDX-License-Identifier: Apache-2.0
// SUPPORT.md from the support table: what of iptables 1.8.9 is carried over, and what is not and why.
import { MATCH_SHAPES } from '../../../grammar/extensions/matches.js';
import { TARGET_SHAPES } from '../../../grammar/extensions/targets.js';
import type { ExtensionShape } from '../../../grammar/options.js';
import {
  ABSENT_SET,
  CT_TEMPLATE,
  EXPECTED_CONNECTION,
  HEADER_SUPPORT,
  IDLE,
  MARK_ROUTING,
  NAT_POLICY_DROP,
  NAT_SIDE_EFFECT,
  SET_OPTION,
  SET_TIMEOUT,
  SET_TYPE_SUPPORT,
  SET_UNREAD,
  SET_WITHOUT_MAC,
  TABLE_SUPPORT,
  TRANSLATED_CONNECTION,
  UNREACHABLE,
  UNREAD,
} from './context.js';
import { EXACT, optionSupport, type ExtensionSupport, type Support } from './support.js';
import { MATCH_SUPPORT } from './matches.js';
import { NETFILTER_TARGET_SUPPORT, TARGET_SUPPORT } from './targets.js';

const INTRODUCTION = `# What is carried over

Made from the support table (\`src/ruleset/support/\`) by \`npm run docs\`; \`check\` and \`migrate\` read the same table.

- **exact**: the program decides and does the same.
- **no effect**: not carried over, and no verdict can change by it.
- **approximate**: the program may match more (over) or fewer (under) packets. No program is made, unless waived.
- **unsupported**: not carried over. No program is made, unless waived.

A waiver names the code in the last column: \`--waive IPT0310@filter/INPUT:7\`.
Everything listed is read, checked and printed back, whatever its state.
`;

const NETFILTER_INTRODUCTION = `# Where programs attach

All above is said of \`--attach tc\`. Netfilter programs judge at the hooks of iptables, with the kernel's own
connections and whole datagrams, and cannot write to packets. So the table filter is carried over, raw and mangle
where all their rules only judge (ACCEPT, DROP, RETURN, LOG, user chains; mangle where nat is empty besides), and
every other table stays with iptables as it is: its rules need not be supported. What differs in the tables carried
over:
`;

/** The whole text; ends with a newline. */
export function supportDocument(): string {
  return [
    INTRODUCTION,
    section('Header options', ['option'], named(HEADER_SUPPORT)),
    section('Tables', ['table'], named(TABLE_SUPPORT)),
    section('Matches', ['match', 'options'], extensionRows(MATCH_SHAPES, MATCH_SUPPORT)),
    section(
      'Targets',
      ['target', 'options'],
      [
        [['a user chain (`-j`, `-g`)', ''], { state: 'exact' }],
        [['no target', ''], { state: 'exact' }],
        ...extensionRows(TARGET_SHAPES, TARGET_SUPPORT),
      ],
    ),
    section('Set types', ['type'], named(SET_TYPE_SUPPORT)),
    section(
      'Rules and sets as a whole',
      ['what'],
      [
        [['a rule that no packet reaches'], UNREACHABLE],
        [['a rule without target, or with one that only observes, unless a match remembers or drops'], IDLE],
        [['a rule that could not be read'], UNREAD],
        [['`MARK`, `LOG` or a match that remembers in the nat table'], NAT_SIDE_EFFECT],
        [['policy DROP in the nat table'], NAT_POLICY_DROP],
        [['`CT` without `--notrack`'], CT_TEMPLATE],
        [['`MARK` in PREROUTING or OUTPUT, on a host with policy rules that ask for marks'], MARK_ROUTING],
        [['a set that is in no input'], ABSENT_SET],
        [['a set with members that have a timeout'], SET_TIMEOUT],
        [['`netmask`, `bitmask`, `markmask` of a set, except for hash:ip and bitmap:ip'], SET_OPTION],
        [['a bitmap:ip,mac with members without MAC address'], SET_WITHOUT_MAC],
        [['a set with lines that could not be read'], SET_UNREAD],
      ],
    ),
    NETFILTER_INTRODUCTION,
    section(
      'With `--attach netfilter`',
      ['what'],
      [
        [['`-f`'], EXACT],
        ...Object.entries(NETFILTER_TARGET_SUPPORT).map(([name, { base }]): Row => [
          [`\`-j ${name}\``],
          base,
        ]),
        [
          ['`--ctstate SNAT` or `DNAT`, `--ctreplsrc`, `--ctrepldst`, where the nat table translates'],
          TRANSLATED_CONNECTION,
        ],
        [['`--ctstatus EXPECTED`'], EXPECTED_CONNECTION],
      ],
    ),
  ].join('\n');
}

type Row = readonly [readonly string[], Support];

function named(table: Readonly<Record<string, Support>>): Row[] {
  return Object.entries(table).map(([name, support]) => [[`\`${name}\``], support]);
}

/** One row for the extension and its options that fare alike, then one for each other fate. */
function extensionRows(
  shapes: readonly ExtensionShape[],
  table: Readonly<Record<string, ExtensionSupport>>,
): Row[] {
  const options = new Map<string, Set<string>>();
  for (const shape of shapes) {
    const names = options.get(shape.name) ?? new Set<string>();
    for (const option of shape.options) names.add(option.name);
    options.set(shape.name, names);
  }
  const rows: Row[] = [];
  for (const name of [...options.keys()].sort()) {
    const row = table[name]!;
    const fates = new Map<string, { readonly support: Support; readonly names: string[] }>();
    fates.set(JSON.stringify(row.base), { support: row.base, names: [] });
    for (const option of options.get(name)!) {
      const support = optionSupport(row, option);
      const key = JSON.stringify(support);
      const fate = fates.get(key);
      if (fate === undefined) fates.set(key, { support, names: [option] });
      else fate.names.push(option);
    }
    for (const { support, names } of fates.values())
      rows.push([[`\`${name}\``, names.map((option) => `\`${option}\``).join(' ')], support]);
  }
  return rows;
}

function section(title: string, heads: readonly string[], rows: readonly Row[]): string {
  const columns = [...heads, 'state', 'why', 'code'];
  const lines = rows.map(([cells, support]) =>
    tableRow([...cells, stateText(support), support.reason ?? '', support.code ?? '']),
  );
  return [`## ${title}`, '', tableRow(columns), tableRow(columns.map(() => '---')), ...lines, ''].join('\n');
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function stateText({ state, direction }: Support): string {
  if (state === 'no-effect') return 'no effect';
  return direction === undefined
    ? state
    : `${state} (${direction === 'both' ? 'over and under' : direction})`;
}

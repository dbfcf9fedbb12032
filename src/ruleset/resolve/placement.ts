// SPDX-License-Identifier: Apache-2.0
// Where the kernel lets a match or target stand: struct xt_match and xt_target name a table, hooks and a
// protocol (net/netfilter/x_tables.c xt_check_match, xt_check_target), and some ask for more in their
// checkentry functions. Hooks are judged over all built-in chains that lead to a rule.
import type { MatchNode } from '../../ast/nodes.js';
import type { Family } from '../../net/family.js';
import type { Match } from '../matches/index.js';
import type { RuleHeader } from '../ruleset.js';
import type { Target } from '../targets/index.js';

/** A built-in chain as hook: all tables share the five. */
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

interface Placement {
  readonly tables?: readonly string[];
  readonly hooks?: readonly Hook[];
  /** The rule must be limited to one of these protocols. */
  readonly protocols?: readonly number[];
}

const TCP = 6;
const UDP = 17;

const MANGLE: Placement = { tables: ['mangle'] };
const NAT_DESTINATION: Placement = { tables: ['nat'], hooks: ['PREROUTING', 'OUTPUT'] };
const NAT_SOURCE: Placement = { tables: ['nat'], hooks: ['POSTROUTING', 'INPUT'] };
const SECURITY: Placement = { tables: ['mangle', 'security'] };

const TARGETS: Readonly<Record<string, Placement>> = {
  CHECKSUM: MANGLE,
  CLASSIFY: { hooks: ['OUTPUT', 'FORWARD', 'POSTROUTING'] },
  CONNSECMARK: SECURITY,
  CT: { tables: ['raw'] },
  DNAT: NAT_DESTINATION,
  DNPT: { tables: ['mangle'], hooks: ['PREROUTING', 'OUTPUT'] },
  DSCP: MANGLE,
  ECN: MANGLE,
  HL: MANGLE,
  MASQUERADE: { tables: ['nat'], hooks: ['POSTROUTING'] },
  NETMAP: { tables: ['nat'], hooks: ['PREROUTING', 'POSTROUTING', 'OUTPUT', 'INPUT'] },
  NOTRACK: { tables: ['raw'] },
  REDIRECT: NAT_DESTINATION,
  REJECT: { tables: ['filter'], hooks: ['INPUT', 'FORWARD', 'OUTPUT'] },
  SECMARK: SECURITY,
  SNAT: NAT_SOURCE,
  SNPT: { tables: ['mangle'], hooks: ['INPUT', 'POSTROUTING'] },
  SYNPROXY: { hooks: ['INPUT', 'FORWARD'], protocols: [TCP] },
  TCPMSS: { protocols: [TCP] },
  TCPOPTSTRIP: { tables: ['mangle'], protocols: [TCP] },
  TOS: MANGLE,
  TPROXY: { tables: ['mangle'], hooks: ['PREROUTING'], protocols: [TCP, UDP] },
  TRACE: { tables: ['raw'] },
  TTL: MANGLE,
};

const SOCKET_SIDE: Placement = { hooks: ['OUTPUT', 'POSTROUTING'] };

const MATCHES: Readonly<Record<string, Placement>> = {
  ah: { protocols: [51] },
  cgroup: { hooks: ['OUTPUT', 'POSTROUTING', 'INPUT'] },
  dccp: { protocols: [33] },
  esp: { protocols: [50] },
  eui64: { hooks: ['PREROUTING', 'INPUT', 'FORWARD'] },
  icmp: { protocols: [1] },
  icmp6: { protocols: [58] },
  ipcomp: { protocols: [108] },
  mac: { hooks: ['PREROUTING', 'INPUT', 'FORWARD'] },
  mh: { protocols: [135] },
  osf: { hooks: ['INPUT', 'PREROUTING', 'FORWARD'], protocols: [TCP] },
  owner: SOCKET_SIDE,
  realm: { hooks: ['POSTROUTING', 'FORWARD', 'OUTPUT', 'INPUT'] },
  rpfilter: { tables: ['mangle', 'raw'], hooks: ['PREROUTING'] },
  sctp: { protocols: [132] },
  socket: { hooks: ['PREROUTING', 'INPUT'] },
  tcp: { protocols: [TCP] },
  tcpmss: { protocols: [TCP] },
  udp: { protocols: [UDP] },
};

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  108: 'ipcomp',
  132: 'sctp',
  135: 'mh',
};

export interface MisplacedRule {
  readonly header: RuleHeader;
  readonly matches: readonly Match[];
  readonly target: Target;
}

/** The name that `-m` takes. */
export function matchName(match: Match): string {
  return match.kind === 'opaque' ? match.name : match.kind;
}

/** Why the kernel refuses a match or target where it stands; undefined when it takes it. */
export function misplaced(
  kind: 'match' | 'target',
  name: string,
  header: RuleHeader,
  family: Family,
  table: string,
  hooks: ReadonlySet<Hook>,
): string | undefined {
  // The IPv6 authentication header is an extension header, which `-p` does not see.
  if (kind === 'match' && name === 'ah' && family === 'ipv6') return undefined;
  const placement = (kind === 'match' ? MATCHES : TARGETS)[name];
  if (placement === undefined) return undefined;
  if (placement.tables?.includes(table) === false)
    return `\`${name}\` is for the ${placement.tables.join(' and ')} table only, not for ${table}`;
  const wrong = [...hooks].find((hook) => placement.hooks?.includes(hook) === false);
  if (wrong !== undefined)
    return `\`${name}\` works in ${placement.hooks!.join(', ')} only, and packets come here from ${wrong}`;
  const { protocol } = header;
  if (
    placement.protocols !== undefined &&
    (protocol === undefined || protocol.negated || !placement.protocols.includes(protocol.value))
  )
    return `\`${name}\` needs ${placement.protocols.map((number) => `\`-p ${PROTOCOL_NAMES[number]}\``).join(' or ')}`;
  return undefined;
}

const ARRIVING: readonly Hook[] = ['PREROUTING', 'INPUT'];
const LEAVING: readonly Hook[] = ['OUTPUT', 'POSTROUTING'];

/** Options, with their argument where it matters, that cannot be used in some hooks. */
const CLOSED_HOOKS: Readonly<Record<string, readonly Hook[]>> = {
  'addrtype --limit-iface-in': LEAVING,
  'addrtype --limit-iface-out': ARRIVING,
  'policy --dir in': LEAVING,
  'policy --dir out': ARRIVING,
  'devgroup --src-group': LEAVING,
  'devgroup --dst-group': ARRIVING,
};

/** The checks that single matches make of their options. */
export function refusedMatch(node: MatchNode, hooks: ReadonlySet<Hook>): string | undefined {
  for (const { name, args } of node.options) {
    const key = `${node.name} ${name}`;
    const closed = CLOSED_HOOKS[key] ?? CLOSED_HOOKS[`${key} ${args[0]?.text ?? ''}`];
    const wrong = closed?.find((hook) => hooks.has(hook));
    if (wrong !== undefined) return `\`${name}\` cannot be used here: packets come from ${wrong}`;
  }
  if (node.name === 'physdev' && hooks.has('OUTPUT')) {
    const out = node.options.find(({ name }) => name === '--physdev-out' || name === '--physdev-is-out');
    const bridged = node.options.some(({ name, negated }) => name === '--physdev-is-bridged' && !negated);
    if (out !== undefined && !bridged)
      return `\`${out.name}\` works for bridged packets only, and packets come here from OUTPUT`;
  }
  return undefined;
}

const PMTU_HOOKS: readonly Hook[] = ['FORWARD', 'OUTPUT', 'POSTROUTING'];
const SYN = 2;

/** The checks that single targets make beyond their placement. */
export function refusedTarget(
  rule: MisplacedRule,
  table: string,
  hooks: ReadonlySet<Hook>,
): string | undefined {
  const { target } = rule;
  if (target.kind === 'verdict' && target.verdict === 'DROP' && table === 'nat')
    return 'the nat table is not for filtering: iptables refuses `DROP` there';
  if (target.kind !== 'opaque') return undefined;
  if (target.name === 'TCPMSS') {
    const wrong = [...hooks].find((hook) => !PMTU_HOOKS.includes(hook));
    if (wrong !== undefined && target.canonical.includes('--clamp-mss-to-pmtu'))
      return `clamping to the path MTU works in ${PMTU_HOOKS.join(', ')} only, and packets come here from ${wrong}`;
    const syn = rule.matches.some(
      (match) => match.kind === 'tcp' && (match.flagCompare & SYN) !== 0 && !match.flagsNegated,
    );
    if (!syn)
      return '`TCPMSS` works on SYN packets only: the rule needs `--tcp-flags SYN,RST SYN` or `--syn`';
  }
  if (target.name === 'SET' && target.canonical.includes('--map-set')) {
    if (table !== 'mangle') return '`--map-set` is for the mangle table only';
    const wrong = [...hooks].find((hook) => !PMTU_HOOKS.includes(hook));
    if (wrong !== undefined && target.canonical.includes('--map-prio'))
      return `\`--map-prio\` works in ${PMTU_HOOKS.join(', ')} only, and packets come here from ${wrong}`;
  }
  return undefined;
}

// SPDX-License-Identifier: Apache-2.0
// Set types: what their members consist of, their older names, and the options each may be created with.
// ipset(8) SET TYPES; net/netfilter/ipset/ip_set_bitmap_*.c, ip_set_hash_*.c, ip_set_list_set.c.
import type { Family } from '../../net/family.js';

/**
 * One dimension as it may be written. `ip`: an address; for IPv4 also a range or network, which stand for
 * each address in them. `one-ip`: an address alone. `net`: a network, or an IPv4 range, kept as networks.
 */
export type PartKind =
  'ip' | 'one-ip' | 'net' | 'port' | 'bare-port' | 'mac' | 'optional-mac' | 'mark' | 'interface';

export interface SetType {
  readonly name: string;
  readonly parts: readonly PartKind[];
  /** Families it can be made for; empty where members have no addresses of their own. */
  readonly families: readonly Family[];
  /** Networks of zero bits are members. */
  readonly wholeNet: boolean;
  /** Create options besides those all types of its method take. */
  readonly options: readonly string[];
}

const BOTH: readonly Family[] = ['ipv4', 'ipv6'];

function hash(
  name: string,
  parts: readonly PartKind[],
  options: readonly string[] = [],
  wholeNet = false,
): SetType {
  return { name: `hash:${name}`, parts, families: BOTH, wholeNet, options };
}

const TYPES: readonly SetType[] = [
  { name: 'bitmap:ip', parts: ['ip'], families: ['ipv4'], wholeNet: false, options: ['netmask'] },
  {
    name: 'bitmap:ip,mac',
    parts: ['one-ip', 'optional-mac'],
    families: ['ipv4'],
    wholeNet: false,
    options: [],
  },
  { name: 'bitmap:port', parts: ['bare-port'], families: [], wholeNet: false, options: [] },
  hash('ip', ['ip'], ['netmask', 'bitmask']),
  { ...hash('mac', ['mac']), families: [] },
  hash('ip,mac', ['one-ip', 'mac'], ['bitmask']),
  hash('ip,mark', ['ip', 'mark'], ['markmask']),
  hash('ip,port', ['ip', 'port'], ['netmask', 'bitmask']),
  hash('ip,port,ip', ['ip', 'port', 'one-ip']),
  hash('ip,port,net', ['ip', 'port', 'net']),
  hash('net', ['net']),
  hash('net,net', ['net', 'net'], ['netmask', 'bitmask']),
  hash('net,port', ['net', 'port']),
  hash('net,port,net', ['net', 'port', 'net'], [], true),
  hash('net,iface', ['net', 'interface'], [], true),
  { name: 'list:set', parts: [], families: [], wholeNet: false, options: ['size'] },
];

const BY_NAME: ReadonlyMap<string, SetType> = new Map(TYPES.map((type) => [type.name, type]));

/** Names of ipset before version 5. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  ipmap: 'bitmap:ip',
  macipmap: 'bitmap:ip,mac',
  portmap: 'bitmap:port',
  iphash: 'hash:ip',
  machash: 'hash:mac',
  ipmachash: 'hash:ip,mac',
  ipmarkhash: 'hash:ip,mark',
  ipporthash: 'hash:ip,port',
  ipportiphash: 'hash:ip,port,ip',
  ipportnethash: 'hash:ip,port,net',
  nethash: 'hash:net',
  netnethash: 'hash:net,net',
  netporthash: 'hash:net,port',
  netportnethash: 'hash:net,port,net',
  netifacehash: 'hash:net,iface',
  setlist: 'list:set',
};

export const SET_TYPE_NAMES: readonly string[] = TYPES.map((type) => type.name);

export function findSetType(name: string): SetType | undefined {
  return BY_NAME.get(OLD_NAMES[name] ?? name);
}

const ALL_TYPES = ['timeout', 'counters', 'comment', 'skbinfo'];
const HASHES = ['family', 'hashsize', 'maxelem', 'bucketsize', 'initval', 'forceadd'];
/** Options that ipset reads and that change nothing: of older versions, and `-exist`, which holds for whole runs only. */
const IGNORED = ['probes', 'resize', 'gc', 'from', 'to', 'network', '-exist', '-!', 'exist'];

/** Whether `create` of this type takes the option. */
export function takesOption(type: SetType, option: string): boolean {
  if (ALL_TYPES.includes(option) || type.options.includes(option) || IGNORED.includes(option)) return true;
  if (type.name.startsWith('bitmap:')) return option === 'range' || option === 'family';
  if (type.name === 'list:set') return false;
  if (option === '-4' || option === '-6') return type.families.length > 0;
  return HASHES.includes(option);
}

export function isIgnoredOption(option: string): boolean {
  return IGNORED.includes(option);
}

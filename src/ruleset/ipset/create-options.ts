// SPDX-License-Identifier: Apache-2.0
// What `create` says of a set, checked and turned into rules for its members (ipset(8) GENERIC CREATE AND ADD
// OPTIONS, SET TYPES).
import type { CreateNode, IpsetOptionNode } from '../../ast/ipset.js';
import { parseAddress, prefixMask, type AddressWords } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import type { NameServices } from '../extension.js';
import { unsignedInteger, UINT32_MAX } from '../options.js';
import type { PartRules } from './parts.js';
import { takesOption, type SetType } from './types.js';

/** By name; flags are true. */
export type CreateOptions = Readonly<Record<string, string | true>>;

/** First and last address or port of a bitmap. */
export interface BitmapRange {
  readonly first: number;
  readonly last: number;
}

const DEFAULT_MAXELEM = 65_536;
/** More members than this in one line are not written out. */
const MAX_PER_LINE = 4_194_304;

export function maxElements(options: CreateOptions): number {
  const text = options['maxelem'];
  return typeof text === 'string'
    ? (unsignedInteger(text, 0, UINT32_MAX) ?? DEFAULT_MAXELEM)
    : DEFAULT_MAXELEM;
}

const NUMBERS = ['hashsize', 'maxelem', 'bucketsize', 'timeout', 'size', 'initval', 'markmask'];

export function optionProblem(type: SetType, option: IpsetOptionNode): string | undefined {
  const { name, value } = option;
  if (!takesOption(type, name)) return `sets of type ${type.name} have no option \`${name}\``;
  if (NUMBERS.includes(name) && unsignedInteger(value ?? '', 0, UINT32_MAX) === undefined)
    return `\`${value}\` is no number for \`${name}\``;
  if (name !== 'family') return undefined;
  const known = value === 'inet' || (value === 'inet6' && type.families.includes('ipv6'));
  return known ? undefined : `\`${value}\` is no family that ${type.name} can have`;
}

/** `--from A --to B` and `--network N` of older versions. */
export function adoptOldRange(node: CreateNode, options: Record<string, string | true>): void {
  const value = (name: string): string | undefined => node.options.find((one) => one.name === name)?.value;
  const [from, to, net] = [value('from'), value('to'), value('network')];
  if (options['range'] !== undefined) return;
  if (from !== undefined && to !== undefined) options['range'] = `${from}-${to}`;
  else if (net !== undefined) options['range'] = net;
}

export function partRules(
  type: SetType,
  family: Family,
  options: CreateOptions,
  names: NameServices,
): PartRules | undefined {
  const bits = family === 'ipv4' ? 32 : 128;
  let mask: AddressWords | undefined;
  const { netmask, bitmask, markmask } = options as Record<string, string | undefined>;
  if (netmask !== undefined) {
    const length = unsignedInteger(netmask, 1, bits);
    mask = length === undefined ? parseAddress(netmask, family) : prefixMask(length, family);
    if (mask === undefined) return undefined;
  }
  if (bitmask !== undefined) {
    mask = parseAddress(bitmask, family);
    if (mask === undefined) return undefined;
  }
  return {
    family,
    ...(mask && { mask }),
    markMask: markmask === undefined ? UINT32_MAX : (unsignedInteger(markmask, 0, UINT32_MAX) ?? UINT32_MAX),
    wholeNet: type.wholeNet,
    limit: type.name.startsWith('bitmap:') ? 65_536 : Math.min(maxElements(options), MAX_PER_LINE),
    names,
  };
}

/** Members a bitmap has room for. */
const MAX_BITMAP = 65_536;

/** Undefined when the bitmap would have too many members: addresses under its netmask, or ports. */
export function fittingRange(
  range: BitmapRange | undefined,
  rules: PartRules | undefined,
): BitmapRange | undefined {
  if (range === undefined) return undefined;
  const step = (~(rules?.mask?.[0] ?? UINT32_MAX) >>> 0) + 1;
  return (range.last - range.first + 1) / step > MAX_BITMAP ? undefined : range;
}

/** The `range` of a bitmap as numbers: addresses or ports. */
export function bitmapRange(value: string | true | undefined): BitmapRange | undefined {
  if (typeof value !== 'string') return undefined;
  const slash = value.indexOf('/');
  if (slash >= 0) {
    const base = parseAddress(value.slice(0, slash), 'ipv4')?.[0];
    const length = unsignedInteger(value.slice(slash + 1), 0, 32);
    if (base === undefined || length === undefined) return undefined;
    const mask = prefixMask(length, 'ipv4')[0]!;
    const first = (base & mask) >>> 0;
    return { first, last: (first | ~mask) >>> 0 };
  }
  const dash = value.indexOf('-');
  if (dash < 0) return undefined;
  const end = (text: string): number | undefined =>
    unsignedInteger(text, 0, 65_535) ?? parseAddress(text, 'ipv4')?.[0];
  const [first, last] = [end(value.slice(0, dash)), end(value.slice(dash + 1))];
  if (first === undefined || last === undefined) return undefined;
  return { first: Math.min(first, last), last: Math.max(first, last) };
}

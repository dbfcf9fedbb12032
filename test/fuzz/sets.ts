// SPDX-License-Identifier: Apache-2.0
// Random sets: `ipset save` text, and what a rule must know to name them.
import type { Family } from '../../src/net/family.js';
import { anyAddress, anyPort } from './constants.js';
import type { Random } from '../../src/replay/directed/random.js';

export interface RandomSet {
  readonly name: string;
  /** Undefined: serves both families. */
  readonly family?: Family;
  readonly dimensions: number;
}

export interface RandomSets {
  readonly text: string;
  readonly sets: readonly RandomSet[];
}

type Part = 'ip' | 'net' | 'port';

const HASHES: readonly (readonly [type: string, parts: readonly Part[]])[] = [
  ['hash:ip', ['ip']],
  ['hash:net', ['net']],
  ['hash:ip,port', ['ip', 'port']],
  ['hash:net,port', ['net', 'port']],
  ['hash:ip,port,ip', ['ip', 'port', 'ip']],
];

/** Some hashes of each family, both bitmaps, and lists of the plain ones. */
export function randomSets(random: Random, families: readonly Family[]): RandomSets {
  const lines: string[] = [];
  const sets: RandomSet[] = [];
  for (const family of families) {
    const suffix = family === 'ipv4' ? '4' : '6';
    for (const [type, parts] of random.some(HASHES, random.between(1, 4))) {
      const name = `s${suffix}_${type.slice(5).replaceAll(',', '_')}`;
      lines.push(`create ${name} ${type} family ${family === 'ipv4' ? 'inet' : 'inet6'}`);
      lines.push(...members(random, name, parts, family));
      sets.push({ name, family, dimensions: parts.length });
    }
    const plain = sets.filter((set) => set.family === family && set.dimensions === 1);
    if (plain.length > 0 && random.chance(30)) {
      const name = `list${suffix}`;
      lines.push(`create ${name} list:set size 8`, ...plain.map((set) => `add ${name} ${set.name}`));
      sets.push({ name, family, dimensions: 1 });
    }
  }
  if (random.chance(40)) {
    lines.push('create ports bitmap:port range 0-10000');
    for (const port of new Set([22, 53, 8080, anyPort(random) % 10001]))
      lines.push(`add ports ${String(port)}`);
    sets.push({ name: 'ports', dimensions: 1 });
  }
  if (families.includes('ipv4') && random.chance(30)) {
    lines.push('create inside bitmap:ip range 10.0.0.0/24', 'add inside 10.0.0.5', 'add inside 10.0.0.200');
    sets.push({ name: 'inside', family: 'ipv4', dimensions: 1 });
  }
  return { text: lines.map((line) => `${line}\n`).join(''), sets };
}

function members(random: Random, name: string, parts: readonly Part[], family: Family): string[] {
  const lines = new Set<string>();
  for (let i = random.between(1, 5); i > 0; i--) {
    const texts = parts.map((part) => {
      if (part === 'port') return `${random.pick(['tcp', 'udp'])}:${String(anyPort(random))}`;
      const address = unicast(random, family);
      if (part === 'ip') return address;
      const bits = family === 'ipv4' ? [8, 16, 24, 28, 32] : [32, 48, 64, 120, 128];
      return `${address}/${String(random.pick(bits))}`;
    });
    lines.add(`add ${name} ${texts.join(',')} -exist`);
  }
  return [...lines].map((line) => line.replace(/ -exist$/, '')).filter(unlessSameNet());
}

/** Two prefixes of one network are one member, which ipset refuses to add twice: keeps prefixes apart by length. */
function unlessSameNet(): (line: string) => boolean {
  const seen = new Set<string>();
  return (line) => {
    const key = line.replace(/[^ ,/]+(?=\/)/g, '');
    if (!line.includes('/')) return true;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
}

/** hash sets take no zero address. */
function unicast(random: Random, family: Family): string {
  for (;;) {
    const address = anyAddress(random, family);
    if (address !== '0.0.0.0' && address !== '::') return address;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Interfaces born later are known by a number that the same rules match: each pattern of a rule holds for the
// interface exactly where it holds for the name that the number stands for (ip_tables.c ifname_compare_aligned).
import { describe, expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { interfaceNumber } from '../../src/live/interfaces.js';
import { lower } from '../../src/model/lower.js';
import { matchesInterface, type InterfacePattern } from '../../src/net/interface-pattern.js';
import { loadText } from '../model/load-text.js';

const PATTERNS: readonly InterfacePattern[] = [
  { name: 'e', wildcard: true },
  { name: 'eth', wildcard: true },
  { name: 'eth1', wildcard: true },
  { name: 'tun', wildcard: true },
  { name: 'eth9', wildcard: false },
  { name: 'wg0', wildcard: false },
];
const RULES = `*filter
:FORWARD ACCEPT [0:0]
${PATTERNS.map(({ name, wildcard }, i) => `-A FORWARD ${i % 2 ? '! -i' : '-o'} ${name}${wildcard ? '+' : ''} -j DROP\n`).join('')}COMMIT
`;

describe('interfaces born later', () => {
  const { interfaces } = lower(loadText(RULES), DEFAULT_HOST, { waived: new Set() });
  const names = Object.fromEntries(Object.entries(interfaces).map(([name, id]) => [id, name]));

  it.each([
    'eth0',
    'eth1',
    'eth5',
    'eth9',
    'eth10',
    'eth12',
    'ens3',
    'e',
    'tun0',
    'wg0',
    'wg1',
    'lo',
    'docker0',
  ])('%s meets the rules that name it or cover it, and no other', (name) => {
    const stand = names[interfaceNumber(name, interfaces)];
    for (const pattern of PATTERNS)
      expect(stand !== undefined && matchesInterface(stand, pattern)).toBe(matchesInterface(name, pattern));
  });

  it('have the number of no rule where none covers them', () => {
    expect(interfaceNumber('docker0', interfaces)).toBe(0);
    expect(interfaceNumber('toString', interfaces)).toBe(0);
  });
});

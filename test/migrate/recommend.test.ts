// SPDX-License-Identifier: Apache-2.0
// What `--attach auto` recommends: the kinds that ARCHITECTURE.md says hold such rules exactly.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadInput } from '../../src/input/load.js';
import { recommend } from '../../src/migrate/recommend.js';

const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-recommend-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ACCEPT = '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT';

async function recommended(tables: Readonly<Record<string, readonly string[]>>): Promise<[string, string]> {
  const chains: Readonly<Record<string, readonly string[]>> = {
    raw: ['PREROUTING', 'OUTPUT'],
    nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  };
  const text = Object.entries(tables)
    .map(([name, rules]) => {
      const bases = chains[name]!.map((chain) => `:${chain} ACCEPT [0:0]`);
      return [`*${name}`, ...bases, ...rules, 'COMMIT', ''].join('\n');
    })
    .join('');
  const file = join(folder, 'rules.v4');
  writeFileSync(file, text);
  const { kinds, reasons } = recommend(await loadInput([file]), []);
  return [kinds.join(','), reasons.join('\n')];
}

test('translation stays with the kernel', async () => {
  const [kinds, reasons] = await recommended({
    nat: ['-A POSTROUTING -o eth0 -j MASQUERADE'],
    filter: [ACCEPT],
  });
  expect(kinds).toBe('netfilter');
  expect(reasons).toMatch(
    /against tc: ipv4 nat\/POSTROUTING:1: IPT0419 .*\ntable nat stays .*\n.*Linux 6\.4/,
  );
});

test('drops in table raw are early ones', async () => {
  const [kinds, reasons] = await recommended({
    raw: ['-A PREROUTING -s 192.0.2.0/24 -j DROP'],
    filter: [ACCEPT],
  });
  expect(kinds).toBe('tc,xdp');
  expect(reasons).toMatch(/1 rule or policy of table raw/);
});

test('answers to what is rejected need TC', async () => {
  const [kinds, reasons] = await recommended({ filter: [ACCEPT, '-A INPUT -p tcp -j REJECT'] });
  expect(kinds).toBe('tc');
  expect(reasons).toMatch(/against netfilter: ipv4 filter\/INPUT:2: IPT0439/);
});

test('whole datagrams and open connections speak for netfilter', async () => {
  const [kinds, reasons] = await recommended({ filter: [ACCEPT, '-A INPUT -p udp -j DROP'] });
  expect(kinds).toBe('netfilter');
  expect(reasons).toMatch(/fragments piece by piece/);
});

test('where nothing holds all, the kind that holds more, and what stands against both', async () => {
  const [kinds, reasons] = await recommended({
    nat: ['-A POSTROUTING -o eth0 -j MASQUERADE', '-A PREROUTING -p tcp -j DNAT --to-destination 192.0.2.9'],
    filter: ['-A INPUT -p tcp -j REJECT'],
  });
  expect(kinds).toBe('netfilter');
  expect(reasons).toMatch(/against tc: .*\nagainst netfilter: .*IPT0439/);
});

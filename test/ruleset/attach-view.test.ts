// SPDX-License-Identifier: Apache-2.0
// What `--attach netfilter` carries over, what it leaves with iptables, and what it says of each rule.
import { describe, expect, test } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import { viewFor, type AttachView } from '../../src/ruleset/attach-view.js';

function view(...tables: readonly string[]): AttachView {
  const text = `${tables.join('\n')}\n`;
  const { file } = parseSaveFile({ name: 'rules.v4', text }, { family: 'ipv4' });
  return viewFor('netfilter', resolve({ files: [file], sets: new Map(), names: DEBIAN_NAMES }));
}

function table(name: string, ...rules: readonly string[]): string {
  return [`*${name}`, ...rules, 'COMMIT'].join('\n');
}

const JUDGES = '-A PREROUTING -m conntrack --ctstate INVALID -j DROP';

describe('tables', () => {
  test.each([
    ['raw that drops', [table('raw', '-A PREROUTING -s 192.0.2.1/32 -j DROP')], []],
    ['raw that exempts', [table('raw', '-A PREROUTING -j NOTRACK')], ['ipv4 raw']],
    ['raw with a zone nobody reaches', [table('raw', ':x - [0:0]', '-A x -j CT --zone 3')], ['ipv4 raw']],
    ['mangle that drops', [table('mangle', JUDGES)], []],
    [
      'mangle that marks',
      [table('mangle', '-A PREROUTING -j MARK --set-xmark 0x1/0xffffffff')],
      ['ipv4 mangle'],
    ],
    [
      'mangle beside translation',
      [table('mangle', JUDGES), table('nat', '-A POSTROUTING -o eth0 -j MASQUERADE')],
      ['ipv4 mangle', 'ipv4 nat'],
    ],
    ['mangle beside an idle nat', [table('mangle', JUDGES), table('nat')], ['ipv4 nat']],
    ['security', [table('security', '-A INPUT -j DROP')], ['ipv4 security']],
    ['filter, whatever is in it', [table('filter', '-A INPUT -j REJECT --reject-with tcp-reset -p tcp')], []],
  ])('%s', (_, tables, left) => {
    expect([...view(...tables).leftTables.keys()]).toEqual(left);
  });
});

describe('rules', () => {
  test('of a table that stays are as exact as iptables', () => {
    const { ruleset, problems } = view(
      table('nat', ':PREROUTING DROP [0:0]', '-A POSTROUTING -o eth0 -j MASQUERADE'),
    );
    expect(ruleset.rules[0]!.fidelity).toEqual({ state: 'exact' });
    expect(ruleset.ipv4!.tables.get('nat')!.chains.get('POSTROUTING')!.rules[0]).toBe(ruleset.rules[0]);
    expect(problems).toEqual([]);
  });

  test.each([
    ['-A INPUT -f -j DROP', 'exact', undefined],
    ['-A INPUT -j REJECT', 'approximate', 'IPT0439'],
    ['-A INPUT -m recent --set --name a -j DROP', 'unsupported', expect.any(String)],
    ['-A INPUT -m conntrack --ctstate DNAT -j ACCEPT', 'exact', undefined],
    ['-A INPUT -m conntrack --ctstatus SEEN_REPLY -j ACCEPT', 'exact', undefined],
    ['-A INPUT -m conntrack --ctstatus EXPECTED -j ACCEPT', 'unsupported', 'IPT0457'],
  ])('%s', (rule, state, code) => {
    const { fidelity } = view(table('filter', rule)).ruleset.rules[0]!;
    expect([fidelity.state, fidelity.code]).toEqual([state, code]);
  });

  test.each(['--ctstate DNAT', '--ctstate NEW,SNAT', '--ctreplsrc 192.0.2.1', '--ctrepldst 192.0.2.1'])(
    '%s where nat translates is not asked',
    (option) => {
      const { ruleset } = view(
        table('nat', '-A POSTROUTING -o eth0 -j MASQUERADE'),
        table('filter', `-A FORWARD -m conntrack ${option} -j ACCEPT`),
      );
      expect(ruleset.rules[1]!.fidelity).toMatchObject({ state: 'unsupported', code: 'IPT0456' });
    },
  );

  test('of other attach kinds are as they were', () => {
    const input = { ruleset: view(table('nat')).ruleset, problems: [] };
    expect(viewFor('tc', input).ruleset).toBe(input.ruleset);
  });
});

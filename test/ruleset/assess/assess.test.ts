// SPDX-License-Identifier: Apache-2.0
// From a dump to what check says: each row is a filter table (or as the row says), the state of each of its
// rules, and whether it can be carried over as it is.
import { expect, test } from 'vitest';
import { parseSaveFile } from '../../../grammar/index.js';
import type { Host } from '../../../src/host/host.js';
import { DEBIAN_NAMES } from '../../../src/net/name-services.js';
import { assess, type AssessInput } from '../../../src/ruleset/assess/assess.js';
import { lint } from '../../../src/ruleset/assess/lints.js';
import { readSets } from '../../../src/ruleset/ipset/sets-builder.js';
import { resolve } from '../../../src/ruleset/resolve/resolve.js';
import { parseWaiver } from '../../../src/ruleset/waivers.js';

function load(text: string, setsText = '', host?: Host): AssessInput {
  const parsed = parseSaveFile({ name: 'rules.v4', text }, { family: 'ipv4' });
  const sets = readSets([{ name: 'ipset.save', text: setsText }], DEBIAN_NAMES);
  const resolved = resolve({
    files: [parsed.file],
    sets: sets.sets,
    names: DEBIAN_NAMES,
    ...(host && { host }),
  });
  return {
    ...resolved,
    files: [parsed.file],
    diagnostics: [...parsed.diagnostics, ...resolved.diagnostics, ...sets.diagnostics],
  };
}

function table(lines: string, name = 'filter'): string {
  return `*${name}\n${lines.split('; ').join('\n')}\nCOMMIT\n`;
}

const states = (input: AssessInput): string[] => input.ruleset.rules.map((rule) => rule.fidelity.state);

test.each<[string, Host['rules'], string]>([
  ['PREROUTING', [{ priority: 100, fwmark: '0x1', table: '100' }], 'approximate'],
  ['OUTPUT', [{ priority: 100, fwmark: '0x1', fwmask: '0xff', table: '100' }], 'approximate'],
  // Routed already.
  ['INPUT', [{ priority: 100, fwmark: '0x1', table: '100' }], 'exact'],
  ['PREROUTING', [{ priority: 100, src: '10.0.0.0', srclen: 8, table: '100' }], 'exact'],
  ['PREROUTING', [{ priority: 100, fwmark: '0x1', family: 'inet6', table: '100' }], 'exact'],
  ['PREROUTING', undefined, 'exact'],
])('MARK in %s, policy rules %j: %s', (chain, rules, state) => {
  const host = { interfaces: [], routes: [], sysctls: {}, ...(rules && { rules }) };
  const input = load(table(`-A ${chain} -j MARK --set-mark 1`, 'mangle'), '', host);
  expect(states(input)).toEqual([state]);
  expect(assess(input, []).faithful).toBe(state === 'exact');
});

test.each<[string, string[], boolean]>([
  ['-A INPUT -p tcp --dport 22 -j ACCEPT', ['exact'], true],
  ['-A INPUT -m recent --set -j ACCEPT', ['unsupported'], false],
  // It writes the list although nothing follows from the match.
  ['-A INPUT -m recent --set', ['unsupported'], false],
  ['-A INPUT -m pkttype --pkt-type broadcast', ['no-effect'], true],
  ['-A INPUT -m pkttype --pkt-type broadcast -j NFLOG', ['no-effect'], true],
  ['-A INPUT -m pkttype --pkt-type broadcast -j LOG', ['unsupported'], false],
  // It drops TCP packets whose options it cannot read, matched or not.
  ['-A INPUT -p tcp -m tcpmss --mss 1:500 -j NFLOG', ['unsupported'], false],
  ['-A INPUT -j NFLOG; -A INPUT -j ACCEPT', ['no-effect', 'exact'], true],
  [':dead - [0:0]; -A dead -m recent --set -j DROP', ['no-effect'], true],
  ['-A INPUT -j ACCEPT; -A INPUT -m recent --set -j DROP', ['exact', 'no-effect'], true],
  // A comment is a condition to the kernel, which then judges the rules behind it too.
  [
    '-A INPUT -m comment --comment x -j ACCEPT; -A INPUT -m recent --set -j DROP',
    ['exact', 'unsupported'],
    false,
  ],
  [':a - [0:0]; -A INPUT -j a; -A a -m string --string x --algo bm -j DROP', ['exact', 'unsupported'], false],
  ['-A INPUT -f -j DROP', ['approximate'], false],
  ['-A INPUT -m set --match-set nowhere src -j DROP', ['unsupported'], false],
  ['-A INPUT -m bogus -j DROP; -A INPUT -j ACCEPT', ['unsupported', 'exact'], false],
  ['-A INPUT -j nowhere', ['unsupported'], false],
  [':a - [0:0]; -A INPUT -j a; -A a -j a', ['exact', 'unsupported'], false],
  ['-A nowhere -j ACCEPT', [], false],
  [':INPUT REJECT [0:0]', [], false],
  [':INPUT DROP [0:0]', [], true],
])('filter: %s', (lines, expected, faithful) => {
  const input = load(table(lines));
  expect(states(input)).toEqual(expected);
  expect(assess(input, []).faithful).toBe(faithful);
});

test.each<[string, string[], boolean]>([
  ['-A PREROUTING -s 10.0.0.1 -j RETURN; -A POSTROUTING -j ACCEPT', ['exact', 'exact'], true],
  ['-A POSTROUTING -o eth0 -j MASQUERADE', ['unsupported'], false],
  ['-A PREROUTING -j MARK --set-mark 1', ['unsupported'], false],
  [':PREROUTING DROP [0:0]', [], false],
])('nat: %s', (lines, expected, faithful) => {
  const input = load(table(lines, 'nat'));
  expect(states(input)).toEqual(expected);
  expect(assess(input, []).faithful).toBe(faithful);
});

test('a waiver by code and place makes the rest faithful', () => {
  const input = load(table('-A INPUT -m recent --set -j ACCEPT; -A INPUT -m recent --set -j DROP'));
  const waive = (...texts: string[]) =>
    assess(
      input,
      texts.map((text) => parseWaiver(text)!),
    );
  expect(waive('IPT0310').faithful).toBe(true);
  expect(waive('IPT0310@filter/INPUT:1').faithful).toBe(false);
  expect(waive('IPT0310@filter/INPUT:1', 'IPT0310@filter/INPUT:2').faithful).toBe(true);
  expect(waive('IPT0311').unusedWaivers.map(({ text }) => text)).toEqual(['IPT0311']);
});

test('an unread line keeps its place and its number', () => {
  const { ruleset } = load(table('-A INPUT -s 10.0.0.1 -j ACCEPT; -A INPUT --bogus; -A INPUT -j DROP'));
  const rules = ruleset.ipv4!.tables.get('filter')!.chains.get('INPUT')!.rules;
  expect(rules.map(({ number, unread }) => [number, unread ?? false])).toEqual([
    [1, false],
    [2, true],
    [3, false],
  ]);
  expect(rules.map(({ id }) => id)).toEqual([0, 1, 2]);
});

test('the message stands under what is not supported and names the way out', () => {
  const [finding] = assess(
    load(table('-A INPUT -p tcp -m recent --update --seconds 60 -j DROP')),
    [],
  ).findings;
  const { span, message, help, code } = finding!.diagnostic;
  expect(code).toBe('IPT0310');
  expect(message).toContain('`-m recent`');
  expect(help).toContain('--waive IPT0310@filter/INPUT:1');
  expect('-A INPUT -p tcp -m recent --update --seconds 60 -j DROP'.slice(span!.column - 1)).toMatch(
    /^-m recent/,
  );
});

test('sets: type, timeouts and lines that were not read count', () => {
  const rule = table('-A INPUT -m set --match-set s src -j DROP');
  const stateWith = (sets: string): string => states(load(rule, sets.split('; ').join('\n')))[0]!;
  expect(stateWith('create s hash:ip; add s 10.0.0.1')).toBe('exact');
  expect(stateWith('create s hash:mac')).toBe('unsupported');
  expect(stateWith('create s hash:ip timeout 0; add s 10.0.0.1')).toBe('exact');
  expect(stateWith('create s hash:ip timeout 9; add s 10.0.0.1')).toBe('approximate');
  expect(stateWith('create s hash:ip; add s bogus')).toBe('unsupported');
  expect(stateWith('create s hash:ip family inet6')).toBe('unsupported');
  expect(stateWith('create t hash:mac; create s list:set; add s t')).toBe('unsupported');
});

test('lints name dead chains, dead rules, short directions and unused sets', () => {
  const input = load(
    table(
      ':dead - [0:0]; -A dead -j DROP; -A INPUT -m set --match-set s src -j DROP; -A INPUT -j ACCEPT; -A INPUT -j DROP',
    ),
    'create s hash:ip,port\ncreate unused hash:ip\n',
  );
  expect(lint(input.ruleset).map(({ code }) => code)).toEqual(['IPT0700', 'IPT0701', 'IPT0702', 'IPT0703']);
});

test('a set with masks or with members that packets fill in', () => {
  const stateWith = (sets: string, directions = 'src'): string =>
    states(
      load(table(`-A INPUT -m set --match-set s ${directions} -j DROP`), sets.split('; ').join('\n')),
    )[0]!;
  expect(stateWith('create s hash:ip netmask 24; add s 10.0.0.1')).toBe('exact');
  expect(stateWith('create s hash:ip,port netmask 24', 'src,src')).toBe('unsupported');
  const bitmap = 'create s bitmap:ip,mac range 10.0.0.0/24';
  expect(stateWith(`${bitmap}; add s 10.0.0.1,00:11:22:33:44:55`, 'src,src')).toBe('exact');
  expect(stateWith(`${bitmap}; add s 10.0.0.1`, 'src,src')).toBe('unsupported');
});

test('a table that ends before COMMIT is not faithful', () => {
  expect(assess(load('*filter\n:INPUT DROP [0:0]\n'), []).faithful).toBe(false);
});

test('CT that tracks is said to stand in the way of a later NOTRACK; with --notrack its events matter not', () => {
  const rules = '-A PREROUTING -j CT --ctevents new; -A PREROUTING -j CT; -A PREROUTING -j CT --notrack';
  expect(states(load(table(rules, 'raw')))).toEqual(['unsupported', 'unsupported', 'exact']);
});

test('a list whose members have a timeout is as inexact as any set that has', () => {
  const sets = 'create a hash:ip\nadd a 192.0.2.1\ncreate l list:set timeout 100\nadd l a timeout 50\n';
  const input = load(table('-A INPUT -m set --match-set l src -j DROP'), sets);
  expect(input.ruleset.rules[0]!.fidelity).toMatchObject({ state: 'approximate', code: 'IPT0462' });
});

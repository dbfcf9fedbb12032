// SPDX-License-Identifier: Apache-2.0
// Comparing records: what is compared, what is counted apart, how causes are grouped, and the four reports.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSaveFile } from '../../grammar/index.js';
import { compareRecords } from '../../src/diff/compare-records.js';
import { liveRules } from '../../src/diff/coverage.js';
import { parseReportRequest, render } from '../../src/diff/render.js';
import { Verification } from '../../src/diff/verification.js';
import { DEBIAN_NAMES } from '../../src/net/name-services.js';
import type { ReplayPacket } from '../../src/packet/packet.js';
import { parsePacketText } from '../../src/replay/packet-text.js';
import type { VerdictRecord } from '../../src/replay/verdict.js';
import { resolve } from '../../src/ruleset/resolve/resolve.js';
import type { Ruleset } from '../../src/ruleset/ruleset.js';
import { complaints } from '../support/schemas.js';

const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:seen - [0:0]
:dead - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j seen
-A INPUT -p udp -j ACCEPT
-A seen -m comment --comment "<&> \\"% :," -j ACCEPT
-A dead -j DROP
COMMIT
`;

const { file } = parseSaveFile({ name: 'rules.v4', text: DUMP }, {});
const ruleset: Ruleset = resolve({ files: [file], sets: new Map(), names: DEBIAN_NAMES }).ruleset;
const sides = { left: 'rules', right: 'vm' } as const;

const packet = (index: number, text = 'tcp 192.0.2.1:4000 > 203.0.113.2:22 syn'): ReplayPacket => {
  const { frame } = parsePacketText(text);
  return { index, interface: 'eth0', frame, timestampNs: 5n, wireLength: frame.length };
};
const accept: VerdictRecord = {
  index: 0,
  interface: 'eth0',
  path: 'input',
  verdict: 'accept',
  rule: { family: 'ipv4', table: 'filter', chain: 'seen', number: 1, line: 9 },
  state: 'NEW',
  trace: ['filter:INPUT:rule:1', 'filter:seen:rule:1'],
};
const drop: VerdictRecord = {
  index: 0,
  interface: 'eth0',
  path: 'input',
  verdict: 'drop',
  reason: 'policy',
  rule: { family: 'ipv4', table: 'filter', chain: 'INPUT', policy: true },
  state: 'NEW',
  trace: ['filter:INPUT:policy:3'],
};

describe('compareRecords', () => {
  const rows: [string, Partial<VerdictRecord>, string, string[]][] = [
    ['itself', {}, 'equal', []],
    ['another rule', { rule: { table: 'filter', chain: 'INPUT', number: 2 } }, 'different', ['rule']],
    ['no rule', { rule: undefined as never }, 'different', ['rule']],
    ['another state', { state: 'ESTABLISHED' }, 'different', ['state']],
    ['a mark', { mark: 1 }, 'different', ['mark']],
    ['an address', { translated: { source: '203.0.113.2' } }, 'different', ['translated']],
    ['another TTL', { ttl: 3 }, 'different', ['ttl']],
    ['an unknown path', { path: undefined as never }, 'equal', []],
    ['another path', { path: 'forward' }, 'different', ['path']],
    ['trace and log, which are not compared', { trace: [], log: ['x'] }, 'equal', []],
    ['refused', { verdict: 'refused' }, 'refused', []],
    ['undecided', { verdict: 'undecided' }, 'undecided', []],
    ['held', { verdict: 'held' }, 'held', []],
    ['deferred', { verdict: 'deferred' }, 'deferred', []],
    ['not-ip', { verdict: 'not-ip' }, 'different', ['verdict']],
  ];
  it.each(rows)('%s: %s', (_name, change, outcome, fields) => {
    const other = { ...accept, ...change };
    expect(compareRecords(accept, other, sides, false)).toEqual({ outcome, fields });
    expect(compareRecords(other, accept, sides, false).outcome).toBe(outcome);
  });

  it('what the kernel does not tell is no difference; what it tells is', () => {
    const kernel = { left: 'netfilter', right: 'vm' } as const;
    const { rule, state, ...silent } = accept;
    expect([rule, state]).toBeDefined();
    expect(compareRecords(silent, accept, kernel, false).outcome).toBe('equal');
    expect(compareRecords(drop, accept, kernel, false).fields).toEqual(['verdict', 'rule']);
  });

  it('a fragment that a program judges as a piece is counted apart', () => {
    expect(compareRecords(accept, drop, sides, true).outcome).toBe('fragment');
    expect(compareRecords(accept, drop, { left: 'rules', right: 'netfilter' }, true).outcome).toBe(
      'different',
    );
  });
});

function verification(): Verification {
  return new Verification({ sides, ruleset, captures: ['x.pcap'], waivers: [], notes: ['a note'] });
}

describe('a verification', () => {
  it('groups by pair of rules, most packets first, and keeps the first packet', () => {
    const all = verification();
    all.add(packet(0), accept, accept);
    all.add(packet(1), { ...accept, mark: 7 }, accept);
    all.add(packet(2), accept, drop);
    all.add(packet(3), accept, { ...drop, trace: [] });
    all.add(packet(4), accept, { ...accept, verdict: 'undecided', reason: 'unsupported' });
    all.addDecided({ index: 5, verdict: 'refused', reason: 'link type 147' });
    all.addDecided({ index: 6, verdict: 'not-ip', reason: 'PPP protocol 0x8021' });
    const report = all.report();
    expect(report.counts).toMatchObject({ equal: 1, different: 3, undecided: 1, refused: 1, 'not-ip': 1 });
    expect(report.packets).toBe(7);
    expect(report.same).toBe(false);
    expect(report.causes.map(({ packets, fields, first }) => [packets, fields, first.index])).toEqual([
      [2, ['verdict', 'rule'], 2],
      [1, ['mark'], 1],
    ]);
    expect(report.causes[0]!.left.text).toMatch(/^-A seen/);
    expect(report.apart.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['undecided', 'unsupported at filter/seen:1'],
      ['refused', 'link type 147'],
    ]);
  });

  it("differences of state after a fragmented datagram are the fragment's", () => {
    const all = verification();
    const piece = packet(0, 'udp 192.0.2.1:1 > 203.0.113.2:2 fragment 0+');
    all.add(piece, { ...accept, verdict: 'held' }, accept);
    all.add(packet(1, 'udp 203.0.113.2:2 > 192.0.2.1:1'), { ...accept, state: 'ESTABLISHED' }, accept);
    all.add(packet(2, 'udp 203.0.113.2:2 > 192.0.2.9:1'), { ...accept, state: 'ESTABLISHED' }, accept);
    expect(all.report().counts).toMatchObject({ held: 1, fragment: 1, different: 1 });
  });

  it('counts rules that packets met among those they can get to', () => {
    expect(liveRules(ruleset).map(({ chain, number }) => `${chain}:${number}`)).toEqual([
      'INPUT:1',
      'INPUT:2',
      'seen:1',
    ]);
    const all = verification();
    all.add(packet(0), accept, accept);
    const { coverage } = all.report();
    expect([coverage.live, coverage.hit, coverage.missed.map(({ text }) => text)]).toEqual([
      3,
      2,
      ['-A INPUT -p udp -j ACCEPT'],
    ]);
  });
});

describe('reports', () => {
  const all = verification();
  all.add(packet(0), accept, drop);
  all.add(packet(1), accept, { ...accept, verdict: 'undecided', reason: 'unsupported' });
  const report = all.report();
  const golden = (name: string): string => join(import.meta.dirname, 'golden', name);

  it.each(['text', 'junit', 'github', 'json'] as const)('%s', async (format) => {
    await expect(render(report, format, { color: false })).toMatchFileSnapshot(golden(`report.${format}`));
  });

  it('JSON is what the schema says', () => {
    expect(complaints('verify.json', JSON.parse(render(report, 'json', { color: false })))).toEqual([]);
  });

  it('formats are asked for by name, with a file or without', () => {
    expect(parseReportRequest('junit=a=b.xml')).toEqual({ format: 'junit', file: 'a=b.xml' });
    expect(parseReportRequest('text')).toEqual({ format: 'text' });
    expect(parseReportRequest('pdf')).toBeUndefined();
    expect(parseReportRequest('json=')).toBeUndefined();
  });
});

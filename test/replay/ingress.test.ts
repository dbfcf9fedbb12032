// SPDX-License-Identifier: Apache-2.0
// Where packets enter: the flag's forms, and what is inferred without it.
import { describe, expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { IngressResolver, parseIngress, type IngressRule } from '../../src/replay/ingress.js';

/** An IPv4 frame from `source`; nothing else of it is read. */
function from(source: string): Uint8Array {
  const frame = new Uint8Array(34);
  frame.set([8, 0, 0x45], 12);
  frame.set(source.split('.').map(Number), 26);
  return frame;
}

const resolve = (rule: IngressRule, source: string, seen = {}, index = 0): unknown =>
  Object.values(new IngressResolver(rule, DEFAULT_HOST).resolve(index, from(source), seen))[0];

const inferred: IngressRule = { kind: 'inferred' };

describe('inferred ingress', () => {
  it.each([
    ['203.0.113.2', {}, 'local'],
    ['10.0.0.7', {}, 'eth1'],
    ['192.0.2.1', {}, 'eth0'],
    ['10.0.0.7', { interfaceName: 'eth0' }, 'eth0'],
    ['10.0.0.7', { interfaceName: 'wlan0' }, 'eth1'],
    ['203.0.113.2', { interfaceName: 'eth0', direction: 'in' }, 'eth0'],
    ['203.0.113.2', { interfaceName: 'eth0', direction: 'out' }, 'local'],
    ['127.0.0.1', { interfaceName: 'lo' }, 'local'],
  ])('%s %o: %s', (source, seen, expected) => {
    expect(resolve(inferred, source, seen)).toBe(expected);
  });

  it('a forwarded packet seen leaving is not judged a second time', () => {
    expect(resolve(inferred, '10.0.0.7', { interfaceName: 'eth0', direction: 'out' })).toMatch(
      /on its way out/,
    );
  });
});

describe('ingress files', () => {
  const parse = (text: string) => parseIngress('i.json', text, DEFAULT_HOST);

  it('a list has one entry a packet', () => {
    const rule = parse('["eth0","local","eth1"]').rule!;
    expect([0, 1, 2, 3].map((index) => resolve(rule, '192.0.2.1', {}, index))).toEqual([
      'eth0',
      'local',
      'eth1',
      3,
    ]);
  });

  it('by source, the longest prefix first', () => {
    const rule = parse(
      '{"default":"eth0","by_source":[["10.0.0.0/8","eth1"],["10.0.0.9/32","local"]]}',
    ).rule!;
    expect(['10.0.0.9', '10.9.9.9', '192.0.2.1'].map((source) => resolve(rule, source))).toEqual([
      'local',
      'eth1',
      'eth0',
    ]);
  });

  it.each([
    ['[', 'IPT0831', /not JSON/],
    ['7', 'IPT0832', /neither a list/],
    ['["eth9"]', 'IPT0833', /entry 1 is "eth9"; the host has `eth0`, `eth1`, `lo`, `local`/],
    ['{"default":"eth0","by_source":[["10.0.0.0/99","eth1"]]}', 'IPT0833', /by_source\[0\] has no prefix/],
  ])('%s', (text, code, message) => {
    const { rule, diagnostics } = parse(text);
    expect(rule).toBeUndefined();
    expect(diagnostics[0]).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});

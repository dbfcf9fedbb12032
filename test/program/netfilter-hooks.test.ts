// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { mergeTraces, tablesLeft } from '../../src/kernel/netfilter/programs.js';
import { netfilterAttachPoints, trackingCommands } from '../../src/program/netfilter-hooks.js';
import { lower } from '../../src/model/lower.js';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { loadText } from '../model/load-text.js';

test('a program for each phase with chains, each just before its table', () => {
  const ruleset = loadText('*raw\nCOMMIT\n*filter\nCOMMIT\n');
  const model = lower(ruleset, DEFAULT_HOST, { waived: new Set() });
  expect(netfilterAttachPoints(model)).toEqual([
    { program: 'ipt2ebpf_raw', family: 'ipv4', phase: 'preroutingRaw', hook: 0, priority: -301 },
    { program: 'ipt2ebpf_filter', family: 'ipv4', phase: 'input', hook: 1, priority: -1 },
    { program: 'ipt2ebpf_filter', family: 'ipv4', phase: 'forward', hook: 2, priority: -1 },
    { program: 'ipt2ebpf_raw', family: 'ipv4', phase: 'outputRaw', hook: 3, priority: -301 },
    { program: 'ipt2ebpf_filter', family: 'ipv4', phase: 'output', hook: 3, priority: -1 },
  ]);
});

test('what keeps tracking on judges nothing: its chain has no hook', () => {
  expect(trackingCommands(['ipv6'])).toBe(
    'table ip6 ipt2ebpf_tracking\ndelete table ip6 ipt2ebpf_tracking\n' +
      'table ip6 ipt2ebpf_tracking { chain tracking { ct state new accept; }; }\n',
  );
});

test('a dump without the tables that programs stand for', () => {
  const dump =
    '# made by hand\n*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n';
  expect(tablesLeft(dump, 'ipv4', new Map([['ipv4 nat', 'why']]))).toBe(
    '# made by hand\n*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n',
  );
});

describe('one trace of two', () => {
  test('user chains stand with the built-in chain that led to them', () => {
    expect(
      mergeTraces(
        [
          'mangle:PREROUTING:policy:1',
          'nat:PREROUTING:rule:1',
          'nat:DOCKER:return:1',
          'mangle:POSTROUTING:policy:1',
        ],
        ['raw:PREROUTING:rule:1', 'filter:FORWARD:rule:1', 'filter:DOCKER:rule:2'],
        'received',
      ),
    ).toEqual([
      'raw:PREROUTING:rule:1',
      'mangle:PREROUTING:policy:1',
      'nat:PREROUTING:rule:1',
      'nat:DOCKER:return:1',
      'filter:FORWARD:rule:1',
      'filter:DOCKER:rule:2',
      'mangle:POSTROUTING:policy:1',
    ]);
  });

  test('a broadcast passes POSTROUTING once more behind its copy', () => {
    expect(
      mergeTraces(
        [
          'mangle:OUTPUT:policy:1',
          'mangle:POSTROUTING:policy:1',
          'mangle:INPUT:policy:1',
          'mangle:POSTROUTING:policy:1',
        ],
        ['filter:OUTPUT:rule:1', 'filter:INPUT:rule:2'],
        'local',
      ),
    ).toEqual([
      'mangle:OUTPUT:policy:1',
      'filter:OUTPUT:rule:1',
      'mangle:POSTROUTING:policy:1',
      'mangle:INPUT:policy:1',
      'filter:INPUT:rule:2',
      'mangle:POSTROUTING:policy:1',
    ]);
  });
});

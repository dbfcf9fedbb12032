// SPDX-License-Identifier: Apache-2.0
// Lines of ipset saves: what they say, and where it is wrong.
import { expect, test } from 'vitest';
import { looksLikeIpsetSave, readIpsetSave } from '../../../grammar/ipset/index.js';
import type { IpsetNode } from '../../../src/ast/ipset.js';
import type { Diagnostic } from '../../../src/diagnostics/diagnostic.js';

function read(text: string): { nodes: IpsetNode[]; diagnostics: Diagnostic[] } {
  const nodes: IpsetNode[] = [];
  const diagnostics: Diagnostic[] = [];
  readIpsetSave(
    { name: 'f', text },
    { node: (node) => nodes.push(node), diagnostic: (one) => diagnostics.push(one) },
  );
  return { nodes, diagnostics };
}

/** A node in short: kind, names, then options. */
function short(node: IpsetNode): string {
  if (!('options' in node)) return [node.kind, ...node.sets].join(' ');
  const what = node.kind === 'create' ? node.type : node.element;
  const options = node.options.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
  return [node.kind, node.set, what, ...options].join(' ');
}

test.each([
  ['create s hash:ip', 'create s hash:ip'],
  [
    'create s hash:ip family inet hashsize 64 counters comment',
    'create s hash:ip family=inet hashsize=64 counters comment',
  ],
  ['add s 10.0.0.1', 'add s 10.0.0.1'],
  ['add s 10.0.0.1 timeout 5', 'add s 10.0.0.1 timeout=5'],
  ['add s 10.0.0.1 comment "two words" nomatch', 'add s 10.0.0.1 comment=two words nomatch'],
  ['add s 10.0.0.1 comment ""', 'add s 10.0.0.1 comment='],
  ['  add  s\t10.0.0.1  \r', 'add s 10.0.0.1'],
  ['-N s iphash --hashsize 128', 'create s iphash hashsize=128'],
  ['-A s 10.0.0.1', 'add s 10.0.0.1'],
  ['add add add', 'add add add'],
  ['create timeout hash:ip timeout 4', 'create timeout hash:ip timeout=4'],
  ['del s 10.0.0.1', 'del s 10.0.0.1'],
  ['flush', 'flush'],
  ['destroy s', 'destroy s'],
  ['swap a b', 'swap a b'],
])('%j', (text, expected) => {
  const { nodes, diagnostics } = read(text);
  expect(diagnostics).toEqual([]);
  expect(nodes.map(short)).toEqual([expected]);
});

test('blank lines, comments and COMMIT say nothing', () => {
  expect(read('\n# made by hand\n  \nCOMMIT\n')).toEqual({ nodes: [], diagnostics: [] });
});

test.each([
  ['bogus s', 1, 'IPT0503'],
  ['create s', 9, 'IPT0503'],
  ['add s 10.0.0.1 bogus', 16, 'IPT0503'],
  ['add s 10.0.0.1 timeout', 23, 'IPT0503'],
  ['add s 10.0.0.1 comment "open', 24, 'IPT0502'],
])('%j is wrong at column %i', (text, column, code) => {
  const { nodes, diagnostics } = read(`add s 10.0.0.2\n${text}\nadd s 10.0.0.3\n`);
  expect(nodes.length).toBe(2);
  expect(diagnostics.map((one) => [one.code, one.span?.line, one.span?.column, one.lineText])).toEqual([
    [code, 2, column, text],
  ]);
});

test('a line too long costs that line', () => {
  const { nodes, diagnostics } = read(`add s ${'1'.repeat(70_000)}\nadd s 10.0.0.1\n`);
  expect(nodes.length).toBe(1);
  expect(diagnostics.map(({ code }) => code)).toEqual(['IPT0501']);
});

test('saves are told from other texts', () => {
  expect(looksLikeIpsetSave('create s hash:ip\n')).toBe(true);
  expect(looksLikeIpsetSave('# x\n-N s iphash --hashsize 1\n')).toBe(true);
  expect(looksLikeIpsetSave('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n')).toBe(false);
});

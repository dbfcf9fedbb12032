// SPDX-License-Identifier: Apache-2.0
// Inputs told apart by content, and trouble told with its place.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../../src/diagnostics/input-error.js';
import { loadInput, requireRules } from '../../src/input/load.js';

const V4 = '*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n';
const V6 = '*filter\n-A INPUT -s 2001:db8::1 -j DROP\nCOMMIT\n';
const SETS = 'create s hash:ip\nadd s 10.0.0.1\n';
const HOST = JSON.stringify({ interfaces: [{ name: 'eth7' }], routes: [] });

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-input-'));
  const files: Record<string, string | Buffer> = {
    v4: V4,
    v6: V6,
    sets: SETS,
    host: HOST,
    empty: ' \n',
    prose: 'all is well\n',
    junk: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7) % 256)),
    nft: 'table inet filter {\n}\n',
    listing: 'Chain INPUT (policy ACCEPT)\n',
    'long-line': `*filter\n-A INPUT -s ${'1'.repeat(1 << 20)}\n-A INPUT -j DROP\nCOMMIT\n`,
    'cut-off': '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1 -j DR',
    'bad-host': '{"interfaces": 5}',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
  mkdirSync(at('snapshot'));
  writeFileSync(at('snapshot/rules.v4'), V4);
  writeFileSync(at('snapshot/rules.v6'), V6);
  writeFileSync(at('snapshot/ipset.save'), SETS);
  writeFileSync(at('snapshot/host.json'), HOST);
  mkdirSync(at('nothing'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('dumps and sets are told apart by content', async () => {
  const input = await loadInput([at('v6'), at('sets'), at('v4')]);
  expect(input.ruleset.ipv4?.tables.size).toBe(1);
  expect(input.ruleset.ipv6?.tables.size).toBe(1);
  expect([...input.ruleset.sets.keys()]).toEqual(['s']);
  expect(input.hostGiven).toBe(false);
});

test('a snapshot directory brings all of it', async () => {
  const input = await loadInput([at('snapshot')]);
  expect(input.ruleset.rules.map(({ family }) => family)).toEqual(['ipv4', 'ipv6']);
  expect(input.ruleset.sets.size).toBe(1);
  expect(input.host.interfaces.map(({ name }) => name)).toEqual(['eth7']);
});

test('standard input, and --family where the text does not tell', async () => {
  const stdin = (): Readable => Readable.from(['*filter\n-A INPUT -j DROP\nCOMMIT\n']);
  expect((await loadInput(['-'], { stdin: stdin() })).ruleset.ipv4?.tables.size).toBe(1);
  expect((await loadInput(['-'], { stdin: stdin(), family: 'ipv6' })).ruleset.ipv6?.tables.size).toBe(1);
});

async function trouble(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const [first] = (error as InputError).diagnostics;
    expect(first!.severity).toBe('error');
    expect((error as InputError).exitCode).toBe(2);
    return `${first!.code} ${first!.message}`;
  }
  throw new Error('no trouble');
}

test.each([
  ['absent', 'IPT0600'],
  ['nothing', 'IPT0604'],
  ['empty', 'IPT0603 the input is empty'],
  ['prose', 'IPT0603'],
  ['junk', 'IPT0603 this is binary'],
  ['nft', 'IPT0603 this is a native nftables ruleset'],
  ['listing', 'IPT0603 this is the listing'],
  ['host', 'IPT0603 this is a host description'],
])('%s is refused with %s', async (name, expected) => {
  expect(await trouble(() => loadInput([at(name)]))).toContain(expected);
});

test('a table given twice, a host that is none, sets without rules', async () => {
  expect(await trouble(() => loadInput([at('v4'), at('snapshot')]))).toContain('IPT0607');
  expect(await trouble(() => loadInput([at('v4')], { hostFile: at('bad-host') }))).toContain('IPT0802');
  expect(await trouble(() => loadInput([at('v4')], { hostFile: at('snapshot') }))).toContain('IPT0601');
  expect(await trouble(async () => requireRules(await loadInput([at('sets')])))).toContain('IPT0605');
});

test('a line too long and a dump cut off cost their rule only', async () => {
  const long = await loadInput([at('long-line')]);
  expect(long.ruleset.rules.map(({ unread }) => unread ?? false)).toEqual([true, false]);
  const cut = await loadInput([at('cut-off')]);
  expect(cut.diagnostics.map(({ code }) => code)).toContain('IPT0113');
  expect(cut.ruleset.rules.every(({ unread }) => unread)).toBe(true);
});

// SPDX-License-Identifier: Apache-2.0
// What every command prints with --json, on a sound snapshot and on one with faults, against its schema.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lackingFor } from '../../src/kernel/feature.js';
import { liveStage, runLive } from '../support/live-place.js';
import { complaints, schemaNames } from '../support/schemas.js';
import { repositoryRoot, runCli } from './run-cli.js';

const sound = join(repositoryRoot, 'fixtures/web-server');
const sets = join(repositoryRoot, 'fixtures/blocklist');
const capture = join(sound, 'captures/odd.pcapng');
const PACKETS = [
  '--packet',
  'tcp 192.0.2.1:4000 > 203.0.113.2:22 syn',
  '--packet',
  'udp 192.0.2.1:1 > 203.0.113.2:2 fragment 0+',
];

/** One rule of each fate, a set that is not there, a line that is no rule, another plane. */
const FAULTY = `*filter
:INPUT DROP [12:3456]
:dead - [0:0]
[1:60] -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "\\"<&>" -j ACCEPT
-A INPUT -m recent --set --name ssh --rsource -j DROP
-A INPUT -m set --match-set nobody src -j ACCEPT
-A INPUT --nonsense
-A dead -j DROP
COMMIT
`;

let folder = '';
const path = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-json-'));
  cpSync(sound, path('faulty'), { recursive: true });
  writeFileSync(path('faulty/rules.v4'), FAULTY);
  writeFileSync(path('faulty/nft.txt'), 'table inet native {\n}\n');
  writeFileSync(path('inventory.yaml'), 'cidrs:\n  198.51.100.0/24: { team: operations }\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Command words, arguments, exit code, schema; `lines`: a value a line. */
const rows: readonly (readonly [string, (faulty: string) => string[], number, string])[] = [
  ['check', () => [sound], 0, 'check.json'],
  ['check', (faulty) => [faulty, '--waive', 'IPT0310', '--waive', 'IPT0999'], 1, 'check.json'],
  ['print', () => [sets], 0, 'print.json'],
  ['print', (faulty) => [faulty, '--canonical'], 1, 'print.json'],
  ['inspect chains', (faulty) => [faulty], 0, 'inspect-chains.json'],
  ['inspect sets', () => [sets], 0, 'inspect-sets.json'],
  ['migrate', () => [sound, '-o', path('out')], 0, 'migrate.json'],
  ['migrate', (faulty) => [faulty, '-o', path('none')], 1, 'migrate.json'],
  ['migrate', () => [sound, '-o', path('early'), '--attach', 'tc,xdp'], 0, 'migrate.json'],
  ['migrate', () => [sound, '-o', path('auto'), '--attach', 'auto'], 0, 'migrate.json'],
  ['migrate', () => [sound, '-o', path('alone'), '--attach', 'xdp'], 1, 'migrate.json'],
  ['verify', () => [sound, '--pcap', capture, '--attach', 'xdp'], 0, 'verify.json'],
  ['policy', () => [sound], 0, 'policy.json'],
  ['policy', (faulty) => [faulty], 1, 'policy.json'],
  ['policy', () => [sound, '--inventory', path('inventory.yaml')], 0, 'policy.json'],
  ...['cilium', 'kubernetes', 'calico'].map(
    (format) => ['policy', () => [sound, '--format', format], 1, 'policy-export.json'] as const,
  ),
  ['replay', () => [sound, '--pcap', capture, '--on', 'rules'], 0, 'verdict-record.json'],
  ['replay', () => [sound, '--pcap', capture, '--on', 'vm'], 0, 'verdict-record.json'],
  ['snapshot', () => ['-o', path('snapshot')], 0, 'snapshot.json'],
  ['verify', () => [sound, '--pcap', capture], 0, 'verify.json'],
  ['explain', () => [sound, ...PACKETS], 0, 'explain.json'],
  ['explain', (faulty) => [faulty, ...PACKETS], 0, 'explain.json'],
];

/** Commands that act on the running host, in namespaces of their own: line, exit code, schema. */
const liveRows: readonly (readonly [string, number, string])[] = [
  ['ipt2ebpf load out --json', 0, 'load.json'],
  ['ip addr add 203.0.113.9/24 dev eth0; ipt2ebpf load out --json', 1, 'load.json'],
  ["ipt2ebpf load out --guard 'tcp to port 9' --json", 0, 'load.json'],
  [
    "ipt2ebpf load out --guard 'tcp to port 23' --guard 'tcp from 2001:db8::/32 to port 9' --json",
    1,
    'load.json',
  ],
  ['ipt2ebpf load out --enforce --rollback-after 60 --flush-iptables --json', 0, 'load.json'],
  ['ipt2ebpf confirm --json', 0, 'confirm.json'],
  ['ipt2ebpf status --json', 0, 'status.json'],
  ['ipt2ebpf unload >&2; ipt2ebpf status --json', 1, 'status.json'],
  ['ipt2ebpf unload --json', 0, 'unload.json'],
];

it('every command is among them, and every schema is used', () => {
  const commands = readdirSync(join(repositoryRoot, 'src/commands'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -3).replaceAll('/', ' '));
  const live = liveRows.map(([line]) => /ipt2ebpf (\w+)/.exec(line)![1]!);
  expect([...new Set([...rows.map(([command]) => command), ...live])].sort()).toEqual(commands.sort());
  const schemas = [...rows.map(([, , , schema]) => schema), ...liveRows.map(([, , schema]) => schema)];
  expect([...new Set(schemas), 'manifest.json'].sort()).toEqual(schemaNames);
});

describe.each(liveRows)('%s', (line, code, schema) => {
  const lacks = lackingFor('kernel');
  const run = (): void => {
    const bin = path('bin');
    mkdirSync(bin, { recursive: true });
    const launcher = `#!/bin/sh\nexec '${process.execPath}' '${repositoryRoot}/bin/run.js' "$@"\n`;
    writeFileSync(join(bin, 'ipt2ebpf'), launcher, { mode: 0o755 });
    const stage = liveStage(/ipt2ebpf .*/.exec(line)![0])!;
    const result = runLive(line, stage, `${bin}:${process.env['PATH'] ?? ''}`);
    expect(result.status, result.stderr).toBe(code);
    expect(complaints(schema, JSON.parse(result.stdout))).toEqual([]);
    expect(complaints(schema, { nonsense: 1 })).not.toEqual([]);
  };
  const told = `exits with ${code} and prints what ${schema} says, nothing else`;
  if (lacks.length === 0) it(told, run);
  else it.skip(`${told} (NOT RUN: ${lacks.join('; ')})`, run);
});

describe.each(rows)('%s', (command, args, code, schema) => {
  it(`exits with ${code} and prints what ${schema} says, nothing else`, () => {
    const result = runCli([...command.split(' '), ...args(path('faulty')), '--json']);
    expect(result.code, result.stderr).toBe(code);
    const values: unknown[] =
      command === 'replay'
        ? result.stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as unknown)
        : [JSON.parse(result.stdout)];
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) expect(complaints(schema, value)).toEqual([]);
    expect(complaints(schema, { nonsense: 1 })).not.toEqual([]);
  });
});

describe('the folder of migrate', () => {
  it.each(['out', 'none'])('%s: manifest and report are as their schemas say', (name) => {
    const read = (file: string): unknown => JSON.parse(readFileSync(join(path(name), file), 'utf8'));
    expect(complaints('manifest.json', read('manifest.json'))).toEqual([]);
    expect(complaints('migrate.json', read('report.json'))).toEqual([]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// The README's table of exit codes: sound rules, rules of which one cannot be carried over, and trouble.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot, runCli } from './run-cli.js';

const capture = join(repositoryRoot, 'fixtures/router/captures/noise.pcapng');
const packet = 'tcp 192.0.2.1:4000 > 203.0.113.2:22 syn';
const dump = (match: string): string => `*filter\n:INPUT DROP [0:0]\n-A INPUT ${match} -j DROP\nCOMMIT\n`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-exit-'));
  writeFileSync(join(folder, 'sound'), dump('-p tcp -m tcp --dport 22'));
  writeFileSync(join(folder, 'inexact'), dump('-m recent --set --name x --rsource'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Command, further arguments, exit codes for sound, inexact and absent input. */
describe.each<[string, string[], number, number]>([
  ['check', [], 0, 1],
  ['print', [], 0, 1],
  ['migrate', ['-o', 'OUT'], 0, 1],
  ['replay', ['--pcap', capture, '--on', 'rules'], 0, 0],
  ['replay', ['--pcap', capture, '--on', 'vm'], 0, 2],
  ['verify', ['--pcap', capture], 0, 2],
  ['explain', ['--packet', packet], 0, 0],
  ['inspect chains', [], 0, 0],
  ['inspect sets', [], 0, 0],
])('%s %j', (command, more, sound, inexact) => {
  it.each([
    ['sound', sound],
    ['inexact', inexact],
    ['absent', 2],
  ])('%s: %d', (name, code) => {
    const args = more.map((arg) => (arg === 'OUT' ? join(folder, `out-${name}`) : arg));
    expect(runCli([...command.split(' '), join(folder, name), ...args]).code).toBe(code);
  });
});

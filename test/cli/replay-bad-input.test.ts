// SPDX-License-Identifier: Apache-2.0
// replay and verify as a user runs them: streams, exit codes, damaged captures, outputs that can't be written.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPacket } from '../../src/packet/build.js';
import { pcapFileHeader, pcapRecord } from '../../src/replay/capture/write-pcap.js';
import { complaints } from '../support/schemas.js';
import { runCli, stackTraceLines } from './run-cli.js';

const RULES = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 23 -j REJECT --reject-with tcp-reset
COMMIT
`;

let directory = '';
const path = (name: string): string => join(directory, name);

function record(destinationPort: number, at: number): Uint8Array {
  const frame = buildPacket(
    { kind: 'ethernet' },
    { kind: 'ipv4', source: '192.0.2.1', destination: '203.0.113.2' },
    { kind: 'tcp', sourcePort: 4000, destinationPort, flags: ['syn'] },
  );
  return pcapRecord({ frame, timestampNs: 1_700_000_000_000_000_000n + BigInt(at) * 1_000_000n });
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ipt2ebpf-replay-'));
  const records = [22, 23, 24, 22].map(record);
  const whole = Buffer.concat([pcapFileHeader(), ...records]);
  writeFileSync(path('rules.v4'), RULES);
  writeFileSync(path('good.pcap'), whole);
  writeFileSync(path('cut.pcap'), whole.subarray(0, whole.length - 30));
  const hostile = Buffer.alloc(16);
  hostile.writeUInt32LE(0xfffffff0, 8);
  writeFileSync(
    path('hostile.pcap'),
    Buffer.concat([pcapFileHeader(), ...records, hostile, Buffer.alloc(4096)]),
  );
  writeFileSync(path('random'), randomBytes(1 << 20));
  writeFileSync(path('junk'), Buffer.alloc(100_000_000, 'y'));
  writeFileSync(path('junk.pcap'), Buffer.concat([whole, randomBytes(64), Buffer.alloc(100_000_000, 'y')]));
  writeFileSync(path('list.json'), '["eth0","eth0"]');
  mkdirSync(path('folder'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const replay = (capture: string, ...more: string[]) =>
  runCli(['replay', path('rules.v4'), '--pcap', path(capture), ...more]);
const verdicts = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { verdict: string }).verdict);

describe('replay', () => {
  it.each([[], ['--json']])('prints a record a line, as the schema says %o', (...flags) => {
    const { code, stdout } = replay('good.pcap', ...flags);
    expect([code, verdicts(stdout)]).toEqual([0, ['accept', 'reject', 'drop', 'accept']]);
    for (const line of stdout.trim().split('\n'))
      expect(complaints('verdict-record.json', JSON.parse(line))).toEqual([]);
  });

  it('reads a capture from standard input, and several captures behind one flag', () => {
    const input = readFileSync(path('good.pcap'));
    const piped = runCli(['replay', path('rules.v4'), '--pcap', '-'], { input });
    expect([piped.code, verdicts(piped.stdout).length]).toEqual([0, 4]);
    const both = runCli(['replay', path('rules.v4'), '--pcap', path('good.pcap'), path('good.pcap')]);
    expect([both.code, verdicts(both.stdout).length]).toEqual([0, 8]);
  });

  it('writes a file that is whole', () => {
    const { code, stdout } = replay('good.pcap', '-o', path('records.jsonl'));
    expect([code, stdout]).toEqual([0, '']);
    expect(verdicts(readFileSync(path('records.jsonl'), 'utf8')).length).toBe(4);
  });

  it.each([
    ['cut.pcap', 3, /cut\.pcap, byte 234, packet 4: the file ends inside the packet: 24 of 54 bytes/],
    ['hostile.pcap', 4, /hostile\.pcap, byte 304, packet 5: the packet's length is 4294967280 bytes/],
    ['junk.pcap', 4, /junk\.pcap, byte 304, packet 5: the packet's length is/],
    ['random', 0, /random, byte 0: starts with [0-9a-f]{8}; this is no pcap/],
    ['junk', 0, /junk, byte 0: starts with 79797979; this is no pcap/],
    ['folder', 0, /folder: is a directory/],
    ['nowhere.pcap', 0, /nowhere\.pcap: no such file/],
  ])('%s: the %d records before the fault, its place, exit 2', (capture, records, message) => {
    const { code, stdout, stderr } = replay(capture);
    expect(verdicts(stdout).length).toBe(records);
    expect(stderr).toMatch(message);
    expect(stackTraceLines(stderr)).toEqual([]);
    expect(code).toBe(2);
  });

  it('leaves no output behind after a fault', () => {
    writeFileSync(path('old.jsonl'), 'what was there\n');
    const { code } = replay('cut.pcap', '-o', path('old.jsonl'));
    expect([code, readFileSync(path('old.jsonl'), 'utf8')]).toEqual([2, 'what was there\n']);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    [['--ingress', 'eth9'], /--ingress eth9: neither an interface of the host nor a file/],
    [['--ingress', 'LIST'], /packet 3: the ingress list has 2 entries, and this is packet 3 of the replay/],
    [['-o', '/nonexistent/x.jsonl'], /`\/nonexistent\/x\.jsonl` can't be written: its folder does not exist/],
    [['--on', 'magic'], /Expected --on=magic to be one of/],
  ])('%o', (flags, message) => {
    const { code, stderr } = replay(
      'good.pcap',
      ...flags.map((flag) => (flag === 'LIST' ? path('list.json') : flag)),
    );
    expect(stderr.replaceAll(/\n\s+/g, ' ')).toMatch(message);
    expect(stackTraceLines(stderr)).toEqual([]);
    expect(code).toBe(2);
  });

  const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  it.skipIf(!mayMount)(
    `a full disk: message, exit 2, nothing left${mayMount ? '' : ' (NOT RUN: mounting needs root, and the right to)'}`,
    () => {
      const mount = path('small');
      mkdirSync(mount);
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]);
      expect(mounted.status, mounted.stderr.toString()).toBe(0);
      try {
        const many = Buffer.concat([
          pcapFileHeader(),
          ...Array.from({ length: 5000 }, (_, i) => record(22, i)),
        ]);
        writeFileSync(path('many.pcap'), many);
        const { code, stderr } = replay('many.pcap', '-o', join(mount, 'records.jsonl'));
        expect(stderr).toMatch(
          /records\.jsonl` can't be written: no space left on the device; nothing was left there/,
        );
        expect([code, readdirSync(mount)]).toEqual([2, []]);
      } finally {
        spawnSync('umount', [mount]);
      }
    },
  );
});

const hasClang = spawnSync('clang', ['--version']).error === undefined;

describe.skipIf(!hasClang)(`verify${hasClang ? '' : ' (no clang to compile the program with)'}`, () => {
  const verify = (capture: string, ...more: string[]) =>
    runCli(['verify', path('rules.v4'), '--pcap', path(capture), ...more]);

  it('exit 0 without a difference; every report format', () => {
    const { code, stdout, stderr } = verify(
      'good.pcap',
      ...['--report', 'text', '--report', `json=${path('r.json')}`, '--report', `junit=${path('r.xml')}`],
    );
    expect([code, stdout.split('\n')[0]], stderr).toEqual([0, 'differences: 0 in 4 packets (rules and vm)']);
    expect(stdout).toContain('rules hit: 2 of 2 live rules (100.0%)');
    expect(JSON.parse(readFileSync(path('r.json'), 'utf8'))).toMatchObject({ same: true, packets: 4 });
    expect(existsSync(path('r.xml'))).toBe(true);
  });

  it('a damaged capture is trouble, not sameness', () => {
    const { code, stderr } = verify('cut.pcap');
    expect(stderr).toMatch(/the file ends inside the packet/);
    expect(code).toBe(2);
  });

  it('no program without a waiver', () => {
    writeFileSync(
      path('inexact.v4'),
      RULES.replace('-A INPUT', '-A INPUT -m recent --set --name x\n-A INPUT'),
    );
    const { code, stderr } = runCli(['verify', path('inexact.v4'), '--pcap', path('good.pcap')]);
    expect(stderr).toMatch(/there is no program to run: 1 finding/);
    expect(stderr).toMatch(/inexact\.v4:5/);
    expect(code).toBe(2);
  });

  it('--report pdf is refused', () => {
    const { code, stderr } = verify('good.pcap', '--report', 'pdf');
    expect(stderr).toMatch(/--report pdf: expected FORMAT/);
    expect(code).toBe(2);
  });
});

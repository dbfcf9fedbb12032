// SPDX-License-Identifier: Apache-2.0
// A user's mistake or a broken file gets a located message, the contract's exit code and no stack trace.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot, runCli, stackTraceLines } from './run-cli.js';

let directory = '';
const path = (name: string): string => join(directory, name);
const fixture = join(repositoryRoot, 'fixtures/web-server');
const rules = readFileSync(join(fixture, 'rules.v4'), 'latin1');

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ipt2ebpf-bad-input-'));
  writeFileSync(path('random'), randomBytes(1 << 20));
  writeFileSync(path('truncated.v4'), rules.slice(0, Math.floor(rules.length / 2)), 'latin1');
  writeFileSync(
    path('long-line.v4'),
    rules.replace('COMMIT', `-A INPUT -s ${'1'.repeat(100_000_000)} -j DROP\nCOMMIT`),
    'latin1',
  );
  writeFileSync(path('long-junk'), 'y'.repeat(100_000_000), 'latin1');
  writeFileSync(
    path('absent-set.v4'),
    '*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set nobody src -j ACCEPT\nCOMMIT\n',
  );
  mkdirSync(path('empty'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe.each([
  { what: 'random bytes', file: 'random', check: 2, print: 2, says: /random:1:1/ },
  { what: 'truncated dump', file: 'truncated.v4', check: 1, print: 1, says: /truncated\.v4:\d+:\d+/ },
  {
    what: '100 MB line between rules',
    file: 'long-line.v4',
    check: 1,
    print: 1,
    says: /long-line\.v4:\d+:\d+/,
  },
  { what: '100 MB of junk in one line', file: 'long-junk', check: 2, print: 2, says: /long-junk:1:1/ },
  { what: 'absent set', file: 'absent-set.v4', check: 1, print: 1, says: /absent-set\.v4:3:\d+/ },
  { what: 'directory for a file', file: 'empty', check: 2, print: 2, says: /empty/ },
  { what: 'absent file', file: 'nothing-here', check: 2, print: 2, says: /nothing-here/ },
])('$what', ({ file, check, print, says }) => {
  it.each([
    { args: ['check'], code: check },
    { args: ['check', '--json'], code: check },
    { args: ['print'], code: print },
    { args: ['print', '--canonical'], code: print },
  ])('$args exits with $code', ({ args, code }) => {
    const result = runCli([...args, path(file)]);
    expect(result.stdout + result.stderr).toMatch(says);
    expect(stackTraceLines(result.stderr)).toEqual([]);
    expect(result.code).toBe(code);
    if (args.includes('--json') && code !== 2)
      expect(() => JSON.parse(result.stdout) as unknown).not.toThrow();
  });

  it('migrate writes no program', () => {
    const output = path(`out-${file}`);
    const result = runCli(['migrate', path(file), '-o', output]);
    expect(result.stdout + result.stderr).toMatch(says);
    expect(stackTraceLines(result.stderr)).toEqual([]);
    expect(result.code).toBe(check);
    expect(existsSync(join(output, 'program.o'))).toBe(false);
    expect(existsSync(output)).toBe(check === 1);
    expect(
      readdirSync(directory).filter((name) => name.startsWith(`out-${file}`) && name !== `out-${file}`),
    ).toEqual([]);
  });
});

it('the sound file next to these passes (so the checks above can fail)', () => {
  const result = runCli(['check', fixture]);
  expect(result.code).toBe(0);
  expect(result.stdout).toContain('exact');
});

it.each([
  ['an unknown command', ['chekc']],
  ['an unknown flag', ['check', '--nope', fixture]],
  ['no input', ['check']],
  ['a waiver that is none', ['check', '--waive', '@@', fixture]],
])('%s is told without a stack trace', (_, args) => {
  const result = runCli(args);
  expect(result.code).toBe(2);
  expect(result.stderr).not.toBe('');
  expect(stackTraceLines(result.stderr)).toEqual([]);
});

it.skipIf(!existsSync('/dev/full'))('a full disk behind standard output is trouble', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const result = runCli(['print', fixture], { stdout: full });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('standard output cannot be written');
    expect(stackTraceLines(result.stderr)).toEqual([]);
  } finally {
    closeSync(full);
  }
});

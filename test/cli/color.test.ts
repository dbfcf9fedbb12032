// SPDX-License-Identifier: Apache-2.0
// Colour on a terminal (a pseudo-terminal of script(1)) and nowhere else, unless asked for.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wantsColor } from '../../src/cli/color.js';
import { plainEnvironment, repositoryRoot, runCli } from './run-cli.js';

const ESCAPE = '\x1b[';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-color-'));
  writeFileSync(join(folder, 'rules.v4'), '*filter\n:INPUT DROP [0:0]\n-A INPUT --nonsense\nCOMMIT\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('wantsColor', () => {
  it.each([
    [{ isTTY: true }, [], {}, true],
    [{ isTTY: true }, [], { TERM: 'dumb' }, false],
    [{ isTTY: true }, [], { NO_COLOR: '1' }, false],
    [{ isTTY: true }, [], { NO_COLOR: '' }, true],
    [{ isTTY: true }, ['--no-color'], { FORCE_COLOR: '1' }, false],
    [{ isTTY: true }, [], { FORCE_COLOR: '0' }, false],
    [{}, [], {}, false],
    [{}, [], { FORCE_COLOR: '1' }, true],
    [{}, [], { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ] as const)('%j %j %j: %s', (stream, args, env, wanted) => {
    expect(wantsColor(stream, args, env)).toBe(wanted);
  });
});

describe('a pipe', () => {
  it('gets none', () => {
    const { stdout, stderr } = runCli(['check', folder]);
    expect(stdout).toContain('error[IPT');
    expect(stdout + stderr).not.toContain(ESCAPE);
  });

  it('gets it with FORCE_COLOR, and JSON never', () => {
    const env = { FORCE_COLOR: '1' };
    expect(runCli(['check', folder], { env }).stdout).toContain(ESCAPE);
    expect(runCli(['check', '--json', folder], { env }).stdout).not.toContain(ESCAPE);
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasScript)(`a terminal${hasScript ? '' : ' (NOT RUN: script(1) is not installed)'}`, () => {
  const onTerminal = (args: string, env: Readonly<Record<string, string>> = {}): string =>
    spawnSync('script', ['-qec', `'${process.execPath}' bin/run.js ${args}`, '/dev/null'], {
      cwd: repositoryRoot,
      encoding: 'latin1',
      env: { ...plainEnvironment(), TERM: 'xterm', ...env },
    }).stdout;

  it('gets it', () => {
    expect(onTerminal(`check ${folder}`)).toContain(ESCAPE);
    expect(onTerminal(`check ${folder} --json 2>&1 >/dev/null`)).toContain(ESCAPE);
  });

  it('gets none with NO_COLOR, --no-color, or when it has none', () => {
    expect(onTerminal(`check ${folder}`, { NO_COLOR: '1' })).not.toContain(ESCAPE);
    expect(onTerminal(`check ${folder} --no-color`)).not.toContain(ESCAPE);
    expect(onTerminal(`check ${folder}`, { TERM: 'dumb' })).not.toContain(ESCAPE);
    expect(onTerminal('check --help', { NO_COLOR: '1' })).not.toContain(ESCAPE);
    expect(onTerminal('--nope', { NO_COLOR: '1' })).not.toContain(ESCAPE);
  });
});

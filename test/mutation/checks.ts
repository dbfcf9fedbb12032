// SPDX-License-Identifier: Apache-2.0
// The checks that look for a mutant, from the cheapest to the dearest: a part of what CI runs.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Check {
  readonly name: string;
  /** Undefined where it can run; else what is lacking. */
  lacks(): string | undefined;
  /** For a suite, the test files of the check, as vitest's path filters: all, unless a mutant needs fewer. */
  readonly files?: readonly string[];
  command(files: readonly string[]): readonly string[];
}

/** Of the corpus, what compares with recorded answers of the kernel and of iptables in seconds. */
const CORPUS = ['kernel-cases', 'canonical', 'extensions'].map((name) => `test/corpus/${name}.test.ts`);
const KERNEL = ['evaluate', 'option-traps'].map((name) => `test/kernel/${name}.test.ts`);
const REFERENCE_CASES = 60;
const PROGRAM_CASES = 20;

export function checksIn(root: string, data: string): readonly Check[] {
  const noRoot = (): string | undefined => (process.getuid?.() === 0 ? undefined : 'root');
  const noData = (): string | undefined => (existsSync(data) ? undefined : `the data folder ${data}`);
  const nothing = (): undefined => undefined;
  const program = (name: string): string => join(root, 'node_modules', name);
  const suite =
    (project: string) =>
    (files: readonly string[]): readonly string[] => [
      program('vitest/vitest.mjs'),
      'run',
      ...['--config', 'test/mutation/vitest.config.ts', '--project', project, '--bail', '1', ...files],
    ];
  const fuzz =
    (runners: string, cases: number): Check['command'] =>
    () => [
      ...['--import', 'tsx', '--import', './test/mutation/save-on-exit.ts', 'test/fuzz/main.ts'],
      ...['--seed', '1', '--cases', String(cases), '--on', runners, '--no-shrink', '--out', 'differences'],
    ];
  return [
    { name: 'unit', lacks: nothing, files: [], command: suite('unit') },
    { name: 'corpus', lacks: noData, files: CORPUS, command: suite('corpus') },
    { name: 'fuzz netfilter = rules', lacks: noRoot, command: fuzz('netfilter,rules', REFERENCE_CASES) },
    { name: 'fuzz rules = vm', lacks: nothing, command: fuzz('rules,vm', PROGRAM_CASES) },
    { name: 'kernel', lacks: noRoot, files: KERNEL, command: suite('kernel') },
    {
      name: 'typecheck',
      lacks: nothing,
      command: () => [program('typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'],
    },
  ];
}

export interface Outcome {
  readonly passed: boolean;
  readonly timedOut: boolean;
  readonly output: string;
  readonly seconds: number;
}

/** No single process of a check may take more of the processor than this; the whole no more of the clock. */
export interface Limits {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

const HEAP_MEGABYTES = 2000;

/** Runs Node in `cwd`; what goes beyond the limits is ended, and when the clock's is over all of it. */
export function runNode(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  limits: Limits,
): Promise<Outcome> {
  const start = performance.now();
  const limited = [`--cpu=${Math.ceil(limits.cpuSeconds)}`, process.execPath, ...args];
  const child = spawn('prlimit', limited, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: `--max-old-space-size=${HEAP_MEGABYTES}`, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + data.toString('latin1')).slice(-20_000)));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    process.kill(-child.pid!, 'SIGKILL');
  }, limits.seconds * 1000);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ passed: code === 0, timedOut, output, seconds: (performance.now() - start) / 1000 });
    });
  });
}

// SPDX-License-Identifier: Apache-2.0
// Are the tests able to fail? Draws mutants over the meaning and the lowering of rules with Stryker's
// instrumenter and asks, one mutant at a time, whether any check finds it:
//   npm run test:mutation -- --seed 1 --count 20
// Works on a copy in a temporary directory. Exits 1 when a mutant survives every check (each is printed
// with its place, to be explained or killed), 2 on trouble (the checks fail without a mutant).
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Instrumenter, type File } from '@stryker-mutator/instrumenter';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20' },
    /** Draw from files whose path holds this text. */
    only: { type: 'string', default: '' },
  },
});

const MUTATED = ['src/ruleset/matches', 'src/ruleset/targets', 'src/model'];
const COPIED = [
  'src',
  'grammar',
  'bpf',
  'schemas',
  'test',
  'fixtures',
  'bin',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'SUPPORT.md',
];

/** From the cheapest to the dearest; the first that fails has found the mutant. */
const CHECKS: readonly {
  readonly name: string;
  readonly command: readonly string[];
  readonly needs?: string;
}[] = [
  { name: 'unit', command: ['npx', 'vitest', 'run', '--project', 'unit', '--bail', '1'] },
  { name: 'fuzz', command: ['npx', 'tsx', 'test/fuzz/main.ts', '--seed', '1', '--cases', '40'] },
  {
    name: 'corpus',
    command: [
      'npx',
      'vitest',
      'run',
      '--project',
      'corpus',
      '--bail',
      '1',
      'kernel-cases',
      'extensions',
      'canonical',
    ],
    needs: 'IPT2EBPF_DATA',
  },
];

const root = resolve(import.meta.dirname, '../..');
const data = resolve(root, process.env['IPT2EBPF_DATA'] ?? '../shared/data');

interface Finding {
  readonly mutant: string;
  readonly foundBy?: string;
}

function sourceFiles(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('index.ts') && !name.endsWith('registry.ts'))
    .map((name) => join(directory, name))
    .sort();
}

/** Deterministic draw without replacement (xorshift32). */
function draw<T>(items: readonly T[], count: number, seed: number): T[] {
  const rest = [...items];
  const out: T[] = [];
  let state = (seed * 2654435761) >>> 0 || 1;
  while (out.length < count && rest.length > 0) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    out.push(...rest.splice(state % rest.length, 1));
  }
  return out;
}

function check(directory: string, mutant: string | undefined): string | undefined {
  for (const { name, command, needs } of CHECKS) {
    if (needs === 'IPT2EBPF_DATA' && !existsSync(data)) continue;
    const result = spawnSync(command[0]!, command.slice(1), {
      cwd: directory,
      env: {
        ...process.env,
        IPT2EBPF_DATA: data,
        ...(mutant === undefined ? {} : { __STRYKER_ACTIVE_MUTANT__: mutant }),
      },
      encoding: 'utf8',
      timeout: 600_000,
      maxBuffer: 64 << 20,
    });
    if (result.status !== 0) {
      if (mutant === undefined) process.stderr.write(result.stdout.slice(-4000) + result.stderr.slice(-4000));
      return name;
    }
  }
  return undefined;
}

const silent = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};

const directory = mkdtempSync(join(tmpdir(), 'ipt2ebpf-mutation-'));
process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true });
});
for (const name of COPIED)
  if (existsSync(join(root, name))) cpSync(join(root, name), join(directory, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));

const files: File[] = MUTATED.flatMap(sourceFiles).map((name) => ({
  name,
  mutate: true,
  content: readFileSync(join(root, name), 'utf8'),
}));
// The parameter property `_createParser` etc. have working defaults; only the logger must be given.
const { files: instrumented, mutants } = await new Instrumenter(silent).instrument(files, {
  plugins: null,
  // Texts of messages are judged by eye; a mutated message is not a changed meaning.
  excludedMutations: ['StringLiteral'],
  ignorers: [],
});
for (const file of instrumented) writeFileSync(join(directory, file.name), file.content);

const baseline = check(directory, undefined);
if (baseline !== undefined) {
  console.error(`without any mutant the check \`${baseline}\` fails: nothing can be said`);
  process.exit(2);
}

const drawn = draw(
  mutants.filter((mutant) => mutant.fileName.includes(values.only)),
  Number(values.count),
  Number(values.seed),
);
console.log(
  `${mutants.length} mutants over ${files.length} files, ${drawn.length} drawn with seed ${values.seed}`,
);
const findings: Finding[] = [];
for (const mutant of drawn) {
  const place = `${mutant.fileName}:${mutant.location.start.line + 1}`;
  const foundBy = check(directory, mutant.id);
  const text = `${place} ${mutant.mutatorName}: ${mutant.replacement.replace(/\s+/g, ' ').slice(0, 80)}`;
  findings.push(foundBy === undefined ? { mutant: text } : { mutant: text, foundBy });
  console.log(`${foundBy === undefined ? 'SURVIVED' : `found by ${foundBy}`}: ${text}`);
}
const found = findings.filter((finding) => finding.foundBy !== undefined).length;
console.log(`${found} of ${findings.length} mutants found`);
process.exit(found === findings.length ? 0 : 1);

// SPDX-License-Identifier: Apache-2.0
// --help of every command, and that its examples run: in a folder with the files they name, `iptables-save` a
// stand-in that prints a dump. The README's examples are run the same way.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
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
import { lackingFor } from '../../src/kernel/feature.js';
import { liveStage, runLive, type LiveStage } from '../support/live-place.js';
import { plainEnvironment, repositoryRoot, runCli, stackTraceLines } from './run-cli.js';

const commands = readdirSync(join(repositoryRoot, 'src/commands'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3).replaceAll('/', ' '))
  .sort();

const help = (command: string): string =>
  runCli([...command.split(' '), '--help'], { env: { OCLIF_COLUMNS: '400' } }).stdout;

/** Text below a heading of --help. */
function section(text: string, heading: string): string {
  return new RegExp(`^${heading}\n((?:  .*\n|\n)*)`, 'm').exec(text)?.[1] ?? '';
}

/** Lines of shell that start with us or end in us. */
function commandLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^\$ /, ''))
    .filter((line) => /^(iptables-save \| )?ipt2ebpf /.test(line));
}

/** Rule 7 of INPUT is one that cannot be carried over. */
const OLD = `*filter
:INPUT DROP [0:0]
${[1, 2, 3, 4, 5, 6].map((port) => `-A INPUT -p tcp -m tcp --dport ${port} -j ACCEPT\n`).join('')}\
-A INPUT -m recent --set --name ssh --rsource -j DROP
COMMIT
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-help-'));
  const path = (...names: string[]): string => join(folder, ...names);
  const router = join(repositoryRoot, 'fixtures/router');
  for (const name of ['rules.v4', 'rules.v6', 'host.json']) {
    for (const place of [name, `snapshot/${name}`, `host/${name}`]) cpSync(join(router, name), path(place));
  }
  writeFileSync(path('ipset.save'), 'create friends hash:ip family inet\nadd friends 192.0.2.7\n');
  writeFileSync(path('old.v4'), OLD);
  writeFileSync(path('inventory.yaml'), 'cidrs:\n  2001:db8:2::/64: { site: main }\n');
  writeFileSync(path('ingress.json'), '{"default":"eth0"}');
  for (const name of ['traffic.pcap', 'a.pcapng', 'b.pcap'])
    cpSync(join(router, 'captures/icmp.pcapng'), path(name));
  mkdirSync(path('bin'));
  writeFileSync(
    path('bin/ipt2ebpf'),
    `#!/bin/sh\nexec '${process.execPath}' '${repositoryRoot}/bin/run.js' "$@"\n`,
  );
  writeFileSync(path('bin/iptables-save'), `#!/bin/sh\ncat rules.v4\n`);
  for (const name of ['ipt2ebpf', 'iptables-save']) chmodSync(path('bin', name), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the line where it acts on nobody's host. */
function runsLive(line: string, stage: LiveStage): void {
  const result = runLive(line, stage, `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`);
  expect(result.status, `${line}\n${result.stdout}${result.stderr}`).toBe(0);
  if (line.includes('--json')) expect(JSON.parse(result.stdout)).toBeTypeOf('object');
}

/** Runs the line in the folder: it must end with 0 and without a fault being told. */
function runsWell(line: string): void {
  const stage = liveStage(line);
  if (stage !== undefined) return runsLive(line, stage);
  const takesSnapshot = line.startsWith('ipt2ebpf snapshot ');
  // A namespace of its own is host enough, and this process stands for the container.
  const alone = takesSnapshot && lackingFor('netfilter').length === 0 ? ['unshare', '--net'] : [];
  const [program = '', ...args] = [
    ...alone,
    'sh',
    '-c',
    line.replace('--netns 4711', `--netns ${process.pid}`),
  ];
  const result = spawnSync(program, args, {
    cwd: takesSnapshot ? mkdtempSync(join(folder, 'empty-')) : folder,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...plainEnvironment(), PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  expect(result.status, `${line}\n${result.stdout}${result.stderr}`).toBe(0);
  expect(result.stderr).not.toMatch(/^(error|ipt2ebpf:)|accepts nothing/m);
  if (line.includes('--json')) expect(JSON.parse(result.stdout)).toBeTypeOf('object');
}

/** What a line lacks here; undefined when it can run. */
function lacks(line: string): string | undefined {
  if (line.includes('--netns') && lackingFor('netfilter').length > 0)
    return 'entering a namespace needs root';
  const runner =
    liveStage(line) === undefined
      ? (['netfilter', 'kernel'] as const).find((name) => line.includes(` ${name}`))
      : 'kernel';
  const lacking = runner === undefined ? [] : lackingFor(runner);
  return lacking.length === 0 ? undefined : lacking.join('; ');
}

function itRuns(line: string): void {
  const lacking = lacks(line);
  if (lacking === undefined) it(line, () => runsWell(line));
  else it.skip(`${line} (NOT RUN: ${lacking})`, () => runsWell(line));
}

describe.each(commands)('%s --help', (command) => {
  const text = help(command);

  it('says what the command does, its usage, each option in words', () => {
    const [summary] = text.split('\n');
    expect(summary).toMatch(/^[A-Z].{20,}[^.]$/);
    expect(section(text, 'DESCRIPTION').replace(summary!, '').trim().length).toBeGreaterThan(80);
    expect(section(text, 'USAGE')).toContain(`$ ipt2ebpf ${command} `);
    const options = section(text, 'FLAGS')
      .split('\n')
      .filter((line) => /^ {2,6}-/.test(line));
    expect(options.length).toBeGreaterThan(2);
    for (const option of options) expect(option).toMatch(/^ {2}(-\w, | {4})?--[\w-]+\S* +\S+ \S+/);
    expect(text).not.toContain('[default: ]');
  });

  const examples = commandLines(section(text, 'EXAMPLES'));
  it('has examples', () => expect(examples.length).toBeGreaterThan(0));
  examples.forEach(itRuns);
});

describe('README', () => {
  const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
  const lines = commandLines(readme).map((line) => line.replace(/ +#.*/, ''));
  it('has examples of most commands', () => expect(lines.length).toBeGreaterThan(4));
  lines.forEach(itRuns);

  it('lists the commands there are', () => {
    const listed = [...readme.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name);
    for (const command of commands) expect(listed).toContain(command.split(' ')[0]);
  });
});

describe('without a command', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('%j lists the commands', (args: string[]) => {
    const { code, stdout, stderr } = runCli(args);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of commands) expect(stdout).toContain(command.split(' ')[0]);
  });

  it('help COMMAND and -h are --help', () => {
    const text = runCli(['check', '--help']).stdout;
    expect(runCli(['help', 'check']).stdout).toBe(text);
    expect(runCli(['check', '-h']).stdout).toBe(text);
  });

  it('--version names ours', () => {
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(runCli(['--version']).stdout).toContain(`ipt2ebpf/${version} `);
  });
});

describe.each<[string[], RegExp]>([
  [['chekc'], /unknown command `chekc`: did you mean `check`\?/],
  [['chekc', '--help'], /unknown command `chekc`: did you mean `check`\?/],
  [['help', 'verfy'], /unknown command `verfy`: did you mean `verify`\?/],
  [['inspect', 'set', '--json'], /unknown command `inspect set`: did you mean `inspect sets`\?/],
  [['nonsense'], /unknown command `nonsense`\n *commands: check, .*explain, /],
  [['--jsn', 'check'], /unknown option `--jsn`.*a command comes first/],
  [['check', '--waiv', 'x'], /unknown option `--waiv`: did you mean `--waive`\?/],
  [['check', '-x'], /unknown option `-x`/],
  [['replay', 'x', '--on', 'wm'], /--on=wm.*rules, vm, kernel, netfilter/],
  [['migrate', 'x'], /the option --output is missing/],
  [['verify', 'x', '--pcap'], /the option --pcap expects a value/],
])('%j', (args, message) => {
  it('exits with 2, says what is wrong and where help is, on standard error alone', () => {
    const { code, stdout, stderr } = runCli(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^ {2}try: ipt2ebpf .*--help$/m);
    expect(stackTraceLines(stderr)).toEqual([]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Nothing stays behind: namespaces, interfaces, BPF programs, maps and links of a runner are gone after
// close, after Ctrl-C and after SIGKILL. The kernel frees them from work queues, so a moment is allowed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DEFAULT_HOST } from '../../src/host/default-host.js';
import { NetfilterRunner } from '../../src/kernel/netfilter/runner.js';
import { describeOn } from './needs.js';

const CHILD = fileURLToPath(new URL('leftovers-child.ts', import.meta.url));
const PATIENCE_MS = 15_000;

const PROGRAMS = new Set(['entered', 'born', 'delivered', 'sent', 'freed']);

/** Our programs and maps, as bpftool lists them. A link holds its program: without programs there are none. */
function bpfObjects(): { programs: number; recorders: number } {
  const names = (kind: string): (string | undefined)[] =>
    (
      JSON.parse(execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8' })) as { name?: string }[]
    ).map(({ name }) => name);
  return {
    programs: names('prog').filter((name) => PROGRAMS.has(name ?? '')).length,
    recorders: names('map').filter((name) => name === 'recorder').length,
  };
}

/** Network namespaces that any process is in or holds open, and named ones, and our interfaces outside. */
function namespaces(): number {
  const seen = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      seen.add(readlinkSync(`/proc/${pid}/ns/net`));
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        if (target.startsWith('net:[')) seen.add(target);
      }
    } catch {
      // The process ended meanwhile.
    }
  }
  const named = existsSync('/run/netns') ? readdirSync('/run/netns').length : 0;
  return seen.size + named;
}

interface Snapshot {
  readonly bpf: { readonly programs: number; readonly recorders: number };
  readonly links: string;
  readonly namespaces: number;
}

function snapshot(): Snapshot {
  return {
    bpf: bpfObjects(),
    links: execFileSync('ip', ['-o', 'link', 'show'], { encoding: 'utf8' }),
    namespaces: namespaces(),
  };
}

async function waitFor(condition: () => boolean): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return condition();
}

/** Ours are counted by difference, because other runs may come and go meanwhile: never more than before. */
async function expectNothingNew(before: Snapshot): Promise<void> {
  const isClean = (): boolean => {
    const now = snapshot();
    return (
      now.links === before.links &&
      now.namespaces <= before.namespaces &&
      now.bpf.programs <= before.bpf.programs &&
      now.bpf.recorders <= before.bpf.recorders
    );
  };
  if (!(await waitFor(isClean))) expect(snapshot()).toEqual(before);
}

describeOn('netfilter', 'leftovers', () => {
  it('close() leaves nothing', async () => {
    const before = snapshot();
    const runner = await NetfilterRunner.create({ host: DEFAULT_HOST });
    expect(snapshot().bpf.programs).toBeGreaterThan(before.bpf.programs);
    await runner.close();
    await expectNothingNew(before);
  });

  it('a dump that iptables refuses leaves nothing, and its words are told', async () => {
    const before = snapshot();
    await expect(
      NetfilterRunner.create({ host: DEFAULT_HOST, ipv4: '*filter\n-A INPUT -m nosuch -j DROP\nCOMMIT\n' }),
    ).rejects.toThrow(/nosuch.*line: 2/s);
    await expectNothingNew(before);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`${signal} leaves nothing`, async () => {
      const before = snapshot();
      const child = spawn(process.execPath, ['--import', 'tsx', CHILD], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      expect(snapshot().namespaces).toBeGreaterThan(before.namespaces);
      expect(bpfObjects().programs).toBeGreaterThan(before.bpf.programs);
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await exited;
      await expectNothingNew(before);
    });
  }
});

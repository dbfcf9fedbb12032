// SPDX-License-Identifier: Apache-2.0
// Do the programs load on other kernels than the running one? Each kernel boots in qemu with an initramfs that
// loads the programs of the fixtures, and of a ruleset that asks for everything, and tells what its verifier said.
//   npm run test:kernels -- vmlinuz-6.1 vmlinuz-6.12    (Debian: dpkg -x linux-image-*-cloud-amd64.deb; boot/vmlinuz-*)
// Exits 0 when all load within the budget, 1 when not, 2 on trouble. Needs qemu-system-x86_64 and a C compiler that
// links statically; no root and no kvm.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readObject, type BpfObject } from '../../src/object/object.js';
import { budgetObjects, PROCESSED_BUDGET } from '../fixtures/objects.js';
import { initramfs, objectsImage } from './image.js';

const BOOT_SECONDS = 300;
const MEMORY_MIB = 1024;

interface Loaded {
  readonly object: string;
  readonly program: string;
  readonly errno: number;
  readonly milliseconds: number;
  readonly log: string;
}

interface Console {
  readonly kernel: string;
  readonly programs: readonly Loaded[];
  /** Undefined: the machine told all it had to tell. */
  readonly trouble?: string;
}

function compileInit(folder: string): Uint8Array {
  const init = join(folder, 'init');
  const result = spawnSync(
    'cc',
    ['-static', '-O1', '-Wall', '-Wextra', '-Werror', '-o', init, join(import.meta.dirname, 'loader.c')],
    { encoding: 'utf8' },
  );
  if (result.status !== 0) throw new Error(`cc: ${result.error?.message ?? result.stderr}`);
  return readFileSync(init);
}

/** Boots a kernel and reads its console to the end. */
function boot(kernel: string, initrd: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(
      'qemu-system-x86_64',
      [
        ...[
          '-accel',
          'tcg',
          '-cpu',
          'max',
          '-m',
          String(MEMORY_MIB),
          '-nographic',
          '-no-reboot',
          '-nic',
          'none',
        ],
        ...['-kernel', kernel, '-initrd', initrd],
        ...['-append', 'console=ttyS0 loglevel=0 panic=-1 rdinit=/init'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const timer = setTimeout(() => child.kill(), BOOT_SECONDS * 1000);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', fail);
    child.on('close', () => {
      clearTimeout(timer);
      done(Buffer.concat(chunks).toString('latin1'));
    });
  });
}

function readConsole(text: string): Console {
  const lines = text.split(/\r?\n/);
  const rest = (word: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const failedMaps = rest('MAP');
  return {
    kernel: rest('KERNEL')[0] ?? 'unknown kernel',
    programs: rest('LOADED').map((json) => JSON.parse(json) as Loaded),
    ...(failedMaps.length > 0
      ? { trouble: failedMaps.join('\n') }
      : lines.includes('DONE')
        ? {}
        : { trouble: lines.slice(-20).join('\n') }),
  };
}

/** Prints a line per program; returns whether all is well. */
function report({ kernel, programs, trouble }: Console): boolean {
  let good = trouble === undefined;
  for (const { object, program, errno, milliseconds, log } of programs) {
    const processed = Number(/processed (\d+) insns/.exec(log)?.[1] ?? Number.NaN);
    const fine = errno === 0 && processed <= PROCESSED_BUDGET;
    good &&= fine;
    const what =
      errno === 0 ? `${String(processed)} instructions processed` : `refused, errno ${String(errno)}`;
    console.log(`${kernel} ${object} ${program}: ${what}, ${String(milliseconds)} ms`);
    if (errno !== 0) console.log(log);
  }
  if (trouble !== undefined) console.log(`${kernel}: ${trouble}`);
  return good;
}

const kernels = process.argv.slice(2);
if (kernels.length === 0) {
  console.error('usage: npm run test:kernels -- VMLINUZ...');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-kernels-'));
try {
  const objects = new Map<string, BpfObject>();
  for await (const [name, object] of budgetObjects()) objects.set(name, readObject(object));
  const initrd = join(folder, 'initrd');
  writeFileSync(
    initrd,
    initramfs(
      new Map([
        ['init', compileInit(folder)],
        ['objects', objectsImage(objects)],
      ]),
    ),
  );
  let good = true;
  for (const kernel of kernels) {
    const result = readConsole(await boot(kernel, initrd));
    good = report(result) && result.programs.length === 2 * objects.size && good;
  }
  process.exitCode = good ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
} finally {
  rmSync(folder, { recursive: true });
}

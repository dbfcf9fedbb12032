// SPDX-License-Identifier: Apache-2.0
// What the running kernel and machine have, found by trying, with the sentence to print where something is
// lacking. Tests and commands ask here before they use the `kernel` or `netfilter` runner.
import { accessSync, closeSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AttachType, loadProgram, TestRunner } from './bpf.js';
import { Errno, errnoName } from './errno.js';

export type FeatureName =
  | 'root'
  | 'classifier-programs'
  | 'test-run'
  | 'netfilter-programs'
  | 'xdp-programs'
  | 'kernel-types'
  | 'tap-devices'
  | 'clang'
  | 'tools';

/** What each runner on the kernel needs, the likeliest lack first. */
const NEEDED: Readonly<Record<'kernel' | 'netfilter', readonly FeatureName[]>> = {
  kernel: ['root', 'classifier-programs', 'test-run', 'tap-devices', 'tools'],
  netfilter: ['root', 'netfilter-programs', 'kernel-types', 'tap-devices', 'clang', 'tools'],
};

const PROGRAM_TYPE = { classifier: 3, xdp: 6, netfilter: 32 } as const;
/** r0 = 1; exit: a program that every type takes. */
const ACCEPT_ALL = Buffer.from('b7000000010000009500000000000000', 'hex');
const TEST_FRAME_BYTES = 64;
const TOOLS = ['ip', 'nft', 'ipset', 'iptables-legacy-restore', 'ip6tables-legacy-restore'];

/** Undefined when the feature is there, else what lacks, as a sentence without full stop. */
export function lacking(feature: FeatureName): string | undefined {
  switch (feature) {
    case 'root':
      return process.geteuid?.() === 0 ? undefined : 'this needs root (network namespaces and BPF programs)';
    case 'classifier-programs':
      return tryProgram(PROGRAM_TYPE.classifier, 'TC programs');
    case 'netfilter-programs':
      return tryProgram(PROGRAM_TYPE.netfilter, 'netfilter programs (Linux 6.4)', AttachType.NETFILTER);
    case 'xdp-programs':
      return tryProgram(PROGRAM_TYPE.xdp, 'XDP programs (Linux 5.18)');
    case 'test-run':
      return tryTestRun();
    case 'kernel-types':
      return existsSync('/sys/kernel/btf/vmlinux')
        ? undefined
        : 'this kernel has no type information (CONFIG_DEBUG_INFO_BTF)';
    case 'tap-devices':
      return isWritable('/dev/net/tun') ? undefined : 'TAP devices are not available (/dev/net/tun)';
    case 'clang':
      return onPath('clang') ? undefined : 'clang is not installed';
    case 'tools': {
      const missing = TOOLS.filter((tool) => !onPath(tool));
      return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
    }
  }
}

/** Everything a runner lacks here; empty when it can run. Without root nothing else is tried. */
export function lackingFor(runner: 'kernel' | 'netfilter'): string[] {
  const root = lacking('root');
  if (root !== undefined) return [root];
  return NEEDED[runner].map(lacking).filter((sentence) => sentence !== undefined);
}

function tryProgram(type: number, what: string, attachType?: number): string | undefined {
  const fd = load(type, attachType);
  if (fd >= 0) {
    closeSync(fd);
    return undefined;
  }
  if (fd === -Errno.EPERM || fd === -Errno.EACCES) return `no permission to load ${what}`;
  return `this kernel does not take ${what} (${errnoName(-fd)})`;
}

function tryTestRun(): string | undefined {
  const fd = load(PROGRAM_TYPE.classifier);
  if (fd < 0) return `BPF_PROG_TEST_RUN cannot be tried (${errnoName(-fd)})`;
  try {
    const { errno } = new TestRunner(fd).run({ dataIn: Buffer.alloc(TEST_FRAME_BYTES) });
    return errno === 0 ? undefined : `this kernel refuses BPF_PROG_TEST_RUN (${errnoName(errno)})`;
  } finally {
    closeSync(fd);
  }
}

function load(type: number, attachType?: number): number {
  return loadProgram({
    type,
    instructions: ACCEPT_ALL,
    license: 'GPL',
    name: 'probe',
    ...(attachType === undefined ? {} : { expectedAttachType: attachType }),
  });
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(tool: string): boolean {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.some((directory) => existsSync(join(directory, tool)));
}

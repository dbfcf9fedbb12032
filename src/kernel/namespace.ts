// SPDX-License-Identifier: Apache-2.0
// A network namespace of our own that has no name anywhere: only this process's file descriptors (the
// namespace itself, TAP devices, sockets) hold it, so it ends with the process however that ends.
// setns(2) moves the main thread only, for one short synchronous stretch at a time; sockets and devices
// opened meanwhile stay in the namespace, and so do children spawned synchronously.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { closeAll } from './bpf.js';
import { CLONE_NEWNET, setns, unshare } from './libc.js';

/** Debian package of each tool, for the suggestion when it is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  ipset: 'ipset',
  'iptables-legacy-restore': 'iptables',
  'ip6tables-legacy-restore': 'iptables',
};

/** A tool ran and refused its input; `output` is what it said. */
export class ToolError extends EnvironmentError {
  constructor(
    readonly tool: string,
    readonly output: string,
  ) {
    super(`\`${tool}\` failed: ${output === '' ? 'no message' : output}`);
    this.name = 'ToolError';
  }
}

export class Namespace {
  private closed = false;
  private staying = false;
  private readonly fds: number[] = [];

  private constructor(
    private readonly home: number,
    private readonly fd: number,
    /** Lock file of iptables, without a name: the global one would serialise concurrent namespaces. */
    private readonly lock: number,
  ) {}

  /** Throws SystemCallError (EPERM) without CAP_SYS_ADMIN. */
  static create(): Namespace {
    const home = openSync('/proc/thread-self/ns/net', 'r');
    try {
      unshare(CLONE_NEWNET);
    } catch (error) {
      closeSync(home);
      throw error;
    }
    const fd = openSync('/proc/thread-self/ns/net', 'r');
    setns(home, CLONE_NEWNET);
    return new Namespace(home, fd, openUnlinked());
  }

  /** Inode of the namespace: what `/proc/PID/ns/net` shows in brackets. */
  get inode(): number {
    return fstatSync(this.fd).ino;
  }

  /** Runs `work` with the main thread inside. Synchronous only: an await would leak the namespace. */
  inside<T>(work: () => T): T {
    if (this.staying) return work();
    setns(this.fd, CLONE_NEWNET);
    try {
      return work();
    } finally {
      setns(this.home, CLONE_NEWNET);
    }
  }

  /**
   * Moves the main thread inside until the current stretch of synchronous code ends: for many short calls in
   * a row, where a move for each would cost more than the call. Repeated calls cost nothing.
   */
  stay(): void {
    if (this.staying) return;
    setns(this.fd, CLONE_NEWNET);
    this.staying = true;
    queueMicrotask(() => {
      this.leave();
    });
  }

  private leave(): void {
    if (!this.staying) return;
    setns(this.home, CLONE_NEWNET);
    this.staying = false;
  }

  /** Runs a tool inside with `input` on its standard input. Throws ToolError with what it said. */
  tool(command: string, args: readonly string[], input = ''): string {
    const result = this.inside(() =>
      spawnSync(command, args, {
        input: Buffer.from(input, 'latin1'),
        maxBuffer: 256 << 20,
        env: {
          PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
          LC_ALL: 'C',
          XTABLES_LOCKFILE: `/proc/${String(process.pid)}/fd/${String(this.lock)}`,
        },
      }),
    );
    if (result.error !== undefined) {
      const missing = (result.error as NodeJS.ErrnoException).code === 'ENOENT';
      const name = PACKAGES[command] ?? command;
      throw missing
        ? new EnvironmentError(`\`${command}\` is not installed`, [
            `run bin/setup, or: apt-get install ${name}`,
          ])
        : result.error;
    }
    if (result.status !== 0) throw new ToolError(command, result.stderr.toString('latin1').trim());
    return result.stdout.toString('latin1');
  }

  /** Writes a sysctl by its path below `/proc/sys/`; false when this kernel has none of that name. */
  sysctl(path: string, value: string | number): boolean {
    return this.inside(() => {
      try {
        writeFileSync(`/proc/sys/${path}`, String(value));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw new EnvironmentError(`cannot set sysctl ${path} to ${String(value)}`, [], { cause: error });
      }
    });
  }

  /** Takes ownership of a descriptor that keeps the namespace alive. */
  keep(fd: number): number {
    this.fds.push(fd);
    return fd;
  }

  /** Closes everything it owns: the kernel then takes the namespace down. Safe to repeat. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.leave();
    closeAll([...this.fds, this.fd, this.home, this.lock]);
  }
}

/** A file that is gone from its directory already: nothing to clean up, however the process ends. */
function openUnlinked(): number {
  const path = join(tmpdir(), `ipt2ebpf-lock-${String(process.pid)}-${randomUUID()}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}

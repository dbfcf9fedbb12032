// SPDX-License-Identifier: Apache-2.0
// Where a snapshot is taken: this network namespace, or another one entered by name, path or process. Tools
// run there; what one refuses is kept as a sentence. Synchronous: setns(2) moves the main thread.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { CLONE_NEWNET, setns } from '../kernel/libc.js';

/** Debian package of each tool. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  ipset: 'ipset',
  conntrack: 'conntrack',
  bpftool: 'bpftool',
};

/** What a tool said, or why it said nothing. */
export type Told =
  | { readonly text: string }
  | { readonly missing: true; readonly why: string; readonly suggestion: string }
  | { readonly missing: false; readonly why: string };

export class Place {
  private constructor(
    private readonly home: number | undefined,
    private readonly fd: number | undefined,
  ) {}

  static here(): Place {
    return new Place(undefined, undefined);
  }

  /** `name`: as `ip netns` lists it; a path when it has a slash; a process id when it is a number. */
  static namespace(name: string): Place {
    const named = `/run/netns/${name}`;
    let path = named;
    if (name.includes('/')) path = name;
    else if (/^\d+$/.test(name) && !existsSync(named)) path = `/proc/${name}/ns/net`;
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      throw new EnvironmentError(`there is no network namespace \`${name}\`: ${(error as Error).message}`, [
        'give a name that `ip netns` lists, a path, or the id of a process',
      ]);
    }
    const place = new Place(openSync('/proc/thread-self/ns/net', 'r'), fd);
    try {
      place.inside(() => undefined);
    } catch (error) {
      place.close();
      throw error;
    }
    return place;
  }

  run(command: string, args: readonly string[]): Told {
    const result = this.inside(() =>
      spawnSync(command, args, {
        maxBuffer: 1 << 30,
        env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    if (result.error !== undefined) {
      if ((result.error as NodeJS.ErrnoException).code !== 'ENOENT')
        return { missing: false, why: `\`${command}\`: ${result.error.message}` };
      return {
        missing: true,
        why: `\`${command}\` is not installed`,
        suggestion: `apt-get install ${PACKAGES[command] ?? 'iptables'}`,
      };
    }
    if (result.status === 0) return { text: result.stdout.toString('latin1') };
    const said = result.stderr.toString('latin1').trim() || result.stdout.toString('latin1').trim();
    return {
      missing: false,
      why: `\`${[command, ...args].join(' ')}\` failed: ${said.replaceAll(/\s*\n\s*/g, '; ') || `exit code ${String(result.status)}`}`,
    };
  }

  /** A file of /proc, with one trailing newline off; undefined when it is not there or may not be read. */
  read(path: string): string | undefined {
    return this.inside(() => {
      try {
        return readFileSync(path, 'latin1').trimEnd();
      } catch {
        return undefined;
      }
    });
  }

  /** Names in a folder of /proc; none when it is not there. */
  list(path: string): readonly string[] {
    return this.inside(() => {
      try {
        return readdirSync(path);
      } catch {
        return [];
      }
    });
  }

  close(): void {
    for (const fd of [this.home, this.fd]) if (fd !== undefined) closeSync(fd);
  }

  private inside<T>(work: () => T): T {
    if (this.fd === undefined || this.home === undefined) return work();
    setns(this.fd, CLONE_NEWNET);
    try {
      return work();
    } finally {
      setns(this.home, CLONE_NEWNET);
    }
  }
}

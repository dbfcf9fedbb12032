// SPDX-License-Identifier: Apache-2.0
// What the runner adds to a namespace besides the rules under test, all of it outside iptables:
// nft chains that arm TRACE, keep the kernel's own packets out and swallow what got through, and BPF
// programs that watch. Registered before the rules, so that the swallowing chain runs behind conntrack's
// confirm of the same priority (a packet dropped before confirm would leave its connection NEW for ever).
import { join } from 'node:path';
import { compileC } from '../../object/clang.js';
import { readObject, type BpfObject } from '../../object/object.js';
import { PACKAGE_ROOT } from '../../package-root.js';
import { linkNetfilter, linkTracepoint } from '../bpf.js';
import { mapMemory } from '../libc.js';
import { loadObject } from '../load.js';
import type { Namespace } from '../namespace.js';
import { checkLayout, Recorder } from './events.js';

/** Values of skb->priority, as in bpf/replay/record.h. Of local packets under test. */
export const LOCAL_PRIORITY = 0x1bf70001;
/** Of packets under test that passed everything and are dropped by us. */
export const SWALLOWED_PRIORITY = 0x1bf70002;
/** Of everything else that the host sends. */
const ANSWER_PRIORITY = 0x1bf70003;

const INT_MAX = 0x7fffffff;
const INT_MIN = -0x80000000;

const HOOKS = [
  { program: 'entered', hook: 0, priority: INT_MIN + 1 },
  { program: 'delivered', hook: 1, priority: INT_MAX - 2 },
  { program: 'born', hook: 3, priority: INT_MIN + 1 },
  { program: 'sent', hook: 4, priority: INT_MAX - 2 },
] as const;
const PROTOCOL_FAMILIES = [2, 10] as const;

/**
 * Unsolicited packets of the kernel (MLD, IGMP, RS, ND, redirects) have no socket of ours: they would move limits,
 * `recent` lists and connection entries. Broadcasts and multicasts are not swallowed on their way out,
 * because the copy that loops back to the host leaves behind that point.
 */
const NFT_RULES = `table inet ipt2ebpf_replay {
  chain arm_received {
    type filter hook prerouting priority ${String(INT_MIN)};
    meta priority ${hex(ANSWER_PRIORITY)} accept
    meta nftrace set 1
  }
  chain arm_local {
    type filter hook output priority ${String(INT_MIN)};
    meta priority ${hex(LOCAL_PRIORITY)} meta nftrace set 1 accept
    meta priority set ${hex(ANSWER_PRIORITY)}
    ip protocol igmp drop
    icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 137, 143 } drop
  }
  chain swallow_delivered {
    type filter hook input priority ${String(INT_MAX)};
    meta priority ${hex(ANSWER_PRIORITY)} drop
    meta priority set ${hex(SWALLOWED_PRIORITY)} drop
  }
  chain swallow_sent {
    type filter hook postrouting priority ${String(INT_MAX)};
    oifname "lo" accept
    fib daddr type { broadcast, multicast } accept
    meta priority ${hex(ANSWER_PRIORITY)} drop
    meta priority set ${hex(SWALLOWED_PRIORITY)} drop
  }
}
`;

/** nft writes priorities as major:minor. */
function hex(priority: number): string {
  return `${(priority >>> 16).toString(16)}:${(priority & 0xffff).toString(16)}`;
}

let compiled: Promise<BpfObject> | undefined;

/** The watching programs, compiled once per process. Throws EnvironmentError without clang. */
export function watcherObject(): Promise<BpfObject> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<BpfObject> {
  const directory = join(PACKAGE_ROOT, 'bpf/replay');
  const bytes = await compileC({ path: join(directory, 'netfilter.bpf.c') }, { includeDirs: [directory] });
  const object = readObject(bytes);
  checkLayout(object);
  return object;
}

export interface Watch {
  readonly recorder: Recorder;
  close(): void;
}

/** Loads and attaches everything; interfaces must still be down. */
export function instrument(namespace: Namespace, object: BpfObject): Watch {
  namespace.tool('nft', ['-f', '-'], NFT_RULES);
  const loaded = loadObject(object);
  try {
    const map = loaded.maps.get('recorder')!;
    const length = Math.ceil(map.spec.valueSize / 4096) * 4096;
    const mapping = mapMemory(length, { fd: map.fd });
    const recorder = new Recorder(mapping.memory);
    recorder.arm(process.pid, namespace.inode);
    namespace.inside(() => {
      for (const { program, hook, priority } of HOOKS) {
        for (const protocolFamily of PROTOCOL_FAMILIES) {
          const { fd } = loaded.programs.get(program)!;
          namespace.keep(linkNetfilter(fd, { protocolFamily, hook, priority }));
        }
      }
    });
    namespace.keep(linkTracepoint(loaded.programs.get('freed')!.fd));
    return {
      recorder,
      close: () => {
        mapping.unmap();
        loaded.close();
      },
    };
  } catch (error) {
    loaded.close();
    throw error;
  }
}

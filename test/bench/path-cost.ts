// SPDX-License-Identifier: Apache-2.0
// What a filter costs a packet it accepts: the same UDP flows through the same veth pair to the same sink, behind the TC program,
// iptables-legacy and iptables-nft with the same stateful ruleset, and behind nothing. Rounds of all of them alternate, so that a
// busy machine is busy for each; the median round counts, and the ratios are the result.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadInput } from '../../src/input/load.js';
import { pinObject, updateElement } from '../../src/kernel/bpf.js';
import { kernelHz } from '../../src/kernel/clock-rate.js';
import { loadObject } from '../../src/kernel/load.js';
import { Namespace } from '../../src/kernel/namespace.js';
import { readObject } from '../../src/object/object.js';
import { buildProgram } from '../../src/program/build.js';
import { encodeStruct } from '../../src/program/layout-codec.js';
import { CHECKSUM, CONFIG, MODE } from '../../src/program/layout.js';
import { HOST, statefulRuleset, writeSnapshot } from './ruleset.js';

export type FilterName = 'none' | 'tc' | 'iptables-legacy' | 'iptables-nft';

export interface PathCost {
  readonly filter: FilterName;
  readonly rules: number;
  /** Median over the rounds, source and veth included. */
  readonly nsPerPacket: number;
  /** Fastest round. */
  readonly bestNsPerPacket: number;
  /** Over the path without a filter. */
  readonly filterNs: number;
  /** Share of packets that reached the sink; below 1 packets were lost on the way and the row says little. */
  readonly delivered: number;
}

export interface PathOptions {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly millisecondsPerRound: number;
  /** UDP flows that take turns; none is ever answered, so each packet is NEW and meets all rules. */
  readonly flows: number;
  readonly onProgress?: (text: string) => void;
}

interface Path {
  readonly filter: FilterName;
  readonly rules: number;
  readonly namespace: Namespace;
  readonly rounds: { ns: number; delivered: number }[];
}

/** Needs root, clang, tc, iptables. Cleans up whatever happens. */
export async function measurePathCosts(options: PathOptions): Promise<PathCost[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2ebpf-bench-'));
  const paths: Path[] = [];
  try {
    const sender = join(folder, 'sender');
    execFileSync('clang', ['-O2', '-o', sender, join(import.meta.dirname, 'sender.c')]);
    paths.push(openPath('none', 0, () => undefined));
    for (const rules of options.sizes) {
      options.onProgress?.(`setting up ${String(rules)} rules`);
      paths.push(await openTcPath(folder, rules));
      for (const filter of ['iptables-legacy', 'iptables-nft'] as const) {
        paths.push(
          openPath(filter, rules, (namespace) => {
            namespace.tool(`${filter}-restore`, [], statefulRuleset(rules));
          }),
        );
      }
    }
    for (let round = 1; round <= options.rounds; round++) {
      options.onProgress?.(`round ${String(round)} of ${String(options.rounds)}`);
      for (const path of paths) path.rounds.push(runRound(path, sender, options));
    }
    return summarise(paths);
  } finally {
    for (const path of paths) path.namespace.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A namespace with the veth pair `src0` - `eth0`; `install` puts the filter in. */
function openPath(filter: FilterName, rules: number, install: (namespace: Namespace) => void): Path {
  const namespace = Namespace.create();
  try {
    namespace.sysctl('net/ipv6/conf/default/disable_ipv6', 1);
    namespace.tool(
      'ip',
      ['-batch', '-'],
      [
        'link set lo up',
        'link add eth0 address 02:00:00:00:00:10 type veth peer name src0 address 02:00:00:00:01:10',
        'link set eth0 up',
        'link set src0 up',
        'address add 203.0.113.2/24 dev eth0',
        'route add default dev eth0',
        '',
      ].join('\n'),
    );
    install(namespace);
    return { filter, rules, namespace, rounds: [] };
  } catch (error) {
    namespace.close();
    throw error;
  }
}

/** The TC program of the same ruleset, enforcing, at eth0's ingress. */
async function openTcPath(folder: string, rules: number): Promise<Path> {
  const input = await loadInput([writeSnapshot(join(folder, String(rules)), rules)]);
  const { model, object } = await buildProgram(input.ruleset, input.host);
  const loaded = loadObject(readObject(object));
  const program = [...loaded.programs.values()].find(({ spec }) => spec.section === 'tc/ingress');
  const [config, interfaces] = [loaded.maps.get('config'), loaded.maps.get('interfaces')];
  if (!program || !config || !interfaces) throw new Error('the object lacks its ingress program or a map');
  const pins = `/sys/fs/bpf/f-bench-${String(process.pid)}-${String(rules)}`;
  return openPath('tc', rules, (namespace) => {
    updateElement(
      config.fd,
      u32(0),
      encodeStruct(CONFIG, {
        mode: MODE.values.ENFORCE,
        hz: kernelHz() ?? 250,
        loopback: 1,
        checksum: CHECKSUM.values.LIVE,
        tcp_loose: 1,
        forward4: 1,
        forward6: 1,
      }),
    );
    const id = model.interfaces[HOST.interfaces[0].name];
    if (id !== undefined) updateElement(interfaces.fd, u32(interfaceIndex(namespace, 'eth0')), u32(id));
    // tc takes a program by its pin; once attached it needs none.
    mkdirSync(pins);
    try {
      pinObject(program.fd, `${pins}/ingress`);
      namespace.tool('tc', ['qdisc', 'add', 'dev', 'eth0', 'clsact']);
      namespace.tool('tc', [
        'filter',
        'add',
        'dev',
        'eth0',
        'ingress',
        'bpf',
        'da',
        'pinned',
        `${pins}/ingress`,
      ]);
    } finally {
      rmSync(pins, { recursive: true, force: true });
      loaded.close();
    }
  });
}

function interfaceIndex(namespace: Namespace, name: string): number {
  const [link] = JSON.parse(namespace.tool('ip', ['-json', 'link', 'show', 'dev', name])) as [
    { ifindex: number },
  ];
  return link.ifindex;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function runRound(
  { namespace }: Path,
  sender: string,
  options: PathOptions,
): { ns: number; delivered: number } {
  const text = namespace.tool(sender, [String(options.flows), String(options.millisecondsPerRound)]);
  const { packets, delivered, ns } = JSON.parse(text) as { packets: number; delivered: number; ns: number };
  return { ns: ns / packets, delivered: delivered / packets };
}

function summarise(paths: readonly Path[]): PathCost[] {
  const base = median(paths[0]?.rounds.map(({ ns }) => ns) ?? []);
  return paths.map(({ filter, rules, rounds }) => {
    const times = rounds.map(({ ns }) => ns);
    return {
      filter,
      rules,
      nsPerPacket: Math.round(median(times)),
      bestNsPerPacket: Math.round(Math.min(...times)),
      filterNs: Math.round(median(times) - base),
      delivered: Math.min(...rounds.map(({ delivered }) => delivered)),
    };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

// SPDX-License-Identifier: Apache-2.0
// The `netfilter` runner: packets through the real iptables-legacy of this kernel, in a namespace of its
// own with the host's interfaces. Every packet is decided before its write(2) returns. Clock-dependent rules
// (limit, hashlimit, recent --seconds, conntrack timeouts) see the real clock, not the capture's.
// As `netfilter-bpf` it has netfilter programs in place of the tables that they carry over (programs.ts).
// Method and traps: bpf/replay/netfilter.bpf.c, instrument.ts, trace.ts.
import type { Host } from '../../host/host.js';
import type { Family } from '../../net/family.js';
import { completeFrame } from '../../packet/complete.js';
import { parseEthernet } from '../../packet/ethernet.js';
import type { ReplayPacket } from '../../packet/packet.js';
import { ParsedPacket } from '../../packet/parse.js';
import type { Runner, RunnerName } from '../../replay/runner.js';
import type { VerdictRecord } from '../../replay/verdict.js';
import { CUT_SHORT, headersCut } from '../../ruleset/evaluate/host-walk.js';
import { errnoName } from '../errno.js';
import { bringUp, createInterfaces, type HostNetwork } from '../host-network.js';
import { Namespace } from '../namespace.js';
import { RawSocket } from '../raw-socket.js';
import { EventKind } from './events.js';
import { instrument, LOCAL_PRIORITY, watcherObject, type Watch } from './instrument.js';
import { findIp, type IpInFrame } from './ip-in-frame.js';
import { LogSocket } from './log-socket.js';
import { AttachedPrograms, mergeTraces, tablesLeft, type NetfilterPrograms } from './programs.js';
import { makeRecord } from './record.js';
import { indexRules } from './rule-index.js';
import { TraceReader, type TraceLine } from './trace.js';

export interface NetfilterInput {
  readonly host: Host;
  /** Dumps as text (latin1), exactly what iptables-restore shall get. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** `ipset save`. */
  readonly ipset?: string;
  /** To judge in place of iptables. */
  readonly programs?: NetfilterPrograms;
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const RESTORE: Readonly<Record<Family, string>> = {
  ipv4: 'iptables-legacy-restore',
  ipv6: 'ip6tables-legacy-restore',
};
/** Packets between two turns of the event loop, so that signals and timers are served. */
const PACKETS_PER_TURN = 512;
/** A packet on its way through `lo` may be taken up by another thread of the kernel. */
const LOOPBACK_WAIT_MS = 50;

export class NetfilterRunner implements Runner {
  readonly name: RunnerName;
  private readonly interfaceNames: ReadonlyMap<number, string>;
  private readonly loopback: number;

  private constructor(
    private readonly namespace: Namespace,
    private readonly network: HostNetwork,
    private readonly watch: Watch,
    private readonly logs: LogSocket,
    private readonly sockets: Readonly<Record<Family, RawSocket>>,
    private readonly traces: Readonly<Record<Family, TraceReader>>,
    private readonly tracking: Readonly<Record<Family, boolean>>,
    private readonly attached: AttachedPrograms | undefined,
  ) {
    this.name = attached === undefined ? 'netfilter' : 'netfilter-bpf';
    this.interfaceNames = new Map([...network.indexes].map(([name, index]) => [index, name]));
    this.loopback = network.indexes.get('lo') ?? 1;
  }

  /**
   * Builds the namespace and loads the rules. Throws EnvironmentError without root, clang, iptables, nft or
   * ipset, and ToolError with iptables' own words where it refuses the dump.
   */
  static async create(input: NetfilterInput): Promise<NetfilterRunner> {
    const object = await watcherObject();
    const namespace = Namespace.create();
    let watch: Watch | undefined;
    let attached: AttachedPrograms | undefined;
    const { programs } = input;
    try {
      const taps = createInterfaces(namespace, input.host);
      watch = instrument(namespace, object);
      const logs = LogSocket.open(namespace);
      if (input.ipset !== undefined && input.ipset !== '') namespace.tool('ipset', ['restore'], input.ipset);
      for (const family of FAMILIES) {
        const dump = input[family];
        if (dump === undefined) continue;
        const text = programs === undefined ? dump : tablesLeft(dump, family, programs.leftTables);
        if (/^\s*\*/m.test(text)) namespace.tool(RESTORE[family], [], text);
      }
      if (programs !== undefined) attached = AttachedPrograms.attach(namespace, programs);
      const network = bringUp(namespace, input.host, taps);
      attached?.know(network.indexes);
      const open = (family: Family): RawSocket => RawSocket.open(namespace, family, LOCAL_PRIORITY);
      const ipv4 = indexRules(input.ipv4 ?? '', 'ipv4');
      const ipv6 = indexRules(input.ipv6 ?? '', 'ipv6');
      return new NetfilterRunner(
        namespace,
        network,
        watch,
        logs,
        { ipv4: open('ipv4'), ipv6: open('ipv6') },
        { ipv4: new TraceReader(ipv4), ipv6: new TraceReader(ipv6) },
        { ipv4: ipv4.tracking, ipv6: ipv6.tracking },
        attached,
      );
    } catch (error) {
      attached?.close();
      watch?.close();
      namespace.close();
      throw error;
    }
  }

  async run(batch: readonly ReplayPacket[]): Promise<VerdictRecord[]> {
    const records: VerdictRecord[] = [];
    for (let start = 0; start < batch.length; start += PACKETS_PER_TURN) {
      for (const packet of batch.slice(start, start + PACKETS_PER_TURN)) records.push(this.decide(packet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return records;
  }

  close(): Promise<void> {
    this.attached?.close();
    this.watch.close();
    this.namespace.close();
    return Promise.resolve();
  }

  /** A packet that the capture cut goes in at its whole length: the stack drops shorter ones unjudged. */
  private decide(captured: ReplayPacket): VerdictRecord {
    const packet = { ...captured, frame: completeFrame(captured.frame, captured.wireLength) };
    const head = { index: packet.index, interface: packet.interface };
    const ip = findIp(packet.frame);
    if (ip === undefined) return { ...head, verdict: 'not-ip' };
    if (isCutShort(captured, ip.family)) return { ...head, verdict: 'refused', reason: CUT_SHORT };
    const { recorder } = this.watch;
    this.logs.drain();
    recorder.reset();
    this.attached?.reset();
    const refusal = packet.interface === 'local' ? this.sendLocal(ip) : this.inject(packet);
    if (refusal !== undefined) return { ...head, verdict: 'refused', reason: refusal };
    this.awaitLoopback();
    if (recorder.lost > 0)
      return { ...head, verdict: 'refused', reason: 'more copies and answers than are watched' };
    // The link layer frees a tagged frame of no VLAN device here; no IP hook sees it.
    if (ip.tagged && packet.interface !== 'local' && !recorder.kinds().includes(EventKind.ENTERED))
      return { ...head, verdict: 'not-ip' };
    return makeRecord({
      ...head,
      given: ip.packet,
      family: ip.family,
      recorder,
      trace: this.trace(ip.family, packet.interface),
      interfaceName: (index) => this.interfaceNames.get(index),
      loopback: this.loopback,
      tracking: this.tracking[ip.family],
    });
  }

  private trace(family: Family, from: string): TraceLine[] {
    const reader = this.traces[family];
    const lines = reader.read(this.logs.drain());
    if (this.attached === undefined) return lines;
    const way = from === 'local' ? 'local' : 'received';
    return reader.readTexts(
      mergeTraces(
        lines.map(({ text }) => text),
        this.attached.trace,
        way,
      ),
    );
  }

  private inject(packet: ReplayPacket): string | undefined {
    const tap = this.network.taps.get(packet.interface);
    if (tap === undefined) return `the host has no interface \`${packet.interface}\` that takes frames`;
    const errno = tap.inject(this.addressed(packet));
    return errno === 0 ? undefined : `the device refused the frame (${errnoName(errno)})`;
  }

  /**
   * The frame with the interface's own destination MAC in place of any other unicast one: captures are
   * replayed as if addressed to the host, whatever machine they were taken on.
   */
  private addressed({ frame, interface: name }: ReplayPacket): Uint8Array {
    const mac = this.network.macs.get(name);
    if (mac === undefined || frame.length < mac.length || (frame[0]! & 1) === 1) return frame;
    const copy = Buffer.from(frame);
    copy.set(mac);
    return copy;
  }

  /** Errors of the send are no refusal: they are how the stack or a filter drops a local packet. */
  private sendLocal(ip: IpInFrame): string | undefined {
    this.sockets[ip.family].send(ip.packet);
    return undefined;
  }

  /** A packet sent to `lo` comes back through a softirq: mostly before the send returns. */
  private awaitLoopback(): void {
    const { recorder } = this.watch;
    const last = recorder.count - 1;
    if (last < 0 || recorder.kind(last) !== EventKind.SENT) return;
    if (recorder.outputIndex(last) !== this.loopback) return;
    const deadline = Date.now() + LOOPBACK_WAIT_MS;
    while (recorder.count === last + 1 && Date.now() < deadline);
  }
}

/** Whether bytes of a header that rules read were left out of the capture. */
function isCutShort(captured: ReplayPacket, family: Family): boolean {
  const { frame, wireLength } = captured;
  if (frame.length >= wireLength) return false;
  const at = parseEthernet(frame)?.payloadOffset ?? frame.length;
  if (at + (family === 'ipv4' ? 20 : 40) > frame.length) return true;
  return headersCut(new ParsedPacket(frame, family, at, frame.length), captured);
}

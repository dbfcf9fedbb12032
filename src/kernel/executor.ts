// SPDX-License-Identifier: Apache-2.0
// The `kernel` executor: the compiled object loaded into this kernel, one BPF_PROG_TEST_RUN per packet, in a
// namespace that has the host's interfaces, addresses and routes (skb->dev and FIB lookups are real there).
// What the test run can't take is refused (net/bpf/test_run.c): frames under 14 bytes, IPv4 under 34, frames
// beyond about 4,000 bytes.
import type { Host } from '../host/host.js';
import type { BpfObject } from '../object/object.js';
import type { AttachPoint, Executor, ExecutorInput, ExecutorOutput, Refusal } from '../replay/executor.js';
import { TestRunner, updateElement, type TestRunResult } from './bpf.js';
import { Errno, SystemCallError } from './errno.js';
import { bringUp, createInterfaces, type HostNetwork } from './host-network.js';
import { loadObject, type LoadedMap, type LoadedObject } from './load.js';
import { MapView, type MapEntry } from './map-view.js';
import { Namespace } from './namespace.js';
import { RingBuffer } from './ring-buffer.js';

/** struct __sk_buff (include/uapi/linux/bpf.h): the fields used here. */
const SK_BUFF_BYTES = 192;
const SK_BUFF = { mark: 8, priority: 32, ingressIfindex: 36, ifindex: 40, timestamp: 152 } as const;

/** struct xdp_md of the same file. A test run starts with `data` 0 and `data_end` the frame's length. */
const XDP_MD_BYTES = 24;
const XDP_MD = { dataEnd: 4, ingressIfindex: 12 } as const;

const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

/** Room for a frame that the program made longer. */
const OUTPUT_BYTES = 16384;

export interface KernelExecutorOptions {
  /** Put the whole verifier log into the error of a refused program. */
  readonly verbose?: boolean;
}

export class KernelExecutor implements Executor {
  readonly name = 'kernel';
  private readonly runners = new Map<string, TestRunner>();
  private readonly views = new Map<string, MapView>();
  private readonly rings = new Map<string, RingBuffer>();
  private readonly dataIn = Buffer.alloc(OUTPUT_BYTES);
  private readonly dataOut = Buffer.alloc(OUTPUT_BYTES);
  private readonly contextIn = Buffer.alloc(SK_BUFF_BYTES);
  private readonly contextOut = Buffer.alloc(SK_BUFF_BYTES);
  private readonly frameIn = Buffer.alloc(XDP_MD_BYTES);
  private readonly frameOut = Buffer.alloc(XDP_MD_BYTES);

  private constructor(
    private readonly namespace: Namespace,
    private readonly network: HostNetwork,
    private readonly loaded: LoadedObject,
  ) {
    for (const { fd, spec } of loaded.programs.values()) this.runners.set(spec.section, new TestRunner(fd));
  }

  /** Throws VerifierError where a program is refused, SystemCallError without privileges. */
  static create(object: BpfObject, host: Host, options: KernelExecutorOptions = {}): KernelExecutor {
    const loaded = loadObject(object, options);
    let namespace: Namespace | undefined;
    try {
      namespace = Namespace.create();
      const network = bringUp(namespace, host, createInterfaces(namespace, host));
      return new KernelExecutor(namespace, network, loaded);
    } catch (error) {
      namespace?.close();
      loaded.close();
      throw error;
    }
  }

  run(point: AttachPoint, input: ExecutorInput): ExecutorOutput | Refusal {
    const runner = this.runners.get(point);
    if (runner === undefined) throw new Error(`the object has no program in section \`${point}\``);
    const ifindex = this.network.indexes.get(input.device);
    if (ifindex === undefined) return { refused: `the host has no interface \`${input.device}\`` };
    if (point === 'xdp') return this.runXdp(runner, input, ifindex);
    this.contextIn.writeUInt32LE(input.mark >>> 0, SK_BUFF.mark);
    this.contextIn.writeUInt32LE(input.priority >>> 0, SK_BUFF.priority);
    this.contextIn.writeUInt32LE(this.network.indexes.get(input.ingressDevice) ?? 0, SK_BUFF.ingressIfindex);
    this.contextIn.writeUInt32LE(ifindex, SK_BUFF.ifindex);
    this.contextIn.writeBigUInt64LE(input.timestampNs, SK_BUFF.timestamp);
    this.namespace.stay();
    const result = runner.run({
      dataIn: this.addressed(input),
      dataOut: this.dataOut,
      contextIn: this.contextIn,
      contextOut: this.contextOut,
    });
    return this.outcome(result, input, () => ({
      mark: this.contextOut.readUInt32LE(SK_BUFF.mark),
      priority: this.contextOut.readUInt32LE(SK_BUFF.priority),
    }));
  }

  private runXdp(runner: TestRunner, input: ExecutorInput, ifindex: number): ExecutorOutput | Refusal {
    this.frameIn.writeUInt32LE(input.frame.length, XDP_MD.dataEnd);
    this.frameIn.writeUInt32LE(ifindex, XDP_MD.ingressIfindex);
    this.namespace.stay();
    const result = runner.run({
      dataIn: input.frame,
      dataOut: this.dataOut,
      contextIn: this.frameIn,
      contextOut: this.frameOut,
    });
    return this.outcome(result, input, () => ({ mark: 0, priority: 0 }));
  }

  private outcome(
    result: TestRunResult,
    { frame }: ExecutorInput,
    context: () => Pick<ExecutorOutput, 'mark' | 'priority'>,
  ): ExecutorOutput | Refusal {
    if (result.errno === Errno.EINVAL) {
      return { refused: `BPF_PROG_TEST_RUN takes no frame of this kind (${String(frame.length)} bytes)` };
    }
    if (result.errno !== 0) throw new SystemCallError('bpf(PROG_TEST_RUN)', result.errno);
    for (const view of this.views.values()) view.refresh();
    return {
      action: result.returned | 0,
      frame: this.dataOut.subarray(0, result.dataLength),
      ...context(),
    };
  }

  /** The test run takes the packet type from the MAC: a packet for the host gets the device's own. */
  private addressed({ frame, device, packetType }: ExecutorInput): Uint8Array {
    const mac = packetType === 'loopback' ? BROADCAST : this.network.macs.get(device);
    if (
      (packetType !== 'host' && packetType !== 'loopback') ||
      mac === undefined ||
      frame.length < mac.length
    )
      return frame;
    if (frame.length > OUTPUT_BYTES) return frame;
    this.dataIn.set(frame);
    this.dataIn.set(mac);
    return this.dataIn.subarray(0, frame.length);
  }

  has(point: AttachPoint): boolean {
    return this.runners.has(point);
  }

  interfaceIndex(name: string): number | undefined {
    return this.network.indexes.get(name);
  }

  update(map: string, key: Uint8Array, value: Uint8Array): void {
    updateElement(this.find(map).fd, key, value);
  }

  value(map: string): Uint8Array {
    return this.view(map).value();
  }

  entries(map: string): MapEntry[] {
    return this.view(map).entries();
  }

  drain(map: string): Uint8Array[] {
    let ring = this.rings.get(map);
    if (ring === undefined) {
      const { fd, spec } = this.find(map);
      ring = new RingBuffer(fd, spec.maxEntries);
      this.rings.set(map, ring);
    }
    return ring.drain();
  }

  close(): void {
    for (const view of this.views.values()) view.close();
    for (const ring of this.rings.values()) ring.close();
    this.loaded.close();
    this.namespace.close();
  }

  private view(map: string): MapView {
    let view = this.views.get(map);
    if (view === undefined) {
      view = new MapView(this.find(map));
      this.views.set(map, view);
    }
    return view;
  }

  private find(map: string): LoadedMap {
    const found = this.loaded.maps.get(map);
    if (found === undefined) throw new Error(`the object has no map \`${map}\``);
    return found;
  }
}

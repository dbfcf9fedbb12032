// SPDX-License-Identifier: Apache-2.0
// Captures as a stream of replay packets: files opened one after the other, link layers turned into Ethernet,
// each packet given its ingress. Packets that can't be replayed become verdict records here, so every packet
// of every capture is answered for.
import type { Host } from '../host/host.js';
import type { ReplayPacket } from '../packet/packet.js';
import type { CapturedPacket } from './capture/captured-packet.js';
import { CaptureFault } from './capture/fault.js';
import { toEthernetFrame } from './capture/link-layer.js';
import { openCapture } from './capture/read.js';
import { IngressResolver, type IngressRule } from './ingress.js';
import type { VerdictRecord } from './verdict.js';

/** A stretch of the replay. A packet is in `packets`, or its record is in `decided`; both in order of index. */
export interface ReplayBatch {
  readonly packets: ReplayPacket[];
  /** `not-ip` and `refused`, with the reason. */
  readonly decided: VerdictRecord[];
}

export interface ReplayProgress {
  readonly file: string;
  /** Over all files. */
  readonly packets: number;
  readonly bytesRead: number;
}

/**
 * Walks the captures in order; indexes go on from file to file. Memory is that of one batch. A damaged capture
 * gives its packets, then throws a CaptureFault.
 */
export async function* replayPackets(
  files: readonly string[],
  rule: IngressRule,
  host: Host,
  onProgress?: (progress: ReplayProgress) => void,
): AsyncGenerator<ReplayBatch> {
  const framer = new Framer(new IngressResolver(rule, host), host);
  let packets = 0;
  let bytesBefore = 0;
  for (const file of files) {
    const capture = await openCapture(file);
    try {
      for await (const batch of capture.batches) {
        const { fault, ...out } = framer.frame(file, batch, packets);
        packets += batch.length;
        yield out;
        if (fault !== undefined) throw fault;
        onProgress?.({ file, packets, bytesRead: bytesBefore + capture.bytesRead() });
      }
    } finally {
      await capture.close();
    }
    bytesBefore += capture.bytesRead();
  }
}

class Framer {
  private readonly macs: ReadonlyMap<string, Uint8Array>;

  constructor(
    private readonly ingress: IngressResolver,
    host: Host,
  ) {
    this.macs = new Map(
      host.interfaces.flatMap((each) =>
        each.mac === undefined ? [] : [[each.name, Buffer.from(each.mac.replaceAll(':', ''), 'hex')]],
      ),
    );
  }

  /** `fault`: where the ingress list ends too early; the packets before are handed out. */
  frame(
    file: string,
    batch: readonly CapturedPacket[],
    firstIndex: number,
  ): ReplayBatch & { readonly fault?: CaptureFault } {
    const packets: ReplayPacket[] = [];
    const decided: VerdictRecord[] = [];
    for (const [i, captured] of batch.entries()) {
      const index = firstIndex + i;
      const link = toEthernetFrame(captured);
      if (link.kind !== 'frame') {
        decided.push({ index, verdict: link.kind, reason: link.reason });
        continue;
      }
      const direction = link.direction ?? captured.direction;
      const ingress = this.ingress.resolve(index, link.frame, {
        ...(captured.interfaceName === undefined ? {} : { interfaceName: captured.interfaceName }),
        ...(direction === undefined ? {} : { direction }),
      });
      if ('missing' in ingress) {
        const fault = new CaptureFault(
          'IPT0825',
          { file, packetNumber: captured.index + 1 },
          `the ingress list has ${ingress.missing} entries, and this is packet ${index + 1} of the replay`,
        );
        return { packets, decided, fault };
      }
      if ('refused' in ingress) {
        decided.push({ index, verdict: 'refused', reason: ingress.refused });
        continue;
      }
      // Behind a link layer without addresses the packet is for this host: that is how it got here.
      const mac = link.addressed ? undefined : this.macs.get(ingress.name);
      if (mac !== undefined) link.frame.set(mac, 0);
      packets.push({
        index,
        interface: ingress.name,
        frame: link.frame,
        timestampNs: captured.timestampNs,
        wireLength: link.wireLength,
      });
    }
    return { packets, decided };
  }
}

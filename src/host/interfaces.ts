// SPDX-License-Identifier: Apache-2.0
// Which interface a frame belongs to: VLAN sub-interfaces and bridges take frames from the device below, and
// iptables on that device never judges them.
import { parseEthernet, packetType, type EthernetHeader, type PacketType } from '../packet/ethernet.js';
import type { Host, HostInterface } from './host.js';
import { withLoopback } from './routing.js';

export interface LinkArrival {
  readonly header: EthernetHeader;
  /** The device whose IP layer receives the frame. */
  readonly interface: string;
  readonly packetType: PacketType;
}

export class Interfaces {
  private readonly byName = new Map<string, HostInterface>();
  private readonly vlans = new Map<string, HostInterface>();

  constructor(host: Host) {
    for (const each of withLoopback(host)) {
      this.byName.set(each.name, each);
      if (each.link !== undefined && each.vlan !== undefined)
        this.vlans.set(`${each.link} ${each.vlan}`, each);
    }
  }

  get(name: string): HostInterface | undefined {
    return this.byName.get(name);
  }

  /** Bytes; 1500 where host.json is silent. */
  mtu(name: string): number {
    return this.byName.get(name)?.mtu ?? 1500;
  }

  /**
   * Follows tags and bridge membership upwards from the device on which the frame arrived. A tag without its
   * sub-interface makes the frame another host's (net/core/dev.c __netif_receive_skb_core); tag 0 carries a
   * priority only. Undefined when the frame is cut inside its link-layer header or is bridged past the host.
   */
  arrive(frame: Uint8Array, device: string): LinkArrival | undefined {
    const header = parseEthernet(frame);
    if (header === undefined) return undefined;
    let type = packetType(frame);
    let name = device;
    for (const vlan of header.vlans) {
      if (vlan === 0) continue;
      const upper = this.vlans.get(`${name} ${vlan}`);
      if (upper === undefined) {
        type = 'other-host';
        break;
      }
      name = upper.name;
    }
    const master = this.byName.get(name)?.master;
    const bridge = master === undefined ? undefined : this.byName.get(master);
    if (bridge !== undefined && bridge.type !== 'vrf') {
      if (bridge.type === 'bridge' && type === 'host' && !hasMac(frame, bridge)) return undefined;
      name = bridge.name;
    }
    return { header, interface: name, packetType: type };
  }
}

/** True also when host.json doesn't tell the interface's MAC. */
function hasMac(frame: Uint8Array, device: HostInterface): boolean {
  if (device.mac === undefined) return true;
  return device.mac.split(':').every((octet, i) => parseInt(octet, 16) === frame[i]);
}

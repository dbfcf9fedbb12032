// SPDX-License-Identifier: Apache-2.0
// Packets that the host itself sends: raw sockets that take a complete IP header (raw(7), ipv6(7)
// IPV6_HDRINCL). The kernel routes by the header's destination and runs OUTPUT and POSTROUTING.
import type { Family } from '../net/family.js';
import {
  AF_INET,
  AF_INET6,
  openSocket,
  sendTo,
  setSocketOption,
  SOCK_RAW,
  SOL_SOCKET,
  SO_PRIORITY,
} from './libc.js';
import type { Namespace } from './namespace.js';

/** No protocol of its own: the header is always the caller's. */
const IPPROTO_RAW = 255;
const SO_BROADCAST = 6;

export class RawSocket {
  /** sockaddr_in (16 bytes) or sockaddr_in6 (28), destination filled in per packet. */
  private readonly address: Buffer;

  private constructor(
    private readonly family: Family,
    private readonly fd: number,
  ) {
    this.address = Buffer.alloc(family === 'ipv4' ? 16 : 28);
    this.address.writeUInt16LE(family === 'ipv4' ? AF_INET : AF_INET6, 0);
  }

  /** `priority` is written to `skb->priority`, by which programs know these packets. */
  static open(namespace: Namespace, family: Family, priority: number): RawSocket {
    return namespace.inside(() => {
      const fd = namespace.keep(openSocket(family === 'ipv4' ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW));
      setSocketOption(fd, SOL_SOCKET, SO_BROADCAST, 1);
      setSocketOption(fd, SOL_SOCKET, SO_PRIORITY, priority);
      return new RawSocket(family, fd);
    });
  }

  /**
   * Sends one packet (from its IP header on). 0, or the positive errno: EPERM where a filter dropped it,
   * EINVAL or ENETUNREACH where the stack took it for none. IPv4 gets its total length and checksum from
   * the kernel.
   */
  send(packet: Uint8Array): number {
    if (this.family === 'ipv4') this.address.set(packet.subarray(16, 20), 4);
    else this.address.set(packet.subarray(24, 40), 8);
    return sendTo(this.fd, packet, this.address);
  }
}

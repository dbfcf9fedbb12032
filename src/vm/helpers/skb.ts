// SPDX-License-Identifier: Apache-2.0
// Helpers on the packet of a TC or XDP program (net/core/filter.c). The packet is linear and nobody shares it, so
// "make writable" always works within its length.
import { CONTEXT } from '../memory.js';
import { SKB } from '../context.js';
import { EFAULT, EINVAL, ENOMEM, ENOTSUPP } from '../errno.js';
import { HELPER } from './ids.js';
import type { Helper, HelperHost } from './host.js';

/** `BPF_SKB_MAX_LEN`: four pages less the shared info at their end. */
const MAX_LENGTH = 16_384 - 320;
const ETHERNET_HEADER = 14;
const PROTOCOL_IPV4 = 0x0008;
const PROTOCOL_IPV6 = 0xdd86;
const ROOM_NET = 0;
const ROOM_MAC = 1;
/** `BPF_F_ADJ_ROOM_NO_CSUM_RESET`, `BPF_F_ADJ_ROOM_FIXED_GSO`: nothing to do for them here. */
const ROOM_HARMLESS_FLAGS = (1 << 5) | (1 << 0);
const FLAG_INGRESS = 1;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;

/** Copies out of the packet from `start` + argument 2; zeroes the buffer when that isn't all there. */
function loadBytes(host: HelperHost, start: number): number {
  host.context(1);
  const offset = host.unsigned(2);
  const size = host.unsigned(4);
  const to = host.buffer(3, size, true);
  const { bytes } = host.memory;
  if (start + offset + size > host.packet.length) {
    bytes.fill(0, to, to + size);
    return -EFAULT;
  }
  const from = host.packet.address + start + offset;
  bytes.copyWithin(to, from, from + size);
  return 0;
}

/** Of an XDP program's frame; what cannot be had whole leaves the buffer alone (net/core/filter.c bpf_xdp_pointer). */
function loadFrameBytes(host: HelperHost): number {
  host.context(1);
  const offset = host.unsigned(2);
  const size = host.unsigned(4);
  const to = host.buffer(3, size, true);
  if (offset > 0xffff || size > 0xffff) return -EFAULT;
  if (offset + size > host.packet.length) return -EINVAL;
  const from = host.packet.address + offset;
  host.memory.bytes.copyWithin(to, from, from + size);
  return 0;
}

function loadBytesRelative(host: HelperHost): number {
  const header = host.unsigned(5);
  return loadBytes(host, header === 0 ? 0 : header === 1 ? ETHERNET_HEADER : Infinity);
}

function storeBytes(host: HelperHost): number {
  host.context(1);
  const offset = host.unsigned(2);
  const size = host.unsigned(4);
  if ((host.unsigned(5) & ~3) !== 0) return -EINVAL;
  const from = host.buffer(3, size, false);
  if (offset + size > host.packet.length) return -EFAULT;
  host.memory.bytes.copyWithin(host.packet.address + offset, from, from + size);
  return 0;
}

function pullData(host: HelperHost): number {
  host.context(1);
  return host.unsigned(2) > host.packet.length ? -ENOMEM : 0;
}

function changeTail(host: HelperHost): number {
  host.context(1);
  const size = host.unsigned(2);
  if (host.low(3) !== 0 || size > MAX_LENGTH || size < ETHERNET_HEADER) return -EINVAL;
  host.packet.resize(size);
  return 0;
}

/** New room in front of everything: where the Ethernet header of a bare IP packet goes. */
function changeHead(host: HelperHost): number {
  host.context(1);
  const room = host.unsigned(2);
  if (host.low(3) !== 0 || host.packet.length + room > MAX_LENGTH) return -EINVAL;
  return host.packet.shift(0, room) ? 0 : -ENOMEM;
}

/** Room between Ethernet header and IP header (MAC), or behind the IP header's fixed part (NET). */
function adjustRoom(host: HelperHost): number {
  host.context(1);
  const by = host.low(2);
  const mode = host.unsigned(3);
  const protocol = host.memory.view.getUint16(CONTEXT + SKB.protocol, true);
  if ((host.unsigned(4) & ~ROOM_HARMLESS_FLAGS) !== 0) return -EINVAL;
  if (Math.abs(by) > 0xfff) return -EFAULT;
  if (protocol !== PROTOCOL_IPV4 && protocol !== PROTOCOL_IPV6) return -ENOTSUPP;
  if (mode !== ROOM_NET && mode !== ROOM_MAC) return -ENOTSUPP;
  const base = protocol === PROTOCOL_IPV4 ? 20 : 40;
  const network = host.packet.length - ETHERNET_HEADER;
  if (by < 0 && network + by < base) return -ENOTSUPP;
  if (by > 0 && host.packet.length + by > MAX_LENGTH) return -ENOTSUPP;
  const at = ETHERNET_HEADER + (mode === ROOM_NET ? base : 0);
  return host.packet.shift(at, by) ? 0 : -ENOMEM;
}

function cloneRedirect(host: HelperHost): number {
  host.context(1);
  const ifindex = host.unsigned(2);
  const flags = host.unsigned(3);
  if ((flags & ~FLAG_INGRESS) !== 0 || !host.environment.hasInterface(ifindex)) return -EINVAL;
  host.effects.sent.push({ ifindex, ingress: flags === FLAG_INGRESS, frame: host.packet.bytes.slice() });
  return 0;
}

function redirect(host: HelperHost): number {
  const flags = host.unsigned(2);
  if ((flags & ~FLAG_INGRESS) !== 0) return TC_ACT_SHOT;
  host.effects.redirect = { ifindex: host.unsigned(1), ingress: flags === FLAG_INGRESS };
  return TC_ACT_REDIRECT;
}

/** Out of a device, to the neighbour that the kernel finds: without a next hop given, and without flags. */
function redirectNeighbour(host: HelperHost): number {
  if (host.unsigned(3) !== 0 || host.unsigned(4) !== 0) return TC_ACT_SHOT;
  host.effects.redirect = { ifindex: host.unsigned(1), ingress: false };
  return TC_ACT_REDIRECT;
}

export const SKB_HELPERS: readonly (readonly [number, Helper])[] = [
  [HELPER.skb_load_bytes, (host) => loadBytes(host, 0)],
  [HELPER.xdp_load_bytes, loadFrameBytes],
  [HELPER.skb_load_bytes_relative, loadBytesRelative],
  [HELPER.skb_store_bytes, storeBytes],
  [HELPER.skb_pull_data, pullData],
  [HELPER.skb_change_tail, changeTail],
  [HELPER.skb_change_head, changeHead],
  [HELPER.skb_adjust_room, adjustRoom],
  [HELPER.clone_redirect, cloneRedirect],
  [HELPER.redirect, redirect],
  [HELPER.redirect_neigh, redirectNeighbour],
  [HELPER.get_hash_recalc, (host) => host.answer(host.memory.words[(CONTEXT + SKB.hash) >> 2]!, 0)],
];

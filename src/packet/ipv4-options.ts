// SPDX-License-Identifier: Apache-2.0
// IPv4 header options a received packet must not carry: net/ipv4/ip_options.c __ip_options_compile and the
// source routes that ip_rcv_options refuses while accept_source_route is off (the kernel's default).
import type { ParsedPacket } from './parse.js';

const END = 0;
const NOOP = 1;
const RECORD_ROUTE = 7;
const TIMESTAMP = 68;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;
const ROUTER_ALERT = 148;

const TIMESTAMP_WITH_ADDRESS = 1;
const TIMESTAMP_PRESPECIFIED = 3;

/** Why the options make the stack drop the packet; undefined when they don't. */
export function ipv4OptionsFault(packet: ParsedPacket): 'bad-options' | 'source-route' | undefined {
  const { frame } = packet;
  let offset = packet.l3Offset + 20;
  let sourceRoute = false;
  let recordRoute = false;
  let timestamp = false;
  while (offset < packet.l4Offset) {
    const type = frame[offset]!;
    if (type === END) break;
    if (type === NOOP) {
      offset++;
      continue;
    }
    const left = packet.l4Offset - offset;
    if (left < 2) return 'bad-options';
    const length = frame[offset + 1]!;
    if (length < 2 || length > left) return 'bad-options';
    switch (type) {
      case LOOSE_SOURCE_ROUTE:
      case STRICT_SOURCE_ROUTE:
        if (length < 3 || frame[offset + 2]! < 4 || sourceRoute) return 'bad-options';
        sourceRoute = true;
        break;
      case RECORD_ROUTE:
        if (recordRoute || !recordRouteValid(frame[offset + 2]!, length)) return 'bad-options';
        recordRoute = true;
        break;
      case TIMESTAMP:
        if (timestamp || !timestampValid(frame, offset, length)) return 'bad-options';
        timestamp = true;
        break;
      case ROUTER_ALERT:
        if (length < 4) return 'bad-options';
        break;
    }
    offset += length;
  }
  return sourceRoute ? 'source-route' : undefined;
}

/** `pointer` is the option's third byte: 1-based position of the next free slot. */
function recordRouteValid(pointer: number, length: number): boolean {
  return length >= 3 && pointer >= 4 && (pointer > length || pointer + 3 <= length);
}

function timestampValid(frame: Uint8Array, offset: number, length: number): boolean {
  if (length < 4) return false;
  const pointer = frame[offset + 2]!;
  const flag = frame[offset + 3]! & 0xf;
  if (pointer < 5) return false;
  if (pointer > length) return flag === TIMESTAMP_PRESPECIFIED || frame[offset + 3]! >>> 4 !== 15;
  if (pointer + 3 > length) return false;
  const withAddress = flag === TIMESTAMP_WITH_ADDRESS || flag === TIMESTAMP_PRESPECIFIED;
  return !withAddress || pointer + 7 <= length;
}

/**
 * Whether the stack changes the options when the packet arrives: it records its address and the time where
 * there is room, counts timestamps that found none, and clears what follows the end of the list. The options
 * are valid.
 */
export function optionsRewritten({ frame, l3Offset, l4Offset }: ParsedPacket): boolean {
  for (let offset = l3Offset + 20; offset < l4Offset;) {
    const type = frame[offset]!;
    if (type === END) return frame.subarray(offset + 1, l4Offset).some((byte) => byte !== END);
    if (type === NOOP) {
      offset++;
      continue;
    }
    const length = frame[offset + 1]!;
    const hasRoom = frame[offset + 2]! <= length;
    if (type === RECORD_ROUTE && hasRoom) return true;
    if (type === TIMESTAMP && (hasRoom || (frame[offset + 3]! & 0xf) !== TIMESTAMP_PRESPECIFIED)) return true;
    offset += length;
  }
  return false;
}

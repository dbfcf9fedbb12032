// SPDX-License-Identifier: Apache-2.0
// The field vector of a parsed packet: what bpf/lib/parse.h fills, in TypeScript, for the model's evaluator.
import type { ParsedPacket } from '../packet/parse.js';
import { load16, load32 } from '../packet/bytes.js';
import { FIELD, FIELD_SLOTS, MAC_NONE, PROTO_NONE, TCPOPT_BAD } from './fields.js';
import { STATE } from '../program/layout.js';
import { INTERFACE_ID } from '../program/table-format.js';

export interface PacketContext {
  /** Interface ids; INTERFACE_ID.NONE where the hook has none. */
  readonly input: number;
  readonly output: number;
  readonly mark: number;
  /** Option kinds by bit of TCPOPT. */
  readonly tcpOptions: readonly number[];
}

const TCP = 6;
const MOST_AVAILABLE = 63;

/** An untracked, unmarked, received packet as PREROUTING sees it, but for what `context` says. */
export function packetFields(packet: ParsedPacket, context: PacketContext): Uint32Array {
  const fields = new Uint32Array(FIELD_SLOTS);
  const { frame, l4Offset, end } = packet;
  packet.source.forEach((word, i) => (fields[FIELD.SRC0 + i] = word));
  packet.destination.forEach((word, i) => (fields[FIELD.DST0 + i] = word));
  fields[FIELD.PROTO] = packet.protocolUnreadable ? PROTO_NONE : packet.protocol;
  fields[FIELD.FRAG] = Math.min(2, packet.fragmentOffset >>> 3);
  const available = Math.min(MOST_AVAILABLE, Math.max(0, end - l4Offset));
  fields[FIELD.AVAIL] = available;
  const first = packet.fragmentOffset === 0;
  if (first && available >= 2) fields[FIELD.SPORT] = load16(frame, l4Offset);
  if (first && available >= 4) fields[FIELD.DPORT] = load16(frame, l4Offset + 2);
  if (available >= 20) fields[FIELD.TCPFLAGS] = frame[l4Offset + 13]!;
  if (packet.protocol === TCP && available >= 20)
    fields[FIELD.TCPOPT] = tcpOptions(packet, context.tcpOptions);
  fields[FIELD.IIF] = context.input;
  fields[FIELD.OIF] = context.output;
  fields[FIELD.CT] = STATE.values.INVALID;
  fields[FIELD.MARK] = context.mark;
  fields[FIELD.LENGTH] = packet.length;
  fields[FIELD.TTL] = packet.ttl;
  fields[FIELD.MAC0] = load32(frame, 6);
  const hasMac = context.input !== INTERFACE_ID.values.NONE && context.input !== INTERFACE_ID.values.LOOPBACK;
  fields[FIELD.MAC1] = hasMac ? load16(frame, 10) : MAC_NONE;
  return fields;
}

/** net/netfilter/xt_tcpudp.c tcp_find_option, for several kinds at once. */
function tcpOptions({ frame, l4Offset, end }: ParsedPacket, kinds: readonly number[]): number {
  const bytes = (frame[l4Offset + 12]! >>> 4) << 2;
  if (bytes < 20 || bytes > end - l4Offset) return TCPOPT_BAD;
  let found = 0;
  for (let at = 20; at < bytes;) {
    const kind = frame[l4Offset + at]!;
    const bit = kinds.indexOf(kind);
    if (bit >= 0) found |= 1 << bit;
    at += kind < 2 || at === bytes - 1 ? 1 : frame[l4Offset + at + 1]! || 1;
  }
  return found;
}

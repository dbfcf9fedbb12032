// SPDX-License-Identifier: Apache-2.0
// The packet as the model sees it: a vector of unsigned 32-bit fields in host order. The parser of
// bpf/lib/parse.h fills the same vector; the numbers are its indices and are written into tables.

/** Slots of the vector. Addresses: most significant word first; IPv4 uses word 0 alone. */
export const FIELD = {
  SRC0: 0,
  SRC1: 1,
  SRC2: 2,
  SRC3: 3,
  DST0: 4,
  DST1: 5,
  DST2: 6,
  DST3: 7,
  /** IP protocol; IPv6: what ipv6_find_hdr finds, or PROTO_NONE. */
  PROTO: 8,
  /** Fragment offset in 8-byte units, at most 2. */
  FRAG: 9,
  /** Bytes present from the layer-4 header on, at most 63. */
  AVAIL: 10,
  /** First 16 bits of layer 4 (ICMP: type << 8 | code); 0 when not there or a later fragment. */
  SPORT: 11,
  /** Next 16 bits. */
  DPORT: 12,
  /** Byte 13 of the TCP header. */
  TCPFLAGS: 13,
  /** Bit k: option kind TableOptions.tcpOptions[k] present; TCPOPT_BAD: options cannot be read. */
  TCPOPT: 14,
  /** Interface ids (interfaces.ts). */
  IIF: 15,
  OIF: 16,
  /** CT_FIELD bits. */
  CT: 17,
  MARK: 18,
  /** IPv4 total length; IPv6 payload length + 40. */
  LENGTH: 19,
  /** TTL or hop limit as the hook sees it: FORWARD and POSTROUTING of a forwarded packet see it decremented. */
  TTL: 20,
  /** Source MAC, bytes 0-3. */
  MAC0: 21,
  /** Source MAC, bytes 4-5; MAC_NONE where there is no Ethernet source. */
  MAC1: 22,
  /** Whole seconds until the connection's entry expires. */
  CTEXPIRES: 23,
  /** Original tuple of the connection, and the ports of the reply tuple (ICMP: identifier, type << 8 | code). */
  CTPROTO: 24,
  OSRC0: 25,
  OSRC1: 26,
  OSRC2: 27,
  OSRC3: 28,
  ODST0: 29,
  ODST1: 30,
  ODST2: 31,
  ODST3: 32,
  OSPORT: 33,
  ODPORT: 34,
  RSPORT: 35,
  RDPORT: 36,
} as const;

export type FieldName = keyof typeof FIELD;

/** First slot of derived dimensions (masked fields, set membership); up to FIELD_SLOTS. */
export const FIRST_DERIVED = 37;
export const FIELD_SLOTS = 64;

/** IPv6: the chain of headers cannot be followed: `-p` drops the packet (ip6_tables.c ip6_packet_match). */
export const PROTO_NONE = 256;
export const TCPOPT_BAD = 0x100;
export const MAC_NONE = 0x10000;

/** CT: state in the low bits (STATE of program/layout.ts), then these. */
export const CT_FIELD = {
  STATE_MASK: 7,
  REPLY: 8,
  SEEN_REPLY: 16,
  ASSURED: 32,
  CONFIRMED: 64,
  TRACKED: 128,
} as const;
export const CT_FIELD_LIMIT = 256;

/** Largest value a field can hold: what "any" means for it. */
export function fieldMaximum(field: FieldName): number {
  switch (field) {
    case 'FRAG':
      return 2;
    case 'AVAIL':
      return 63;
    case 'CT':
      return CT_FIELD_LIMIT - 1;
    case 'TCPFLAGS':
    case 'TTL':
      return 255;
    case 'SPORT':
    case 'DPORT':
      return 0xffff;
    default:
      return 0xffffffff;
  }
}

/** The field's name for a word of an address. */
export function addressField(which: 'SRC' | 'DST' | 'OSRC' | 'ODST', word: number): FieldName {
  return `${which}${word}` as FieldName;
}

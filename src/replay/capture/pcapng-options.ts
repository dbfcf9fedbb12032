// SPDX-License-Identifier: Apache-2.0
// Options of pcapng blocks that change how a packet is read: if_name, if_tsresol, if_tsoffset, if_fcslen,
// epb_flags. Format: draft-ietf-opsawg-pcapng sections 3.5, 4.2 and 4.3.
import type { ByteWindow } from './byte-window.js';

/** An interface description block. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Bytes kept of each packet; 0 = all. */
  readonly snapLength: number;
  readonly fcsBytes: number;
  readonly name?: string;
  /** From ticks of this interface's resolution to nanoseconds since the epoch. */
  toNanoseconds(ticks: bigint): bigint;
}

const END_OF_OPTIONS = 0;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_FCSLEN = 13;
const IF_TSOFFSET = 14;
const EPB_FLAGS = 2;
const NS_PER_S = 1_000_000_000n;

/** Offset, from the window's next byte, and length of an option's value. */
interface Option {
  readonly code: number;
  readonly at: number;
  readonly length: number;
}

/** Options between two offsets. A damaged list ends early: options never decide where the next block starts. */
function* options(window: ByteWindow, from: number, to: number, littleEndian: boolean): Generator<Option> {
  let at = from;
  while (at + 4 <= to) {
    const code = window.u16(at, littleEndian);
    const length = window.u16(at + 2, littleEndian);
    if (code === END_OF_OPTIONS || at + 4 + length > to) return;
    yield { code, at: at + 4, length };
    at += 4 + Math.ceil(length / 4) * 4;
  }
}

/** The window stands at an interface description block of `length` bytes, all of them available. */
export function readInterface(window: ByteWindow, length: number, littleEndian: boolean): CaptureInterface {
  let name: string | undefined;
  let ticksPerSecond = 1_000_000n;
  let offsetNs = 0n;
  let fcsBytes = 0;
  for (const option of options(window, 16, length - 4, littleEndian)) {
    if (option.code === IF_NAME) {
      name = new TextDecoder().decode(window.bytes(option.at, option.length)).replace(/\0.*$/s, '');
    } else if (option.code === IF_TSRESOL && option.length >= 1) {
      const value = window.u8(option.at);
      const exponent = BigInt(value & 0x7f);
      ticksPerSecond = (value & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
    } else if (option.code === IF_TSOFFSET && option.length >= 8) {
      offsetNs = signed64(window, option.at, littleEndian) * NS_PER_S;
    } else if (option.code === IF_FCSLEN && option.length >= 1) {
      fcsBytes = window.u8(option.at);
    }
  }
  return {
    linkType: window.u16(8, littleEndian),
    snapLength: window.u32(12, littleEndian),
    fcsBytes,
    ...(name === undefined || name === '' ? {} : { name }),
    toNanoseconds: (ticks) => offsetNs + (ticks * NS_PER_S) / ticksPerSecond,
  };
}

function signed64(window: ByteWindow, at: number, littleEndian: boolean): bigint {
  const high = BigInt(window.u32(at + (littleEndian ? 4 : 0), littleEndian));
  const low = BigInt(window.u32(at + (littleEndian ? 0 : 4), littleEndian));
  return BigInt.asIntN(64, (high << 32n) | low);
}

export interface PacketFlags {
  readonly direction: 'in' | 'out' | undefined;
  /** Undefined where the packet doesn't say and its interface does. */
  readonly fcsBytes: number | undefined;
}

/** epb_flags (pack_flags of the obsolete block has the same code and meaning) among a packet block's options. */
export function readPacketFlags(
  window: ByteWindow,
  from: number,
  to: number,
  littleEndian: boolean,
): PacketFlags {
  for (const option of options(window, from, to, littleEndian)) {
    if (option.code !== EPB_FLAGS || option.length < 4) continue;
    const word = window.u32(option.at, littleEndian);
    const fcsBytes = (word >>> 5) & 0xf;
    return {
      direction: (word & 3) === 1 ? 'in' : (word & 3) === 2 ? 'out' : undefined,
      fcsBytes: fcsBytes === 0 ? undefined : fcsBytes,
    };
  }
  return { direction: undefined, fcsBytes: undefined };
}

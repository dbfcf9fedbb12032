// SPDX-License-Identifier: Apache-2.0
// Capture files made by hand for tests, in either byte order.

export interface Endian {
  readonly littleEndian: boolean;
}

export class Bytes {
  private readonly parts: number[] = [];

  constructor(readonly littleEndian: boolean) {}

  u8(...values: number[]): this {
    this.parts.push(...values.map((value) => value & 0xff));
    return this;
  }

  u16(value: number): this {
    const [high, low] = [(value >>> 8) & 0xff, value & 0xff];
    return this.littleEndian ? this.u8(low, high) : this.u8(high, low);
  }

  u32(value: number): this {
    const [high, low] = [value >>> 16, value & 0xffff];
    return this.littleEndian ? this.u16(low).u16(high) : this.u16(high).u16(low);
  }

  bytes(values: ArrayLike<number>): this {
    return this.u8(...Array.from(values));
  }

  done(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

export function pcapHeader(littleEndian: boolean, magic = 0xa1b2c3d4, linkType = 1): Uint8Array {
  return new Bytes(littleEndian).u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(linkType).done();
}

export function pcapPacket(
  littleEndian: boolean,
  data: ArrayLike<number>,
  { seconds = 1, fraction = 2, original = data.length, extra = [] as number[] } = {},
): Uint8Array {
  return new Bytes(littleEndian)
    .u32(seconds)
    .u32(fraction)
    .u32(data.length)
    .u32(original)
    .u8(...extra)
    .bytes(data)
    .done();
}

/** A pcapng block: type, length, body padded to 32 bits, length. */
export function block(littleEndian: boolean, type: number, body: ArrayLike<number>): Uint8Array {
  const padding = (4 - (body.length % 4)) % 4;
  const length = 12 + body.length + padding;
  return new Bytes(littleEndian)
    .u32(type)
    .u32(length)
    .bytes(body)
    .u8(...new Array<number>(padding).fill(0))
    .u32(length)
    .done();
}

export function section(littleEndian: boolean): Uint8Array {
  const body = new Bytes(littleEndian).u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff).done();
  return block(littleEndian, 0x0a0d0d0a, body);
}

export interface TestOption {
  readonly code: number;
  readonly value: ArrayLike<number>;
}

export function options(littleEndian: boolean, list: readonly TestOption[]): Uint8Array {
  const out = new Bytes(littleEndian);
  for (const { code, value } of list) {
    out
      .u16(code)
      .u16(value.length)
      .bytes(value)
      .u8(...new Array<number>((4 - (value.length % 4)) % 4).fill(0));
  }
  return list.length === 0 ? out.done() : out.u32(0).done();
}

export function interfaceBlock(
  littleEndian: boolean,
  linkType: number,
  snapLength: number,
  list: readonly TestOption[] = [],
): Uint8Array {
  const body = new Bytes(littleEndian)
    .u16(linkType)
    .u16(0)
    .u32(snapLength)
    .bytes(options(littleEndian, list));
  return block(littleEndian, 1, body.done());
}

export function enhancedPacket(
  littleEndian: boolean,
  interfaceId: number,
  ticks: bigint,
  data: ArrayLike<number>,
  { original = data.length, list = [] as readonly TestOption[] } = {},
): Uint8Array {
  const body = new Bytes(littleEndian)
    .u32(interfaceId)
    .u32(Number(ticks >> 32n))
    .u32(Number(ticks & 0xffffffffn))
    .u32(data.length)
    .u32(original)
    .bytes(data)
    .u8(...new Array<number>((4 - (data.length % 4)) % 4).fill(0))
    .bytes(options(littleEndian, list));
  return block(littleEndian, 6, body.done());
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** As a stream cut into chunks of a few bytes, so that every boundary falls everywhere. */
export async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

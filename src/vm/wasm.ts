// SPDX-License-Identifier: Apache-2.0
// Writing WebAssembly binary modules: the opcodes the translator uses and the section layout.
// WebAssembly Core Specification 2.0, chapter 5 (binary format).

export const I32 = 0x7f;
export const I64 = 0x7e;
const EMPTY_BLOCK = 0x40;

/** Opcodes without immediate operands, by their text-format names. */
export const OP = {
  unreachable: 0x00,
  else: 0x05,
  end: 0x0b,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_s': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.gt_u': 0x4b,
  'i32.le_s': 0x4c,
  'i32.le_u': 0x4d,
  'i32.ge_s': 0x4e,
  'i32.ge_u': 0x4f,
  'i64.eqz': 0x50,
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.lt_s': 0x53,
  'i64.lt_u': 0x54,
  'i64.gt_s': 0x55,
  'i64.gt_u': 0x56,
  'i64.le_s': 0x57,
  'i64.le_u': 0x58,
  'i64.ge_s': 0x59,
  'i64.ge_u': 0x5a,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.div_s': 0x6d,
  'i32.div_u': 0x6e,
  'i32.rem_s': 0x6f,
  'i32.rem_u': 0x70,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_s': 0x75,
  'i32.shr_u': 0x76,
  'i32.rotl': 0x77,
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.div_s': 0x7f,
  'i64.div_u': 0x80,
  'i64.rem_s': 0x81,
  'i64.rem_u': 0x82,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr_s': 0x87,
  'i64.shr_u': 0x88,
  'i32.wrap_i64': 0xa7,
  'i64.extend_i32_s': 0xac,
  'i64.extend_i32_u': 0xad,
  'i32.extend8_s': 0xc0,
  'i32.extend16_s': 0xc1,
  'i64.extend8_s': 0xc2,
  'i64.extend16_s': 0xc3,
  'i64.extend32_s': 0xc4,
} as const;

export type Op = keyof typeof OP;

/** Loads and stores of 64-bit registers, by access size in bytes. */
const I64_LOAD_UNSIGNED = { 1: 0x31, 2: 0x33, 4: 0x35, 8: 0x29 } as const;
const I64_LOAD_SIGNED = { 1: 0x30, 2: 0x32, 4: 0x34, 8: 0x29 } as const;
const I64_STORE = { 1: 0x3c, 2: 0x3d, 4: 0x3e, 8: 0x37 } as const;

export type Size = 1 | 2 | 4 | 8;

/** The body of one function, or any stretch of instructions. */
export class Code {
  readonly bytes: number[] = [];

  op(...names: Op[]): this {
    for (const name of names) this.bytes.push(OP[name]);
    return this;
  }

  i32(value: number): this {
    this.bytes.push(0x41);
    signedLeb(this.bytes, value | 0);
    return this;
  }

  /** A constant that fits 32 bits signed, or any bigint. */
  i64(value: number | bigint): this {
    this.bytes.push(0x42);
    if (typeof value === 'number') signedLeb(this.bytes, value);
    else signedLebBig(this.bytes, BigInt.asIntN(64, value));
    return this;
  }

  get(local: number): this {
    return this.indexed(0x20, local);
  }

  set(local: number): this {
    return this.indexed(0x21, local);
  }

  tee(local: number): this {
    return this.indexed(0x22, local);
  }

  globalGet(index: number): this {
    return this.indexed(0x23, index);
  }

  globalSet(index: number): this {
    return this.indexed(0x24, index);
  }

  /** Pops an i32 address. */
  load(size: Size, offset: number, signed = false): this {
    this.bytes.push((signed ? I64_LOAD_SIGNED : I64_LOAD_UNSIGNED)[size], 0);
    unsignedLeb(this.bytes, offset);
    return this;
  }

  /** Pops a 64-bit value, then an i32 address. */
  store(size: Size, offset: number): this {
    this.bytes.push(I64_STORE[size], 0);
    unsignedLeb(this.bytes, offset);
    return this;
  }

  loadI32(offset: number): this {
    this.bytes.push(0x28, 0);
    unsignedLeb(this.bytes, offset);
    return this;
  }

  block(): this {
    this.bytes.push(0x02, EMPTY_BLOCK);
    return this;
  }

  loop(): this {
    this.bytes.push(0x03, EMPTY_BLOCK);
    return this;
  }

  /** Pops the condition. `result`: the type both arms leave. */
  if(result: number = EMPTY_BLOCK): this {
    this.bytes.push(0x04, result);
    return this;
  }

  br(depth: number): this {
    return this.indexed(0x0c, depth);
  }

  brIf(depth: number): this {
    return this.indexed(0x0d, depth);
  }

  /** Pops an i32; the last depth is the default. */
  brTable(depths: readonly number[]): this {
    this.bytes.push(0x0e);
    unsignedLeb(this.bytes, depths.length - 1);
    for (const depth of depths) unsignedLeb(this.bytes, depth);
    return this;
  }

  call(index: number): this {
    return this.indexed(0x10, index);
  }

  /** Pops an i32 table index after the arguments. */
  callIndirect(type: number): this {
    this.indexed(0x11, type);
    this.bytes.push(0);
    return this;
  }

  private indexed(opcode: number, index: number): this {
    this.bytes.push(opcode);
    unsignedLeb(this.bytes, index);
    return this;
  }
}

export interface Signature {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

export interface WasmFunction {
  readonly type: number;
  /** Types of the locals after the parameters. */
  readonly locals: readonly number[];
  readonly code: Code;
  readonly exportAs?: string;
}

export interface WasmModule {
  readonly types: readonly Signature[];
  /** All from module `vm`. */
  readonly imports: readonly { readonly name: string; readonly type: number }[];
  readonly functions: readonly WasmFunction[];
  /** Function indices (imports first) that the table holds, from index 0. */
  readonly table: readonly number[];
  /** Mutable i32 globals, by export name, from 0. */
  readonly globals: readonly string[];
}

/** The module's bytes. Memory is imported as `vm.memory`. */
export function encodeModule(module: WasmModule): Uint8Array {
  const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const typeItems = module.types.map(({ parameters, results }) => [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector(results.map((type) => [type])),
  ]);
  const memoryImport = [...name('vm'), ...name('memory'), 0x02, 0x00, 0x00];
  const importItems = module.imports.map((item) => [
    ...name('vm'),
    ...name(item.name),
    0x00,
    ...leb(item.type),
  ]);
  const exported = module.functions.flatMap(({ exportAs }, index) =>
    exportAs === undefined ? [] : [[...name(exportAs), 0x00, ...leb(module.imports.length + index)]],
  );
  const globalExports = module.globals.map((global, index) => [...name(global), 0x03, ...leb(index)]);
  section(out, 1, vector(typeItems));
  section(out, 2, vector([memoryImport, ...importItems]));
  section(out, 3, vector(module.functions.map(({ type }) => leb(type))));
  section(out, 4, [1, 0x70, 0x00, ...leb(module.table.length)]);
  section(out, 6, vector(module.globals.map(() => [I32, 0x01, 0x41, 0x00, 0x0b])));
  section(out, 7, vector([...exported, ...globalExports, [...name('table'), 0x01, 0x00]]));
  section(out, 9, [1, 0x00, 0x41, 0x00, 0x0b, ...vector(module.table.map(leb))]);
  section(out, 10, vector(module.functions.map(body)));
  return Uint8Array.from(out);
}

function body({ locals, code }: WasmFunction): number[] {
  const declared = vector(locals.map((type) => [1, type]));
  const length = declared.length + code.bytes.length;
  const out = leb(length);
  append(out, declared);
  append(out, code.bytes);
  return out;
}

function section(out: number[], id: number, contents: number[]): void {
  out.push(id, ...leb(contents.length));
  append(out, contents);
}

function vector(items: readonly (readonly number[])[]): number[] {
  const out = leb(items.length);
  for (const item of items) append(out, item);
  return out;
}

/** `push(...items)` would overflow the stack on a large function. */
function append(out: number[], items: readonly number[]): void {
  for (const item of items) out.push(item);
}

function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [...leb(bytes.length), ...bytes];
}

function leb(value: number): number[] {
  const out: number[] = [];
  unsignedLeb(out, value);
  return out;
}

function unsignedLeb(out: number[], value: number): void {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
}

function signedLeb(out: number[], value: number): void {
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

function signedLebBig(out: number[], value: bigint): void {
  let rest = value;
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

// SPDX-License-Identifier: Apache-2.0
// BTF, the type information clang writes into `.BTF`: reading it, and filling in what the kernel wants
// (sizes and offsets of data sections, which only the ELF file knows). Documentation/bpf/btf.rst.
import type { Elf } from './elf.js';
import { stringAt } from './elf.js';
import { ObjectError } from './spec.js';

const MAGIC = 0xeb9f;

export const BTF_INT = 1;
export const BTF_PTR = 2;
export const BTF_ARRAY = 3;
export const BTF_STRUCT = 4;
export const BTF_UNION = 5;
export const BTF_ENUM = 6;
export const BTF_TYPEDEF = 8;
export const BTF_VOLATILE = 9;
export const BTF_CONST = 10;
export const BTF_RESTRICT = 11;
export const BTF_FUNC = 12;
export const BTF_FUNC_PROTO = 13;
export const BTF_VAR = 14;
export const BTF_DATASEC = 15;
const BTF_FLOAT = 16;
const BTF_DECL_TAG = 17;
const BTF_TYPE_TAG = 18;
export const BTF_ENUM64 = 19;

export interface BtfMember {
  readonly name: string;
  readonly typeId: number;
  /** DATASEC: byte offset; STRUCT and UNION: bit offset. */
  readonly offset: number;
  /** DATASEC only: bytes. */
  readonly size: number;
}

export interface BtfType {
  readonly id: number;
  readonly kind: number;
  readonly name: string;
  /** Bytes, for the kinds that have a size; else 0. */
  readonly size: number;
  /** The type referred to, for the kinds that refer to one; else 0. */
  readonly typeId: number;
  /** STRUCT, UNION, DATASEC. */
  readonly members: readonly BtfMember[];
  /** ARRAY: number of elements. */
  readonly elements: number;
  /** VAR: `BTF_VAR_*`; FUNC: its linkage. 0 static, 1 global, 2 extern. */
  readonly linkage: number;
  /** Where its record starts in the `.BTF` bytes. */
  readonly at: number;
}

/** Types by id; id 0 is `void`. */
export interface Btf {
  readonly bytes: Uint8Array;
  readonly types: readonly BtfType[];
  string(offset: number): string;
}

const VOID: BtfType = {
  id: 0,
  kind: 0,
  name: 'void',
  size: 0,
  typeId: 0,
  members: [],
  elements: 0,
  linkage: 0,
  at: 0,
};
const SIZED = new Set([BTF_INT, BTF_STRUCT, BTF_UNION, BTF_ENUM, BTF_DATASEC, BTF_FLOAT, BTF_ENUM64]);

/** Reads the bytes of a `.BTF` section. */
export function readBtf(bytes: Uint8Array): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24 || view.getUint16(0, true) !== MAGIC) throw new ObjectError('read BTF: bad magic');
  const headerLength = view.getUint32(4, true);
  const typesStart = headerLength + view.getUint32(8, true);
  const typesEnd = typesStart + view.getUint32(12, true);
  const stringsStart = headerLength + view.getUint32(16, true);
  const strings = bytes.subarray(stringsStart, stringsStart + view.getUint32(20, true));
  const string = (offset: number): string => stringAt(strings, offset);

  const types: BtfType[] = [VOID];
  let at = typesStart;
  while (at < typesEnd) {
    const info = view.getUint32(at + 4, true);
    const kind = (info >>> 24) & 31;
    const count = info & 0xffff;
    const sizeOrType = view.getUint32(at + 8, true);
    const body = at + 12;
    let members: BtfMember[] = [];
    let elements = 0;
    let linkage = kind === BTF_FUNC ? count : 0;
    let typeId = SIZED.has(kind) ? 0 : sizeOrType;
    let length = 0;
    switch (kind) {
      case BTF_INT:
      case BTF_DECL_TAG:
        length = 4;
        break;
      case BTF_VAR:
        linkage = view.getUint32(body, true);
        length = 4;
        break;
      case BTF_ARRAY:
        typeId = view.getUint32(body, true);
        elements = view.getUint32(body + 8, true);
        length = 12;
        break;
      case BTF_STRUCT:
      case BTF_UNION:
        members = Array.from({ length: count }, (_, index) => {
          const entry = body + index * 12;
          const offset = view.getUint32(entry + 8, true);
          return {
            name: string(view.getUint32(entry, true)),
            typeId: view.getUint32(entry + 4, true),
            offset: info >>> 31 === 1 ? offset & 0xffffff : offset,
            size: 0,
          };
        });
        length = count * 12;
        break;
      case BTF_DATASEC:
        members = Array.from({ length: count }, (_, index) => {
          const entry = body + index * 12;
          return {
            name: '',
            typeId: view.getUint32(entry, true),
            offset: view.getUint32(entry + 4, true),
            size: view.getUint32(entry + 8, true),
          };
        });
        length = count * 12;
        break;
      case BTF_ENUM:
      case BTF_FUNC_PROTO:
        length = count * 8;
        break;
      case BTF_ENUM64:
        length = count * 12;
        break;
      case BTF_PTR:
      case BTF_TYPEDEF:
      case BTF_VOLATILE:
      case BTF_CONST:
      case BTF_RESTRICT:
      case BTF_FUNC:
      case BTF_FLOAT:
      case BTF_TYPE_TAG:
      case 7: // FWD
        break;
      default:
        throw new ObjectError(`read BTF: type ${String(types.length)} has unknown kind ${String(kind)}`);
    }
    types.push({
      id: types.length,
      kind,
      name: string(view.getUint32(at, true)),
      size: SIZED.has(kind) ? sizeOrType : 0,
      typeId,
      members,
      elements,
      linkage,
      at,
    });
    at = body + length;
  }
  return { bytes, types, string };
}

/** The type behind typedefs and qualifiers. */
export function resolveType(btf: Btf, id: number): BtfType {
  let type = typeAt(btf, id);
  while ([BTF_TYPEDEF, BTF_VOLATILE, BTF_CONST, BTF_RESTRICT, BTF_TYPE_TAG].includes(type.kind)) {
    type = typeAt(btf, type.typeId);
  }
  return type;
}

export function typeAt(btf: Btf, id: number): BtfType {
  const type = btf.types[id];
  if (type === undefined) throw new ObjectError(`read BTF: no type ${String(id)}`);
  return type;
}

/** Size in bytes of a value of the type. */
export function sizeOfType(btf: Btf, id: number): number {
  const type = resolveType(btf, id);
  if (type.kind === BTF_PTR) return 8;
  if (type.kind === BTF_ARRAY) return type.elements * sizeOfType(btf, type.typeId);
  return type.size;
}

/**
 * The BTF as bpf(2) takes it: clang leaves the size of each DATASEC and the offsets of its variables
 * zero, since only the linked ELF file knows them. Variables end up sorted by offset, which the kernel
 * checks (kernel/bpf/btf.c, btf_datasec_check_meta). Functions of the kernel are passed off as the program's.
 */
export function btfForKernel(btf: Btf, elf: Elf): Uint8Array {
  // A copy of its own: slice() of a Buffer would share memory.
  const bytes = Uint8Array.from(btf.bytes);
  const view = new DataView(bytes.buffer);
  for (const type of btf.types) {
    if (type.kind !== BTF_DATASEC) continue;
    if (type.name === KERNEL_SYMBOLS) {
      hideKernelFunctions(btf, type, view);
      continue;
    }
    const section = elf.sections.find((candidate) => candidate.name === type.name);
    if (section === undefined) throw new ObjectError(`fix up BTF: no section \`${type.name}\``);
    view.setUint32(type.at + 8, section.size, true);
    const entries = type.members.map((member) => {
      const variable = typeAt(btf, member.typeId);
      const symbol = elf.symbols.find(
        (candidate) => candidate.section === section.index && candidate.name === variable.name,
      );
      if (symbol === undefined) {
        throw new ObjectError(`fix up BTF: no symbol for \`${variable.name}\` of \`${type.name}\``);
      }
      return { typeId: member.typeId, offset: symbol.value, size: member.size };
    });
    entries.sort((left, right) => left.offset - right.offset);
    entries.forEach((entry, index) => {
      view.setUint32(type.at + 12 + index * 12, entry.typeId, true);
      view.setUint32(type.at + 16 + index * 12, entry.offset, true);
      view.setUint32(type.at + 20 + index * 12, entry.size, true);
    });
  }
  return bytes;
}

/** Where libbpf's `__ksym` puts what the kernel has. */
const KERNEL_SYMBOLS = '.ksyms';
/** `info` of a type: its kind in the upper, `vlen` in the lower half. */
const INFO_STRUCT = BTF_STRUCT << 24;
const INFO_GLOBAL_FUNCTION = (BTF_FUNC << 24) | 1;
const POINTER_BITS = 64;

/**
 * The kernel takes no `extern` functions, no parameters without a name and no section that is not there: the
 * functions become global ones, their parameters are called as they are, the section becomes a structure as long.
 */
function hideKernelFunctions(btf: Btf, section: BtfType, view: DataView): void {
  const pointer = btf.types.find(({ kind }) => kind === BTF_PTR);
  const count = section.members.length;
  if (pointer === undefined)
    throw new ObjectError(`fix up BTF: \`${section.name}\` without any pointer type`);
  view.setUint32(section.at, 0, true);
  view.setUint32(section.at + 4, INFO_STRUCT | count, true);
  view.setUint32(section.at + 8, (count * POINTER_BITS) / 8, true);
  for (const [index, { typeId }] of section.members.entries()) {
    const symbol = typeAt(btf, typeId);
    if (symbol.kind !== BTF_FUNC)
      throw new ObjectError(`fix up BTF: \`${symbol.name}\` of the kernel is no function`);
    const name = view.getUint32(symbol.at, true);
    view.setUint32(symbol.at + 4, INFO_GLOBAL_FUNCTION, true);
    const prototype = typeAt(btf, symbol.typeId);
    const parameters = view.getUint32(prototype.at + 4, true) & 0xffff;
    for (let i = 0; i < parameters; i++) {
      const at = prototype.at + 12 + i * 8;
      if (view.getUint32(at, true) === 0) view.setUint32(at, name, true);
    }
    view.setUint32(section.at + 12 + index * 12, 0, true);
    view.setUint32(section.at + 16 + index * 12, pointer.id, true);
    view.setUint32(section.at + 20 + index * 12, index * POINTER_BITS, true);
  }
}

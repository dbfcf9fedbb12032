// SPDX-License-Identifier: Apache-2.0
// The running kernel's own type information, and the CO-RE relocations that need it: where a field of a
// kernel structure lies differs between kernels, so clang leaves it open and it is filled in here.
// Only BPF_CORE_FIELD_BYTE_OFFSET is used by our programs; Documentation/bpf/llvm_reloc.rst.
import { readFileSync } from 'node:fs';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import {
  BTF_FUNC,
  BTF_STRUCT,
  BTF_UNION,
  readBtf,
  resolveType,
  type Btf,
  type BtfType,
} from '../object/btf.js';
import type { ProgramSpec } from '../object/object.js';

const PATH = '/sys/kernel/btf/vmlinux';
const CORE_FIELD_BYTE_OFFSET = 0;

let loaded: KernelBtf | undefined;

/** Structures and typedefs of the running kernel by name. */
export class KernelBtf {
  private readonly structures = new Map<string, BtfType>();
  private readonly others = new Map<string, BtfType>();

  private constructor(private readonly btf: Btf) {
    for (const type of btf.types) {
      if (type.name === '') continue;
      const into = type.kind === BTF_STRUCT || type.kind === BTF_UNION ? this.structures : this.others;
      if (!into.has(type.name)) into.set(type.name, type);
    }
  }

  /** Reads it once per process (about 0.2 s). */
  static load(): KernelBtf {
    if (loaded !== undefined) return loaded;
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(PATH);
    } catch (error) {
      throw new EnvironmentError(
        `this kernel has no type information (${PATH} cannot be read)`,
        ['use a kernel built with CONFIG_DEBUG_INFO_BTF, as all Debian and Ubuntu kernels are'],
        { cause: error },
      );
    }
    loaded = new KernelBtf(readBtf(bytes));
    return loaded;
  }

  /** The id that BPF_PROG_LOAD wants as attach_btf_id of a `tp_btf/<name>` program. */
  tracepointId(name: string): number {
    const type = this.others.get(`btf_trace_${name}`);
    if (type === undefined) throw new EnvironmentError(`this kernel has no tracepoint \`${name}\``);
    return type.id;
  }

  /** The id by which programs call a function of the kernel (kfunc). */
  functionId(name: string): number {
    const type = this.others.get(name);
    if (type?.kind !== BTF_FUNC) throw new EnvironmentError(`this kernel has no function \`${name}\``);
    return type.id;
  }

  /** Byte offset of a path of members, e.g. `['nd_net', 'net']` of `net_device`. */
  offsetOf(structure: string, path: readonly string[]): number {
    const start = this.structures.get(structure);
    let bits = 0;
    let type = start;
    for (const member of path) {
      const found: { bits: number; type: BtfType } | undefined =
        type === undefined ? undefined : findMember(this.btf, type, member);
      if (found === undefined) {
        throw new EnvironmentError(`this kernel has no \`${path.join('.')}\` in \`struct ${structure}\``);
      }
      bits += found.bits;
      type = found.type;
    }
    return bits / 8;
  }
}

/** Looks through unnamed members too, as C does. */
function findMember(btf: Btf, type: BtfType, name: string): { bits: number; type: BtfType } | undefined {
  for (const member of type.members) {
    const memberType = resolveType(btf, member.typeId);
    if (member.name === name) return { bits: bitOffset(member.offset), type: memberType };
    if (member.name !== '') continue;
    const inner = findMember(btf, memberType, name);
    if (inner !== undefined) return { bits: bitOffset(member.offset) + inner.bits, type: inner.type };
  }
  return undefined;
}

/** The low 24 bits: the high 8 hold a bit field's size where the structure has any. */
function bitOffset(offset: number): number {
  return offset & 0xffffff;
}

/** The program's instructions with every field offset as in `kernel`. `own` is the object's BTF. */
export function relocateFields(program: ProgramSpec, own: Btf, kernel: KernelBtf): Uint8Array {
  const instructions = Buffer.from(program.instructions);
  for (const relocation of program.coreRelocations) {
    if (relocation.kind !== CORE_FIELD_BYTE_OFFSET) {
      throw new Error(`${program.name}: CO-RE relocation kind ${String(relocation.kind)} is not supported`);
    }
    const structure = resolveType(own, relocation.typeId);
    const offset = kernel.offsetOf(structure.name, memberPath(own, structure, relocation.access));
    const at = relocation.instruction * 8;
    // Loads and stores carry the offset in `off`, arithmetic in `imm` (RFC 9669 section 3).
    const isMemoryAccess = [1, 2, 3].includes(instructions.readUInt8(at) & 7);
    if (isMemoryAccess) instructions.writeInt16LE(offset, at + 2);
    else instructions.writeInt32LE(offset, at + 4);
  }
  return instructions;
}

/** `0:1:2` as member names; the leading 0 is the pointer's own index. */
function memberPath(btf: Btf, structure: BtfType, access: string): string[] {
  const names: string[] = [];
  let type = structure;
  for (const index of access.split(':').slice(1)) {
    const member = type.members[Number(index)];
    if (member === undefined) throw new Error(`no member ${index} in \`${type.name}\``);
    names.push(member.name);
    type = resolveType(btf, member.typeId);
  }
  return names;
}

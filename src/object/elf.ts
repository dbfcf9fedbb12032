// SPDX-License-Identifier: Apache-2.0
// ELF64 little-endian relocatable files for the BPF machine: sections, symbols, relocations.
// System V ABI, "Object Files"; relocation types: Documentation/bpf/llvm_reloc.rst.
import { ObjectError } from './spec.js';

const MACHINE_BPF = 247;
const SECTION_SYMTAB = 2;
const SECTION_NOBITS = 8;
const SECTION_REL = 9;
const FLAG_EXECUTE = 4;
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const REL_SIZE = 16;

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** `SHT_*`. */
  readonly type: number;
  readonly executable: boolean;
  readonly size: number;
  /** Zeroes for `.bss`. */
  readonly data: Uint8Array;
  readonly relocations: readonly ElfRelocation[];
}

export type SymbolType = 'none' | 'object' | 'function' | 'section' | 'other';

export interface ElfSymbol {
  readonly name: string;
  readonly type: SymbolType;
  readonly global: boolean;
  /** 0 = undefined symbol; values from 0xff00 are no section. */
  readonly section: number;
  /** Offset in its section. */
  readonly value: number;
  readonly size: number;
}

/** `R_BPF_64_64`: an `ld_imm64`. */
export const RELOCATION_64_64 = 1;
/** `R_BPF_64_ABS64`: a pointer in data. */
export const RELOCATION_ABS64 = 2;
/** `R_BPF_64_32`: a call. */
export const RELOCATION_64_32 = 10;

export interface ElfRelocation {
  /** Where, in bytes from the start of the section it patches. */
  readonly offset: number;
  readonly type: number;
  readonly symbol: ElfSymbol;
}

export interface Elf {
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
}

interface RawSection {
  readonly nameOffset: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** Reads the whole file; throws ObjectError where it is cut short or no BPF object. */
export function readElf(bytes: Uint8Array): Elf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkHeader(bytes, view);
  const raw = readSectionHeaders(view);
  const slice = (section: RawSection): Uint8Array => {
    if (section.type === SECTION_NOBITS) return new Uint8Array(section.size);
    if (section.offset + section.size > bytes.length)
      throw new ObjectError('read sections: the file is cut short');
    return bytes.subarray(section.offset, section.offset + section.size);
  };
  const namesSection = raw[view.getUint16(62, true)];
  if (namesSection === undefined) throw new ObjectError('read sections: no section name table');
  const names = slice(namesSection);
  const symbols = readSymbols(raw, slice);
  const relocations = readRelocations(raw, slice, symbols);
  const sections = raw.map((section, index) => ({
    index,
    name: stringAt(names, section.nameOffset),
    type: section.type,
    executable: (section.flags & FLAG_EXECUTE) !== 0,
    size: section.size,
    data: index === 0 ? new Uint8Array(0) : slice(section),
    relocations: relocations.get(index) ?? [],
  }));
  return { sections, symbols };
}

/** The NUL-terminated string at `offset`. */
export function stringAt(table: Uint8Array, offset: number): string {
  const end = table.indexOf(0, offset);
  return new TextDecoder().decode(table.subarray(offset, end < 0 ? table.length : end));
}

function checkHeader(bytes: Uint8Array, view: DataView): void {
  if (bytes.length < HEADER_SIZE || view.getUint32(0, false) !== 0x7f454c46) {
    throw new ObjectError('read header: not an ELF file');
  }
  if (bytes[4] !== 2 || bytes[5] !== 1)
    throw new ObjectError('read header: not a 64-bit little-endian ELF file');
  const machine = view.getUint16(18, true);
  if (machine !== MACHINE_BPF) throw new ObjectError(`read header: machine ${String(machine)} is not BPF`);
}

function readSectionHeaders(view: DataView): RawSection[] {
  const start = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  if (start + count * SECTION_HEADER_SIZE > view.byteLength) {
    throw new ObjectError('read sections: the file is cut short');
  }
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * SECTION_HEADER_SIZE;
    return {
      nameOffset: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      flags: Number(view.getBigUint64(at + 8, true)),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
    };
  });
}

const SYMBOL_TYPES: readonly SymbolType[] = ['none', 'object', 'function', 'section'];

function readSymbols(raw: readonly RawSection[], slice: (section: RawSection) => Uint8Array): ElfSymbol[] {
  const section = raw.find((candidate) => candidate.type === SECTION_SYMTAB);
  if (section === undefined) throw new ObjectError('read symbols: no symbol table');
  const strings = raw[section.link];
  if (strings === undefined) throw new ObjectError('read symbols: no string table');
  const names = slice(strings);
  const data = slice(section);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: Math.floor(data.length / SYMBOL_SIZE) }, (_, index) => {
    const at = index * SYMBOL_SIZE;
    const info = view.getUint8(at + 4);
    return {
      name: stringAt(names, view.getUint32(at, true)),
      type: SYMBOL_TYPES[info & 15] ?? 'other',
      global: info >> 4 !== 0,
      section: view.getUint16(at + 6, true),
      value: Number(view.getBigUint64(at + 8, true)),
      size: Number(view.getBigUint64(at + 16, true)),
    };
  });
}

function readRelocations(
  raw: readonly RawSection[],
  slice: (section: RawSection) => Uint8Array,
  symbols: readonly ElfSymbol[],
): Map<number, ElfRelocation[]> {
  const bySection = new Map<number, ElfRelocation[]>();
  for (const section of raw) {
    if (section.type !== SECTION_REL) continue;
    const data = slice(section);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const list: ElfRelocation[] = [];
    for (let at = 0; at + REL_SIZE <= data.length; at += REL_SIZE) {
      const symbol = symbols[view.getUint32(at + 12, true)];
      if (symbol === undefined) throw new ObjectError('read relocations: symbol out of range');
      list.push({ offset: Number(view.getBigUint64(at, true)), type: view.getUint32(at + 8, true), symbol });
    }
    bySection.set(section.info, list);
  }
  return bySection;
}

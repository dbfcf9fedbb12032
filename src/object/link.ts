// SPDX-License-Identifier: Apache-2.0
// Linking one program: the function at its entry and every function it reaches (calls across sections,
// static functions in `.text`, callbacks whose address is taken) are laid end to end; calls and callback
// addresses become relative; map and data references are listed for whoever loads the program.
// Encodings: RFC 9669 sections 4.3 and 5.4; relocation arithmetic: Documentation/bpf/llvm_reloc.rst.
import type { SectionExtension } from './btf-ext.js';
import { RELOCATION_64_32, RELOCATION_64_64, type Elf, type ElfRelocation, type ElfSection } from './elf.js';
import {
  ObjectError,
  type CoreRelocation,
  type FunctionSpec,
  type KernelCall,
  type LineSpec,
  type MapReference,
  type ProgramSpec,
} from './spec.js';

const OPCODE_LD_IMM64 = 0x18;
const OPCODE_CALL = 0x85;
/** `src_reg` of a call to a BPF function. */
const PSEUDO_CALL = 1;
/** `src_reg` of an `ld_imm64` that holds a BPF function's address. */
const PSEUDO_FUNC = 4;

/** A function symbol in an executable section. */
export interface FunctionSymbol {
  readonly name: string;
  readonly global: boolean;
  readonly section: ElfSection;
  /** Slots from the section's start. */
  readonly start: number;
  readonly length: number;
}

export interface LinkInput {
  readonly elf: Elf;
  readonly functions: readonly FunctionSymbol[];
  readonly extensions: ReadonlyMap<string, SectionExtension>;
  /** Sections whose symbols are maps of their own (`.maps`) or one map each (data). */
  readonly mapSection: ElfSection | undefined;
  readonly dataSections: ReadonlySet<number>;
}

export type LinkedCode = Pick<
  ProgramSpec,
  'instructions' | 'references' | 'functions' | 'lines' | 'coreRelocations' | 'kernelCalls'
>;

/** Every function symbol of every executable section, by section and offset. */
export function readFunctions(elf: Elf): FunctionSymbol[] {
  return elf.symbols
    .filter((symbol) => symbol.type === 'function' && elf.sections[symbol.section]?.executable === true)
    .map((symbol) => ({
      name: symbol.name,
      global: symbol.global,
      section: elf.sections[symbol.section]!,
      start: symbol.value / 8,
      length: symbol.size / 8,
    }))
    .sort((left, right) => left.section.index - right.section.index || left.start - right.start);
}

export function linkProgram(entry: FunctionSymbol, input: LinkInput): LinkedCode {
  const placed = new Map<FunctionSymbol, number>();
  const order: FunctionSymbol[] = [];
  let total = 0;
  const place = (symbol: FunctionSymbol): void => {
    if (placed.has(symbol)) return;
    placed.set(symbol, total);
    order.push(symbol);
    total += symbol.length;
  };
  place(entry);
  // `order` grows while it is walked: the callees of each function are appended behind it.
  const callSites: { at: number; caller: FunctionSymbol; callee: FunctionSymbol; call: boolean }[] = [];
  const references: MapReference[] = [];
  const kernelCalls: KernelCall[] = [];
  for (const symbol of order) {
    for (const site of readSites(symbol, input)) {
      const at = placed.get(symbol)! + site.slot;
      if (site.kind === 'map') references.push({ instruction: at, ...site.reference });
      else if (site.kind === 'kernel') kernelCalls.push({ instruction: at, name: site.name });
      else {
        place(site.callee);
        callSites.push({ at, caller: symbol, callee: site.callee, call: site.kind === 'call' });
      }
    }
  }

  const instructions = new Uint8Array(total * 8);
  const view = new DataView(instructions.buffer);
  const functions: FunctionSpec[] = [];
  const lines: LineSpec[] = [];
  const coreRelocations: CoreRelocation[] = [];
  for (const symbol of order) {
    const start = placed.get(symbol)!;
    instructions.set(
      symbol.section.data.subarray(symbol.start * 8, (symbol.start + symbol.length) * 8),
      start * 8,
    );
    const extension = input.extensions.get(symbol.section.name);
    const inside = (slot: number): boolean => slot >= symbol.start && slot < symbol.start + symbol.length;
    const move = <T extends { readonly instruction: number }>(list: readonly T[]): T[] =>
      list
        .filter(({ instruction }) => inside(instruction))
        .map((item) => ({ ...item, instruction: item.instruction - symbol.start + start }));
    lines.push(...move(extension?.lines ?? []));
    coreRelocations.push(...move(extension?.coreRelocations ?? []));
    const typeId = extension?.functions.find(({ instruction }) => instruction === symbol.start)?.typeId ?? 0;
    functions.push({ name: symbol.name, instruction: start, length: symbol.length, typeId });
  }
  for (const { at, callee, call } of callSites) {
    view.setInt32(at * 8 + 4, placed.get(callee)! - at - 1, true);
    setSourceRegister(view, at, call ? PSEUDO_CALL : PSEUDO_FUNC);
  }
  for (const { instruction } of references) {
    // The addend went into the reference; the loader writes handle and offset.
    view.setInt32(instruction * 8 + 4, 0, true);
  }
  return { instructions, references, functions, lines, coreRelocations, kernelCalls };
}

function setSourceRegister(view: DataView, slot: number, register: number): void {
  view.setUint8(slot * 8 + 1, (view.getUint8(slot * 8 + 1) & 0x0f) | (register << 4));
}

type Site =
  | { readonly slot: number; readonly kind: 'map'; readonly reference: Omit<MapReference, 'instruction'> }
  | { readonly slot: number; readonly kind: 'call' | 'address'; readonly callee: FunctionSymbol }
  /** A function of the kernel (`__ksym`). */
  | { readonly slot: number; readonly kind: 'kernel'; readonly name: string };

/** What a function refers to, slots counted from its own start. */
function readSites(symbol: FunctionSymbol, input: LinkInput): Site[] {
  const { section } = symbol;
  const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
  const relocations = new Map(section.relocations.map((relocation) => [relocation.offset / 8, relocation]));
  const sites: Site[] = [];
  for (let slot = symbol.start; slot < symbol.start + symbol.length; slot++) {
    const opcode = view.getUint8(slot * 8);
    const source = view.getUint8(slot * 8 + 1) >> 4;
    const immediate = view.getInt32(slot * 8 + 4, true);
    const relocation = relocations.get(slot);
    const local = slot - symbol.start;
    if (relocation !== undefined) {
      sites.push(relocatedSite(symbol, local, opcode, immediate, relocation, input));
    } else if (opcode === OPCODE_CALL && source === PSEUDO_CALL) {
      const callee = functionAt(input, section, slot + immediate + 1);
      if (callee !== symbol) sites.push({ slot: local, kind: 'call', callee });
    }
    if (opcode === OPCODE_LD_IMM64) slot++;
  }
  return sites;
}

function relocatedSite(
  symbol: FunctionSymbol,
  slot: number,
  opcode: number,
  immediate: number,
  relocation: ElfRelocation,
  input: LinkInput,
): Site {
  const target = input.elf.sections[relocation.symbol.section];
  const place = `link \`${symbol.name}\`: instruction ${String(slot)}`;
  const isCall = relocation.type === RELOCATION_64_32 && opcode === OPCODE_CALL;
  if (isCall && relocation.symbol.section === 0) {
    return { slot, kind: 'kernel', name: relocation.symbol.name };
  }
  if (relocation.symbol.section === 0 || target === undefined) {
    throw new ObjectError(`${place}: undefined symbol \`${relocation.symbol.name}\``);
  }
  if (isCall) {
    const callee = functionAt(input, target, relocation.symbol.value / 8 + immediate + 1);
    return { slot, kind: 'call', callee };
  }
  if (relocation.type !== RELOCATION_64_64 || opcode !== OPCODE_LD_IMM64) {
    throw new ObjectError(`${place}: unexpected relocation type ${String(relocation.type)}`);
  }
  if (target.executable) {
    return {
      slot,
      kind: 'address',
      callee: functionAt(input, target, (relocation.symbol.value + immediate) / 8),
    };
  }
  if (target === input.mapSection) {
    return { slot, kind: 'map', reference: { map: relocation.symbol.name } };
  }
  if (input.dataSections.has(target.index)) {
    return {
      slot,
      kind: 'map',
      reference: { map: target.name, offset: relocation.symbol.value + immediate },
    };
  }
  throw new ObjectError(`${place}: reference into section \`${target.name}\``);
}

function functionAt(input: LinkInput, section: ElfSection, slot: number): FunctionSymbol {
  const found = input.functions.find(
    (candidate) => candidate.section === section && candidate.start === slot,
  );
  if (found === undefined) throw new ObjectError(`link: no function at ${section.name}+${String(slot * 8)}`);
  return found;
}
